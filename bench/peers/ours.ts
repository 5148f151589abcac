/**
 * Our side of a comparison: `eastwest replay` as a process of its own, on the measured core, so that it is measured as
 * anybody would run it and every run starts cold, with its own compilation and memory layout.
 *
 * Its JSON is read (../replay.schema.json), and of `--write DIR` the files port-NUMBER.pcap and underlay.pcap: what left
 * there in the one cold pass.
 */
import { join } from "node:path";
import type { Trace } from "../../datapath/packet/trace.ts";
import { packageRoot } from "../paths.ts";
import { formatPort, isTunnel, type PortSpec } from "../replay/port-spec.ts";
import { REPLAY_FORMAT, REPLAY_VERSION, type ReplayResult, type RuleResult } from "../replay/result.ts";
import { run } from "./child.ts";
import { readOutput } from "./plain-capture.ts";
import type { OnePass, TimedRun } from "./same-work.ts";

export interface OurOptions {
  readonly capture: string;
  /** A file with numbered rules (numbered-rules.ts). */
  readonly rules: string;
  readonly ports: readonly PortSpec[];
  readonly core: number;
  readonly exactMatchCache: boolean;
}

/** What a comparison needs of our side: `eastwestReplay`, or something else in tests. */
export interface OurSide {
  /** Replays the capture over and over, for `seconds` once warm. */
  measure(options: OurOptions, seconds: number): Promise<TimedRun>;
  /** The capture's `frames` once, from a cold start; files go to `folder`. */
  once(options: OurOptions, frames: number, folder: string): Promise<OnePass>;
}

export const eastwestReplay: OurSide = {
  async measure(options, seconds) {
    const args = [...replay(options), "--seconds", String(seconds)];
    return parseTimed(await run("setpriv", args, { timeout: (seconds + 120) * 1000 }));
  },

  async once(options, frames, folder) {
    const args = [...replay(options), "--frames", String(frames), "--no-timing", "--write", folder];
    const result = parse(await run("setpriv", args, { timeout: 120_000 }));
    const outputs = new Map<string, Trace[]>();
    for (const port of options.ports) {
      if (port.kind === "pcap") continue;
      const key = isTunnel(port) ? "underlay" : String(port.ofport);
      if (outputs.has(key)) continue;
      outputs.set(key, await readOutput(join(folder, isTunnel(port) ? "underlay.pcap" : `port-${key}.pcap`)));
    }
    return { outputs, rules: byCookie(result, ({ packets }) => packets) };
  },
};

function replay({ capture, rules, ports, core, exactMatchCache }: OurOptions): string[] {
  const program = join(packageRoot, "dist", "bench", "main.js");
  const settings = ports.flatMap((port) => ["--port", formatPort(port)]);
  if (!exactMatchCache) settings.push("--emc", "off");
  const command = [process.execPath, program, "replay", capture, "--rules", rules];
  return ["--pdeathsig", "KILL", "taskset", "-c", String(core), ...command, ...settings, "--quiet", "--json", "-"];
}

/** Reads what `eastwest replay --json -` prints. Throws an Error when it is something else. */
function parse(text: string): ReplayResult {
  let result: ReplayResult;
  try {
    result = JSON.parse(text) as ReplayResult;
  } catch (error) {
    throw new Error(`eastwest replay --json: no JSON: ${(error as Error).message}`);
  }
  const { format, version } = result;
  if (format !== REPLAY_FORMAT || version !== REPLAY_VERSION) {
    throw new Error(`eastwest replay --json: ${format} ${version}, expected ${REPLAY_FORMAT} ${REPLAY_VERSION}`);
  }
  return result;
}

/** The measured passes of a replay. */
export function parseTimed(text: string): TimedRun {
  const result = parse(text);
  const { times, nsPerPacket } = result;
  if (times === null || nsPerPacket === null) throw new Error("eastwest replay --json: no packet was measured");
  const { cache } = times;
  return {
    packets: times.packets,
    seconds: times.seconds,
    nsPerPacket,
    hits: { exact: cache.exactHits, megaflow: cache.megaflowHits, upcalls: cache.upcalls },
    lookupsPerHit: cache.lookupsPerHit ?? 0,
    masks: cache.masks,
    waitedShare: times.waitedShare ?? 0,
    rules: byCookie(result, ({ timedPackets }) => timedPackets ?? 0),
  };
}

function byCookie({ rules }: ReplayResult, count: (rule: RuleResult) => number): Map<string, number> {
  const packets = new Map<string, number>();
  for (const rule of rules) packets.set(rule.cookie, (packets.get(rule.cookie) ?? 0) + count(rule));
  return packets;
}
