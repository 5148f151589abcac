/** Searches on systems whose answer is known: a hard limit, noise, leaks, disturbance; limits, ends, efficiency. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyLoad } from "../../../bench/search/classification.ts";
import { checkGoal, NDR, PDR, RFC2544, type SearchGoal, TST009 } from "../../../bench/search/goal.ts";
import {
  type GoalResult,
  mlrSearch,
  SEARCH_DEFAULTS,
  type SearchConfig,
  type SearchOptions,
} from "../../../bench/search/mlr-search.ts";
import type { Measurer } from "../../../bench/search/trial.ts";
import { Random } from "../statistics/random.ts";
import { disturbed, type Fake, leaky, limited, noisy } from "./fakes.ts";

const config: SearchConfig = { ...SEARCH_DEFAULTS, maxLoad: 14_880_952, goals: [NDR, PDR] };
const still: SearchOptions = { clock: () => 0 };

const search = (fake: Measurer, change: Partial<SearchConfig> = {}, options = still) =>
  mlrSearch({ ...config, ...change }, fake, options);

/** The bounds of a regular result enclose `load` and are near. */
function encloses(result: GoalResult, load: number): void {
  const { lower, upper, goal } = result;
  assert.ok(result.regular && lower !== null && upper !== null, `${goal.name}: ${result.reason}`);
  assert.ok(lower.load <= load && load < upper.load, `${goal.name}: ${lower.load} to ${upper.load}, expected ${load}`);
  assert.ok((upper.load - lower.load) / upper.load <= goal.width + 1e-12, `${goal.name}: ${lower.load} ${upper.load}`);
  assert.equal(classifyLoad(lower.trials, goal).class, "lower");
  assert.equal(classifyLoad(upper.trials, goal).class, "upper");
}

test("a system that forwards exactly 1 Mpps: NDR and PDR in one search", async () => {
  const fake = limited(1e6);
  const { goals, trials, trialSeconds, stopped } = await search(fake);
  const [ndr, pdr] = goals;
  encloses(ndr, 1e6);
  encloses(pdr, 1e6 / 0.995);
  assert.equal(stopped, null);
  // All trials at the lower bound were lossless, so its load is the throughput.
  assert.equal(ndr.conditionalThroughput, ndr.lower?.load);
  // PDR's load is above the limit, its throughput is the limit.
  assert.ok(
    (pdr.lower?.load ?? 0) > 1e6 && Math.abs((pdr.conditionalThroughput ?? 0) - 1e6) < 1.01,
    `${pdr.lower?.load}`,
  );
  // The warm-up trial is not counted.
  assert.equal(trials, fake.asked.length - 1);
  assert.equal(fake.asked[0].load, config.maxLoad);
  assert.equal(trialSeconds, trials);
  // Two goals with two bounds of 11 seconds each at least; guessing and coarser targets must not cost as much again.
  assert.ok(trialSeconds >= 33 && trialSeconds < 110, `${trialSeconds} s`);
});

test("one search for two goals is shorter than two searches", async () => {
  const both = await search(limited(3.3e6));
  const ndr = await search(limited(3.3e6), { goals: [NDR] });
  const pdr = await search(limited(3.3e6), { goals: [PDR] });
  assert.ok(both.trialSeconds < ndr.trialSeconds + pdr.trialSeconds, `${both.trialSeconds}`);
});

test("the answer does not depend on the capacity, the range, or the order of goals", async () => {
  for (const capacity of [9_100, 12_345, 250_000, 1_800_000, 7_654_321, 14_700_000]) {
    for (const goals of [
      [NDR, PDR],
      [PDR, NDR],
    ]) {
      const fake = limited(capacity);
      const result = await search(fake, { goals });
      for (const of of result.goals) {
        const load = capacity / (1 - of.goal.lossRatio);
        // Whole frames: a load above the capacity by less than one frame a second loses nothing.
        if (load < config.maxLoad * 0.99) encloses(of, load + (of.goal.lossRatio === 0 ? 0.4 : 0));
      }
      for (const { load } of fake.asked) assert.ok(load >= 9001 && load <= config.maxLoad, `${load}`);
    }
  }
});

test("RFC 2544 and TST 009: long trials only where short ones have led", async () => {
  for (const goal of [RFC2544, TST009]) {
    const fake = limited(2e6);
    const { goals } = await search(fake, { goals: [goal] });
    encloses(goals[0], 2e6);
    const long = fake.asked.filter(({ duration }) => duration >= 60).length;
    const short = fake.asked.filter(({ duration }) => duration < 60).length;
    assert.ok(long >= 1 && long <= 6 && short > 3, `${goal.name}: ${long} long, ${short} short`);
    if (goal === RFC2544) assert.equal(goals[0].conditionalThroughput, goals[0].lower?.load);
  }
});

test("a leaky system: PDR is where it loses 0.5 %; NDR is far below", async () => {
  // 1e-3 (load / c)^8 = 0.005 at c x 5^(1/8).
  const { goals } = await search(leaky(2e6));
  encloses(goals[1], 2e6 * 5 ** (1 / 8));
  const ndr = goals[0];
  assert.ok(ndr.regular && (ndr.lower?.load ?? 0) < 1.5e6, `${ndr.lower?.load}`);
  const { lower } = goals[1];
  assert.ok((goals[1].conditionalThroughput ?? 0) >= (lower?.load ?? 0) * 0.995);
});

