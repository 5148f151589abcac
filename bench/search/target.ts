/**
 * A goal is approached through coarser targets: fewer seconds at a load and wider intervals first, so that the long
 * measurements begin near the answer. Seconds fall geometrically from the goal's duration sum to one initial trial, widths
 * double: with CSIT's settings 21 s, 4.58 s, 1 s at one, two and four goal widths.
 */
import type { Criterion } from "./classification.ts";
import type { SearchGoal } from "./goal.ts";
import type { LoadGrid } from "./load-grid.ts";

export interface Target extends Criterion {
  /** In grid steps. */
  readonly width: number;
  readonly expansion: number;
}

/** The targets of a goal, coarsest first, the goal itself last. */
export function targetsOf(goal: SearchGoal, grid: LoadGrid): Target[] {
  const { lossRatio, exceedRatio, precedingTargets: count, initialTrialDuration, finalTrialDuration } = goal;
  const shrink = (initialTrialDuration / goal.durationSum) ** (1 / Math.max(1, count));
  const targets: Target[] = [];
  for (let back = count; back >= 0; back--) {
    const durationSum = back === count && count > 0 ? initialTrialDuration : goal.durationSum * shrink ** back;
    targets.push({
      lossRatio,
      exceedRatio,
      durationSum,
      finalTrialDuration: Math.min(finalTrialDuration, durationSum),
      width: grid.steps(goal.width) * 2 ** back,
      expansion: goal.expansionCoefficient,
    });
  }
  return targets;
}
