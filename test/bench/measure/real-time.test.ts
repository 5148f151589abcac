/**
 * Trials in real time, on two threads: every frame is accounted for; a datapath that stands still loses what its queue does
 * not hold, and what it holds is seen to have waited. Nothing is said about how fast anything is.
 */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { PLAIN, RealTimeMeasurer } from "../../../bench/measure/real-time.ts";
import type { TrialJson } from "../../../bench/measure/result.ts";
import { generatedTraffic } from "../../../bench/measure/traffic.ts";
import { parsePorts } from "../../../bench/replay/port-spec.ts";
import { parseFrameProfiles } from "../../../bench/search/frame-profile.ts";

const alone = availableParallelism() < 2 ? "needs two cores" : false;
const [profile] = parseFrameProfiles("64");

/** A measurer of a bridge where port 1 goes to port 3, and what port 2 gets is dropped. */
function bridge(rules: string, queue: number, ports = ["1", "2"]): RealTimeMeasurer {
  return new RealTimeMeasurer({
    plan: {
      kind: "bridge",
      setup: {
        ports: parsePorts([...ports.map((port) => `${port}=pcap${port === "1" ? "" : ":made up"}`), "3=null"]),
        rules: { text: rules, file: "rules" },
        groups: undefined,
        vlanLimit: 1,
        emc: undefined,
      },
    },
    traffic: generatedTraffic(
      ports.map((port) => ({ port, scenario: "p2p" })),
      profile,
      100,
    ).traffic,
    queue,
    warm: true,
    signal: new AbortController().signal,
  });
}

function adds(trial: TrialJson): void {
  assert.equal(trial.intended, trial.offered + trial.unsent);
  assert.equal(trial.offered, trial.forwarded + trial.lost + trial.dropped);
  const sum = (of: (one: TrialJson["directions"][number]) => number): number =>
    trial.directions.reduce((total, one) => total + of(one), 0);
  assert.equal(
    trial.offered,
    sum(({ offered }) => offered),
  );
  assert.ok(trial.lost >= sum(({ lost }) => lost));
}

test("every frame is forwarded, dropped by rule, lost or unsent", { skip: alone }, async () => {
  const measurer = bridge("in_port=1,actions=output:3\nin_port=2,actions=drop", 64);
  const warm = await measurer.ready();
  assert.equal(warm.upcallsInLastPass, 0);
  assert.equal(warm.megaflows, 2);
  for (const load of [20_000, 2_000_000]) {
    const result = await measurer.measure(0.1, load);
    const trial = measurer.trials.at(-1) as TrialJson;
    adds(trial);
    assert.equal(trial.intended, load / 10);
    const [one, two] = trial.directions;
    assert.equal(one.offered, load / 20);
    assert.equal(two.offered, load / 20);
    // Nothing is lost but at the queues.
    assert.equal(trial.forwarded, one.offered - one.lost);
    assert.equal(trial.dropped, two.offered - two.lost);
    assert.equal(result.offered, trial.offered - trial.dropped);
    assert.equal(result.forwarded, trial.forwarded);
    assert.ok(result.duration >= 0.1 && result.effectiveDuration >= result.duration);
    const [a, b] = measurer.latency();
    assert.equal(a.total, one.offered - one.lost);
    assert.equal(b.total, two.offered - two.lost);
  }
  await measurer.close();
});

test("while rules are replaced frames are lost, or wait where the queue is long", { skip: alone }, async () => {
  // Enough rules that replacing them takes many times as long as a queue of 32 lasts.
  const rules = Array.from({ length: 2000 }, (_, n) => `priority=${n + 1},in_port=1,tcp,tp_dst=${n + 1},actions=drop`);
  const text = `${rules.join("\n")}\npriority=0,actions=output:3`;
  const load = 20_000;
  const all = { ...PLAIN, purpose: "reconf", reconfigure: true } as const;
  for (const queue of [32, 65536]) {
    const measurer = bridge(text, queue, ["1"]);
    await measurer.ready();
    measurer.manner = all;
    await measurer.measure(0.4, load);
    const trial = measurer.trials.at(-1) as TrialJson;
    adds(trial);
    assert.equal(trial.ruleChanges, 1);
    // Frames that fell due while the datapath stood still; a sender without its core offers fewer.
    const still = Math.max(0, measurer.changeSeconds - trial.senderStalledNs / 1e9);
    assert.ok(measurer.changeSeconds > 64 / load, `rules were replaced in ${measurer.changeSeconds} s`);
    if (queue === 32) assert.ok(trial.lost >= 0.9 * still * load - 34, `${trial.lost} lost in ${still} s`);
    else {
      assert.equal(trial.lost, 0);
      const [latency] = measurer.latency();
      assert.ok(latency.max >= 0.9e9 * still, `a frame waited at most ${latency.max} ns in ${still} s`);
      // They waited from all of that time down to nothing: half of them at least half of it.
      const median = latency.percentile(100 * (1 - (0.45 * still * load) / latency.total));
      assert.ok(median >= 0.4e9 * still, `half waited less than ${median} ns of ${still} s`);
    }
    await measurer.close();
  }
});

test("rules that come and go are counted; caches that are emptied make upcalls", { skip: alone }, async () => {
  const measurer = bridge("priority=5,actions=output:3", 1024, ["1"]);
  await measurer.ready();
  measurer.manner = { ...PLAIN, changesPerSecond: 500 };
  await measurer.measure(0.2, 20_000);
  const changed = measurer.trials.at(-1) as TrialJson;
  adds(changed);
  assert.ok(changed.ruleChanges >= 50, `${changed.ruleChanges} changes in 0.2 s of 500/s`);
  measurer.manner = PLAIN;
  await measurer.measure(0.05, 20_000);
  const before = (measurer.trials.at(-1) as TrialJson).upcalls;
  measurer.manner = { ...PLAIN, fresh: true };
  await measurer.measure(0.05, 20_000);
  const fresh = measurer.trials.at(-1) as TrialJson;
  assert.ok(fresh.upcalls > before && fresh.upcalls >= 1, `${fresh.upcalls} upcalls after ${before}`);
  await measurer.close();
});
