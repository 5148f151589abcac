/** A run of the gate over a bench that makes up its times: what is measured, in which order, and what comes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_GATE } from "../../../bench/gate/gate-file.ts";
import { DEFAULT_PLAN } from "../../../bench/gate/plan.ts";
import { seeded } from "../../../bench/gate/random.ts";
import { type GateOutcome, type GateRun, runGate } from "../../../bench/gate/run-gate.ts";
import { Interrupted, type SideName } from "../../../bench/gate/sides.ts";

const SCENARIOS = [{ name: "a" }, { name: "b" }];
const EXACT = { checksum: "c0ffee", packets: 10, "allocated-bytes": 0 };

interface Fake {
  /** Time of a process relative to the base's, by scenario and side. */
  readonly ratio?: (scenario: string, side: SideName) => number;
  readonly exact?: (scenario: string, side: SideName, call: number) => Record<string, string | number>;
  /** Ctrl-C in this process. */
  readonly interruptAt?: number;
  readonly noise?: number;
}

/** Runs the gate; `calls` is every process that it asked for. */
async function gate(
  { ratio = () => 1, exact = () => EXACT, interruptAt, noise = 0.01 }: Fake,
  more: Partial<GateRun> = {},
): Promise<{ readonly outcome: GateOutcome; readonly calls: readonly string[] }> {
  const uniform = seeded(7);
  const calls: string[] = [];
  const exactCalls = new Map<string, number>();
  const outcome = await runGate({
    bench: {
      async measure(scenario, legs) {
        return legs.map(({ side, extraTurns }) => {
          if (calls.length === interruptAt) throw new Interrupted();
          calls.push(`${scenario} ${side}${extraTurns === 0 ? "" : ` +${extraTurns}`}`);
          const ns = 100 * ratio(scenario, side) * (1 + noise * (uniform() - 0.5));
          return { nsPerPacket: 2 * ns, cpuNsPerPacket: ns };
        });
      },
      async exact(scenario, side) {
        const key = `${scenario} ${side}`;
        exactCalls.set(key, (exactCalls.get(key) ?? 0) + 1);
        return exact(scenario, side, exactCalls.get(key) as number);
      },
    },
    scenarios: SCENARIOS,
    gate: { ...DEFAULT_GATE, plan: { ...DEFAULT_PLAN, looks: [10, 20], confirmPairs: 10 } },
    timer: "cpu",
    control: true,
    uniform: seeded(1),
    progress: () => {},
    ...more,
  });
  return { outcome, calls };
}

test("equal sides pass at the first look, in pairs of fresh processes", async () => {
  const { outcome, calls } = await gate({});
  assert.equal(outcome.verdict, "pass");
  assert.equal(calls.length, 2 * 10 * 3);
  for (let i = 0; i < calls.length; i += 3) {
    const [scenario] = calls[i].split(" ");
    const expected = ["base", "copy", "head"].map((side) => `${scenario} ${side}`);
    assert.deepEqual(calls.slice(i, i + 3).toSorted(), expected, "a pair is one process of each side");
  }
  assert.equal(outcome.pairs.length, 20);
});

test("a slower head is red in its own metric alone, confirmed on fresh pairs", async () => {
  const { outcome } = await gate({ ratio: (scenario, side) => (scenario === "b" && side === "head" ? 1.1 : 1) });
  assert.equal(outcome.verdict, "fail");
  assert.deepEqual(
    outcome.metrics.map(({ name, verdict }) => `${name}: ${verdict}`),
    ["a/ns per packet: pass", "b/ns per packet: regression"],
  );
  assert.equal(outcome.metrics[1].confirmPairs, 10);
  assert.ok(Math.abs(outcome.metrics[1].estimate - 0.1) < 0.01);
  assert.ok(outcome.pairs.filter(({ purpose }) => purpose === "confirm").every(({ scenario }) => scenario === "b"));
});

test("what is only shown does not count; the wall clock can be the timer", async () => {
  const { outcome } = await gate(
    { ratio: (scenario, side) => (scenario === "b" && side === "head" ? 1.1 : 1) },
    {
      timer: "clock",
      gate: {
        ...DEFAULT_GATE,
        metric: (name) => (name.startsWith("b/") ? null : DEFAULT_GATE.metric(name)),
      },
    },
  );
  assert.equal(outcome.verdict, "pass");
  assert.ok(outcome.pairs.every(({ base }) => base > 190));
});

test("a base that differs from its own copy is a noisy runner, whatever the head", async () => {
  const { outcome } = await gate({ ratio: (_, side) => (side === "copy" ? 1.1 : side === "head" ? 1.2 : 1) });
  assert.equal(outcome.verdict, "noisy");
});

test("an exact gate that differs fails whatever the times; what V8 does by itself is measured again first", async () => {
  const other = await gate({
    exact: (scenario, side) => ({ ...EXACT, packets: scenario === "a" && side === "head" ? 9 : 10 }),
  });
  assert.equal(other.outcome.verdict, "fail");
  assert.deepEqual(other.outcome.broken, [{ name: "a/packets", base: 10, head: 9 }]);

  const once = await gate({
    exact: (_, side, call) => ({ ...EXACT, "allocated-bytes": side === "head" && call === 1 ? 3 : 0 }),
  });
  assert.equal(once.outcome.verdict, "pass", "3 bytes once and 0 after that are 0");

  const always = await gate({ exact: (_, side) => ({ ...EXACT, "allocated-bytes": side === "head" ? 3 : 0 }) });
  assert.deepEqual(
    always.outcome.broken.map(({ name }) => name),
    ["a/allocated-bytes", "b/allocated-bytes"],
  );
});

test("interrupted in the middle: the pairs until then are there, nothing is decided", async () => {
  const { outcome } = await gate({ interruptAt: 32 });
  assert.equal(outcome.interrupted, true);
  assert.equal(outcome.pairs.length, 10, "whole pairs only");
  assert.equal(outcome.verdict, "inconclusive");
  assert.deepEqual([...new Set(outcome.metrics.map(({ reason }) => reason))], ["interrupted"]);
});

test("the built-in slow-down is the head's alone", async () => {
  const { calls } = await gate({}, { extraTurns: new Map([["a", 50]]) });
  assert.ok(calls.includes("a head +50"));
  assert.ok(calls.every((call) => !call.includes("+50") || call.startsWith("a head")));
});
