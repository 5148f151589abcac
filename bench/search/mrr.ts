/**
 * MRR, the maximum receive rate: what still arrives when the largest load is offered, loss or not. Several trials at that one
 * load, their forwarding rates, mean and standard deviation. Quick, and it needs no search: CSIT's measure for trends (10
 * trials of 1 s) and for patches (5 of 10 s).
 */
import type { Measurer, TrialResult } from "./trial.ts";

export interface MrrConfig {
  /** Frames a second. */
  readonly load: number;
  readonly trials: number;
  /** Seconds a trial. */
  readonly duration: number;
}

export const MRR_TREND = { trials: 10, duration: 1 } as const;
export const MRR_PATCH = { trials: 5, duration: 10 } as const;

export interface MrrResult {
  /** Frames a second received, trial by trial: what arrived over the intended duration. */
  readonly rates: readonly number[];
  readonly average: number;
  /** Standard deviation of the rates as a sample (n - 1); 0 for one. */
  readonly deviation: number;
  readonly trials: readonly TrialResult[];
  /** Fewer trials than asked for: interrupted. */
  readonly interrupted: boolean;
}

/** Measures MRR. Throws an Error for numbers that make no sense; `signal` ends it after the trial under way. */
export async function measureMrr(config: MrrConfig, measurer: Measurer, signal?: AbortSignal): Promise<MrrResult> {
  const { load, duration } = config;
  if (!(load > 0 && duration > 0 && Number.isInteger(config.trials) && config.trials > 0)) {
    throw new Error(`MRR of ${config.trials} trials of ${duration} s at ${load}: expected numbers above 0`);
  }
  const trials: TrialResult[] = [];
  while (trials.length < config.trials && signal?.aborted !== true) trials.push(await measurer.measure(duration, load));
  const rates = trials.map((trial) => trial.forwarded / trial.duration);
  return { rates, ...meanAndDeviation(rates), trials, interrupted: trials.length < config.trials };
}

/** Mean and sample standard deviation, by Welford's recurrence. NaN of nothing. */
export function meanAndDeviation(values: readonly number[]): { readonly average: number; readonly deviation: number } {
  let average = values.length === 0 ? Number.NaN : 0;
  let squares = 0;
  for (const [i, value] of values.entries()) {
    const off = value - average;
    average += off / (i + 1);
    squares += off * (value - average);
  }
  return { average, deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) };
}
