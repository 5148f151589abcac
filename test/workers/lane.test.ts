/** Several workers leave exactly what one worker leaves. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ModeName, modes, type NetworkName, networks, scenarioFile } from "../../bench/paths.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import { Captures, type Inputs, loadInputs, recordedSources } from "../../bench/trial/inputs.ts";
import { coldPass } from "../../bench/trial/passes.ts";
import { coldSchedule, type Input, type Schedule, warmSchedule } from "../../bench/trial/schedule.ts";
import { clusterState } from "../../bench/trial/state.ts";
import { Fabric } from "../../datapath/fabric.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import type { Topology } from "../../datapath/topology.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { TraceBuilder } from "../../pcaps/trace-builder.ts";
import { ledgerLength } from "../../workers/books.ts";
import { readFrameLogs } from "../../workers/frame-log.ts";
import { outboxBuffer } from "../../workers/outbox.ts";
import { runThreads } from "../../workers/pool.ts";
import { workOf } from "../../workers/work.ts";
import { type FabricFacts, FramesSeen, factsOf } from "./facts.ts";
import type { LaneCase, LaneDone, LaneTask } from "./lane-job.ts";

const job = new URL("./lane-job.js", import.meta.url).href;

interface Case {
  readonly name: string;
  readonly topology: Topology;
  readonly answering: readonly string[];
  readonly schedule: Schedule;
  readonly rounds: number;
}

async function alone(of: Case): Promise<{ facts: FabricFacts; seen: FramesSeen }> {
  const fabric = new Fabric(of.topology, { answering: of.answering });
  const seen = new FramesSeen();
  fabric.tap = seen;
  await coldPass(fabric, of.schedule, { rounds: of.rounds, realTime: false, progress: () => true });
  return { facts: factsOf(fabric, clusterState(fabric, of.rounds * of.schedule.span)), seen };
}

function tasksOf(cases: readonly Case[], workers: number, more: Partial<LaneTask> = {}, log?: string): LaneTask[] {
  const laneCases = cases.map(
    (of, n): LaneCase => ({
      name: of.name,
      topology: of.topology,
      answering: of.answering,
      ports: of.schedule.inputs.map(({ port }) => port),
      work: workOf(of.schedule, workers),
      rounds: of.rounds,
      outbox: outboxBuffer(workers, ledgerLength(new Fabric(of.topology, { poolSlots: 1 })), 1 << 12),
      ...(log === undefined ? {} : { log: `${log}.${n}` }),
    }),
  );
  return Array.from({ length: workers }, () => ({ cases: laneCases, ...more }));
}

const captures = new Captures({ memory: undefined, libpcap: false, filter: undefined });

async function recordedCase(network: NetworkName, mode: ModeName, rounds: number): Promise<Case> {
  const topology = loadTopology(scenarioFile(network, mode));
  const loaded: Inputs = await loadInputs(topology, recordedSources(topology), captures);
  const name = `recorded captures, ${network}, ${mode}`;
  return { name, topology, answering: loaded.answering, schedule: coldSchedule(loaded.inputs, {}), rounds };
}

const all = (trace: Trace): Int32Array => Int32Array.from({ length: trace.count }, (_, i) => i);
const inputOf = (port: string, trace: Trace): Input => ({ port, file: trace.name, trace, frames: all(trace) });

/** Flows come and go, most packets belong to few of them; both directions; 2 s a round, so that ageing happens. */
function churning(network: NetworkName, mode: ModeName): Case {
  const topology = loadTopology(scenarioFile(network, mode));
  const common = { frames: 1500, flows: 250, popularity: "zipf", pps: 750 } as const;
  const protocols = { udp: 3, tcp: 2, icmp: 1 };
  const inputs = [
    inputOf("vm1", generateTrace({ ...common, protocols, seed: 11 })),
    inputOf("vm2", generateTrace({ ...common, protocols, scenario: "east-west-reply", seed: 12 })),
  ];
  const name = `generated traffic, ${network}, ${mode}`;
  return { name, topology, answering: ["vm1", "vm2"], schedule: coldSchedule(inputs, {}), rounds: 2 };
}

