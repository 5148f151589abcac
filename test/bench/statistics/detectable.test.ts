/** The smallest detectable slow-down against a table computed for this gate beforehand, power 0.9 (percent). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { detectable, pairsToDetect } from "../../../bench/statistics/detectable.ts";

test("detectable effects by spread, pairs and level", () => {
  // Pair spread; n = 30 at 0.01; n = 30 at 0.01/12; n = 20 at 0.01/12.
  for (const [spread, a, b, c] of [
    [1, 0.69, 0.88, 1.12],
    [2, 1.39, 1.76, 2.26],
    [4, 2.79, 3.55, 4.56],
  ]) {
    for (const [pairs, level, expected] of [
      [30, 0.01, a],
      [30, 0.01 / 12, b],
      [20, 0.01 / 12, c],
    ]) {
      const effect = detectable(spread, pairs, level);
      assert.ok(Math.abs(effect / expected - 1) < 0.025, `sd ${spread}, n ${pairs}: ${effect}, expected ${expected}`);
    }
  }
  assert.equal(detectable(1, 1, 0.01), Number.POSITIVE_INFINITY);
});

test("pairs needed are the inverse", () => {
  const pairs = pairsToDetect(3, 4, 0.01 / 12);
  assert.ok(detectable(4, pairs, 0.01 / 12) <= 3 && detectable(4, pairs - 1, 0.01 / 12) > 3, `${pairs}`);
  assert.equal(pairsToDetect(0, 4, 0.01), Number.POSITIVE_INFINITY);
});
