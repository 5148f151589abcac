/** `eastwest measure` and `merge` as a person runs them, with tiny durations: results fit their schema and add up. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { MeasureCase, MeasureResult } from "../../../bench/measure/result.ts";
import { goalsOf } from "../../../bench/measure/settings.ts";
import { packageRoot } from "../../../bench/paths.ts";
import { compileSchema } from "../../../bench/scenarios/yaml-source.ts";
import { HdrHistogram } from "../../../bench/statistics/hdr-histogram.ts";
import { eastwest, interrupted, program, type Ran, recorded, withFolder } from "../cli.ts";

const alone = availableParallelism() < 2 ? "needs two cores" : false;
const QUICK = ["--profile", "quick", "--duration", "0.01", "--max-load", "40000", "--queue", "65536", "--json", "-"];

function resultOf(ran: Ran, status = 0): MeasureResult {
  assert.equal(ran.status, status, ran.stderr);
  return checked(JSON.parse(ran.stdout) as MeasureResult);
}

function checked(result: MeasureResult): MeasureResult {
  const validate = compileSchema(join(packageRoot, "bench", "search", "measure.schema.json"));
  assert.ok(validate(result), JSON.stringify(validate.errors));
  for (const one of result.cases)
    for (const trial of one.trials) {
      assert.equal(trial.intended, trial.offered + trial.unsent);
      assert.equal(trial.offered, trial.forwarded + trial.lost + trial.dropped);
    }
  return result;
}

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual / expected - 1) < 1e-9, `${actual} is not ${expected}`);

test("ndrpdr: bounds, rates with their bit rates, latency of every direction", { skip: alone }, () => {
  const result = resultOf(eastwest("measure", "ndrpdr", "--mode", "dvr", "--flows", "20", ...QUICK));
  assert.deepEqual([result.kind, result.interrupted, result.cases.length], ["ndrpdr", false, 1]);
  const [one] = result.cases;
  assert.equal(one.name, "64B-1w-gre4teb-ovsmf-dvr-20flows-ndrpdr");
  assert.deepEqual(
    one.goals.map(({ name, lossRatio }) => [name, lossRatio]),
    [
      ["NDR", 0],
      ["PDR", 0.005],
    ],
  );
  for (const { lower, upper, throughput } of one.goals) {
    assert.ok(lower !== null || upper !== null);
    if (throughput === null) continue;
    near(throughput.layer2BitsPerSecond, throughput.framesPerSecond * 64 * 8);
    near(throughput.layer1BitsPerSecond, throughput.framesPerSecond * 84 * 8);
  }
  const { latency } = one;
  assert.ok(latency !== null);
  assert.deepEqual(
    latency.map(({ name }) => name),
    ["no load", "10 % of PDR", "50 % of PDR", "90 % of PDR"],
  );
  const trials = one.trials.filter(({ purpose }) => purpose === "latency");
  for (const [i, { directions }] of latency.entries()) {
    assert.deepEqual(
      directions.map(({ port }) => port),
      ["vm1", "vm2"],
    );
    for (const [p, { frames, histogram, percentiles, max }] of directions.entries()) {
      assert.equal(HdrHistogram.fromJSON(histogram).total, frames);
      const { offered, lost } = trials[i].directions[p];
      assert.equal(frames, offered - lost);
      const ns = [...percentiles.map((one) => one.ns), max];
      assert.deepEqual(
        ns,
        ns.toSorted((a, b) => a - b),
      );
    }
  }
});

test("a capture, rules that drop part of it, mrr; a report in words", { skip: alone }, () =>
  withFolder((folder) => {
    const rules = join(folder, "half.flows");
    writeFileSync(rules, "priority=2,arp,actions=drop\npriority=1,icmp,actions=output:2\npriority=0,actions=drop\n");
    const args = [
      "measure",
      "mrr",
      recorded("gre-dvr.vm1.pcap"),
      "--rules",
      rules,
      "--trials",
      "2",
      "--duration",
      "0.02",
    ];
    const json = join(folder, "mrr.json");
    const ran = eastwest(...args, "--max-load", "30000", "--json", json);
    assert.equal(ran.status, 0, ran.stderr);
    assert.match(ran.stdout, /MRR \d/);
    assert.match(ran.stdout, /capture-1w-ovsmf-half-mrr/);
    const { cases } = checked(JSON.parse(readFileSync(json, "utf8")) as MeasureResult);
    const [{ mrr, trials }] = cases;
    assert.equal(mrr?.samples.length, 2);
    const measured = trials.filter(({ purpose }) => purpose === "mrr");
    assert.ok(measured.every(({ dropped, forwarded }) => dropped > 0 && forwarded > 0));
    // What rules drop is no loss, and no rate either.
    for (const [i, rate] of (mrr?.samples ?? []).entries()) {
      assert.ok(rate <= measured[i].forwarded / 0.02 + 1e-6);
    }
  }),
);

test("plrsearch: trials ever longer until the time is up, the critical load within the loads that were allowed", {
  skip: alone,
}, () => {
  const range = ["--max-load", "200000", "--queue", "65536", "--json", "-"];
  const [{ critical, trials }] = resultOf(eastwest("measure", "plrsearch", "--seconds", "1", ...range)).cases;
  assert.ok(critical !== null);
  assert.equal(critical.lossRatio, 1e-7);
  const soaked = trials.filter(({ purpose }) => purpose === "soak");
  assert.equal(soaked.length, critical.trials);
  assert.ok(soaked.every(({ seconds }, i) => i === 0 || seconds > soaked[i - 1].seconds - 1e-3));
  assert.ok(soaked.every(({ load }) => load <= 200_000 && load >= 9000));
  assert.ok(
    critical.load.framesPerSecond <= 200_000 && critical.lower.framesPerSecond <= critical.load.framesPerSecond,
  );
  assert.deepEqual(
    critical.models.map(({ name }) => name),
    ["stretch", "erf"],
  );
});

test("soak and reconf at a given load", { skip: alone }, () => {
  const given = ["--load", "20000", "--duration", "0.02", "--queue", "65536", "--json", "-"];
  const [{ soak, trials: soaked }] = resultOf(eastwest("measure", "soak", "--seconds", "0.1", ...given)).cases;
  near(soak?.load.framesPerSecond ?? 0, 20000);
  // The probe, then soaking; a sender without its core makes fewer and longer trials of it.
  assert.ok(soaked.length >= 2);
  assert.equal(soak?.offered, 400 * (soaked.length - 1));
  const { reconf, trials } = resultOf(eastwest("measure", "reconf", "--trials", "2", ...given)).cases[0];
  assert.equal(reconf?.events.length, 2);
  const changed = trials.filter(({ purpose }) => purpose === "reconf");
  assert.deepEqual(
    changed.map(({ ruleChanges }) => ruleChanges),
    [1, 1],
  );
  for (const [i, { lost, blockedSeconds }] of (reconf?.events ?? []).entries()) {
    assert.equal(lost, changed[i].lost);
    near(blockedSeconds + 1, lost / 20000 + 1);
  }
  assert.equal(reconf?.without?.most, Math.max(...(reconf?.lostWithout ?? [])) / 20000);
});

test("sweeps: each packet a new flow makes an upcall for each, as many megaflows as flows", { skip: alone }, () => {
  const sweep = [
    "measure",
    "sweep",
    "--mrr",
    "--trials",
    "1",
    "--duration",
    "0.02",
    "--max-load",
    "20000",
    "--json",
    "-",
  ];
  const first = resultOf(eastwest(...sweep, "--over", "first-packets", "--points", "0,1", "--flows", "10"));
  assert.deepEqual(
    first.cases.map(({ axis }) => axis?.value),
    [0, 1],
  );
  for (const { axis, trials } of first.cases) {
    for (const { upcalls, offered, lost } of trials) assert.equal(upcalls, axis?.value === 1 ? offered - lost : 0);
  }
  const [flows] = resultOf(eastwest(...sweep, "--over", "flows", "--points", "50")).cases;
  assert.deepEqual([flows.frames.flows, flows.warmUp.megaflows, flows.warmUp.upcallsInLastPass], [50, 50, 0]);
});

/** Figures of a case that do not depend on the machine. */
const planned = ({ name, axis, frames, subject }: MeasureCase): unknown => ({ name, axis, frames, subject });

