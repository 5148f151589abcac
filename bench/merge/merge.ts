/**
 * Shards joined exactly: counts are added, histograms added slot by slot, values kept in the order of units. The result does
 * not depend on how the work was cut. Refused: other inputs or another commit, the same shard or unit twice, and (unless a
 * partial result is asked for) a shard that is missing or did not finish.
 */
import { InputError } from "../errors.ts";
import { HdrHistogram, type HistogramJson } from "../statistics/hdr-histogram.ts";
import { type ShardContent, type UnitResult, type Work, workDifference } from "./shard-file.ts";

export interface NamedShard extends ShardContent {
  /** As it is said in errors: the file. */
  readonly name: string;
}

export interface Merged {
  readonly work: Work;
  readonly shards: number;
  /** Units that are there, of work.units. */
  readonly finished: number;
  /** Fewer units than there are: which shards are missing or short. */
  readonly missing: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly histograms: Readonly<Record<string, HistogramJson>>;
  readonly results: readonly UnitResult[];
}

/** Joins shards. Throws an InputError when they do not belong together, or something is missing and `partial` is false. */
export function mergeShards(shards: readonly NamedShard[], partial = false): Merged {
  const [first] = shards;
  if (first === undefined) throw new InputError("merge: no shard, expected at least one");
  const { count } = first.head.shard;
  const byIndex = new Map<number, NamedShard>();
  for (const shard of shards) {
    const difference =
      workDifference(first.head, shard.head) ??
      (shard.head.shard.count === count ? null : `${count} and ${shard.head.shard.count} shards`);
    if (difference !== null) throw new InputError(`${shard.name} is of other work than ${first.name}: ${difference}`);
    const { index } = shard.head.shard;
    const same = byIndex.get(index);
    if (same !== undefined) throw new InputError(`${shard.name}: shard ${index}/${count}, as ${same.name} is`);
    byIndex.set(index, shard);
  }
  const ordered = [...byIndex].sort(([a], [b]) => a - b).map(([, shard]) => shard);
  const results = dealtTogether(ordered, count);
  const missing = missingOf(byIndex, count, first.head.units);
  if (missing.length > 0 && !partial) throw new InputError(`merge: ${missing.join("; ")}`);
  const { kind, inputs, commit, units } = first.head;
  return {
    work: { kind, inputs, commit, units },
    shards: count,
    finished: results.length,
    missing,
    counts: sumCounts(results),
    histograms: sumHistograms(results),
    results,
  };
}

/** Units in the order in which they were dealt out: first of shard 1, first of shard 2, ..., second of shard 1, ... */
function dealtTogether(shards: readonly NamedShard[], count: number): UnitResult[] {
  const owner = new Map<string, string>();
  const placed: { readonly at: number; readonly result: UnitResult }[] = [];
  for (const { name, head, results } of shards) {
    for (const [i, result] of results.entries()) {
      const other = owner.get(result.unit);
      if (other !== undefined) throw new InputError(`${name}: unit "${result.unit}" is in ${other} too`);
      owner.set(result.unit, name);
      placed.push({ at: i * count + head.shard.index, result });
    }
  }
  return placed.sort((a, b) => a.at - b.at).map(({ result }) => result);
}

function missingOf(shards: ReadonlyMap<number, NamedShard>, count: number, units: number): string[] {
  const missing: string[] = [];
  for (let index = 1; index <= count; index++) {
    const expected = Math.floor((units - index) / count) + 1;
    const shard = shards.get(index);
    if (shard === undefined && expected > 0) missing.push(`shard ${index}/${count} is missing`);
    if (shard === undefined) continue;
    const { length } = shard.results;
    if (length < expected) missing.push(`${shard.name} has ${length} of ${expected} units`);
    if (length > expected) throw new InputError(`${shard.name}: ${length} units, expected ${expected}`);
  }
  return missing;
}

function sumCounts(results: readonly UnitResult[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const { counts } of results) {
    for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}

function sumHistograms(results: readonly UnitResult[]): Record<string, HistogramJson> {
  const sums = new Map<string, HdrHistogram>();
  for (const { histograms } of results) {
    for (const [name, json] of Object.entries(histograms)) {
      const sum = sums.get(name);
      if (sum === undefined) sums.set(name, HdrHistogram.fromJSON(json));
      else sum.add(HdrHistogram.fromJSON(json));
    }
  }
  return Object.fromEntries([...sums].map(([name, histogram]) => [name, histogram.toJSON()]));
}
