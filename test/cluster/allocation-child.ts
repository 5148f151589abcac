/**
 * Measures the heap over packets carried through the whole cluster, warm, in a process of its own: node --expose-gc
 * --no-memory-reducer --max-semi-space-size=64 allocation-child.js MODE PACKETS. Prints a JSON line. Modes: "clean"; "planted"
 * makes one small object a packet. A packet here is one that a VM gets.
 */
import { writeSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { type ModeName, modes, type NetworkName, networks, scenarioFile } from "../../bench/paths.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import { Captures, loadInputs, recordedSources } from "../../bench/trial/inputs.ts";
import { coldPass } from "../../bench/trial/passes.ts";
import { coldSchedule, type Input } from "../../bench/trial/schedule.ts";
import { Fabric } from "../../datapath/fabric.ts";
import { BURST } from "../../datapath/packet/packet-batch.ts";

const [what, packetsText] = process.argv.slice(2);
const most = Number(packetsText);
if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
const collect: () => void = globalThis.gc as () => void;

let kept: { n: number } = { n: 0 };
let collections = 0;
let since = Number.POSITIVE_INFINITY;
const observer = new PerformanceObserver((list) => {
  // Reported some time later: those that were asked for, before the measure, do not count.
  for (const { startTime } of list.getEntries()) if (startTime >= since) collections++;
});
observer.observe({ entryTypes: ["gc"] });

interface Cluster {
  readonly name: string;
  readonly fabric: Fabric;
  readonly inputs: readonly Input[];
  readonly entries: readonly number[];
}

/**
 * Virtual time, ns, goes on by this with each burst: by fractions, which is what a capture's times are, but never as far as
 * the next look at timeouts (twice a second), because what the clock sets off is no packet's.
 */
const STEP = 1 / 64;

/**
 * The recorded captures of a network and a mode, through their cluster once. All their frames are measured: forwarded ones,
 * fragments, ARP, echo requests and UDP for the router itself, TTL 1 (answered until the rate limit), neighbour discovery.
 */
async function clusterOf(network: NetworkName, mode: ModeName): Promise<Cluster> {
  const topology = loadTopology(scenarioFile(network, mode));
  const captures = new Captures({ memory: undefined, libpcap: false, filter: undefined });
  const { inputs } = await loadInputs(topology, recordedSources(topology), captures);
  const fabric = new Fabric(topology, {});
  await coldPass(fabric, coldSchedule(inputs, {}), {
    rounds: 1,
    realTime: false,
    progress: () => true,
  });
  const entries = inputs.map(({ port }) => fabric.entry(port));
  return { name: `${network} ${mode}`, fabric, inputs, entries };
}

/** Every frame once, 32 of a port at a time. */
function pass({ fabric, inputs, entries }: Cluster): void {
  const { clock } = fabric;
  for (let p = 0; p < inputs.length; p++) {
    const { trace, frames } = inputs[p];
    for (let f = 0; f < frames.length; ) {
      clock[0] += STEP;
      fabric.advanceToClock();
      for (const end = Math.min(f + BURST, frames.length); f < end; f++)
        fabric.offerAtClock(entries[p], trace, frames[f]);
      fabric.settle();
    }
  }
}

function delivered({ fabric }: Cluster): number {
  let packets = 0;
  for (let v = 0; v < fabric.vms.length; v++) packets += fabric.vms[v].delivered;
  return packets;
}

/** Heap growth in bytes until `packets` packets were delivered. */
function growth(cluster: Cluster, packets: number): number {
  const first = delivered(cluster);
  const before = process.memoryUsage().heapUsed;
  for (let done = 0; done < packets; ) {
    pass(cluster);
    const now = delivered(cluster) - first;
    if (what === "planted") for (let i = done; i < now; i++) kept = { n: i };
    if (now === done) throw new Error(`${cluster.name}: nothing is delivered`);
    done = now;
  }
  return process.memoryUsage().heapUsed - before;
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

const clusters: Cluster[] = [];
for (const network of networks) for (const mode of modes) clusters.push(await clusterOf(network, mode));
// All of them warm first: measured code must not be compiled anew when another cluster comes by.
for (let round = 0; round < 4; round++) for (const cluster of clusters) growth(cluster, 60_000);

const results = [];
for (const cluster of clusters) {
  // The least of three or more: the engine's own work (a function compiled anew) can only add, and falls into some.
  let bracket = Number.POSITIVE_INFINITY;
  let short = Number.POSITIVE_INFINITY;
  let long = Number.POSITIVE_INFINITY;
  let inBetween = 0;
  for (let round = 0; round < 3 || (round < 10 && Math.abs(long - short) > 64); round++) {
    collect();
    collections = 0;
    since = performance.now();
    bracket = Math.min(bracket, growth(cluster, 0));
    short = Math.min(short, growth(cluster, most / 10));
    long = Math.min(long, growth(cluster, most));
    await tick();
    inBetween += collections;
    since = Number.POSITIVE_INFINITY;
  }
  results.push({ name: cluster.name, bracket, short: short - bracket, long: long - bracket, collections: inBetween });
}
writeSync(1, `${JSON.stringify({ results, kept: kept.n })}\n`);
observer.disconnect();
