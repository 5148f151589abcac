/** One goal's search: goes through its targets, coarsest first, and at each asks the strategies where to measure next. */
import { bisect } from "./strategies/bisect.ts";
import { extendLower } from "./strategies/extend-lower.ts";
import { extendUpper } from "./strategies/extend-upper.ts";
import { halve } from "./strategies/halve.ts";
import { refineLower } from "./strategies/refine-lower.ts";
import { refineUpper } from "./strategies/refine-upper.ts";
import type { Situation, Strategy, Wish } from "./strategies/strategy.ts";
import type { Target } from "./target.ts";
import type { Bounds, TrialLog } from "./trial-log.ts";

const strategies: readonly Strategy[] = [halve, refineLower, refineUpper, extendLower, extendUpper, bisect];

export interface Nomination {
  /** Grid index. */
  readonly load: number;
  /** Seconds. */
  readonly duration: number;
}

export class Selector {
  readonly #targets: readonly Target[];
  readonly #log: TrialLog;
  readonly #top: number;
  #current = 0;
  #initial: Bounds;
  #reach: number;
  #wish: Wish | null = null;

  constructor(targets: readonly Target[], log: TrialLog, top: number, initial: Bounds) {
    this.#targets = targets;
    this.#log = log;
    this.#top = top;
    this.#initial = initial;
    this.#reach = this.#firstReach();
  }

  /** Where this goal wants to measure next; null when its last target is reached. */
  nominate(): Nomination | null {
    for (;;) {
      const target = this.#targets[this.#current];
      const bounds = this.#log.bounds(target);
      const situation: Situation = {
        target,
        bounds,
        initialLower: this.#initial.lower,
        initialUpper: this.#initial.upper,
        reach: this.#reach,
        top: this.#top,
      };
      for (const strategy of strategies) {
        this.#wish = strategy(situation);
        if (this.#wish !== null) return { load: this.#wish.load, duration: target.finalTrialDuration };
      }
      if (this.#current === this.#targets.length - 1) return null;
      this.#current++;
      this.#initial = bounds;
      this.#reach = this.#firstReach();
    }
  }

  /** Its nomination was measured. */
  measured(): void {
    const expandOn = this.#wish?.expandOn;
    if (this.#wish === null || expandOn === undefined) return;
    const target = this.#targets[this.#current];
    if (this.#log.bounds(target)[expandOn] === this.#wish.load) this.#expand();
  }

  #expand(): void {
    this.#reach = Math.ceil(this.#reach * this.#targets[this.#current].expansion);
  }

  /** The first step outwards: one expansion more than the interval that one comes from. */
  #firstReach(): number {
    const { width, expansion } = this.#targets[this.#current];
    const { lower, upper } = this.#initial;
    const from = lower === null || upper === null ? width : Math.max(width, upper - lower);
    return Math.ceil(from * expansion);
  }
}
