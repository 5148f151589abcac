/** The self-test's bookkeeping: which runs there are, what is made of their verdicts and pairs. Times are made up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_GATE } from "../../../bench/gate/gate-file.ts";
import { DEFAULT_PLAN } from "../../../bench/gate/plan.ts";
import { seeded } from "../../../bench/gate/random.ts";
import { GROUPS, recordPairs, selfTestUnits, slowLeg, turnsPerRatio } from "../../../bench/gate/self-test.ts";
import { resampleSelfTest } from "../../../bench/gate/self-test-resample.ts";
import { selfTestResult } from "../../../bench/gate/self-test-result.ts";
import { unitsOf } from "../../../bench/merge/shard.ts";
import type { UnitResult } from "../../../bench/merge/shard-file.ts";

test("every run is there once, scenarios take turns, each shard gets some of every slow-down", () => {
  const units = selfTestUnits([0, 0.03, 0.05, 0.1], 60, 20, ["a", "b"]);
  assert.equal(units.length, 120);
  assert.equal(new Set(units.map(({ name }) => name)).size, 120);
  assert.equal(units.filter(({ slowDown, scenario }) => slowDown === 0.05 && scenario === "b").length, 10);
  assert.ok(units.every(({ slowDown, scenario }) => (slowDown === 0) === (scenario === null)));
  for (let index = 1; index <= 3; index++) {
    const own = unitsOf(units, { index, count: 3 });
    assert.equal(new Set(own.map(({ slowDown }) => slowDown)).size, 4, `shard ${index}/3`);
  }
  assert.deepEqual(units, selfTestUnits([0, 0.03, 0.05, 0.1], 60, 20, ["a", "b"]), "the same every time");
});

/** A bench whose process takes 100 ns and a hundredth of a nanosecond a turn, give or take a percent. */
function bench(seed: number): Parameters<typeof turnsPerRatio>[0] {
  const uniform = seeded(seed);
  return {
    async measure(_scenario, legs) {
      return legs.map(({ extraTurns }) => {
        const ns = (100 + extraTurns / 100) * (1 + 0.01 * (uniform() - 0.5));
        return { nsPerPacket: ns, cpuNsPerPacket: ns };
      });
    },
  };
}

test("the slow-down is calibrated on what it really costs", async () => {
  const turns = await turnsPerRatio(bench(1), "a", 5, seeded(1));
  assert.ok(Math.abs(turns / 10_000 - 1) < 0.05, `${turns} turns for 100 %, expected 10,000`);
});

test("recorded pairs give error rates: equal sides pass, 10 % is found", async () => {
  const results: UnitResult[] = [];
  for (let n = 0; n < 10; n++) {
    results.push(await recordPairs(bench(n), `pairs ${n}`, "a", new Map([[0.1, 1000]]), seeded(n), () => {}));
  }
  assert.equal(results[0].values[slowLeg("a", 0.1)].length, GROUPS);
  const plan = { ...DEFAULT_PLAN, looks: [10, 20], confirmPairs: 10 };
  const rows = resampleSelfTest(results, plan, DEFAULT_GATE.metric, 50, 1);
  assert.deepEqual(
    rows.map(({ slowDown, recorded }) => ({ slowDown, recorded })),
    [
      { slowDown: 0, recorded: 100 },
      { slowDown: 0.1, recorded: 100 },
    ],
  );
  assert.equal(rows[0].rates.verdicts.pass.events, 50);
  assert.equal(rows[1].rates.found?.events, 50);
});

test("rows count what runs said; doubt is a miss and shown apart", () => {
  const run = (unit: string, slowDown: number, verdict: string, metric: string): UnitResult => ({
    unit,
    counts: { [verdict]: 1 },
    histograms: {},
    values: { "a base": [100, 100], "a head": [100 * (1 + slowDown), 100 * (1 + slowDown)], "a copy": [100, 100] },
    detail: {
      kind: "run",
      slowDown,
      scenario: slowDown === 0 ? null : "a",
      turns: 0,
      verdict,
      metrics: { "a/ns per packet": metric },
      broken: [],
      seconds: 10,
    },
  });
  const { rows } = selfTestResult({
    results: [
      run("0 % 1", 0, "pass", "pass"),
      run("0 % 2", 0, "fail", "regression"),
      run("5 % 1", 0.05, "fail", "regression"),
      run("5 % 2", 0.05, "inconclusive", "inconclusive"),
      run("5 % 3", 0.05, "noisy", "noisy"),
    ],
    missing: [],
    work: { kind: "self-test", inputs: "", commit: "c", units: 5 },
  });
  const [equal, slow] = rows;
  assert.deepEqual([equal.runs, equal.red.events, equal.found], [2, 1, null]);
  assert.deepEqual([slow.runs, slow.found?.events, slow.inconclusive.events, slow.noisy.events], [3, 1, 1, 1]);
  assert.ok(Math.abs(slow.actual["a"] - 0.05) < 1e-9);
});
