/**
 * What the whole cluster could carry if every node had its own core and its own network card: the busiest node sets it. One
 * core that replays all nodes measures total work, which hides the very thing distributed routing is for, so the cost is
 * taken per node and the largest one counts.
 *
 *   CPU   one core a node, all of it for the datapath: packets/s = 1 / max over nodes of (ns a delivered packet)
 *   NIC   full duplex at the given rate: packets/s = rate / max over nodes and directions of (bits a delivered packet),
 *         bits on the wire: frame + 24 octets of preamble, frame check sequence and gap (layer 1)
 *   scale N compute nodes carry balanced load, the network nodes stay as they are (K of them):
 *         packets/s = min(N / compute cost, K / network node's cost), cost = sum over the nodes of that role
 */
import type { NodeCost } from "./result.ts";

/** Preamble 8, frame check sequence 4, inter-packet gap 12 octets (IEEE 802.3). */
export const LAYER1_OCTETS = 24;
export const SCALE = [2, 3, 5, 10, 50, 100] as const;

export const capacityModel =
  "busiest node: every node has one core (CPU as measured here, the time in the nodes alone) and one full-duplex card; N compute nodes with balanced " +
  "load, network nodes as in the topology: min(N / compute cost, K / network cost)";

export interface Limit {
  readonly packetsPerSecond: number;
  /** The node that sets it. */
  readonly node: string;
}

export interface Capacity {
  readonly model: string;
  /** Layer-1 rate of a card, bit/s. */
  readonly nicBitsPerSecond: number;
  /** Null without measured times. */
  readonly cpu: Limit | null;
  /** Null when nothing crosses the underlay. */
  readonly nic: Limit | null;
  readonly packetsPerSecond: number | null;
  readonly bitsPerSecond: number | null;
  readonly limitedBy: "cpu" | "nic" | null;
  /** Packets a second with N compute nodes. */
  readonly scale: readonly { readonly computeNodes: number; readonly packetsPerSecond: number | null }[];
}

/** `packets` delivered packets of the counting pass, `frameBytes` their mean length. */
export function capacityOf(nodes: readonly NodeCost[], packets: number, frameBytes: number, nic: number): Capacity {
  const cpu = busiest(nodes, (node) => (node.nsPerPacket === null ? 0 : node.nsPerPacket.median / 1e9));
  const bits = (node: NodeCost): number =>
    packets === 0 ? 0 : (8 * Math.max(wireBytes(node, "rx"), wireBytes(node, "tx"))) / packets;
  const card = busiest(nodes, (node) => bits(node) / nic);
  const limits = [cpu, card].filter((limit) => limit !== null);
  const packetsPerSecond = limits.length === 0 ? null : Math.min(...limits.map((limit) => limit.packetsPerSecond));
  const measured = nodes.every((node) => node.nsPerPacket !== null);
  return {
    model: capacityModel,
    nicBitsPerSecond: nic,
    cpu,
    nic: card,
    packetsPerSecond,
    bitsPerSecond: packetsPerSecond === null ? null : packetsPerSecond * frameBytes * 8,
    limitedBy: packetsPerSecond === null ? null : packetsPerSecond === cpu?.packetsPerSecond ? "cpu" : "nic",
    scale: SCALE.map((computeNodes) => ({
      computeNodes,
      packetsPerSecond: measured ? scaled(nodes, bits, nic, computeNodes) : null,
    })),
  };
}

/** The node with the largest time a packet (s), null when none has any. */
function busiest(nodes: readonly NodeCost[], seconds: (node: NodeCost) => number): Limit | null {
  let limit: Limit | null = null;
  for (const node of nodes) {
    const time = seconds(node);
    if (time > 0 && (limit === null || 1 / time < limit.packetsPerSecond)) {
      limit = { packetsPerSecond: 1 / time, node: node.name };
    }
  }
  return limit;
}

function scaled(
  nodes: readonly NodeCost[],
  bits: (node: NodeCost) => number,
  nic: number,
  computeNodes: number,
): number {
  let least = Number.POSITIVE_INFINITY;
  for (const role of ["compute", "network"] as const) {
    const own = nodes.filter((node) => node.role === role);
    const count = role === "compute" ? computeNodes : own.length;
    const cpu = own.reduce((sum, node) => sum + (node.nsPerPacket?.median ?? 0) / 1e9, 0);
    const card = own.reduce((sum, node) => sum + bits(node) / nic, 0);
    if (cpu > 0) least = Math.min(least, count / cpu);
    if (card > 0) least = Math.min(least, count / card);
  }
  return least;
}

function wireBytes(node: NodeCost, direction: "rx" | "tx"): number {
  const { underlay } = node;
  return direction === "rx"
    ? underlay.rxBytes + LAYER1_OCTETS * underlay.rxFrames
    : underlay.txBytes + LAYER1_OCTETS * underlay.txFrames;
}