/** VM1's address shows up at VM2's port now and then, as it does when a VM moves, and at its own again. */
function moving(): Case {
  const topology = loadTopology(scenarioFile("gre", "legacy"));
  const frames = generateTrace({ frames: 2500, flows: 100, pps: 2500, seed: 5 });
  const builder = new TraceBuilder("moved");
  for (let i = 0; i < 20; i++) {
    const n = 100 * i + 37;
    const frame = frames.bytes.slice(frames.start[n], frames.start[n] + frames.length[n]);
    builder.add(frame, 0, frame.length, Number(frames.epochNs / 1_000_000_000n), frames.time[n] + 50_000);
  }
  const schedule = coldSchedule([inputOf("vm1", frames), inputOf("vm2", builder.build())], {});
  return { name: "an address that moves", topology, answering: ["vm1", "vm2"], schedule, rounds: 2 };
}

const cases: Case[] = [];
for (const network of networks) for (const mode of modes) cases.push(await recordedCase(network, mode, 2));
const recorded = cases.length;
cases.push(churning("gre", "legacy"), churning("vxlan", "dvr"), moving());
const warm = churning("gre", "dvr");
cases.push({
  ...warm,
  name: "full bursts, as measured passes have them",
  schedule: warmSchedule(warm.schedule),
  rounds: 8,
});
const one = await Promise.all(cases.map(alone));

/** All with 1, 2, 3 and 8 workers takes a minute; without EASTWEST_SLOW_TESTS only two workers do all of them. */
const chosen = (workers: number): number[] => {
  const every = [...cases.keys()];
  if (workers === 2 || process.env["EASTWEST_SLOW_TESTS"] !== undefined) return every;
  return [0, recorded, recorded + 2];
};

for (const workers of [1, 2, 3, 8]) {
  test(`${workers} workers leave what one leaves: recorded captures and generated traffic`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "eastwest-lane-"));
    try {
      const log = join(folder, "log");
      const numbers = chosen(workers);
      const tasks = tasksOf(
        numbers.map((n) => cases[n]),
        workers,
        {},
        log,
      );
      const done = await runThreads<LaneDone[]>({ module: job, tasks });
      for (const [at, n] of numbers.entries()) {
        const { name, topology } = cases[n];
        const where = `${name}, ${workers} workers`;
        assert.deepEqual(one[n].facts.violations, [], where);
        for (const [worker, results] of done.entries()) {
          assert.deepEqual(results[at].facts, one[n].facts, `${where}: copy of worker ${worker}`);
        }
        const seen = new FramesSeen();
        const names = new Fabric(topology, { poolSlots: 1 }).hosts;
        readFrameLogs(
          Array.from({ length: workers }, (_, worker) => `${log}.${at}.${worker}`),
          names,
          seen,
        );
        assert.equal(seen.count, one[n].seen.count, where);
        assert.deepEqual(seen.nics, one[n].seen.nics, where);
        assert.deepEqual(seen.flows, one[n].seen.flows, `${where}: frames by place and flow`);
        const { stats } = done[0][at];
        assert.equal(stats.ahead + stats.inOrder, (cases[n].schedule.burst.length - 1) * cases[n].rounds);
        if (n < recorded) continue;
        assert.ok(stats.ahead > stats.inOrder, `${where}: ${stats.ahead} bursts ahead, ${stats.inOrder} in order`);
        if (n < cases.length - 1) assert.ok(stats.merges > 3 && stats.failed > 0, where);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

for (const how of ["throw", "exit"] as const) {
  test(`a worker that ends by ${how} ends the run with its error`, async () => {
    const worker = how === "throw" ? 0 : 2;
    const tasks = tasksOf([cases[recorded]], 3, { end: { worker, bursts: 40, how } });
    await assert.rejects(runThreads({ module: job, tasks }), (error: Error) => {
      const why = how === "throw" ? "no more of this" : "worker exited with code: 3";
      assert.equal(error.message, `worker ${worker}: ${why}`);
      return true;
    });
  });
}

test("threads that are told to stop do so together, at the same burst", async () => {
  const of = { ...cases[recorded], rounds: 1000 };
  const done = await runThreads<LaneDone[]>({ module: job, tasks: tasksOf([of], 2), progress: () => false });
  const [first, second] = done.map(([result]) => result);
  assert.ok(first.done < 1000 * (of.schedule.burst.length - 1));
  assert.equal(second.done, first.done);
  assert.deepEqual(second.facts, first.facts);
  assert.deepEqual(first.facts.violations, []);
});
