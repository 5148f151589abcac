/** The result of one mode's trial, put together from what was read, counted and timed. */
import type { ClusterCounters } from "../../datapath/cluster-counters.ts";
import type { Topology } from "../../datapath/topology.ts";
import { clusterLayout } from "../path/cluster-layout.ts";
import { PATH_VERSION, type PacketPath } from "../path/hop.ts";
import type { CachePoint } from "./cache-series.ts";
import { capacityOf } from "./capacity.ts";
import { delivered, sumDrops, sumNodes } from "./counters.ts";
import type { InputResult } from "./inputs.ts";
import { nodeCost, nsPerPass } from "./node-cost.ts";
import type { ColdResult, WarmResult } from "./passes.ts";
import type { Placement } from "./placement.ts";
import { BITS_LAYER, type ModeResult, type PerPacket, perPacketNames } from "./result.ts";

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
  const nodes = counters.nodes.map((node, index) => nodeCost(topology, node, index, warm?.nodes[index] ?? null));
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
            rule: warm.rule,
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
