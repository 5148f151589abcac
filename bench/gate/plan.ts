/**
 * How the gate decides, as numbers: at which pair counts it looks, which margins count, which errors it may make. The gate
 * file sets them (gate-file.ts); the live gate, the simulations and the self-test all run on the same plan.
 *
 * Effects are logarithms of "how much more work the head needs than the base", so that 5 % more time and 5 % less throughput
 * mean the same whatever a metric's direction. People read and write them as ratios: 0.05 is "5 % slower".
 */

export type Direction = "lower-is-better" | "higher-is-better";

export interface MetricPlan {
  readonly name: string;
  /** Slow-downs up to this ratio are nobody's concern: 0.02. */
  readonly margin: number;
  /** A pass promises "less than margin + tolerance". */
  readonly tolerance: number;
}

export interface GatePlan {
  /** Pair counts at which the gate looks, ascending: [10, 20, 30, 60]. */
  readonly looks: readonly number[];
  /** Fresh pairs for whatever looks like a regression. */
  readonly confirmPairs: number;
  /** How often a run over metrics at their margins may suspect any, all looks together (before confirmation). */
  readonly suspicion: number;
  /** How often fresh pairs may confirm any unjustly. suspicion x confirmation bounds the false reds. */
  readonly confirmation: number;
  /** How often a metric that is slower by margin + tolerance may pass, all looks together. */
  readonly misses: number;
  /** The margin of red is at least this many standard errors of the control leg. */
  readonly controlFactor: number;
  /** How often a run may call the runner too noisy although base and copy are alike. */
  readonly controlAlarm: number;
  /** A runner on which not even this slow-down (ratio) could have been seen is too noisy. */
  readonly ceiling: number;
  readonly metrics: readonly MetricPlan[];
}

export const DEFAULT_PLAN: Omit<GatePlan, "metrics"> = {
  looks: [10, 20, 30, 60],
  confirmPairs: 20,
  suspicion: 0.05,
  confirmation: 0.05,
  misses: 0.05,
  controlFactor: 2,
  controlAlarm: 0.01,
  ceiling: 0.1,
};
/** The same for runs of at most a minute: fewer pairs, so less is found. */
export const SHORT_PLAN: Omit<GatePlan, "metrics"> = { ...DEFAULT_PLAN, looks: [7, 12], confirmPairs: 12 };
export const DEFAULT_MARGIN = 0.02;
export const DEFAULT_TOLERANCE = 0.02;

/** Fewer pairs than this bound nothing at 5 % (2^-5 is the smallest p-value of five). */
const FEWEST_PAIRS = 6;
const MOST_PAIRS = 200;

/** Throws an Error that names the value when a plan makes no sense. */
export function checkPlan(plan: GatePlan): void {
  const { looks } = plan;
  if (looks.length === 0 || looks.some((n, i) => !Number.isInteger(n) || n <= (looks[i - 1] ?? FEWEST_PAIRS - 1))) {
    throw new Error(`looks at ${looks.join(", ")} pairs: expected ascending whole numbers from ${FEWEST_PAIRS} on`);
  }
  const most = looks[looks.length - 1];
  if (most > MOST_PAIRS) throw new Error(`looks at ${most} pairs: expected at most ${MOST_PAIRS}`);
  if (!Number.isInteger(plan.confirmPairs) || plan.confirmPairs < FEWEST_PAIRS || plan.confirmPairs > MOST_PAIRS) {
    throw new Error(`${plan.confirmPairs} pairs to confirm: expected a whole number, ${FEWEST_PAIRS} to ${MOST_PAIRS}`);
  }
  for (const name of ["suspicion", "confirmation", "misses", "controlAlarm"] as const) {
    if (!(plan[name] > 0 && plan[name] < 0.5)) throw new Error(`${name} ${plan[name]}: expected above 0, below 0.5`);
  }
  if (!(plan.controlFactor >= 0)) throw new Error(`control factor ${plan.controlFactor}: expected 0 or more`);
  if (!(plan.ceiling > 0)) throw new Error(`ceiling ${plan.ceiling}: expected above 0`);
  const names = new Set<string>();
  for (const { name, margin, tolerance } of plan.metrics) {
    if (names.has(name)) throw new Error(`metric "${name}" is there twice`);
    names.add(name);
    if (!(margin >= 0 && margin < 10)) throw new Error(`metric "${name}": margin ${margin}, expected 0 or more`);
    if (!(tolerance >= 0 && tolerance < 10))
      throw new Error(`metric "${name}": tolerance ${tolerance}, expected 0 or more`);
  }
}

/**
 * One pair's effect: log of how much more the head needs. Throws an Error unless both values are positive: a pair with a
 * zero in it was no measurement.
 */
export function pairEffect(base: number, head: number, direction: Direction): number {
  if (!(base > 0 && head > 0 && Number.isFinite(base) && Number.isFinite(head))) {
    throw new Error(`pair of ${base} (base) and ${head} (head): expected positive values`);
  }
  return direction === "lower-is-better" ? Math.log(head / base) : Math.log(base / head);
}

/** An effect as people say it: 0.05 is 5 % slower, -0.03 is 3 % faster. */
export function asRatio(effect: number): number {
  return Math.expm1(effect);
}
