/** Verdicts on effects made by hand: each way that a metric can end, what is asked for, what the result says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GateDecision } from "../../../bench/gate/decision.ts";
import { checkPlan, DEFAULT_PLAN, type GatePlan, pairEffect } from "../../../bench/gate/plan.ts";
import { compareExact, exitCode, runVerdict } from "../../../bench/gate/verdict.ts";

const plan: GatePlan = {
  ...DEFAULT_PLAN,
  looks: [10, 20],
  confirmPairs: 12,
  metrics: [{ name: "ns", margin: 0.02, tolerance: 0.02 }],
};

/** `count` effects around `center`, evenly within half the width, no two alike. */
const around = (center: number, width: number, count: number, salt = 0): number[] =>
  Array.from({ length: count }, (_, i) => center + width * ((((i * 7 + salt) % count) + 0.5) / count - 0.5));

function decide(center: number, width: number, fresh = center, control = 0, of: GatePlan = plan) {
  const gate = new GateDecision(of);
  const asked: string[] = [];
  for (let ask = gate.next(); ask !== null; ask = gate.next()) {
    asked.push(`${ask.purpose} ${ask.pairs}`);
    const salt = asked.length;
    for (const name of ask.metrics) {
      gate.add(
        name,
        around(ask.purpose === "confirm" ? fresh : center, width, ask.pairs, salt),
        around(control, width, ask.pairs, salt + 3),
      );
    }
  }
  const [result] = gate.results();
  return { asked, result, run: runVerdict([result], []) };
}

test("no difference passes at the first look", () => {
  const { asked, result, run } = decide(0, 0.02);
  assert.deepEqual([result.verdict, run, asked], ["pass", "pass", ["look 10"]]);
  assert.match(result.reason, /slower by less than 4\.0 %/);
});

test("a clear slow-down is suspected, confirmed on fresh pairs, red", () => {
  const { asked, result, run } = decide(0.08, 0.02);
  assert.deepEqual([result.verdict, run, asked], ["regression", "fail", ["look 10", "confirm 12"]]);
  assert.ok(result.estimate > 0.08 && result.estimate < 0.09, `${result.estimate}`);
  assert.deepEqual([result.pairs, result.confirmPairs, result.marginFrom], [10, 12, "declared"]);
});

test("a slow-down that fresh pairs do not show is not red, and says so", () => {
  const passed = decide(0.08, 0.02, 0);
  assert.deepEqual([passed.result.verdict, passed.run], ["pass", "pass"]);
  assert.match(passed.result.reason, /suspected, not confirmed/);
  // The estimate is that of the fresh pairs: those that made it suspect are biased by having been chosen.
  assert.ok(Math.abs(passed.result.estimate) < 0.005);
  const doubtful = decide(0.08, 0.1, 0.028);
  assert.deepEqual([doubtful.result.verdict, doubtful.run], ["inconclusive", "inconclusive"]);
});

test("faster than the margin is an improvement", () => {
  const { result, run } = decide(-0.06, 0.02);
  assert.deepEqual([result.verdict, run], ["improvement", "pass"]);
  assert.ok(result.estimate < -0.05);
});

test("near the promise it stays undecided, with what could have been seen", () => {
  const { asked, result, run } = decide(0.03, 0.12);
  assert.deepEqual([result.verdict, run, asked], ["inconclusive", "inconclusive", ["look 10", "look 10"]]);
  assert.ok(result.detectable !== null && result.detectable > 0.02 && result.detectable < 0.07, `${result.detectable}`);
});

test("a control outside its margin is noise, not red", () => {
  const { result, run } = decide(0.08, 0.01, 0.08, 0.05);
  assert.deepEqual([result.verdict, run], ["noisy", "noisy"]);
  assert.match(result.reason, /base differs from its own copy by 5\.\d %/);
});

test("a wandering control widens the margin of red but never that of a pass", () => {
  const wide = decide(0, 0.4);
  assert.equal(wide.result.marginFrom, "control");
  assert.ok(wide.result.margin > 0.02);
  assert.notEqual(wide.result.verdict, "pass");
});

test("exact gates fail whatever the noise; allowed verdicts exit 0, red never", () => {
  const { result } = decide(0.08, 0.01, 0.08, 0.05);
  // Less than a byte a packet is no object of a packet's.
  assert.deepEqual(compareExact({ "allocated-bytes": 0.4 }, { "allocated-bytes": 0.5 }), []);
  assert.equal(compareExact({ "allocated-bytes": 0 }, { "allocated-bytes": 1 }).length, 1);
  const broken = compareExact({ packets: 250, checksum: "ab", gone: 1 }, { packets: 251, checksum: "ab", come: "x" });
  assert.deepEqual(broken, [
    { name: "packets", base: 250, head: 251 },
    { name: "gone", base: 1, head: null },
    { name: "come", base: null, head: "x" },
  ]);
  assert.equal(runVerdict([result], broken), "fail");
  assert.equal(runVerdict([], []), "pass");
  assert.deepEqual(
    (["pass", "fail", "noisy", "inconclusive"] as const).map((verdict) => exitCode(verdict)),
    [0, 1, 3, 4],
  );
  assert.deepEqual(
    (["pass", "fail", "noisy", "inconclusive"] as const).map((verdict) => exitCode(verdict, ["noisy", "fail"])),
    [0, 1, 0, 4],
  );
});

test("stopped early: what is open is undecided and says why", () => {
  const gate = new GateDecision(plan);
  gate.next();
  gate.add("ns", around(0, 0.02, 4));
  gate.stop("interrupted");
  assert.equal(gate.next(), null);
  const [result] = gate.results();
  assert.deepEqual([result.verdict, result.reason, result.pairs, result.low], ["inconclusive", "interrupted", 4, null]);
});

test("effects mean the same in both directions; zeros are no measurements", () => {
  assert.ok(Math.abs(pairEffect(100, 105, "lower-is-better") - Math.log(1.05)) < 1e-15);
  assert.ok(Math.abs(pairEffect(105, 100, "higher-is-better") - Math.log(1.05)) < 1e-15);
  assert.throws(() => pairEffect(0, 5, "lower-is-better"), /pair of 0 \(base\) and 5 \(head\)/);
  assert.throws(() => pairEffect(1, Number.NaN, "lower-is-better"), /NaN/);
});

test("plans that make no sense are refused by value", () => {
  const wrong: readonly (readonly [Partial<GatePlan>, RegExp])[] = [
    [{ looks: [] }, /looks at {2}pairs/],
    [{ looks: [10, 10] }, /10, 10/],
    [{ looks: [4, 10] }, /from 6 on/],
    [{ looks: [10, 500] }, /at most 200/],
    [{ confirmPairs: 2 }, /2 pairs to confirm/],
    [{ suspicion: 0 }, /suspicion 0/],
    [{ misses: 0.7 }, /misses 0\.7/],
    [{ controlFactor: -1 }, /control factor -1/],
    [{ ceiling: 0 }, /ceiling 0/],
    [{ metrics: [plan.metrics[0], plan.metrics[0]] }, /"ns" is there twice/],
    [{ metrics: [{ name: "x", margin: -1, tolerance: 0 }] }, /margin -1/],
  ];
  for (const [change, message] of wrong) assert.throws(() => checkPlan({ ...plan, ...change }), message);
});
