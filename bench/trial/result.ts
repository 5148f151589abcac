/**
 * The result of a run, as it is printed, written with --json (result.schema.json) and compared. Integer counts from the
 * cold pass; times from the warm passes; ratios only where people ask for them.
 */

import type { ClusterCounters, NodeCounters, PortCounters } from "../../datapath/cluster-counters.ts";
import type { Topology } from "../../datapath/topology.ts";
import type { WorkTree } from "../git.ts";
import { type ClusterLayout, clusterLayout } from "../path/cluster-layout.ts";
import { PATH_VERSION, type PacketPath, type PathResult } from "../path/hop.ts";
import type { CachePoint } from "./cache-series.ts";
import { type Capacity, capacityOf } from "./capacity.ts";
import type { Conditions } from "./conditions.ts";
import { delivered, sumDrops, sumNodes } from "./counters.ts";
import type { Environment } from "./environment.ts";
import type { Placement } from "./hosts-threads.ts";
import type { ColdResult, WarmResult } from "./passes.ts";
import { DISTURBED, stabilityRule } from "./sampling.ts";
import type { Spread } from "./statistics.ts";

export const RESULT_FORMAT = "eastwest run result";
export const RESULT_VERSION = 1;
export const BITS_LAYER = "layer 2: delivered Ethernet frames without preamble, frame check sequence and gap";

export interface RunResult {
  readonly format: typeof RESULT_FORMAT;
  readonly version: typeof RESULT_VERSION;
  readonly eastwest: string;
  /** ISO 8601. */
  readonly created: string;
  readonly command: readonly string[];
  readonly interrupted: boolean;
  readonly environment: Environment;
  /** The program's commit (null outside of a repository), and what else the machine did; older results have neither. */
  readonly commit?: WorkTree | null;
  readonly conditions?: Conditions;
  readonly modes: Readonly<Record<string, ModeResult>>;
}

export interface InputResult {
  readonly port: string;
  readonly file: string;
  /** Frames in the file. */
  readonly frames: number;
  /** Frames that went in, and why those. */
  readonly sent: number;
  readonly sentBytes: number;
  readonly rule: string;
  readonly warnings: readonly string[];
}

export interface VmResult {
  readonly name: string;
  readonly sent: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  /** Its capture holds no ARP, so a small model answers ARP and neighbour solicitations for it. */
  readonly answering: boolean;
}

export interface NodeCost extends Omit<NodeCounters, "ns" | "namespaceNs" | "ports"> {
  readonly role: "compute" | "network";
  /** Time in this host for a packet delivered anywhere, ns; null without warm passes. */
  readonly nsPerPacket: Spread | null;
  /** Frames at its NICs on wires. */
  readonly underlay: {
    readonly rxFrames: number;
    readonly txFrames: number;
    readonly rxBytes: number;
    readonly txBytes: number;
  };
  readonly ports: readonly (PortCounters & { readonly bridge: string; readonly type: string })[];
}

export interface ModeResult {
  readonly mode: string;
  readonly network: string;
  readonly topology: { readonly name: string; readonly file: string };
  readonly inputs: readonly InputResult[];
  readonly notes: readonly string[];
  /** Threads that shared the work. */
  readonly workers: number;
  /** Every host on its own thread; null: together. */
  readonly placement: Placement | null;
  readonly offered: { readonly packets: number; readonly bytes: number; readonly refused: number };
  /** Delivered to VMs in the cold pass. */
  readonly packets: number;
  readonly bytes: number;
  readonly frameBytes: number | null;
  readonly nsPerPacket: number | null;
  readonly packetsPerSecond: number | null;
  readonly bitsPerSecond: number | null;
  readonly bitsPerSecondLayer: string;
  readonly times: Times | null;
  /**
   * Bytes that a delivered packet leaves on the heaps of all threads in warm passes, the clock at each host off; null without
   * warm passes, or when a garbage collection came into every stretch. Absent in older results.
   */
  readonly bytesAllocatedPerPacket?: number | null;
  readonly vms: readonly VmResult[];
  readonly nodes: readonly NodeCost[];
  readonly passes: number;
  readonly tunnelPasses: number;
  readonly recirculations: number;
  readonly encapsulations: number;
  readonly decapsulations: number;
  readonly routings: number;
  readonly perPacket: Readonly<Record<PerPacket, number | null>>;
  readonly underlayFrames: number;
  readonly underlayBytes: number;
  readonly networkNode: {
    /** Delivered packets that a network node routed, in all and as a share. */
    readonly routings: number;
    readonly packetShare: number | null;
    /** Frames on the underlay that a network node sent or received, in all and as a share. */
    readonly underlayFrames: number;
    readonly underlayShare: number | null;
  };
  readonly cache: {
    readonly lookups: number;
    readonly exactHits: number;
    readonly megaflowHits: number;
    readonly upcalls: number;
    /** Subtables of the megaflow caches that were tried. */
    readonly subtableLookups: number;
    readonly tableLookups: number;
    readonly megaflows: number;
    readonly masks: number;
  };
  readonly drops: Readonly<Record<string, number>>;
  readonly wires: readonly {
    readonly name: string;
    readonly frames: number;
    readonly bytes: number;
    /** Of the frames, those that a card with an MTU of 1500 bytes would not send. Absent in older results. */
    readonly longFrames?: number;
  }[];
  readonly firstPing: readonly string[];
  /** Hosts, bridges, ports, namespaces and wires. Absent in older results, as the next two. */
  readonly cluster?: ClusterLayout;
  /** The first ping's way through them. */
  readonly path?: PathResult;
  /** How the caches filled in the cold pass; null where several threads did it. */
  readonly cacheSeries?: readonly CachePoint[] | null;
  readonly capacity: Capacity;
  readonly conservation: { readonly ok: boolean; readonly violations: readonly string[] };
  readonly pace: Pacing | null;
}

