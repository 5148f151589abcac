/** A result of `run` as an entry of the history: for each mode the times and rates that have a trend. */
import type { RunResult } from "../trial/result.ts";
import { HISTORY_FORMAT, HISTORY_VERSION, type HistoryEntry, type HistoryMetric } from "./history.ts";

/** Null when it has nothing to keep: no mode was timed. */
export function historyEntry(result: RunResult, commit: string): HistoryEntry | null {
  const metrics: HistoryMetric[] = [];
  for (const [mode, { times }] of Object.entries(result.modes)) {
    if (times === null || !(times.nsPerPacket.median > 0)) continue;
    metrics.push({
      name: `${mode}/ns per delivered packet`,
      unit: "ns",
      value: times.nsPerPacket.median,
      direction: "lower-is-better",
    });
  }
  if (metrics.length === 0) return null;
  return {
    format: HISTORY_FORMAT,
    version: HISTORY_VERSION,
    commit,
    created: result.created,
    machine: machineOf(result),
    metrics,
  };
}

/** What must be alike for two times to be compared: processor, cores, and the engine's release. */
function machineOf({ environment }: RunResult): string {
  return `${environment.cpu}, ${environment.cores} cores, Node ${environment.node.split(".", 1)[0]}`;
}
