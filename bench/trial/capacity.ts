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
import type { NodeCost } from "./node-cost.ts";

/** Preamble 8, frame check sequence 4, inter-packet gap 12 octets (IEEE 802.3). */
export const LAYER1_OCTETS = 24;
export const SCALE = [2, 3, 5, 10, 50, 100] as const;

const SCALED =
  "N compute nodes with balanced load, network nodes as in the topology: min(N / compute cost, K / network cost)";

/** The model in a sentence; without measured times only the cards limit. */
export const capacityModel = (timed: boolean): string =>
  timed
    ? "busiest node: every node has one core (CPU as measured here, the time in the nodes alone) and one full-duplex " +
      `card; ${SCALED}`
    : "busiest node: every node has one full-duplex card; no time was measured, so that the CPU is left out";

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
  const card = busiest(nodes, (node) => cardBits(node, packets) / nic);
  const limits = [cpu, card].filter((limit) => limit !== null);
  const packetsPerSecond = limits.length === 0 ? null : Math.min(...limits.map((limit) => limit.packetsPerSecond));
  const costs = capacityCosts(nodes, packets, nic);
  return {
    model: capacityModel(nodes.every((node) => node.nsPerPacket !== null)),
    nicBitsPerSecond: nic,
    cpu,
    nic: card,
    packetsPerSecond,
    bitsPerSecond: packetsPerSecond === null ? null : packetsPerSecond * frameBytes * 8,
    limitedBy: packetsPerSecond === null ? null : packetsPerSecond === cpu?.packetsPerSecond ? "cpu" : "nic",
    scale: SCALE.map((computeNodes) => ({
      computeNodes,
      packetsPerSecond: costs === null ? null : capacityWith(costs, computeNodes).packetsPerSecond,
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

/** Seconds for a delivered packet, summed over the nodes of a role, and how many these are. */
export interface RoleCost {
  readonly nodes: number;
  readonly cpu: number;
  readonly card: number;
}

export interface CapacityCosts {
  readonly compute: RoleCost;
  readonly network: RoleCost;
}

/** What the model is fed with; null without measured times or delivered packets. `nic`: bit/s. */
export function capacityCosts(nodes: readonly NodeCost[], packets: number, nic: number): CapacityCosts | null {
  if (packets === 0 || nodes.some((node) => node.nsPerPacket === null)) return null;
  const cost = (role: NodeCost["role"]): RoleCost => {
    const own = nodes.filter((node) => node.role === role);
    return {
      nodes: own.length,
      cpu: own.reduce((sum, node) => sum + (node.nsPerPacket?.median ?? 0) / 1e9, 0),
      card: own.reduce((sum, node) => sum + cardBits(node, packets) / nic, 0),
    };
  };
  return { compute: cost("compute"), network: cost("network") };
}

/** Packets/s with so many compute nodes, and what limits them: "compute nodes, card". */
export function capacityWith(
  costs: CapacityCosts,
  computeNodes: number,
): { readonly packetsPerSecond: number; readonly limit: string } {
  let packetsPerSecond = Number.POSITIVE_INFINITY;
  let limit = "";
  for (const role of ["compute", "network"] as const) {
    const count = role === "compute" ? computeNodes : costs.network.nodes;
    for (const [what, cost] of [
      ["processor", costs[role].cpu],
      ["card", costs[role].card],
    ] as const) {
      if (cost > 0 && count / cost < packetsPerSecond) {
        packetsPerSecond = count / cost;
        limit = `${role} ${role === "network" && count === 1 ? "node" : "nodes"}, ${what}`;
      }
    }
  }
  return { packetsPerSecond, limit };
}

/** Bits at the node's card for a delivered packet, of the busier direction. */
const cardBits = (node: NodeCost, packets: number): number =>
  packets === 0 ? 0 : (8 * Math.max(wireBytes(node, "rx"), wireBytes(node, "tx"))) / packets;

function wireBytes(node: NodeCost, direction: "rx" | "tx"): number {
  const { underlay } = node;
  return direction === "rx"
    ? underlay.rxBytes + LAYER1_OCTETS * underlay.rxFrames
    : underlay.txBytes + LAYER1_OCTETS * underlay.txFrames;
}