export const perPacketNames = [
  "passes",
  "tunnelPasses",
  "encapsulations",
  "decapsulations",
  "routings",
  "underlayFrames",
  "underlayBytes",
] as const;
export type PerPacket = (typeof perPacketNames)[number];

export interface Times {
  readonly rule: string;
  readonly warmUpPasses: number;
  readonly passes: number;
  readonly delivered: number;
  readonly seconds: number;
  readonly nsPerPacket: Spread;
  /** Revalidation and ageing for a delivered packet, which `nsPerPacket` does not hold. */
  readonly housekeepingNsPerPacket: Spread;
  /** Mean length of the frames delivered in warm passes. */
  readonly frameBytes: number;
  /**
   * Time of `nsPerPacket` in no node: copies from the capture into packet buffers, VMs, wires, readings of the clock. The
   * medians' difference, so that nodes and this add up; null where threads shared the work. Absent in older results.
   */
  readonly restNsPerPacket?: number | null;
  /** Share of the time in which the measuring thread was ready but others had its core; null: the system does not say. */
  readonly waitedShare?: number | null;
  readonly samples?: SampleCounts;
}

export interface SampleCounts {
  readonly taken: number;
  /** Without the core for more than DISTURBED of their time. */
  readonly disturbed: number;
  /** Of these, how many no figure holds: all, or none when too few others remain. */
  readonly leftOut: number;
}

/** Times that others on the machine took part in: more than DISTURBED without the core. */
export const isDisturbed = ({ times }: Pick<ModeResult, "times">): boolean => (times?.waitedShare ?? 0) > DISTURBED;

export interface Pacing {
  readonly asked: string;
  readonly framesPerSecond: number;
  readonly latestMs: number;
}

export interface ModeParts {
  readonly topology: Topology;
  readonly file: string;
  readonly inputs: readonly InputResult[];
  readonly answering: readonly string[];
  readonly notes: readonly string[];
  readonly workers: number;
  readonly placement: Placement | null;
  readonly cold: ColdResult;
  readonly counters: ClusterCounters;
  readonly warm: WarmResult | null;
  readonly firstPing: readonly string[];
  readonly path: readonly PacketPath[];
  readonly cacheSeries: readonly CachePoint[] | null;
  readonly violations: readonly string[];
  readonly nic: number;
  readonly pace: string | null;
}

