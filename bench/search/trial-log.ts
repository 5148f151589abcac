/** All trials so far, by load, and the bounds that they give. */
import { type Criterion, classifyLoad, type LoadClass } from "./classification.ts";
import type { TrialResult } from "./trial.ts";

/** Relevant bounds as grid indices (RFC 9971): null where there is none. */
export interface Bounds {
  /** The largest lower bound below the upper one. */
  readonly lower: number | null;
  /** The smallest upper bound. */
  readonly upper: number | null;
}

export class TrialLog {
  readonly #byLoad = new Map<number, TrialResult[]>();

  add(index: number, trial: TrialResult): void {
    const trials = this.#byLoad.get(index);
    if (trials === undefined) this.#byLoad.set(index, [trial]);
    else trials.push(trial);
  }

  /** Trials at the load of that index. */
  at(index: number): readonly TrialResult[] {
    return this.#byLoad.get(index) ?? [];
  }

  classify(index: number, goal: Criterion): LoadClass {
    return classifyLoad(this.at(index), goal).class;
  }

  /** An upper bound is believed, a lower bound above it is a fluke (RFC 9971, "Conservativeness and Relevant Bounds"). */
  bounds(goal: Criterion): Bounds {
    let upper: number | null = null;
    const lowers: number[] = [];
    for (const index of this.#byLoad.keys()) {
      const is = this.classify(index, goal);
      if (is === "upper" && (upper === null || index < upper)) upper = index;
      if (is === "lower") lowers.push(index);
    }
    const below = lowers.filter((index) => upper === null || index < upper);
    return { lower: below.length === 0 ? null : Math.max(...below), upper };
  }
}
