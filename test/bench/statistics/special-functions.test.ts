/** Against figures of SciPy 1.10 (scipy.special, scipy.stats), which agree with the printed tables. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  logGamma,
  normalQuantile,
  normalTail,
  regularizedBeta,
  studentQuantile,
  studentTail,
} from "../../../bench/statistics/special-functions.ts";

function near(actual: number, expected: number, relative = 1e-8): void {
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual}, expected ${expected}`);
}

test("log gamma and the incomplete beta function", () => {
  for (const [x, expected] of [
    [0.5, 0.572364943],
    [3.7, 1.42807233],
    [14.9, 24.924132],
    [20, 39.3398842],
    [200.5, 860.582204],
  ]) {
    near(logGamma(x), expected);
  }
  near(regularizedBeta(0.3, 2.5, 3), 0.24123755, 1e-7);
  near(regularizedBeta(0.98, 30, 0.4), 0.21463124, 1e-7);
  near(regularizedBeta(0.04, 0.5, 12), 0.67271312, 1e-7);
});

test("normal tails and quantiles, far out too", () => {
  near(normalTail(5), 2.866515718791933e-7);
  near(normalTail(10), 7.61985302416047e-24);
  near(normalTail(-1.2), 0.8849303297782918);
  near(normalQuantile(1e-12), 7.034483825301131);
  near(normalQuantile(1e-3), 3.090232306167813);
  near(normalQuantile(0.025), 1.9599639845400545);
  near(normalQuantile(0.975), -1.9599639845400545);
  // The two ways of computing the tail meet.
  near(normalTail(3 - 1e-12), normalTail(3), 1e-9);
});

test("Student's quantiles are those of the tables", () => {
  for (const [tail, freedom, expected] of [
    [0.05, 1, 6.313751514800938],
    [0.025, 9, 2.262157162740992],
    [0.01, 29, 2.4620213601503838],
    [0.01 / 12, 19, 3.6595025855173615],
    [0.0005, 4, 8.610301581379652],
  ]) {
    near(studentQuantile(tail, freedom), expected);
    near(studentTail(expected, freedom), tail);
    near(studentTail(-expected, freedom), 1 - tail);
  }
});
