/**
 * How the loss of a system grows with the load, as PLRsearch (FD.io CSIT; draft-vpolak-bmwg-plrsearch) models it: two shapes
 * of two parameters each. Both are integrals, from no load up to the load, of a step that is smeared out: a frame more a
 * second is lost with a probability that goes from 0, far below `mrr`, to 1, far above it, within a few `spread`. So far above
 * it `mrr` is what gets through, and below it loss falls off without ever being none.
 *
 *     stretch  d loss / d load = 1 / (1 + exp(-(load - mrr) / spread))                an exponential tail
 *     erf      d loss / d load = erfc((mrr - load) / spread) / erfc(-mrr / spread)     a Gaussian tail
 *
 * Given as logarithms: losses of one frame in 10^7, and far fewer, are what a search for them compares.
 */
import { normalTail } from "../statistics/special-functions.ts";

export interface LossModel {
  readonly name: "stretch" | "erf";
  /** ln of the mean number of frames lost a second at `load`. All in frames a second, above 0. */
  readonly logLossRate: (load: number, mrr: number, spread: number) => number;
}

export const stretch: LossModel = {
  name: "stretch",
  logLossRate(load, mrr, spread) {
    // spread x (softplus(x) - softplus(x0)), where softplus(x) = ln(1 + e^x).
    const x = (load - mrr) / spread;
    const x0 = -mrr / spread;
    // Where e^x is next to nothing, softplus(x) is e^x: its logarithm needs no e^x, which may be too small for a double.
    if (x < -30) return x + Math.log(-Math.expm1(x0 - x)) + Math.log(spread);
    const difference =
      x > 0
        ? x + Math.log1p(Math.exp(-x)) - Math.log1p(Math.exp(x0))
        : Math.log1p((-Math.exp(x) * Math.expm1(x0 - x)) / (1 + Math.exp(x0)));
    return Math.log(difference) + Math.log(spread);
  },
};

export const erf: LossModel = {
  name: "erf",
  logLossRate(load, mrr, spread) {
    // The integral of erfc is -ierfc (DLMF 7.18.1): spread x (ierfc(t) - ierfc(t0)) / erfc(-t0).
    const t = (mrr - load) / spread;
    const t0 = mrr / spread;
    const log = logIerfc(t);
    const difference = log + Math.log(-Math.expm1(logIerfc(t0) - log));
    return difference + Math.log(spread) - Math.log(2 * normalTail(-t0 * Math.SQRT2));
  },
};

export const lossModels = [stretch, erf] as const;

/** From here on five terms of the asymptotic series are exact to a double. */
const FAR = 30;

/** ln of ierfc(t) = exp(-t^2) / sqrt(pi) - t erfc(t), for any t. */
export function logIerfc(t: number): number {
  if (t < 0) return Math.log(Math.exp(-t * t) / Math.sqrt(Math.PI) - 2 * t * normalTail(t * Math.SQRT2));
  if (t > FAR) {
    // DLMF 7.18.14: the terms fall off as 1 / t^2.
    const r = 1 / (4 * t * t);
    const series = 1 - r * (6 - r * (60 - r * (840 - r * 15_120)));
    return -t * t - Math.log(2 * Math.sqrt(Math.PI)) - 2 * Math.log(t) + Math.log(series);
  }
  // exp(-t^2) x continued fraction: erfc(t) sqrt(pi) exp(t^2) = 1 / (t + (1/2) / (t + 1 / (t + (3/2) / (t + ...)))) (7.9.1).
  // 1 - t / (t + f) = f / (t + f): no difference of nearly equal numbers. Slow next to 0, where the series is exact.
  if (t < 2) return Math.log(Math.exp(-t * t) / Math.sqrt(Math.PI) - 2 * t * normalTail(t * Math.SQRT2));
  let rest = 0;
  for (let k = Math.ceil(24 + 240 / t); k >= 2; k--) rest = k / 2 / (t + rest);
  const f = 0.5 / (t + rest);
  return -t * t - Math.log(Math.sqrt(Math.PI)) + Math.log(f / (t + f));
}

/** ln of the loss ratio: lost frames of those offered. */
export function logLossRatio(model: LossModel, load: number, mrr: number, spread: number): number {
  return model.logLossRate(load, mrr, spread) - Math.log(load);
}

/** Relative width to which a critical load is found. */
const PRECISION = 1e-7;

/** The load between `min` and `max` at which this system loses frames at the ratio `target`; the nearer end when none does. */
export function criticalLoad(
  model: LossModel,
  target: number,
  mrr: number,
  spread: number,
  min: number,
  max: number,
): number {
  const logTarget = Math.log(target);
  let [low, high] = [min, max];
  while (high - low > PRECISION * high) {
    const middle = (low + high) / 2;
    if (logLossRatio(model, middle, mrr, spread) < logTarget) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
