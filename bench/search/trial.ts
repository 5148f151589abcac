/**
 * One trial, as a search sees it: so many frames offered at a constant rate for so long, so many forwarded. Counts are what
 * was measured; ratios and rates are derived from them (RFC 9971, "Trial Terms").
 */

export interface TrialResult {
  /** Intended duration of the traffic, seconds. */
  readonly duration: number;
  /** Intended load, frames a second, all directions together. */
  readonly load: number;
  /** Frames that were to be forwarded: offered ones, or intended ones that the sender could not offer (they count as lost). */
  readonly offered: number;
  /** Of these, how many arrived. */
  readonly forwarded: number;
  /** Seconds that the trial took with everything around it; the intended duration when a measurer does not say. */
  readonly effectiveDuration: number;
}

/** Performs trials. May be a fake: a search knows nothing else of the world. */
export interface Measurer {
  /** `duration` in seconds, `load` in frames a second. Throws (rejects) when the trial failed as such. */
  measure(duration: number, load: number): TrialResult | Promise<TrialResult>;
}

/** Lost share of the frames that were to be forwarded, 0 to 1. */
export function lossRatio(trial: TrialResult): number {
  return trial.offered === 0 ? 0 : Math.max(0, trial.offered - trial.forwarded) / trial.offered;
}

/** The load times the share that was forwarded, frames a second. */
export function forwardingRate(trial: TrialResult): number {
  return trial.load * (1 - lossRatio(trial));
}
