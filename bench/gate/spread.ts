/** Location and spread of the effects of one metric, robustly: one wild pair moves neither far. */
import { hodgesLehmann, lowerBound, upperBound, walshAverages } from "../statistics/signed-rank.ts";

export interface Location {
  readonly pairs: number;
  /** Hodges-Lehmann estimate (log). NaN without pairs. */
  readonly estimate: number;
  /** 95 % interval of the location (log); infinite below 6 pairs. */
  readonly low: number;
  readonly high: number;
  /** Standard error of the estimate (log), from the 90 % interval; infinite below 5 pairs. */
  readonly error: number;
  /** What that makes for one pair: error x sqrt(pairs), the pair spread (log). */
  readonly deviation: number;
}

/** z of a one-sided tail of 5 %: the 90 % interval is this many standard errors to either side. */
const Z95 = 1.6448536269514722;

export function locate(effects: readonly number[]): Location {
  const pairs = effects.length;
  const walsh = walshAverages(effects);
  const error = (upperBound(walsh, pairs, 0.05) - lowerBound(walsh, pairs, 0.05)) / (2 * Z95);
  return {
    pairs,
    estimate: pairs === 0 ? Number.NaN : hodgesLehmann(walsh),
    low: lowerBound(walsh, pairs, 0.025),
    high: upperBound(walsh, pairs, 0.025),
    error,
    deviation: error * Math.sqrt(pairs),
  };
}
