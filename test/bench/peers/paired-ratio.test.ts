import assert from "node:assert/strict";
import { test } from "node:test";
import { pairedRatio, signedRank } from "../../../bench/peers/paired-ratio.ts";

test("tails of the signed-rank distribution as the tables give them", () => {
  // Critical values of Wilcoxon's T for a two-sided 5 %: Hollander and Wolfe, table A.4; the same in Siegel, table G.
  const critical: Record<number, number> = { 6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 12: 13, 15: 25, 20: 52, 25: 89, 30: 137 };
  for (const [n, skip] of Object.entries(critical)) assert.equal(signedRank(Number(n), 0.95).skip, skip, `n ${n}`);
  // P(T <= 8) with n = 10 is 0.0244, P(T <= 52) with n = 20 is 0.0242.
  assert.ok(Math.abs(signedRank(10, 0.95).covered - (1 - 2 * 0.0244)) < 1e-4);
  assert.ok(Math.abs(signedRank(20, 0.95).covered - (1 - 2 * 0.0242)) < 1e-4);
  // Five pairs cannot give 95 %: nothing is left out, and the coverage says so.
  assert.deepEqual(signedRank(5, 0.95), { skip: 0, covered: 1 - 2 / 32 });
});

test("Hodges-Lehmann estimate and interval of a published example", () => {
  // Hollander and Wolfe, example 3.1 (depression scale of nine patients): estimate -0.46, 96.1 % interval -0.786 to -0.010.
  const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
  const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
  const ratio = pairedRatio(after.map(Math.exp), before.map(Math.exp));
  assert.ok(Math.abs(Math.log(ratio.estimate) - -0.46) < 0.005, String(Math.log(ratio.estimate)));
  assert.ok(Math.abs(Math.log(ratio.low) - -0.786) < 0.001, String(Math.log(ratio.low)));
  assert.ok(Math.abs(Math.log(ratio.high) - -0.01) < 0.001, String(Math.log(ratio.high)));
  assert.ok(Math.abs(ratio.confidence - 0.961) < 0.001, String(ratio.confidence));
});

test("a drift that hits both sides of a pair leaves the ratio alone, one wild pair hardly moves it", () => {
  const drift = [1, 1.1, 1.3, 1.2, 1.6, 1.7, 1.9, 2, 2.2, 2.4];
  const ratio = pairedRatio(
    drift.map((x) => 2 * x),
    drift,
  );
  assert.ok(Math.abs(ratio.estimate - 2) < 1e-12);
  assert.ok(ratio.deviation < 1e-12);
  const wild = pairedRatio([...drift.map((x) => 2 * x).slice(1), 1000], [...drift.slice(1), 1]);
  assert.ok(Math.abs(wild.estimate - 2) < 1e-9, String(wild.estimate));
});

test("the interval holds the truth as often as it says", () => {
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed + 0.5) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  let held = 0;
  for (let i = 0; i < 1000; i++) {
    const below = Array.from({ length: 10 }, () => 100);
    const ratio = pairedRatio(
      below.map((x) => x * 1.5 * Math.exp(0.05 * normal())),
      below,
    );
    if (ratio.low <= 1.5 && 1.5 <= ratio.high) held++;
  }
  // 95.1 % promised; three standard errors of 1,000 trials are 2 %.
  assert.ok(held > 931 && held < 971, `seed 1: ${held} of 1000`);
});

test("what cannot be compared is refused", () => {
  assert.throws(() => pairedRatio([], []), /0 and 0 values/);
  assert.throws(() => pairedRatio([1, 2], [1]), /2 and 1 values/);
  assert.throws(() => pairedRatio([1], [0]), /expected positive/);
});
