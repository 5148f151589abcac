/** There is no upper bound yet: confirm the one of the target before (or the largest load, if that found none). */
import { type Strategy, worth } from "./strategy.ts";

export const refineUpper: Strategy = (situation) => {
  if (situation.bounds.upper !== null) return null;
  const load = situation.initialUpper ?? situation.top;
  return worth(situation, load) ? { load } : null;
};
