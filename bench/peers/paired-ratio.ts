/**
 * The ratio of two programs out of pairs of runs: one of each, one right after the other, so that whatever the machine does
 * for minutes hits both. One number a pair, the logarithm of the ratio; its location by Hodges and Lehmann (the median of
 * the means of all pairs of values, with themselves too), its interval by Wilcoxon's signed ranks. Neither assumes a normal
 * distribution, and one wild pair moves neither far.
 *
 * Source: J. L. Hodges, E. L. Lehmann, "Estimates of location based on rank tests", 1963; M. Hollander, D. A. Wolfe,
 * "Nonparametric Statistical Methods", 3.2 and 3.3. The null distribution is counted exactly (up to 60 pairs), so the
 * interval keeps its promise with 10 pairs too.
 */
import { boundRank, hodgesLehmann, nullDistribution, walshAverages } from "../statistics/signed-rank.ts";

export interface Ratio {
  readonly pairs: number;
  /** above / below. */
  readonly estimate: number;
  /** Interval that holds the true ratio with `confidence`, when pairs are independent and their logs symmetric. */
  readonly low: number;
  readonly high: number;
  /** What the interval really covers: at least what was asked, unless there are too few pairs for it. */
  readonly confidence: number;
  /** Standard deviation of the logs of the ratios: 0.02 is "pairs differ by 2 %". */
  readonly deviation: number;
}

const MAX_PAIRS = 60;

/**
 * above[i] / below[i] over all pairs, with an interval of at least `confidence` where the number of pairs allows (6 for
 * 0.95). Throws an Error for unequal or empty lists, more than 60 pairs, or values that are not positive.
 */
export function pairedRatio(above: readonly number[], below: readonly number[], confidence = 0.95): Ratio {
  const n = above.length;
  if (n === 0 || n !== below.length || n > MAX_PAIRS) {
    throw new Error(`pairedRatio: ${n} and ${below.length} values, expected the same number, 1 to ${MAX_PAIRS}`);
  }
  const logs = above.map((value, i) => {
    if (!(value > 0 && below[i] > 0)) throw new Error(`pairedRatio: ${value} / ${below[i]}, expected positive values`);
    return Math.log(value / below[i]);
  });
  const means = walshAverages(logs);
  const { skip, covered } = signedRank(n, confidence);
  const mean = logs.reduce((sum, log) => sum + log, 0) / n;
  const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  return {
    pairs: n,
    estimate: Math.exp(hodgesLehmann(means)),
    low: Math.exp(means[skip]),
    high: Math.exp(means[means.length - 1 - skip]),
    confidence: covered,
    deviation: n < 2 ? 0 : Math.sqrt(squares / (n - 1)),
  };
}

/**
 * How many of the ordered means are left out at either end: the largest number whose tail P(W <= skip) is at most
 * (1 - confidence) / 2, where W is the signed-rank sum of n values; the interval then covers 1 - 2 P(W <= skip). None are
 * left out when even the extremes cover less (n below 6 for 0.95).
 */
export function signedRank(n: number, confidence: number): { readonly skip: number; readonly covered: number } {
  const skip = Math.max(0, boundRank(n, (1 - confidence) / 2));
  return { skip, covered: 1 - 2 * nullDistribution(n)[skip] };
}
