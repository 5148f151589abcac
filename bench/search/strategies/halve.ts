/**
 * The target before ended with an interval of at most two of our widths: measure in its middle first. Whatever comes out,
 * only one of its two ends is left to be confirmed.
 */
import { middle } from "../load-grid.ts";
import { type Strategy, worth } from "./strategy.ts";

export const halve: Strategy = (situation) => {
  const { initialLower: low, initialUpper: high, target } = situation;
  if (low === null || high === null || high - low <= target.width || high - low > 2 * target.width) return null;
  const load = middle(low, high, target.width);
  return worth(situation, load) ? { load } : null;
};
