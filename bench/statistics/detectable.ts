/**
 * The smallest effect that so many pairs with such a spread would have shown: what an inconclusive verdict owes its reader.
 * (t(1 - level) + t(power)) sd / sqrt(n) above the margin, the usual approximation of the paired one-sided test.
 */
import { studentQuantile } from "./special-functions.ts";

/**
 * `deviation`: standard deviation of one pair's difference, any unit; the answer has the same. `level`: one-sided level of
 * the test; `power`: how often the effect would be found. Infinity below 2 pairs.
 */
export function detectable(deviation: number, pairs: number, level: number, power = 0.9): number {
  if (pairs < 2) return Number.POSITIVE_INFINITY;
  return ((quantile(level, pairs - 1) + quantile(1 - power, pairs - 1)) * deviation) / Math.sqrt(pairs);
}

const quantiles = new Map<string, number>();

/** Student's quantile, kept: simulations ask for the same few thousands of times. */
function quantile(tail: number, freedom: number): number {
  const key = `${tail} ${freedom}`;
  let t = quantiles.get(key);
  if (t === undefined) {
    t = studentQuantile(tail, freedom);
    quantiles.set(key, t);
  }
  return t;
}

/** How many pairs it takes to see `effect` with that power; Infinity when more than `most`. */
export function pairsToDetect(effect: number, deviation: number, level: number, power = 0.9, most = 100_000): number {
  if (!(effect > 0) || detectable(deviation, most, level, power) > effect) return Number.POSITIVE_INFINITY;
  let low = 1;
  let high = most;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (detectable(deviation, middle, level, power) <= effect) high = middle;
    else low = middle;
  }
  return high;
}
