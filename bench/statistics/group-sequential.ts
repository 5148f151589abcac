/**
 * Looking several times without deceiving oneself. Data come in looks; whoever tests at each with the full level is wrong
 * more often than the level says. A spending function fixes how much of the level may be used up by each fraction of the
 * data (K. K. G. Lan, D. L. DeMets, "Discrete sequential boundaries for clinical trials", 1983); the boundary of a look is
 * then what spends exactly that much, given that no earlier look crossed. Crossing probabilities are integrated over the
 * density of the running sum (P. Armitage, C. K. McPherson, B. C. Rowe, 1969).
 *
 * Two shapes: O'Brien and Fleming's spends almost nothing early (for verdicts that should be slow to come), Pocock's spends
 * evenly (for those that may come early).
 */
import { bisect, normalDensity, normalQuantile, normalTail } from "./special-functions.ts";

export type Spending = "obrien-fleming" | "pocock";

/** The part of a one-sided `level` that may be spent when a fraction t of the data is there. */
export function spent(spending: Spending, level: number, t: number): number {
  if (t >= 1) return level;
  return spending === "pocock"
    ? level * Math.log1p((Math.E - 1) * t)
    : 2 * normalTail(normalQuantile(level / 2) / Math.sqrt(t));
}

/** Points of the integration grid; 600 gives boundaries to about 1e-4 (held against published ones in the tests). */
const GRID = 600;
/** Beyond this many standard deviations nothing is left to integrate. */
const REACH = 9;

/**
 * Boundaries z of the looks: reject at look k when the standardized statistic is above z[k]. One-sided.
 * `fractions` ascend and end with 1. Throws an Error when they do not.
 */
export function boundaries(spending: Spending, level: number, fractions: readonly number[]): number[] {
  if (fractions.length === 0 || fractions.at(-1) !== 1 || fractions.some((t, i) => !(t > (fractions[i - 1] ?? 0)))) {
    throw new Error(`looks at the fractions ${fractions.join(", ")}: expected ascending ones that end with 1`);
  }
  const z: number[] = [];
  // The density of the running sum (variance t) where no look has crossed yet, on a grid from low by step.
  let density: Float64Array | null = null;
  let low = 0;
  let step = 0;
  let before = 0;
  for (const [k, t] of fractions.entries()) {
    const toSpend = spent(spending, level, t) - (k === 0 ? 0 : spent(spending, level, before));
    const deviation = Math.sqrt(t - before);
    const tail = (bound: number): number => {
      if (density === null) return normalTail(bound / deviation);
      let sum = 0;
      for (let i = 0; i < GRID; i++) sum += density[i] * normalTail((bound - low - i * step) / deviation);
      return sum * step;
    };
    const bound =
      toSpend <= 1e-18
        ? REACH * Math.sqrt(t)
        : bisect((b) => tail(b) > toSpend, -REACH * Math.sqrt(t), REACH * Math.sqrt(t), 1e-9);
    z.push(bound / Math.sqrt(t));
    if (k < fractions.length - 1) {
      const nextLow = -REACH * Math.sqrt(t);
      const nextStep = (bound - nextLow) / GRID;
      const next = new Float64Array(GRID);
      for (let i = 0; i < GRID; i++) {
        const x = nextLow + (i + 0.5) * nextStep;
        if (density === null) next[i] = normalDensity(x / deviation) / deviation;
        else {
          let sum = 0;
          for (let j = 0; j < GRID; j++) sum += density[j] * normalDensity((x - low - j * step) / deviation);
          next[i] = (sum * step) / deviation;
        }
      }
      density = next;
      low = nextLow + 0.5 * nextStep;
      step = nextStep;
    }
    before = t;
  }
  return z;
}

const known = new Map<string, readonly number[]>();

/** The nominal one-sided level of each look: what a p-value of that look is compared with. Computed once per question. */
export function nominalLevels(spending: Spending, level: number, looks: readonly number[]): readonly number[] {
  const key = `${spending} ${level} ${looks.join(" ")}`;
  let levels = known.get(key);
  if (levels === undefined) {
    const last = looks.at(-1) ?? 1;
    levels = boundaries(
      spending,
      level,
      looks.map((look) => look / last),
    ).map(normalTail);
    known.set(key, levels);
  }
  return levels;
}
