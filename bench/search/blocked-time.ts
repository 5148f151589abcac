/**
 * How long a reconfiguration blocked the traffic: a constant load is offered before, during and after it; what was lost,
 * divided by that load, is the time in which nothing would have had to pass to lose as much (CSIT's reconf tests).
 */
import { spread } from "../trial/statistics.ts";
import { lossRatio, type TrialResult } from "./trial.ts";

export interface BlockedTime {
  /** Frames lost over the whole trial. */
  readonly lost: number;
  /** Frames a second that were offered. */
  readonly load: number;
  /** lost / load, seconds. */
  readonly seconds: number;
}

/** The effective blocked time of a trial during which something was reconfigured. */
export function blockedTime(trial: TrialResult): BlockedTime {
  const lost = Math.round(lossRatio(trial) * trial.offered);
  const load = trial.offered / trial.duration;
  return { lost, load, seconds: load === 0 ? 0 : lost / load };
}

export interface BlockedDifference {
  /** Of the trials without a change, seconds: what is lost anyway. */
  readonly without: { readonly median: number; readonly most: number };
  /**
   * How much more was lost with the change than in the trial before it without, seconds: the median of the pairs and its
   * 95 % interval (of fewer than 6 pairs the least and the most). It may be below 0.
   */
  readonly difference: { readonly value: number; readonly low: number; readonly high: number };
}

/** What of the blocked time is due to the change, by pairs of a trial with it and one without, seconds each. */
export function blockedDifference(changed: readonly number[], without: readonly number[]): BlockedDifference {
  if (changed.length === 0 || changed.length !== without.length) {
    throw new Error(`${changed.length} trials with a change and ${without.length} without: expected pairs`);
  }
  const anyway = spread(without);
  const { median, low, high } = spread(changed.map((seconds, i) => seconds - without[i]));
  return { without: { median: anyway.median, most: anyway.max }, difference: { value: median, low, high } };
}
