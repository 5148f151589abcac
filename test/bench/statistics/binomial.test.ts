/** Clopper-Pearson intervals against SciPy 1.10 (binomtest, method "exact") and against the two closed forms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rateInterval, rateUpperBound } from "../../../bench/statistics/binomial.ts";

test("intervals are SciPy's", () => {
  for (const [events, runs, low, high] of [
    [0, 400, 0, 0.009179804583673406],
    [0, 60, 0, 0.05962949228633472],
    [3, 400, 0.0015493589499055267, 0.02176066851441709],
    [17, 60, 0.17450528351404976, 0.41443606894994406],
    [58, 60, 0.8847189555807479, 0.9959373753579681],
    [20, 20, 0.8315665290169145, 1],
    [1, 2000, 1.2658823870676348e-5, 0.002782639834672444],
  ]) {
    const interval = rateInterval(events, runs);
    assert.ok(Math.abs(interval.low - low) < 1e-9 && Math.abs(interval.high - high) < 1e-9, JSON.stringify(interval));
    assert.equal(interval.rate, events / runs);
  }
});

test("no event in n runs: the rule of three, exactly", () => {
  assert.ok(Math.abs(rateUpperBound(0, 400, 0.05) - (1 - 0.05 ** (1 / 400))) < 1e-12);
  assert.ok(Math.abs(rateUpperBound(0, 300, 0.05) - 3 / 300) < 1e-4);
});

test("what is no count is refused", () => {
  assert.throws(() => rateInterval(3, 2), /3 in 2/);
  assert.throws(() => rateInterval(0, 0), /0 in 0/);
  assert.throws(() => rateInterval(0.5, 2), /0.5 in 2/);
});
