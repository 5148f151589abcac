/**
 * What the trials at one load say of a goal: lower bound, upper bound, or undecided yet; and the throughput that goes with a
 * lower bound. After RFC 9971, "Load Classification Logic" and "Conditional Throughput Logic": a load is decided when
 * whatever the seconds missing to the duration sum may bring cannot change the answer.
 */
import type { SearchGoal } from "./goal.ts";
import { lossRatio, type TrialResult } from "./trial.ts";

export type LoadClass = "lower" | "upper" | "undecided";

/** The part of a goal (or of one of its coarser targets) that decides. */
export type Criterion = Pick<SearchGoal, "lossRatio" | "exceedRatio" | "finalTrialDuration" | "durationSum">;

export interface LoadEstimate {
  /** Share of high-loss time if all that is missing turned out well, and badly. */
  readonly optimistic: number;
  readonly pessimistic: number;
  readonly class: LoadClass;
}

/** Classifies a load by its trials (all of the same load). No trials: undecided. */
export function classifyLoad(trials: readonly TrialResult[], goal: Criterion): LoadEstimate {
  let fullHigh = 0;
  let fullLow = 0;
  let shortHigh = 0;
  let shortLow = 0;
  for (const trial of trials) {
    const high = lossRatio(trial) > goal.lossRatio;
    if (trial.duration >= goal.finalTrialDuration) {
      if (high) fullHigh += trial.effectiveDuration;
      else fullLow += trial.effectiveDuration;
    } else if (high) shortHigh += trial.effectiveDuration;
    else shortLow += trial.effectiveDuration;
  }
  // Short trials lose more easily than long ones: only as many bad seconds count as good ones do not balance.
  const balancing = (shortLow * goal.exceedRatio) / (1 - goal.exceedRatio);
  const high = fullHigh + Math.max(0, shortHigh - balancing);
  const whole = Math.max(fullLow + high, goal.durationSum);
  // Compared as sums, not as ratios: 0.5 x 120 s is exact where 60 / 120 need not be.
  const limit = whole * goal.exceedRatio;
  return {
    optimistic: high / whole,
    pessimistic: (whole - fullLow) / whole,
    class: high > limit ? "upper" : whole - fullLow <= limit ? "lower" : "undecided",
  };
}

/**
 * Frames a second that can be expected at a load: the forwarding rate of that full-length trial which, ordered by loss,
 * stands where the exceed ratio says. For a lower bound it never lost more than the goal allows. 0 without trials.
 */
export function conditionalThroughput(load: number, trials: readonly TrialResult[], goal: Criterion): number {
  const full = trials
    .filter((trial) => trial.duration >= goal.finalTrialDuration)
    .sort((a, b) => lossRatio(a) - lossRatio(b));
  const sum = full.reduce((seconds, trial) => seconds + trial.effectiveDuration, 0);
  let remaining = Math.max(goal.durationSum, sum) * (1 - goal.exceedRatio);
  let loss = 1;
  for (const [i, trial] of full.entries()) {
    if (i > 0 && remaining <= 0) return load * (1 - loss);
    loss = lossRatio(trial);
    remaining -= trial.effectiveDuration;
  }
  return remaining > 0 ? 0 : load * (1 - loss);
}
