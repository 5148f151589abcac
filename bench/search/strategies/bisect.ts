/**
 * Both bounds are known and too far apart: measure between them. In the middle, unless one bound is where we started from
 * and the other is far away (found for another goal): then a step from the near one is the better guess.
 */
import { fit, middle } from "../load-grid.ts";
import type { Situation, Strategy, Wish } from "./strategy.ts";

export const bisect: Strategy = (situation) => {
  const { lower, upper } = situation.bounds;
  if (lower === null || upper === null || upper - lower <= situation.target.width) return null;
  const load = middle(lower, upper, situation.target.width);
  return stepDown(situation, lower, upper, load) ?? stepUp(situation, lower, upper, load) ?? { load };
};

function stepDown(situation: Situation, lower: number, upper: number, half: number): Wish | null {
  const hint = situation.initialUpper;
  if (hint === null || half >= hint) return null;
  const load = fit(upper - situation.reach, situation.target.width, lower, upper, situation.top);
  return load !== null && load > half && load < hint ? { load, expandOn: "upper" } : null;
}

function stepUp(situation: Situation, lower: number, upper: number, half: number): Wish | null {
  const hint = situation.initialLower;
  if (hint === null || half <= hint) return null;
  const load = fit(lower + situation.reach, situation.target.width, lower, upper, situation.top);
  return load !== null && load < half && load > hint ? { load, expandOn: "lower" } : null;
}