test("disturbed now and then: the exceed ratio forgives, RFC 2544 does not", async () => {
  const { goals } = await search(disturbed(1e6, 5), { goals: [NDR] });
  encloses(goals[0], 1e6);
  const strict: SearchGoal = { ...NDR, name: "strict", exceedRatio: 0, failFast: false };
  const unforgiving = await search(disturbed(1e6, 5), { goals: [strict] });
  assert.ok((unforgiving.goals[0].lower?.load ?? 0) < 0.9e6, `${unforgiving.goals[0].lower?.load}`);
});

test("noisy systems: regular results near the capacity, repeatable (seed 42)", async () => {
  const random = new Random(42);
  for (const spread of [0.002, 0.01]) {
    const found: number[] = [];
    for (let run = 0; run < 12; run++) {
      const { goals } = await search(noisy(1.2e6, spread, random));
      for (const result of goals) {
        assert.ok(result.regular, `${result.goal.name}: ${result.reason}`);
        const { lower, upper } = result;
        assert.ok(
          lower !== null && upper !== null && upper.load - lower.load <= upper.load * result.goal.width * 1.001,
        );
      }
      found.push((goals[0].conditionalThroughput ?? 0) / 1.2e6);
    }
    // Half of the trials at the lower bound are lossless there: near the median capacity.
    for (const share of found)
      assert.ok(Math.abs(share - 1) < 3 * spread + 0.005, `spread ${spread}: ${found.join(" ")}`);
  }
});

test("the ends of the range: largest load carried, smallest load not carried", async () => {
  const fast = await search(limited(1e9));
  assert.deepEqual(
    fast.goals.map((goal) => [goal.regular, goal.reason, goal.upper, goal.lower?.load, goal.conditionalThroughput]),
    fast.goals.map(() => [false, "the largest load meets the goal", null, config.maxLoad, config.maxLoad]),
  );
  const dead = limited(0);
  const slow = await search(dead);
  assert.equal(slow.stopped, "the smallest load does not meet NDR");
  assert.ok(slow.goals.every((goal) => !goal.regular && goal.lower === null && goal.conditionalThroughput === null));
  assert.equal(slow.goals[0].reason, "the smallest load does not meet the goal");
  assert.equal(slow.goals[0].upper?.load, config.minLoad);
  assert.ok(dead.asked.length < 60, `${dead.asked.length} trials`);
});

test("without fail_fast the other goal is still found", async () => {
  // Always loses 0.1 %: no NDR at all, PDR at the limit.
  const fake: Fake = leaky(1e6);
  const lossy: Measurer = {
    measure(duration, load) {
      const trial = fake.measure(duration, Math.min(load, 1e12));
      return { ...trial, forwarded: Math.min(trial.forwarded, Math.floor(trial.offered * 0.999)) };
    },
  };
  const { goals, stopped } = await search(lossy, { goals: [{ ...NDR, failFast: false }, PDR] });
  assert.equal(stopped, null);
  assert.equal(goals[0].reason, "the smallest load does not meet the goal");
  encloses(goals[1], 1e6 * 5 ** (1 / 8));
});

test("time is up, interrupted: what is known so far, marked", async () => {
  let now = 0;
  const slow = limited(1e6);
  const timed: Measurer = {
    measure(duration, load) {
      now += duration;
      return slow.measure(duration, load);
    },
  };
  const late = await search(timed, { searchDurationMax: 20 }, { clock: () => now });
  assert.equal(late.stopped, "not done after 20 s");
  assert.ok(late.goals.every((goal) => !goal.regular && goal.reason === "not done after 20 s"));
  const control = new AbortController();
  let count = 0;
  const cut = await search(
    limited(1e6),
    {},
    {
      ...still,
      signal: control.signal,
      onTrial: () => {
        if (++count === 15) control.abort();
      },
    },
  );
  assert.deepEqual([cut.stopped, cut.trials], ["interrupted", 15]);
});

test("goals and limits that make no sense are refused by value; a broken measurer is not believed", async () => {
  const wrong: readonly (readonly [Partial<SearchGoal>, RegExp])[] = [
    [{ lossRatio: 1 }, /search goal NDR: loss ratio 1, expected 0 or more, below 1/],
    [{ exceedRatio: -0.1 }, /exceed ratio -0\.1/],
    [{ width: 0 }, /width 0/],
    [{ initialTrialDuration: 0 }, /initial trial duration 0/],
    [{ finalTrialDuration: 0.5 }, /final trial duration 0\.5, expected at least the initial one, 1/],
    [{ durationSum: 0.5 }, /duration sum 0\.5/],
    [{ precedingTargets: 1.5 }, /preceding targets 1\.5/],
    [{ precedingTargets: 0, finalTrialDuration: 5 }, /preceding targets 0/],
    [{ expansionCoefficient: 1 }, /expansion coefficient 1/],
  ];
  for (const [change, message] of wrong) assert.throws(() => checkGoal({ ...NDR, ...change }), message);
  await assert.rejects(search(limited(1), { goals: [] }), /without goals/);
  await assert.rejects(search(limited(1), { minLoad: 5, maxLoad: 5 }), /between loads of 5 and 5/);
  await assert.rejects(
    search({ measure: (duration, load) => ({ duration, load, offered: 1, forwarded: 1, effectiveDuration: 0 }) }),
    /took 0 s/,
  );
});

test("no preceding targets: every trial counts in full from the beginning", async () => {
  const fake = limited(5e5);
  const { goals } = await search(fake, { goals: [{ ...NDR, precedingTargets: 0 }], warmupDuration: 0 });
  encloses(goals[0], 5e5);
});
