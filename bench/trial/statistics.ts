/**
 * Medians and what one may say about them from a handful of samples, without assuming a distribution: times of a program
 * on a shared machine have long tails and two humps.
 */

export interface Spread {
  /** Number of samples. */
  readonly samples: number;
  readonly median: number;
  /** Bounds of the 95 % interval of the median, by order statistics; the extremes when there are fewer than 6 samples. */
  readonly low: number;
  readonly high: number;
  readonly min: number;
  readonly max: number;
}

/** The q-quantile (0 to 1) of ascending values, linear between neighbours. */
export function quantile(ascending: readonly number[], q: number): number {
  if (ascending.length === 0) return Number.NaN;
  const at = q * (ascending.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (ascending[above] - ascending[below]) * (at - below);
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/**
 * Median and its interval. The rank below the median whose binomial tail (n, 1/2) is at most 2.5 % bounds it, so the
 * interval covers the true median in at least 95 % of cases whatever the distribution (David and Nagaraja, Order
 * Statistics, 7.1). Below 6 samples no such rank exists.
 */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  const rank = lowerRank(count);
  return {
    samples: count,
    median: quantile(sorted, 0.5),
    low: sorted[rank] ?? Number.NaN,
    high: sorted[count - 1 - rank] ?? Number.NaN,
    min: sorted[0] ?? Number.NaN,
    max: sorted[count - 1] ?? Number.NaN,
  };
}

/** Half the width of the interval against the median: 0.01 is "plus or minus 1 %". */
export function relativeSpread(of: Spread): number {
  return of.median === 0 ? 0 : (of.high - of.low) / 2 / of.median;
}

/** The largest 0-based rank r with P(Binomial(n, 1/2) <= r) <= 0.025; 0 when there is none. */
function lowerRank(n: number): number {
  // The normal approximation is within one rank here, and 2^-n would soon be 0.
  if (n > 500) return Math.floor(n / 2 - 0.98 * Math.sqrt(n)) - 1;
  let term = 0.5 ** n;
  let sum = 0;
  let rank = -1;
  for (let k = 0; k < n; k++) {
    sum += term;
    if (sum > 0.025) break;
    rank = k;
    term *= (n - k) / (k + 1);
  }
  return Math.max(rank, 0);
}
