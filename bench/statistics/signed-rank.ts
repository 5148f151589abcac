/**
 * Wilcoxon's signed ranks: what pairs say about the location of their differences, without assuming a normal distribution.
 * Everything is read off the Walsh averages, the means of all pairs of values with themselves: their median is the estimate
 * of Hodges and Lehmann; how many of them lie above a value s is the rank sum of the test "location is s"; the ordered ones
 * bound the location. So estimate, test and bound never disagree.
 *
 * The null distribution is counted exactly up to 200 pairs; beyond, its normal approximation is used. Averages that equal s
 * count against whoever claims a difference, so ties make tests only more careful.
 *
 * Source: M. Hollander, D. A. Wolfe, "Nonparametric Statistical Methods", 3.1 to 3.3.
 */
import { normalQuantile, normalTail } from "./special-functions.ts";

const MOST_EXACT = 200;

/** The n(n + 1)/2 means of all pairs of values, each with itself too, ascending. */
export function walshAverages(values: readonly number[]): Float64Array {
  const n = values.length;
  const means = new Float64Array((n * (n + 1)) / 2);
  let at = 0;
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) means[at++] = (values[i] + values[j]) / 2;
  return means.sort();
}

/** The median of ascending Walsh averages: the location estimate of Hodges and Lehmann. NaN for none. */
export function hodgesLehmann(walsh: Float64Array): number {
  const half = walsh.length >> 1;
  return walsh.length % 2 === 1 ? walsh[half] : (walsh[half - 1] + walsh[half]) / 2;
}

/** The p-value of "the location is above `at`" against "it is not": small when nearly all Walsh averages lie above. */
export function locationAbove(values: readonly number[], at: number): number {
  return rankTail(values.length, averagesAbove(values, at));
}

/** The p-value of "the location is below `at`". */
export function locationBelow(values: readonly number[], at: number): number {
  return rankTail(
    values.length,
    averagesAbove(
      values.map((value) => -value),
      -at,
    ),
  );
}

/** A value that the location is above with confidence 1 - level; -Infinity when there are too few pairs for that level. */
export function lowerBound(walsh: Float64Array, pairs: number, level: number): number {
  const rank = boundRank(pairs, level);
  return rank < 0 ? Number.NEGATIVE_INFINITY : walsh[rank];
}

/** A value that the location is below with confidence 1 - level; Infinity when there are too few pairs for that level. */
export function upperBound(walsh: Float64Array, pairs: number, level: number): number {
  const rank = boundRank(pairs, level);
  return rank < 0 ? Number.POSITIVE_INFINITY : walsh[walsh.length - 1 - rank];
}

/** The largest w with P(W <= w) <= level, W the signed-rank sum of `pairs` values; -1 when even P(W = 0) is above it. */
export function boundRank(pairs: number, level: number): number {
  const most = (pairs * (pairs + 1)) / 2;
  if (pairs > MOST_EXACT) {
    const w = Math.floor(most / 2 - normalQuantile(level) * rankDeviation(pairs) - 0.5);
    return Math.max(-1, Math.min(w, most));
  }
  const below = nullDistribution(pairs);
  let w = -1;
  while (w < most && below[w + 1] <= level) w++;
  return w;
}

/** P(W >= w) under "location is s". */
function rankTail(pairs: number, w: number): number {
  const most = (pairs * (pairs + 1)) / 2;
  if (pairs === 0) return 1;
  if (pairs > MOST_EXACT) return normalTail((w - most / 2 - 0.5) / rankDeviation(pairs));
  return nullDistribution(pairs)[most - w];
}

function rankDeviation(pairs: number): number {
  return Math.sqrt((pairs * (pairs + 1) * (2 * pairs + 1)) / 24);
}

function averagesAbove(values: readonly number[], at: number): number {
  const twice = 2 * at;
  let above = 0;
  for (let i = 0; i < values.length; i++) {
    for (let j = i; j < values.length; j++) if (values[i] + values[j] > twice) above++;
  }
  return above;
}

const distributions = new Map<number, Float64Array>();

/** P(W <= w) for w from 0 to n(n + 1)/2: every choice of signs of the ranks 1 to n is equally likely. */
export function nullDistribution(n: number): Float64Array {
  let below = distributions.get(n);
  if (below === undefined) {
    const most = (n * (n + 1)) / 2;
    below = new Float64Array(most + 1);
    below[0] = 1;
    // Each rank's sign halves the probability of what was and adds the other half `rank` higher.
    for (let rank = 1; rank <= n; rank++) {
      for (let w = most; w >= 0; w--) below[w] = (below[w] + (w >= rank ? below[w - rank] : 0)) / 2;
    }
    for (let w = 1; w <= most; w++) below[w] += below[w - 1];
    distributions.set(n, below);
  }
  return below;
}
