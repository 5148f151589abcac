/** Only a lower bound is known, and what should have been the upper one was none: step up, further each time. */
import { fit } from "../load-grid.ts";
import { type Strategy, worth } from "./strategy.ts";

export const extendUpper: Strategy = (situation) => {
  const { lower, upper } = situation.bounds;
  if (upper !== null || lower === null || lower === situation.top) return null;
  const load = fit(lower + situation.reach, situation.target.width, lower, null, situation.top);
  return load !== null && worth(situation, load) ? { load, expandOn: "lower" } : null;
};
