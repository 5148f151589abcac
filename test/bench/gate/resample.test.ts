/** Blocks keep neighbours together, draw every pair equally often, the same for all metrics; rates carry exact intervals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_PLAN } from "../../../bench/gate/plan.ts";
import { checkRecording, drawBlocks, metricNames, type Recording, resampled } from "../../../bench/gate/resample.ts";
import { errorRates, simulateRun } from "../../../bench/gate/simulate.ts";
import { Random } from "../statistics/random.ts";
import { machines, pairOf, times } from "./noise.ts";

test("blocks of consecutive pairs, round the end, all equally often", () => {
  const random = new Random(5);
  const seen = new Float64Array(30);
  for (let i = 0; i < 4000; i++) {
    const indices = drawBlocks(30, 12, 5, () => random.uniform());
    for (const [k, index] of indices.entries()) {
      seen[index]++;
      if (k % 5 !== 0) assert.equal(index, (indices[k - 1] + 1) % 30);
    }
  }
  const expected = (4000 * 12) / 30;
  for (const count of seen) assert.ok(Math.abs(count / expected - 1) < 0.1, `${count} of ${expected}`);
});

function record(random: Random, slower: number): Recording {
  const ns = Array.from({ length: 600 }, () => pairOf(random, machines.typical) + slower);
  // A metric that follows the first: the same processes.
  return { scenario: "gre-dvr", effects: { ns, wall: ns.map((effect) => effect / 2) } };
}

test("runs drawn from recorded pairs: no red on A/A, a slow-down of 10 % found", () => {
  const random = new Random(11);
  const same = record(random, 0);
  const slow = record(random, Math.log(1.1));
  const plan = {
    ...DEFAULT_PLAN,
    metrics: metricNames(same).map((name) => ({ name, margin: 0.02, tolerance: 0.02 })),
  };
  assert.deepEqual(metricNames(same), ["gre-dvr/ns", "gre-dvr/wall"]);
  const uniform = (): number => random.uniform();
  const source = resampled([same], [same], 10, uniform);
  const drawn = source.draw(["gre-dvr/ns", "gre-dvr/wall"], 20);
  const [ns, wall] = [drawn.get("gre-dvr/ns"), drawn.get("gre-dvr/wall")];
  assert.deepEqual(
    wall?.effects,
    ns?.effects.map((effect) => effect / 2),
  );
  assert.equal(ns?.control.length, 20);
  const aa = errorRates(times(300, () => simulateRun(plan, source)));
  assert.equal(aa.verdicts.fail.events, 0);
  assert.equal(aa.found, null);
  // 0 of 300: at most 1.2 % with 95 % confidence (two-sided).
  assert.ok(aa.verdicts.fail.high > 0.012 && aa.verdicts.fail.high < 0.0123);
  const ab = errorRates(
    times(200, () => simulateRun(plan, resampled([slow], [same], 10, uniform))),
    ["gre-dvr/ns"],
  );
  assert.ok(ab.found !== null && ab.found.rate > 0.98, JSON.stringify(ab.found));
});

test("recordings that do not fit are refused", () => {
  assert.throws(() => checkRecording({ scenario: "x", effects: {} }), /recording of x: no pairs/);
  assert.throws(() => checkRecording({ scenario: "x", effects: { a: [1], b: [1, 2] } }), /1 and 2 pairs/);
  assert.throws(() => errorRates([]), /no runs/);
});