test("a sweep on two processes, one of them killed and started again, joined", { skip: alone }, () =>
  withFolder(async (folder) => {
    const sweep = [
      ...["measure", "sweep", "--over", "sizes", "--points", "64,128,256,IMIX_v4_1", "--mrr", "--trials", "1"],
      ...["--duration", "0.01", "--max-load", "20000", "--quiet"],
    ];
    const files = ["a.jsonl", "b.jsonl"].map((name) => join(folder, name));
    const second = [...sweep, "--shard", "auto/2", "--out", files[1]];
    // The second writes its first point, and is killed hard: nothing it could clean up.
    const child = spawn(process.execPath, [program, ...second], {
      cwd: packageRoot,
      env: { ...process.env, JOB_COMPLETION_INDEX: "1" },
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const first = eastwestLater(...sweep, "--shard", "1/2", "--out", files[0]);
    while (!existsSync(files[1]) || readFileSync(files[1], "utf8").split("\n").length < 3) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill("SIGKILL");
    await ended;
    assert.equal(await first, 0);
    const partial = eastwest("merge", ...files, "--json", "-");
    const finished = readFileSync(files[1], "utf8").split("\n").length - 2;
    if (finished < 2) {
      assert.equal(partial.status, 2);
      assert.match(partial.stderr, /b\.jsonl has 1 of 2 units/);
      const some = resultOf(eastwest("merge", ...files, "--partial", "--json", "-"), 130);
      assert.deepEqual([some.interrupted, some.points?.of, some.points?.finished], [true, 4, 3]);
    }
    const kept = readFileSync(files[1], "utf8").split("\n")[1];
    assert.equal(eastwest(...sweep, "--shard", "2/2", "--out", files[1]).status, 0);
    assert.equal(readFileSync(files[1], "utf8").split("\n")[1], kept, "what was there is not measured again");
    const joined = resultOf(eastwest("merge", ...files.toReversed(), "--json", "-"));
    assert.deepEqual(joined.points, { of: 4, finished: 4, missing: [] });
    assert.deepEqual(
      joined.cases.map(({ axis }) => axis?.label),
      ["64B", "128B", "256B", "IMIX_v4_1"],
    );
    assert.deepEqual(
      joined.cases.map(planned).length,
      new Set(joined.cases.map((one) => JSON.stringify(planned(one)))).size,
    );
    assert.match(eastwest("merge", ...files).stdout, /IMIX_v4_1 /);
    // Other options are other work.
    const other = eastwest(...sweep, "--flows", "5", "--shard", "1/2", "--out", files[0]);
    assert.equal(other.status, 2);
    assert.match(other.stderr, /a\.jsonl is of other work: inputs /);
    assert.match(eastwest("merge", files[0], files[0]).stderr, /shard 1\/2, as .* is/);
  }),
);

test("goals and points that cannot be", () => {
  assert.throws(() => goalsOf("csit", ["2"], undefined), /--goal 2: expected NDR, PDR, or a loss ratio/);
  assert.deepEqual(
    goalsOf("csit", ["pdr", "0.01"], 2).map((goal) => [
      goal.name,
      goal.lossRatio,
      goal.finalTrialDuration,
      goal.durationSum,
    ]),
    [
      ["PDR", 0.005, 2, 42],
      ["loss 0.01", 0.01, 2, 42],
    ],
  );
});

/** Runs beside others; its exit code. */
function eastwestLater(...args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [program, ...args], { cwd: packageRoot });
  return new Promise((resolve) => child.once("close", resolve));
}

test("interrupted in a long trial: what there is, marked as such", { skip: alone }, () =>
  withFolder(async (folder) => {
    const out = join(folder, "points.jsonl");
    const begun = (): boolean => existsSync(out);
    const args = ["measure", "sweep", "--mrr", "--duration", "60", "--max-load", "20000", "--out", out, "--json", "-"];
    const ran = await interrupted(args, { signal: "SIGTERM", begun, after: 1500 });
    const result = resultOf(ran, 130);
    assert.equal(result.interrupted, true);
    assert.equal(result.points?.finished, 0);
    const plain = ["measure", "mrr", "--duration", "60", "--max-load", "20000", "--json", "-"];
    const shown = await interrupted(plain, { signal: "SIGINT", begun: () => true, after: 1800 });
    const [one] = resultOf(shown, 130).cases;
    assert.equal(one.stopped, "interrupted");
  }),
);

test("what cannot be: one line, exit code 2", { skip: alone }, () => {
  const refused = (args: readonly string[], message: RegExp): void => {
    const { status, stdout, stderr } = eastwest("measure", ...args);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.match(stderr, /^eastwest: [^\n]+\n$/);
  };
  refused(["mrr", "--queue", "100"], /Expected a power of two, 32 to 65536/);
  refused(["mrr", "nowhere.pcap"], /nowhere\.pcap: no such file/);
  refused(["sweep", "--shard", "1/2"], /--shard 1\/2: expected --out FILE/);
  refused(["mrr", "--duration", "100", "--load", "100000000"], /at most 2147483647 frames/);
  assert.match(eastwest("merge", "package.json").stderr, /^eastwest: [^\n]*package\.json[^\n]*\n$/);
});
