/**
 * A long run at one load: many trials, one after another, and what they say of the loss ratio. The interval is exact for
 * frames lost independently; losses come in bursts, so the share of trials with any loss is given with its own interval.
 *
 * The load at which one frame in ten million is lost is another question: plr-search.ts.
 */
import { type RateInterval, rateInterval } from "../statistics/binomial.ts";
import type { Measurer, TrialResult } from "./trial.ts";

export interface SoakConfig {
  /** Frames a second; the NDR, or a share of it. */
  readonly load: number;
  /** Seconds altogether, and a trial. */
  readonly duration: number;
  readonly trialDuration: number;
}

export interface SoakResult {
  readonly trials: readonly TrialResult[];
  readonly seconds: number;
  /** Lost frames of those offered. */
  readonly loss: RateInterval;
  /** Trials that lost any. */
  readonly lossyTrials: RateInterval;
  readonly interrupted: boolean;
}

/** Soaks. Throws an Error for numbers that make no sense; `signal` ends it after the trial under way (null: before any). */
export async function soak(
  config: SoakConfig,
  measurer: Measurer,
  options: { readonly signal?: AbortSignal; readonly onTrial?: (trial: TrialResult) => void } = {},
): Promise<SoakResult | null> {
  const { load, duration, trialDuration } = config;
  if (!(load > 0 && trialDuration > 0 && duration >= trialDuration)) {
    throw new Error(`soak of ${duration} s in trials of ${trialDuration} s at ${load}: expected numbers above 0`);
  }
  const trials: TrialResult[] = [];
  let seconds = 0;
  // Half a millisecond of slack, so that 10 x 0.1 s is 1 s.
  while (seconds + trialDuration <= duration + 5e-4 && options.signal?.aborted !== true) {
    const trial = await measurer.measure(trialDuration, load);
    trials.push(trial);
    seconds += trial.duration;
    options.onTrial?.(trial);
  }
  if (trials.length === 0) return null;
  const lost = (trial: TrialResult): number => Math.max(0, trial.offered - trial.forwarded);
  const sum = (of: (trial: TrialResult) => number): number => trials.reduce((total, trial) => total + of(trial), 0);
  return {
    trials,
    seconds,
    loss: rateInterval(
      sum(lost),
      Math.max(
        1,
        sum((trial) => trial.offered),
      ),
    ),
    lossyTrials: rateInterval(trials.filter((trial) => lost(trial) > 0).length, trials.length),
    interrupted: seconds + trialDuration <= duration + 5e-4,
  };
}
