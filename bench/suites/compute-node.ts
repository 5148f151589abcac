/**
 * `npm run bench -- compute-node`: where the time of the article's compute node goes when VM1 sends to VM2's network with
 * distributed routing: into br-int, out to the router's namespace, back into br-int, and through br-tun into a tunnel. Two
 * passes through the datapath and a routing for each packet.
 *
 * Stages come from a cluster whose clock is read at each of them, burst by burst; what a burst costs without that comes from
 * a second cluster, and passes of both take turns. Medians over passes.
 */
import { Fabric } from "../../datapath/fabric.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { type NetworkName, scenarioFile } from "../paths.ts";
import { number, percent, table } from "../report/format.ts";
import { loadTopology } from "../scenarios/loader.ts";
import { WarmRunner } from "../trial/passes.ts";
import { allFrames, coldSchedule, warmSchedule } from "../trial/schedule.ts";
import { median } from "../trial/statistics.ts";
import { FRAMES } from "./fixture.ts";

const STAGES = ["extract", "lookup", "execute", "router", "receive queues"] as const;

export interface ComputeNode {
  readonly network: NetworkName;
  readonly node: string;
  readonly frameBytes: number;
  readonly flows: number;
  readonly passes: number;
  /** Passes through the datapath and routings for each packet, in the node. */
  readonly datapathPasses: number;
  readonly routed: number;
  /** ns a packet in the node, by stage. */
  readonly stages: readonly { readonly name: string; readonly ns: number }[];
  readonly nsNode: number;
  /** ns a packet in the node that receives, and outside of both: the copy in, the wire, delivery. */
  readonly nsOtherNodes: number;
  readonly nsBetween: number;
  /** The whole way with all clocks, and without. */
  readonly nsClocked: number;
  readonly nsPlain: number;
  readonly exactShare: number;
}

const FLOWS = 1000;
const BYTES = 60;

/** `ms` of passes, after half of that to warm up. */
export async function measureComputeNode(
  network: NetworkName,
  ms: number,
  progress: () => boolean,
): Promise<ComputeNode | null> {
  const topology = loadTopology(scenarioFile(network, "dvr"));
  const answering = topology.vms.map(({ name }) => name);
  const trace = generateTrace({ frames: 2 * FRAMES, flows: FLOWS, size: String(BYTES), seed: 1 });
  const all = allFrames(trace);
  const schedule = warmSchedule(
    coldSchedule([{ port: topology.vms[0].name, file: trace.name, trace, frames: all }], {}),
  );
  const clocked = new Fabric(topology, { answering, timing: true });
  const plain = new Fabric(topology, { answering });
  const runners = [clocked, plain].map((fabric) => new WarmRunner(fabric, schedule, 0));
  const turn = (runner: WarmRunner): number => {
    const begin = performance.now();
    while (!runner.pass());
    return ((performance.now() - begin) * 1e6) / schedule.count;
  };
  const name = topology.vms[0].port.split("/")[0];
  const node = clocked.hosts.findIndex((host) => host.name === name);
  const { datapath, ns } = clocked.hosts[node];
  const { counters } = datapath;
  const read = (): number[] => {
    const others = clocked.hosts.reduce((sum, host, h) => sum + (h === node ? 0 : host.ns[0] + host.ns[1]), 0);
    return [...counters.ns, ns[1], ns[0], others, clocked.housekeeping[0]];
  };
  const samples: number[][] = [];
  const plainNs: number[] = [];
  let began = performance.now();
  let warm = false;
  let delivered = 0;
  let [passesBefore, exactBefore, routedBefore] = [0, 0, 0];
  while (!warm || performance.now() - began < ms || samples.length < 5) {
    if (!warm && performance.now() - began > ms / 2) {
      warm = true;
      began = performance.now();
      delivered = runners[0].delivered();
      passesBefore = counters.get("lookups");
      exactBefore = counters.get("exact");
      routedBefore = routedBy(clocked, node);
    }
    const before = read();
    const wall = turn(runners[0]);
    const spent = read().map((value, n) => (value - before[n]) / schedule.count);
    const without = turn(runners[1]);
    await new Promise((resolve) => setImmediate(resolve));
    if (!progress()) return null;
    if (!warm) continue;
    samples.push([...spent, wall]);
    plainNs.push(without);
  }
  const packets = runners[0].delivered() - delivered;
  const sent = schedule.count * samples.length;
  if (packets !== sent) throw new Error(`${packets} of ${sent} frames delivered`);
  const column = (n: number): number => median(samples.map((sample) => sample[n]));
  const inDatapath = median(samples.map((sample) => sample[4] - sample[0] - sample[1] - sample[2]));
  const lookups = counters.get("lookups") - passesBefore;
  const stages = STAGES.map((stage, n) => ({ name: stage, ns: n < 4 ? column(n) : inDatapath }));
  return {
    network,
    node: name,
    frameBytes: BYTES,
    flows: FLOWS,
    passes: samples.length,
    datapathPasses: lookups / sent,
    routed: (routedBy(clocked, node) - routedBefore) / sent,
    stages,
    nsNode: stages.reduce((sum, stage) => sum + stage.ns, 0),
    nsOtherNodes: column(5),
    nsBetween: median(samples.map((sample) => sample[7] - sample[3] - sample[4] - sample[5] - sample[6])),
    nsClocked: column(7),
    nsPlain: median(plainNs),
    exactShare: (counters.get("exact") - exactBefore) / lookups,
  };
}

function routedBy(fabric: Fabric, node: number): number {
  return fabric.hosts[node].namespaces.reduce((sum, { counters }) => sum + counters.forwarded, 0);
}

export function computeNodeText(of: ComputeNode): string {
  const { stages, nsNode } = of;
  return (
    `${of.node}, ${of.network}, distributed routing, VM1 to the underlay: ${of.flows} UDP flows, frames of ${of.frameBytes} bytes\n` +
    `${number(of.datapathPasses)} passes through the datapath and ${number(of.routed)} routing a packet, ${percent(of.exactShare)} exact-match hits, ${of.passes} passes\n` +
    table([
      ["stage", "ns/packet", "share"],
      ...stages.map(({ name, ns }) => [name, number(ns), percent(ns / nsNode)]),
      ["the node", number(nsNode), percent(1)],
    ]) +
    `beside it: the receiving node ${number(of.nsOtherNodes)} ns, copy in, wire and delivery ${number(of.nsBetween)} ns a packet\n` +
    `the whole way, both nodes: ${number(of.nsPlain)} ns a packet; ${number(of.nsClocked)} with the clock read at each stage\n`
  );
}
