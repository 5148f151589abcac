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
  const freedom = pairs - 1;
  return ((studentQuantile(level, freedom) + studentQuantile(1 - power, freedom)) * deviation) / Math.sqrt(pairs);
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
