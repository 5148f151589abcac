/**
 * Several captures, each through a bridge of its own with the same rules: a unit of work a capture, so that machines can
 * share them (bench/merge/). Joined they are what one machine would have written; counts add up, times are each capture's.
 */
import type { WorkTree } from "../git.ts";
import { commitFrom } from "../measure/sweep-result.ts";
import type { Merged } from "../merge/merge.ts";
import type { UnitResult } from "../merge/shard-file.ts";
import { packageVersion } from "../paths.ts";
import { number, table, whole } from "../report/format.ts";
import type { ReplayResult } from "./result.ts";

export const REPLAY_SET = "replay";
export const REPLAY_SET_FORMAT = "eastwest replay set";
export const REPLAY_SET_VERSION = 1;

export interface ReplaySetResult {
  readonly format: typeof REPLAY_SET_FORMAT;
  readonly version: typeof REPLAY_SET_VERSION;
  readonly eastwest: string;
  /** ISO 8601. */
  readonly created: string;
  readonly command: readonly string[];
  readonly commit: WorkTree | null;
  /** Captures are missing: stopped by a signal, or shards were. */
  readonly interrupted: boolean;
  readonly captures: { readonly of: number; readonly finished: number; readonly missing: readonly string[] };
  /** Sums over the captures. */
  readonly counts: Readonly<Record<string, number>>;
  /** One a capture, in their order, each as replay writes it for that capture alone. */
  readonly results: readonly ReplayResult[];
}

/** Names a capture's unit; its place, too, as the same file may be given twice. */
export const unitName = (index: number, file: string): string => `${index + 1} ${file}`;

/** What is kept of a capture that was replayed. */
export function unitOf(unit: string, result: ReplayResult): UnitResult {
  const { packets, bytes, passes, copies, transmitted, cache, drops } = result;
  const { lookups, exactHits, megaflowHits, upcalls } = cache;
  return {
    unit,
    counts: {
      ...{ packets, bytes, passes, copies, lookups, exactHits, megaflowHits, upcalls },
      transmittedPackets: transmitted.packets,
      transmittedBytes: transmitted.bytes,
      dropped: Object.values(drops).reduce((sum, count) => sum + count, 0),
    },
    histograms: {},
    values: result.nsPerPacket === null ? {} : { nsPerPacket: [result.nsPerPacket] },
    detail: result,
  };
}

/** The result that one machine would have written. */
export function replaySetResult({ work, finished, missing, counts, results }: Merged): ReplaySetResult {
  return {
    format: REPLAY_SET_FORMAT,
    version: REPLAY_SET_VERSION,
    eastwest: packageVersion,
    created: new Date().toISOString(),
    command: process.argv.slice(2),
    commit: commitFrom(work.commit),
    interrupted: finished < work.units,
    captures: { of: work.units, finished, missing },
    counts,
    results: results.map(({ detail }) => detail as ReplayResult),
  };
}

/** A line a capture and their sums, for people. */
export function replaySetReport({ captures, counts, results }: ReplaySetResult): string {
  const rows = results.map(({ inputs, packets, transmitted, drops, cache, nsPerPacket }) => [
    inputs.map(({ file }) => file).join(", "),
    whole(packets),
    whole(transmitted.packets),
    whole(Object.values(drops).reduce((sum, count) => sum + count, 0)),
    whole(cache.upcalls),
    nsPerPacket === null ? "-" : number(nsPerPacket),
  ]);
  const sums = ["transmittedPackets", "dropped", "upcalls"].map((name) => whole(counts[name] ?? 0));
  const head = ["capture", "packets", "sent", "dropped", "upcalls", "ns/packet"];
  const missing = captures.missing.map((one) => `missing: ${one}\n`).join("");
  return (
    table([head, ...rows, ["all", whole(counts["packets"] ?? 0), ...sums, ""]]) +
    `${captures.finished} of ${captures.of} captures, each through a bridge of its own\n${missing}`
  );
}
