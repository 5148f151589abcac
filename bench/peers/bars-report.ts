/** The table of the bars as text and as JSON: pure functions of the comparisons. */
import { median } from "../trial/statistics.ts";
import type { Bar } from "./bars.ts";
import type { PeerRun } from "./ovs-peer.ts";
import { onCoreRatioOf, ovsJson, ratioOf, waitedMost } from "./ovs-report.ts";
import type { Ratio } from "./paired-ratio.ts";

export interface BarRun {
  readonly bar: Bar;
  readonly run: PeerRun;
  /** What one types for it alone. */
  readonly command: string;
}

export type Verdict = "met" | "missed" | "open";

/** Met or missed when the whole interval says so, and it is one of 95 % (6 pairs); else open: more pairs would tell. */
export function verdictOf(atLeast: number, ratio: Ratio | undefined): Verdict {
  if (ratio === undefined || ratio.confidence < 0.95) return "open";
  if (ratio.low >= atLeast) return "met";
  return ratio.high < atLeast ? "missed" : "open";
}

const COLUMNS = [38, 11, 10, 8, 16, 7, 8, 9, 8];
const HEAD = ["", "OVS-DPDK ns", "eastwest", "ratio", "interval", "bar", "", "on core", "waited"];

const row = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(COLUMNS[i]) : cell.padStart(COLUMNS[i]))).join(" ");

export const barsHead = (): string => row(HEAD);

/** One line of the table, or what went wrong. */
export function barLine({ bar, run }: BarRun): string {
  const ratio = ratioOf(run.pairs);
  if (run.differences.length > 0 || ratio === undefined) {
    return `${bar.work.padEnd(COLUMNS[0])} not compared: ${run.differences[0] ?? "no pair"}`;
  }
  const ns = (of: (pair: PeerRun["pairs"][number]) => number): string => median(run.pairs.map(of)).toFixed(1);
  const onCore = onCoreRatioOf(run.pairs);
  const line = row([
    bar.work,
    ns(({ theirs }) => theirs.nsPerPacket),
    ns(({ ours }) => ours?.nsPerPacket ?? Number.NaN),
    ratio.estimate.toFixed(3),
    `${ratio.low.toFixed(3)}..${ratio.high.toFixed(3)}`,
    bar.atLeast.toFixed(1),
    verdictOf(bar.atLeast, ratio),
    onCore === undefined ? "-" : onCore.estimate.toFixed(3),
    `${(100 * waitedMost(run.pairs)).toFixed(1)} %`,
  ]);
  const masks = maskNote(bar, run);
  return masks === "" ? line : `${line}\n  ${masks}`;
}

/** A bar means something only when both sides probed what it says. */
function maskNote({ masks }: Bar, { pairs }: PeerRun): string {
  const theirs = median(pairs.map((pair) => pair.theirs.masks));
  const ours = median(pairs.map((pair) => pair.ours?.masks ?? Number.NaN));
  return theirs === masks && ours === masks ? "" : `not ${masks} masks: OVS-DPDK has ${theirs}, eastwest ${ours}`;
}

export const barsFoot = (pairs: number, seconds: number): string =>
  `Packets a second, eastwest's by OVS-DPDK's, over ${pairs} pairs of runs of ${seconds} s (Hodges-Lehmann, Wilcoxon's interval of 95 %).\n` +
  "met, missed: the whole interval says so. on core: the same ratio of the time that each thread had the core. waited: the\n" +
  "largest share of a run in which it did not; above 2 % the machine was not quiet.";

export function barsJson(runs: readonly BarRun[], interrupted: boolean): unknown {
  return {
    kind: "eastwest-peer-bars",
    schema: 1,
    interrupted,
    bars: runs.map(({ bar, run, command }) => ({
      name: bar.name,
      work: bar.work,
      atLeast: bar.atLeast,
      verdict: verdictOf(bar.atLeast, ratioOf(run.pairs)),
      command,
      comparison: ovsJson(run),
    })),
  };
}
