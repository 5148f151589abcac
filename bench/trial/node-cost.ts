/** What a host of the cluster did, from its counters, and what that cost on it, from the warm passes. */
import type { NodeCounters, PortCounters } from "../../datapath/cluster-counters.ts";
import type { Topology } from "../../datapath/topology.ts";
import type { Spread } from "./statistics.ts";

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

/** Of the host `index` of the topology; `nsPerPacket`: its time in warm passes. */
export function nodeCost(topology: Topology, node: NodeCounters, index: number, nsPerPacket: Spread | null): NodeCost {
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
    nsPerPacket,
    underlay,
    ports: ports.map((port) => ({ ...port, ...placeOf(config.bridges, port.name) })),
  };
}

/** Mean time of a pass in this host, its namespaces included, ns: warm time a packet over counted passes a packet. */
export function nsPerPass({ nsPerPacket, passes }: NodeCost, packets: number): number | null {
  return nsPerPacket === null || passes === 0 ? null : (nsPerPacket.median * packets) / passes;
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
