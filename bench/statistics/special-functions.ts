/**
 * The few special functions that intervals and quantiles come from: log gamma, the regularized incomplete beta function,
 * the normal and Student distributions and their quantiles. Written out, because a figure that decides over red and green
 * should not hang on a package; held against published tables in the tests.
 *
 * Sources: NIST Digital Library of Mathematical Functions 5.11 and 8.17.22. Quantiles are
 * found by bisection of the distribution function, which is slower and cannot be wrong alone.
 */

/** ln Gamma(x) for x > 0, to about 1e-14: Stirling's series (DLMF 5.11.1) from x = 15 on, the recurrence below. */
export function logGamma(x: number): number {
  let shift = 0;
  while (x < 15) {
    shift -= Math.log(x);
    x += 1;
  }
  const r = 1 / (x * x);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / x;
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}

/** I_x(a, b), the regularized incomplete beta function, for a, b > 0 and x in [0, 1]: continued fraction DLMF 8.17.22. */
export function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  // Lentz's method, as modified by Thompson and Barnett.
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1), tiny);
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d, tiny);
    c = notZero(1 + even / c, tiny);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d, tiny);
    c = notZero(1 + odd / c, tiny);
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-15) break;
  }
  return front * fraction;
}

function notZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

/** P(Z > z) for a standard normal Z, with full relative precision in the tail (continued fraction DLMF 7.9.1). */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  if (z < 3) return 0.5 - normalSeries(z);
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / (z + fraction);
  return normalDensity(z) / (z + fraction);
}

/** The z with P(Z > z) = tail, 0 < tail < 1. */
export function normalQuantile(tail: number): number {
  if (tail > 0.5) return -normalQuantile(1 - tail);
  return bisect((z) => normalTail(z) > tail, 0, 40);
}

export function normalDensity(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/** Phi(z) - 1/2 by its power series (DLMF 7.6.2), for small z. */
function normalSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 1; k < 200 && Math.abs(term) > 1e-17; k++) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return sum * normalDensity(z);
}

/** P(T > t) for Student's T with `freedom` degrees of freedom. */
export function studentTail(t: number, freedom: number): number {
  const half = 0.5 * regularizedBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
  return t >= 0 ? half : 1 - half;
}

/** The t with P(T > t) = tail. */
export function studentQuantile(tail: number, freedom: number): number {
  if (tail > 0.5) return -studentQuantile(1 - tail, freedom);
  let high = 1;
  while (studentTail(high, freedom) > tail) high *= 2;
  return bisect((t) => studentTail(t, freedom) > tail, 0, high);
}

/** Where `below` turns from true to false between low and high, to `precision` (0: to the last bit). */
export function bisect(below: (x: number) => boolean, low: number, high: number, precision = 0): number {
  while (high - low > precision) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (below(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
