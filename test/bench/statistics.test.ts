/** Ranks of the median's interval against the sign test's, quantiles against hand-made samples. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { median, quantile, relativeSpread, spread } from "../../bench/trial/statistics.ts";

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

test("the 95 % interval of a median has the ranks that the sign test gives", () => {
  // Sample size: lower and upper rank, where the tail of the binomial with p = 1/2 is at most 2.5 %.
  const ranks: readonly (readonly [number, number, number])[] = [
    [6, 1, 6],
    [8, 1, 8],
    [9, 2, 8],
    [10, 2, 9],
    [12, 3, 10],
    [15, 4, 12],
    [20, 6, 15],
    [25, 8, 18],
    [30, 10, 21],
    [50, 18, 33],
    [100, 40, 61],
  ];
  for (const [n, low, high] of ranks) {
    const of = spread(upTo(n).reverse());
    assert.deepEqual([n, of.low, of.high], [n, low, high]);
  }
});

test("with fewer than six samples the interval is all that was seen", () => {
  assert.deepEqual(spread([3, 1, 2]), { samples: 3, median: 2, low: 1, high: 3, min: 1, max: 3 });
  assert.deepEqual(spread([7]), { samples: 1, median: 7, low: 7, high: 7, min: 7, max: 7 });
});

test("the interval stays meaningful for many samples", () => {
  // Normal approximation of the rank: n/2 - 1.96 sqrt(n)/2.
  for (const n of [500, 1000, 5000]) {
    const rank = spread(upTo(n)).low;
    assert.ok(Math.abs(rank - (n / 2 - 0.98 * Math.sqrt(n))) < 1.5, `n ${n}: rank ${rank}`);
  }
});

test("quantiles lie between neighbours; values need not be sorted for a median", () => {
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.equal(quantile([10, 20], 0.25), 12.5);
  assert.equal(quantile([5], 0.9), 5);
  assert.ok(Number.isNaN(quantile([], 0.5)));
  assert.equal(median([9, 1, 5]), 5);
});

test("relative spread is half the interval against the median", () => {
  assert.equal(relativeSpread({ samples: 9, median: 200, low: 190, high: 214, min: 1, max: 999 }), 0.06);
});