/** Puts the parts of one mode's trial together. Pure: the same parts give the same result. */
export function modeResult(parts: ModeParts): ModeResult {
  const { topology, counters, warm, cold } = parts;
  const { packets, bytes } = delivered(counters.vms);
  const totals = sumNodes(counters.nodes);
  const nodes = counters.nodes.map((node, index) => nodeCost(topology, node, index, warm));
  const underlayFrames = counters.wires.reduce((sum, wire) => sum + wire.frames, 0);
  const underlayBytes = counters.wires.reduce((sum, wire) => sum + wire.bytes, 0);
  const network = nodes.filter((node) => node.role === "network");
  const routings = network.reduce((sum, node) => sum + node.routings, 0);
  const touching = network.reduce((sum, node) => sum + node.underlay.rxFrames + node.underlay.txFrames, 0);
  const ns = warm === null ? null : warm.nsPerPacket.median;
  const warmFrame = warm === null ? null : warm.deliveredBytes / warm.delivered;
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
  const counts = { ...totals, underlayFrames, underlayBytes };
  return {
    mode: topology.mode,
    network: topology.network,
    topology: { name: topology.name, file: parts.file },
    inputs: parts.inputs,
    notes: parts.notes,
    workers: parts.workers,
    placement: parts.placement,
    offered: { packets: cold.offered, bytes: cold.bytes, refused: cold.refused },
    packets,
    bytes,
    frameBytes: share(bytes, packets),
    nsPerPacket: ns,
    packetsPerSecond: ns === null ? null : 1e9 / ns,
    bitsPerSecond: ns === null || warmFrame === null ? null : (8e9 * warmFrame) / ns,
    bitsPerSecondLayer: BITS_LAYER,
    times:
      warm === null
        ? null
        : {
            rule: stabilityRule,
            warmUpPasses: warm.warmUpPasses,
            passes: warm.passes,
            delivered: warm.delivered,
            seconds: warm.seconds,
            nsPerPacket: warm.nsPerPacket,
            housekeepingNsPerPacket: warm.housekeeping,
            frameBytes: warmFrame ?? 0,
            restNsPerPacket:
              parts.workers > 1 || parts.placement !== null
                ? null
                : warm.nsPerPacket.median - warm.nodes.reduce((sum, node) => sum + node.median, 0),
            waitedShare: warm.waitedShare,
            samples: {
              taken: warm.samples,
              disturbed: warm.disturbed,
              leftOut: warm.samples - warm.usedSamples,
            },
          },
    bytesAllocatedPerPacket: warm?.allocated ?? null,
    vms: counters.vms.map((vm) => ({
      name: vm.name,
      sent: vm.sent,
      delivered: vm.delivered,
      deliveredBytes: vm.deliveredBytes,
      answering: parts.answering.includes(vm.name),
    })),
    nodes,
    passes: totals.passes,
    tunnelPasses: totals.tunnelPasses,
    recirculations: totals.recirculations,
    encapsulations: totals.encapsulations,
    decapsulations: totals.decapsulations,
    routings: totals.routings,
    perPacket: Object.fromEntries(perPacketNames.map((name) => [name, share(counts[name], packets)])) as Record<
      PerPacket,
      number | null
    >,
    underlayFrames,
    underlayBytes,
    networkNode: {
      routings,
      packetShare: share(Math.min(routings, packets), packets),
      underlayFrames: touching,
      underlayShare: share(Math.min(touching, underlayFrames), underlayFrames),
    },
    cache: {
      lookups: totals.lookups,
      exactHits: totals.exactHits,
      megaflowHits: totals.megaflowHits,
      upcalls: totals.upcalls,
      subtableLookups: totals.subtableLookups,
      tableLookups: totals.tableLookups,
      megaflows: totals.megaflows,
      masks: totals.masks,
    },
    drops: sumDrops(counters.nodes),
    wires: counters.wires,
    firstPing: parts.firstPing,
    cluster: clusterLayout(topology),
    path: {
      version: PATH_VERSION,
      packets: parts.path,
      nsPerPass: Object.fromEntries(nodes.map((node) => [node.name, nsPerPass(node, packets)])),
    },
    cacheSeries: parts.cacheSeries,
    capacity: capacityOf(nodes, packets, packets === 0 ? 0 : bytes / packets, parts.nic),
    conservation: { ok: parts.violations.length === 0, violations: parts.violations },
    pace:
      parts.pace === null
        ? null
        : { asked: parts.pace, framesPerSecond: (cold.offered / cold.wallMs) * 1000, latestMs: cold.latestMs },
  };
}

/** Mean time of a pass in this host, its namespaces included, ns: warm time a packet over counted passes a packet. */
function nsPerPass({ nsPerPacket, passes }: NodeCost, packets: number): number | null {
  return nsPerPacket === null || passes === 0 ? null : (nsPerPacket.median * packets) / passes;
}

function nodeCost(topology: Topology, node: NodeCounters, index: number, warm: WarmResult | null): NodeCost {
  const config = topology.hosts[index];
  const onWires = new Set(topology.wires.flatMap((wire) => wire.members));
  const underlay = { rxFrames: 0, txFrames: 0, rxBytes: 0, txBytes: 0 };
  for (const port of node.ports) {
    if (!onWires.has(`${config.name}/${port.name}`)) continue;
    underlay.rxFrames += port.rxPackets;
    underlay.txFrames += port.txPackets;
    underlay.rxBytes += port.rxBytes;
    underlay.txBytes += port.txBytes;
  }
  const { ns: _, namespaceNs: __, ports, ...counts } = node;
  return {
    ...counts,
    drops: Object.fromEntries(Object.entries(node.drops).filter(([, count]) => count > 0)),
    role: config.role,
    nsPerPacket: warm === null ? null : warm.nodes[index],
    underlay,
    ports: ports.map((port) => ({ ...port, ...placeOf(config.bridges, port.name) })),
  };
}

/** Bridge and type of a port; a bridge's own port is internal. */
function placeOf(bridges: Topology["hosts"][number]["bridges"], name: string): { bridge: string; type: string } {
  for (const bridge of bridges) {
    if (bridge.name === name) return { bridge: name, type: "internal" };
    const port = bridge.ports.find((candidate) => candidate.name === name);
    if (port !== undefined) return { bridge: bridge.name, type: port.type };
  }
  return { bridge: "", type: "system" };
}
