/**
 * What a second worker brings: generated traffic through the cluster in measured passes, by one thread on its own and by
 * several workers (workers/lane.ts) in turn, as pairs. Prints packets a second by the wall clock (the median pass of each
 * run: while V8 still compiles for two threads, the first passes take up to twice as long), and processor time for a packet,
 * which says what sharing costs even where the cores are not free.
 *
 *   node dist/bench/suites/worker-scaling.js [--workers 2] [--pairs 10] [--frames 200000] [--flows 1000] [--passes 20]
 *       [--mode dvr] [--network gre] [--window BURSTS]
 */
import { parseArgs } from "node:util";
import { Fabric } from "../../datapath/fabric.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { ledgerLength } from "../../workers/books.ts";
import { outboxBuffer } from "../../workers/outbox.ts";
import { runThreads } from "../../workers/pool.ts";
import { workOf } from "../../workers/work.ts";
import { type ModeName, type NetworkName, scenarioFile } from "../paths.ts";
import { loadTopology } from "../scenarios/loader.ts";
import { allFrames, coldSchedule, warmSchedule } from "../trial/schedule.ts";
import { median } from "../trial/statistics.ts";
import type { ScalingDone, ScalingTask } from "./worker-scaling-thread.ts";

const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "2" },
    pairs: { type: "string", default: "10" },
    frames: { type: "string", default: "200000" },
    flows: { type: "string", default: "1000" },
    passes: { type: "string", default: "20" },
    mode: { type: "string", default: "dvr" },
    network: { type: "string", default: "gre" },
    window: { type: "string" },
  },
});
const module = new URL("./worker-scaling-thread.js", import.meta.url).href;
const topology = loadTopology(scenarioFile(values.network as NetworkName, values.mode as ModeName));
const trace = generateTrace({ frames: Number(values.frames), flows: Number(values.flows), seed: 1 });
const frames = allFrames(trace);
const schedule = warmSchedule(coldSchedule([{ port: "vm1", file: trace.name, trace, frames }], {}));
const counters = ledgerLength(new Fabric(topology, { poolSlots: 1 }));

async function take(workers: number): Promise<{ mpps: number; cpu: number; done: ScalingDone }> {
  const task: ScalingTask = {
    topology,
    ports: ["vm1"],
    work: workOf(schedule, workers),
    outbox: outboxBuffer(workers, counters),
    warmUp: Math.max(1, Math.ceil(1_600_000 / trace.count)),
    passes: Number(values.passes),
    window: values.window === undefined ? undefined : Number(values.window),
  };
  const all = await runThreads<ScalingDone>({ module, tasks: Array.from({ length: workers }, () => task) });
  const [first] = all;
  const cpu = all.reduce((sum, { cpuNs }) => sum + cpuNs, 0) / first.packets;
  const perPass = first.packets / first.passNs.length;
  return { mpps: (1e3 * perPass) / median(first.passNs), cpu, done: first };
}

const workers = Number(values.workers);
const wall: number[] = [];
const processor: number[] = [];
const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
for (let pair = 0; pair < Number(values.pairs); pair++) {
  // Each is first as often as second.
  const many = pair % 2 === 0 ? undefined : await take(workers);
  const one = await take(1);
  const other = many ?? (await take(workers));
  wall.push(other.mpps / one.mpps);
  processor.push(other.cpu / one.cpu);
  for (const [n, { done }] of [one, other].entries()) least[n] = Math.min(least[n], ...done.passNs);
  const { stats, meetings } = other.done;
  process.stdout.write(
    `${one.mpps.toFixed(3)} -> ${other.mpps.toFixed(3)} Mpps, ${wall[pair].toFixed(3)} times; ` +
      `${one.cpu.toFixed(0)} -> ${other.cpu.toFixed(0)} ns of processor a packet; bursts ahead ${stats?.ahead}, in order ` +
      `${stats?.inOrder}; meetings ${meetings[0]}, asleep ${meetings[1]}\n`,
  );
}
process.stdout.write(
  `${workers} workers against one: ${median(wall).toFixed(3)} times the packets/s (median of ${wall.length} pairs), ` +
    `${median(processor).toFixed(3)} times the processor time for a packet; quickest pass of all ` +
    `${(least[0] / 1e6).toFixed(2)} -> ${(least[1] / 1e6).toFixed(2)} ms, ${(least[0] / least[1]).toFixed(3)} times\n`,
);
