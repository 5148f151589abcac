/**
 * The error rates of the decision by simulation, on the machines of noise.ts. The table was computed for this gate
 * beforehand, with other code (400 runs a cell, 12 metrics, confirmation on as many fresh pairs): pairs, margin, machine ->
 * how often a slow-down of one metric is found.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_PLAN, type GatePlan } from "../../../bench/gate/plan.ts";
import { type ErrorRates, errorRates, simulateRun } from "../../../bench/gate/simulate.ts";
import { Random } from "../statistics/random.ts";
import { machine, machines, type Noise, pairOf, times } from "./noise.ts";

const SEED = 20_261_126;
const names = Array.from({ length: 12 }, (_, i) => `metric ${i}`);
const metrics = (margin: number): GatePlan["metrics"] => names.map((name) => ({ name, margin, tolerance: 0.02 }));

function rates(plan: GatePlan, noise: Noise, slowDown: number, runs: number, control: boolean): ErrorRates {
  const random = new Random(SEED);
  const slowed = slowDown === 0 ? [] : [names[3]];
  const slower = new Map(slowed.map((name) => [name, Math.log1p(slowDown)]));
  return errorRates(
    times(runs, () => simulateRun(plan, machine(random, noise, slower, control))),
    slowed,
  );
}

test("the machines have the pair spreads of the table", () => {
  for (const [name, spread] of [
    ["quiet", 0.0077],
    ["typical", 0.0216],
    ["noisy", 0.0433],
    ["veryNoisy", 0.0794],
  ] as const) {
    const random = new Random(SEED);
    let squares = 0;
    for (let i = 0; i < 20_000; i++) squares += pairOf(random, machines[name]) ** 2;
    assert.ok(Math.abs(Math.sqrt(squares / 20_000) / spread - 1) < 0.03, `${name}: ${Math.sqrt(squares / 20_000)}`);
  }
});

test(`power of one look is that of the table (seed ${SEED})`, () => {
  const table: readonly (readonly [keyof typeof machines, number, number, number, number])[] = [
    // machine, pairs, margin, slow-down, found
    ["typical", 20, 0, 0.02, 0.57],
    ["typical", 20, 0, 0.03, 0.97],
    ["typical", 30, 0, 0.02, 0.93],
    ["noisy", 20, 0, 0.03, 0.24],
    ["noisy", 20, 0, 0.05, 0.88],
    ["noisy", 30, 0, 0.03, 0.55],
    ["veryNoisy", 20, 0, 0.08, 0.68],
    ["veryNoisy", 30, 0, 0.05, 0.38],
    ["typical", 20, 0.02, 0.03, 0.02],
    ["typical", 20, 0.02, 0.05, 0.98],
    ["noisy", 20, 0.02, 0.05, 0.2],
    ["noisy", 20, 0.02, 0.08, 0.97],
    ["noisy", 30, 0.02, 0.05, 0.48],
    ["veryNoisy", 30, 0.02, 0.08, 0.62],
  ];
  const runs = 120;
  for (const [name, pairs, margin, slowDown, expected] of table) {
    const plan = { ...DEFAULT_PLAN, looks: [pairs], suspicion: 0.01, confirmPairs: pairs, metrics: metrics(margin) };
    const { found } = rates(plan, machines[name], slowDown, runs, false);
    // Three standard errors of 120 runs, and the table's own of 400.
    const slack = 3 * Math.sqrt((expected * (1 - expected) + 0.01) * (1 / runs + 1 / 400)) + 0.02;
    assert.ok(
      found !== null && Math.abs(found.rate - expected) < slack,
      `${name} ${pairs} ${slowDown}: ${found?.rate}`,
    );
  }
});

test(`same code is hardly ever red, with or without margin (seed ${SEED})`, () => {
  for (const margin of [0, 0.02]) {
    for (const noise of [machines.typical, machines.noisy]) {
      const { verdicts } = rates({ ...DEFAULT_PLAN, metrics: metrics(margin) }, noise, 0, 150, true);
      assert.equal(verdicts.fail.events, 0, `margin ${margin}: ${verdicts.fail.events} of 150 red`);
      assert.ok(verdicts.noisy.events <= 3, `margin ${margin}: ${verdicts.noisy.events} of 150 noisy`);
    }
  }
});

test(`metrics that all stand at the margin: no more suspicion than the plan allows (seed ${SEED})`, () => {
  // The worst case of the promise, without confirmation to hide behind: every metric slower by exactly the margin.
  const plan = { ...DEFAULT_PLAN, metrics: metrics(0.02), controlFactor: 0 };
  const random = new Random(SEED);
  const slower = new Map(names.map((name) => [name, Math.log1p(0.02)]));
  let suspected = 0;
  const runs = 400;
  for (const run of times(runs, () => simulateRun(plan, machine(random, machines.typical, slower, false)))) {
    if (run.metrics.some((metric) => metric.confirmPairs > 0)) suspected++;
    assert.ok(run.metrics.every((metric) => metric.verdict !== "noisy"));
  }
  // 5 % and four standard errors.
  assert.ok(suspected / runs < 0.05 + 4 * Math.sqrt((0.05 * 0.95) / runs), `${suspected} of ${runs}`);
});

test(`the default plan on a typical shared machine (seed ${SEED})`, () => {
  const plan = { ...DEFAULT_PLAN, metrics: metrics(0.02) };
  const same = rates(plan, machines.typical, 0, 200, true);
  assert.ok(same.verdicts.inconclusive.events <= 2 && same.meanPairs < 12, JSON.stringify(same));
  for (const slowDown of [0.05, 0.1]) {
    const { found } = rates(plan, machines.typical, slowDown, 150, true);
    assert.ok(found !== null && found.rate >= 0.97, `${slowDown}: ${found?.rate}`);
  }
});

test(`a machine too noisy for the question says so, not red and not green (seed ${SEED})`, () => {
  const plan = { ...DEFAULT_PLAN, looks: [10, 20, 30], metrics: metrics(0.02) };
  const { verdicts } = rates(plan, { noise: 0.1, modes: 0.1, drift: 0.05 }, 0, 60, true);
  assert.equal(verdicts.fail.events, 0);
  assert.ok(verdicts.noisy.rate > 0.9, JSON.stringify(verdicts));
});
