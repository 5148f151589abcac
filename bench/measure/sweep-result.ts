/** The points of a sweep, measured in one piece or joined from shards, as one result. */
import type { WorkTree } from "../git.ts";
import type { Merged } from "../merge/merge.ts";
import { packageVersion } from "../paths.ts";
import { MEASURE_FORMAT, MEASURE_VERSION, type MeasureCase, type MeasureResult } from "./result.ts";

/** What stands for a commit in shard files: its name, "+" for changed files; "none" outside of a repository. */
export function commitText(tree: WorkTree | null): string {
  return tree === null ? "none" : `${tree.commit}${tree.dirty ? "+" : ""}`;
}

/** And back. */
export function commitFrom(text: string): WorkTree | null {
  if (text === "none") return null;
  return { commit: text.replace(/\+$/, ""), dirty: text.endsWith("+") };
}

/** The result that one machine would have written. */
export function sweepResult({ work, finished, missing, results }: Merged): MeasureResult {
  return {
    format: MEASURE_FORMAT,
    version: MEASURE_VERSION,
    eastwest: packageVersion,
    created: new Date().toISOString(),
    command: process.argv.slice(2),
    kind: "sweep",
    commit: commitFrom(work.commit),
    interrupted: finished < work.units,
    points: { of: work.units, finished, missing },
    cases: results.map(({ detail }) => detail as MeasureCase),
  };
}
