/** How a measurement is done: goals by name, durations, loads. */
import { InputError } from "../errors.ts";
import { NDR, PDR, RFC2544, type SearchGoal, TST009 } from "../search/goal.ts";

export const profiles = ["csit", "rfc2544", "tst009", "quick"] as const;
export type Profile = (typeof profiles)[number];

/** To look at something, not to quote it: 2 % wide, from trials of 0.1 s. */
const QUICK = {
  finalTrialDuration: 0.1,
  initialTrialDuration: 0.1,
  durationSum: 1.1,
  width: 0.02,
  precedingTargets: 1,
} as const;

const byProfile: Readonly<Record<Profile, readonly SearchGoal[]>> = {
  csit: [NDR, PDR],
  rfc2544: [RFC2544],
  tst009: [TST009],
  quick: [
    { ...NDR, ...QUICK },
    { ...PDR, ...QUICK },
  ],
};

export interface Settings {
  readonly goals: readonly SearchGoal[];
  /** Seconds of a trial where no goal says it. */
  readonly trialSeconds: number;
  readonly queue: number;
  /** Frames a second; null: what the sender can offer. */
  readonly maxLoad: number | null;
  readonly minLoad: number;
  /** Seconds after which a search ends with what it has. */
  readonly searchSeconds: number;
  /** Frames a second, instead of one that is searched for; null: searched. */
  readonly load: number | null;
  readonly mrrTrials: number;
  readonly soakSeconds: number;
  readonly reconfigurations: number;
  readonly changesPerSecond: number;
  /** Shares of PDR at which latency is measured, besides at no load. */
  readonly latencyShares: readonly number[];
  /** Every trial begins with empty caches. */
  readonly fresh: boolean;
}

/**
 * The goals of a profile, or those that are named: NDR, PDR, or a loss ratio as in 0.001, with the profile's settings.
 * `seconds`: of a trial, in place of the profile's; as many trials as there. Throws an InputError.
 */
export function goalsOf(
  profile: Profile,
  names: readonly string[] | undefined,
  seconds: number | undefined,
): SearchGoal[] {
  const known = byProfile[profile];
  const chosen = names === undefined ? known : names.map((name) => goalOf(name, known));
  return chosen.map((goal) => {
    if (seconds === undefined) return goal;
    const trials = goal.durationSum / goal.finalTrialDuration;
    return { ...goal, finalTrialDuration: seconds, initialTrialDuration: seconds, durationSum: seconds * trials };
  });
}

function goalOf(name: string, known: readonly SearchGoal[]): SearchGoal {
  const found = known.find((goal) => goal.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const lossRatio = Number(name);
  if (name.trim() === "" || !(lossRatio >= 0 && lossRatio < 1)) {
    throw new InputError(
      `--goal ${name}: expected ${known.map((goal) => goal.name).join(", ")}, ` +
        "or a loss ratio of 0 or more, below 1, as in 0.001",
    );
  }
  return { ...known[0], name: `loss ${lossRatio}`, lossRatio };
}
