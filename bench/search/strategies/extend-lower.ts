/** Only an upper bound is known, and what should have been the lower one was none: step down, further each time. */
import { fit } from "../load-grid.ts";
import { type Strategy, worth } from "./strategy.ts";

export const extendLower: Strategy = (situation) => {
  const { lower, upper } = situation.bounds;
  if (lower !== null || upper === null || upper === 0) return null;
  const load = fit(upper - situation.reach, situation.target.width, null, upper, situation.top);
  return load !== null && worth(situation, load) ? { load, expandOn: "upper" } : null;
};
