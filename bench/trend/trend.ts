/** A history as series, one a metric and machine, and what changed in each, by commit. */
import { findGroups, type Group, MOST_VALUES } from "./change-points.ts";
import type { HistoryEntry } from "./history.ts";

export interface Change {
  readonly kind: "regression" | "progression";
  /** The first result of the new level, and the last of the old one: the change lies between them. */
  readonly commit: string;
  readonly after: string;
  readonly created: string;
  /** Averages of the groups, and new / old - 1. */
  readonly from: number;
  readonly to: number;
  readonly ratio: number;
  /** Results of the new level: a regression of one result may be an accident. */
  readonly results: number;
}

export interface Series {
  readonly metric: string;
  readonly unit: string;
  readonly direction: "lower-is-better" | "higher-is-better";
  readonly machine: string;
  /** Results looked at, and older ones that were not. */
  readonly results: number;
  readonly leftOut: number;
  readonly values: readonly number[];
  readonly commits: readonly string[];
  /** The levels, in order; a change is where one with another average begins. */
  readonly groups: readonly Group[];
  readonly changes: readonly Change[];
  /** Average and deviation (of a population) of the last level. */
  readonly level: number;
  readonly deviation: number;
}

/** All series of a history, in order of appearance; `last`: only so many of the newest results of each. */
export function trendOf(entries: readonly HistoryEntry[], last = MOST_VALUES): Series[] {
  const series = new Map<string, { readonly entry: HistoryEntry; readonly index: number }[]>();
  for (const entry of entries) {
    for (const [index, { name, unit, direction }] of entry.metrics.entries()) {
      const key = JSON.stringify([name, unit, direction, entry.machine]);
      const points = series.get(key);
      if (points === undefined) series.set(key, [{ entry, index }]);
      else points.push({ entry, index });
    }
  }
  return [...series.values()].map((points) => {
    const seen = points.slice(-Math.min(last, MOST_VALUES));
    const { name: metric, unit, direction } = points[0].entry.metrics[points[0].index];
    const values = seen.map(({ entry, index }) => entry.metrics[index].value);
    const commits = seen.map(({ entry }) => entry.commit);
    // Results of the same commit one after another are one run: nothing changed between them.
    const mayStart = commits.map((commit, i) => i === 0 || commit !== commits[i - 1]);
    const groups = findGroups(values, mayStart);
    const changes: Change[] = [];
    for (let g = 1; g < groups.length; g++) {
      const [before, after] = [groups[g - 1], groups[g]];
      if (after.average === before.average) continue;
      const better = after.average < before.average === (direction === "lower-is-better");
      changes.push({
        kind: better ? "progression" : "regression",
        commit: commits[after.start],
        after: commits[after.start - 1],
        created: seen[after.start].entry.created,
        from: before.average,
        to: after.average,
        ratio: after.average / before.average - 1,
        results: after.end - after.start,
      });
    }
    const { average, deviation } = groups[groups.length - 1];
    return {
      metric,
      unit,
      direction,
      machine: points[0].entry.machine,
      results: seen.length,
      leftOut: points.length - seen.length,
      values,
      commits,
      groups,
      changes,
      level: average,
      deviation,
    };
  });
}
