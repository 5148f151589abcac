/**
 * What a search looks for: the highest load that still meets a goal (RFC 9971, "Goal Terms"). NDR and PDR as FD.io CSIT
 * measures them; the goals that make a search a throughput test of RFC 2544, or of ETSI TST 009.
 */

export interface SearchGoal {
  readonly name: string;
  /** A trial that lost a larger share is a high-loss trial. */
  readonly lossRatio: number;
  /** This share of the time at a load may go to high-loss trials. */
  readonly exceedRatio: number;
  /** Seconds; trials of at least this length count in full. */
  readonly finalTrialDuration: number;
  /** Seconds; the shortest trials that the search uses on its way. */
  readonly initialTrialDuration: number;
  /** Seconds of trials after which a load is surely decided. */
  readonly durationSum: number;
  /** The bounds are close enough when they differ by this share of the upper one. */
  readonly width: number;
  /** So many coarser targets come first: fewer seconds, twice the width each. */
  readonly precedingTargets: number;
  /** Looking outside of the bounds, the step grows by this factor each time. */
  readonly expansionCoefficient: number;
  /** The smallest load does not meet the goal: give up on all goals (they would only take longer). */
  readonly failFast: boolean;
}

const CSIT = {
  exceedRatio: 0.5,
  finalTrialDuration: 1,
  initialTrialDuration: 1,
  durationSum: 21,
  width: 0.005,
  precedingTargets: 2,
  expansionCoefficient: 2,
  failFast: true,
} as const;

/** Non-drop rate and partial drop rate (0.5 %), with CSIT's settings. */
export const NDR: SearchGoal = { name: "NDR", lossRatio: 0, ...CSIT };
export const PDR: SearchGoal = { name: "PDR", lossRatio: 0.005, ...CSIT };

/** The throughput of RFC 2544 section 26.1 (RFC 9971, "MLRsearch Compliant with RFC 2544"). */
export const RFC2544: SearchGoal = {
  ...CSIT,
  name: "RFC2544",
  lossRatio: 0,
  exceedRatio: 0,
  finalTrialDuration: 60,
  durationSum: 60,
};

/** Binary search with loss verification, ETSI GS NFV-TST 009 12.3.3 with max(r) = 2. */
export const TST009: SearchGoal = {
  ...CSIT,
  name: "TST009",
  lossRatio: 0,
  exceedRatio: 0.5,
  finalTrialDuration: 60,
  durationSum: 120,
};

/** Throws an Error that names goal and value when one of them cannot be. */
export function checkGoal(goal: SearchGoal): void {
  const wrong = (what: string, value: number, expected: string): Error =>
    new Error(`search goal ${goal.name}: ${what} ${value}, expected ${expected}`);
  const { lossRatio, exceedRatio, width, initialTrialDuration, finalTrialDuration, durationSum } = goal;
  if (!(lossRatio >= 0 && lossRatio < 1)) throw wrong("loss ratio", lossRatio, "0 or more, below 1");
  if (!(exceedRatio >= 0 && exceedRatio < 1)) throw wrong("exceed ratio", exceedRatio, "0 or more, below 1");
  if (!(width > 0 && width < 1)) throw wrong("width", width, "above 0, below 1");
  if (!(initialTrialDuration > 0)) throw wrong("initial trial duration", initialTrialDuration, "above 0");
  if (!(finalTrialDuration >= initialTrialDuration)) {
    throw wrong("final trial duration", finalTrialDuration, `at least the initial one, ${initialTrialDuration}`);
  }
  if (!(durationSum >= finalTrialDuration)) {
    throw wrong("duration sum", durationSum, `at least the final trial duration, ${finalTrialDuration}`);
  }
  if (!Number.isInteger(goal.precedingTargets) || goal.precedingTargets < 0) {
    throw wrong("preceding targets", goal.precedingTargets, "a whole number, 0 or more");
  }
  if (goal.precedingTargets === 0 && initialTrialDuration < finalTrialDuration) {
    throw wrong("preceding targets", 0, "1 or more when trials begin shorter than they end");
  }
  if (!(goal.expansionCoefficient > 1)) throw wrong("expansion coefficient", goal.expansionCoefficient, "above 1");
}
