/**
 * How long a reconfiguration blocked the traffic: a constant load is offered before, during and after it; what was lost,
 * divided by that load, is the time in which nothing would have had to pass to lose as much (CSIT's reconf tests).
 */
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
