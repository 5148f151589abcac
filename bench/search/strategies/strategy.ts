/**
 * A strategy is one reason to measure at some load. The selector asks its strategies in order; the first that wants to
 * measure does. Loads are grid indices; null: no wish.
 */
import type { Target } from "../target.ts";
import type { Bounds } from "../trial-log.ts";

/** What a strategy may look at. */
export interface Situation {
  readonly target: Target;
  readonly bounds: Bounds;
  /** Where the target before this one ended (for the first target: the loads of the first trials); hints, not bounds. */
  readonly initialLower: number | null;
  readonly initialUpper: number | null;
  /** How far a step outwards goes now, in grid steps. */
  readonly reach: number;
  /** Index of the largest load. */
  readonly top: number;
}

export interface Wish {
  readonly load: number;
  /** The step outwards was in vain when the load becomes this kind of bound: the next one goes further. */
  readonly expandOn?: "lower" | "upper";
}

export type Strategy = (situation: Situation) => Wish | null;

/** A load is worth measuring when its class would make or improve a relevant bound that is not good enough yet. */
export function worth({ bounds: { lower, upper }, target }: Situation, load: number): boolean {
  if (lower !== null && load <= lower) return false;
  if (upper !== null && load >= upper) return false;
  return lower === null || upper === null || upper - lower > target.width;
}
