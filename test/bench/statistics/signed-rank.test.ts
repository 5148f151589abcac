/**
 * Critical values from the tables of Wilcoxon's signed-rank test, the worked example of Hollander and Wolfe (Hamilton's
 * depression scale, 3.1), p-values of SciPy 1.10 (wilcoxon, exact).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boundRank,
  hodgesLehmann,
  locationAbove,
  locationBelow,
  lowerBound,
  nullDistribution,
  upperBound,
  walshAverages,
} from "../../../bench/statistics/signed-rank.ts";

/** Tabled one-sided critical values: reject when the smaller rank sum is at most this; -1 where none exists. */
const CRITICAL: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  "0.05": { 4: -1, 5: 0, 6: 2, 7: 3, 8: 5, 9: 8, 10: 10, 15: 30, 20: 60, 25: 100, 30: 151, 40: 286, 50: 466 },
  "0.025": { 5: -1, 6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 15: 25, 20: 52, 25: 89, 30: 137, 40: 264, 50: 434 },
  "0.01": { 6: -1, 7: 0, 8: 1, 9: 3, 10: 5, 15: 19, 20: 43, 25: 76, 30: 120, 40: 238, 50: 397 },
  "0.005": { 7: -1, 8: 0, 9: 1, 10: 3, 15: 15, 20: 37, 25: 68, 30: 109, 40: 220, 50: 373 },
};

test("critical values are those of the tables", () => {
  for (const [level, byPairs] of Object.entries(CRITICAL)) {
    for (const [pairs, critical] of Object.entries(byPairs)) {
      assert.equal(boundRank(Number(pairs), Number(level)), critical, `n ${pairs}, level ${level}`);
    }
  }
});

test("the null distribution adds up and is symmetric", () => {
  for (const n of [7, 30, 200]) {
    const below = nullDistribution(n);
    const most = below.length - 1;
    assert.ok(Math.abs(below[most] - 1) < 1e-12);
    assert.ok(Math.abs(below[3] - (1 - below[most - 4])) < 1e-12);
  }
});

test("the depression scale of Hollander and Wolfe", () => {
  const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
  const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
  const fall = before.map((value, i) => value - after[i]);
  // T+ = 40, P = .020; estimate .46; 96.1 % interval .010 to .786; one-sided 95 % bound .175 (as R prints).
  assert.ok(Math.abs(locationAbove(fall, 0) - 0.01953125) < 1e-12);
  const walsh = walshAverages(fall);
  assert.ok(Math.abs(hodgesLehmann(walsh) - 0.46) < 1e-9);
  assert.ok(Math.abs(lowerBound(walsh, 9, 0.0196) - 0.01) < 5e-4);
  assert.ok(Math.abs(upperBound(walsh, 9, 0.0196) - 0.786) < 5e-4);
  assert.ok(Math.abs(lowerBound(walsh, 9, 0.05) - 0.175) < 5e-4);
});

const values = [
  -0.0041, -0.0197, 0.0125, 0.0326, 0.0541, 0.0233, 0.0034, -0.0035, 0.0425, 0.069, 0.0282, -0.017, -0.0087, 0.068,
  0.0261, -0.032, 0.0175, -0.0149, 0.0011, 0.0054, -0.0014, 0.0366, 0.0181, 0.0023, 0.0323,
];

test("p-values at a shifted location are SciPy's", () => {
  for (const [at, p] of [
    [0, 0.007986485958099365],
    [0.01, 0.2624562978744507],
  ]) {
    assert.ok(Math.abs(locationAbove(values, at) - p) < 1e-9, `${at}: ${locationAbove(values, at)}`);
  }
  assert.ok(Math.abs(locationBelow(values, 0.035) - 0.0006481707096099854) < 1e-9);
});

test("a bound is where the test stops rejecting", () => {
  const walsh = walshAverages(values);
  for (const level of [0.05, 0.01, 0.001]) {
    const low = lowerBound(walsh, values.length, level);
    assert.ok(locationAbove(values, low - 1e-9) <= level);
    assert.ok(locationAbove(values, low + 1e-9) > level);
    const high = upperBound(walsh, values.length, level);
    assert.ok(locationBelow(values, high + 1e-9) <= level);
    assert.ok(locationBelow(values, high - 1e-9) > level);
  }
});

test("too few pairs for a level bound nothing; ties never help a claim", () => {
  const few = [0.1, 0.2, 0.3, 0.4];
  assert.equal(lowerBound(walshAverages(few), 4, 0.05), Number.NEGATIVE_INFINITY);
  assert.equal(upperBound(walshAverages(few), 4, 0.05), Number.POSITIVE_INFINITY);
  assert.equal(locationAbove([], 0), 1);
  assert.equal(locationAbove(new Array(20).fill(0), 0), 1);
  assert.equal(locationBelow(new Array(20).fill(0), 0), 1);
});

test("many pairs: the approximation meets the exact count", () => {
  const exact = boundRank(200, 0.01);
  const most = (201 * 202) / 2;
  const approximate = boundRank(201, 0.01);
  // The rank grows by about n/2 - 1.16 sqrt(n) a pair there.
  assert.ok(approximate > exact && approximate - exact < 120 && approximate < most / 2, `${exact} ${approximate}`);
});
