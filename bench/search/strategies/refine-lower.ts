/** There is no lower bound yet: confirm the one of the target before (or the smallest load, if that found none). */
import { type Strategy, worth } from "./strategy.ts";

export const refineLower: Strategy = (situation) => {
  if (situation.bounds.lower !== null) return null;
  const load = situation.initialLower ?? 0;
  return worth(situation, load) ? { load } : null;
};
