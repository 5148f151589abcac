/**
 * What k events in n independent runs say about their rate: the interval of C. J. Clopper and E. S. Pearson, "The use of
 * confidence or fiducial limits illustrated in the case of the binomial" (1934). Exact: it covers the true rate at least
 * as often as it says, for every rate and n. Error rates of the gate are published with it.
 */
import { bisect, regularizedBeta } from "./special-functions.ts";

export interface RateInterval {
  readonly events: number;
  readonly runs: number;
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided interval with `confidence` (0.95). Throws an Error unless 0 <= events <= runs and runs > 0, whole numbers. */
export function rateInterval(events: number, runs: number, confidence = 0.95): RateInterval {
  const tail = (1 - confidence) / 2;
  return {
    events,
    runs,
    rate: events / runs,
    low: rateLowerBound(events, runs, tail),
    high: rateUpperBound(events, runs, tail),
  };
}

/** The largest rate at which `events` or fewer of `runs` still happen with probability `tail`: 0 of n gives 1 - tail^(1/n). */
export function rateUpperBound(events: number, runs: number, tail: number): number {
  check(events, runs);
  if (events === runs) return 1;
  // P(X <= k) = 1 - I_p(k + 1, n - k)
  return bisect((p) => 1 - regularizedBeta(p, events + 1, runs - events) > tail, 0, 1);
}

/** The smallest rate at which `events` or more of `runs` still happen with probability `tail`. */
export function rateLowerBound(events: number, runs: number, tail: number): number {
  check(events, runs);
  if (events === 0) return 0;
  return bisect((p) => regularizedBeta(p, events, runs - events + 1) < tail, 0, 1);
}

function check(events: number, runs: number): void {
  if (!Number.isInteger(events) || !Number.isInteger(runs) || events < 0 || runs < 1 || events > runs) {
    throw new Error(`rate of ${events} in ${runs}: expected whole numbers, 0 to the number of runs`);
  }
}
