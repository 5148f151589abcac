/**
 * What a whole fabric has counted, as one plain object of integers, and the laws that those counters must keep. Reading is
 * for between bursts: it allocates.
 */
import { vmCountNames } from "./destinations.ts";
import type { Counted } from "./fabric-ledger.ts";
import type { Host } from "./host.ts";
import { dropNames } from "./packet/drop.ts";
import type { PacketPool } from "./packet/packet-pool.ts";

export interface PortCounters {
  readonly name: string;
  /** Into the datapath and out of it. */
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Packets that found its queue full. */
  readonly drops: number;
}

export interface NodeCounters {
  readonly name: string;
  /** Entries of a packet into the datapath from outside: a VM, a namespace, a wire. */
  readonly passes: number;
  /** Of those, the ones that ended in the removal of a tunnel header: passes of the bridge that holds the tunnel address. */
  readonly tunnelPasses: number;
  /** Second lookups, after a tunnel header was taken off. */
  readonly recirculations: number;
  readonly encapsulations: number;
  readonly decapsulations: number;
  /** Packets that a namespace forwarded. */
  readonly routings: number;
  /** Passes through the flow caches: exact + megaflow + upcalls. */
  readonly lookups: number;
  /** OpenFlow table lookups that upcalls made. */
  readonly tableLookups: number;
  readonly exactHits: number;
  readonly megaflowHits: number;
  readonly upcalls: number;
  /** Subtables of the megaflow cache that were tried. */
  readonly subtableLookups: number;
  /** Megaflows and distinct masks held now. */
  readonly megaflows: number;
  readonly masks: number;
  /** Packets whose translation was not installed. */
  readonly slow: number;
  /** By reason; the ends of packets in namespaces, which are no losses ("Consumed"), among them. */
  readonly drops: Readonly<Record<string, number>>;
  readonly ports: readonly PortCounters[];
  /** Measured time in this host since the times were reset, ns; 0 without timing. */
  readonly ns: number;
  /** Of that, time in the namespaces. */
  readonly namespaceNs: number;
}

export interface ClusterCounters {
  readonly nodes: readonly NodeCounters[];
  readonly vms: readonly {
    readonly name: string;
    readonly sent: number;
    readonly sentBytes: number;
    readonly delivered: number;
    readonly deliveredBytes: number;
    readonly unicast: number;
    readonly unicastBytes: number;
    readonly flooded: number;
  }[];
  readonly wires: readonly {
    readonly name: string;
    readonly frames: number;
    readonly bytes: number;
    /** Of the frames, those that a card with an MTU of 1500 bytes would not send. */
    readonly longFrames: number;
  }[];
}

/** Everything counted so far. */
export function clusterCounters(fabric: Counted): ClusterCounters {
  return {
    nodes: fabric.hosts.map(nodeCounters),
    vms: fabric.vms.map(({ config, counts }) => ({
      name: config.name,
      ...(Object.fromEntries(vmCountNames.map((name, n) => [name, counts[n]])) as Record<
        (typeof vmCountNames)[number],
        number
      >),
    })),
    wires: fabric.wires.map(({ name, frames, bytes, longFrames }) => ({ name, frames, bytes, longFrames })),
  };
}

function nodeCounters(host: Host): NodeCounters {
  const { datapath, namespaces } = host;
  const { counters } = datapath;
  const drops: Record<string, number> = {};
  const add = (code: number, count: number): void => {
    if (count > 0) drops[dropNames[code]] = (drops[dropNames[code]] ?? 0) + count;
  };
  for (const column of [counters, ...namespaces.map((namespace) => namespace.counters)]) {
    for (const [code, count] of column.drops.entries()) add(code, count);
  }
  const overflow = host.rxOverflow.reduce((sum, count) => sum + count, 0);
  if (overflow > 0) drops["QueueFull"] = (drops["QueueFull"] ?? 0) + overflow;
  const get = counters.get.bind(counters);
  return {
    name: host.name,
    passes: get("received"),
    tunnelPasses: get("pops"),
    recirculations: get("recirculations"),
    encapsulations: get("pushes"),
    decapsulations: get("pops"),
    routings: namespaces.reduce((sum, namespace) => sum + namespace.counters.forwarded, 0),
    lookups: get("lookups"),
    tableLookups: get("tableLookups"),
    exactHits: get("exact"),
    megaflowHits: get("megaflow"),
    upcalls: get("upcall"),
    subtableLookups: get("subtableLookups"),
    megaflows: datapath.megaflowCache.count,
    masks: datapath.megaflowCache.masks,
    slow: get("slow"),
    drops,
    ports: host.switch.portNames().map((name, port) => ({
      name,
      rxPackets: counters.rxPackets[port],
      txPackets: counters.txPackets[port],
      rxBytes: counters.rxBytes[port],
      txBytes: counters.txBytes[port],
      drops: host.rxOverflow[port],
    })),
    ns: host.ns[0] + host.ns[1],
    namespaceNs: host.ns[1],
  };
}

/** What does not add up, a sentence each; empty when every packet is where it should be. For between bursts. */
export function violations(fabric: Counted & { readonly pool: PacketPool }): string[] {
  const wrong: string[] = [];
  const equal = (where: string, law: string, left: number, right: number): void => {
    if (left !== right) wrong.push(`${where}: ${law}: ${left} is not ${right}`);
  };
  let held = 0;
  for (const host of fabric.hosts) {
    const { datapath, name } = host;
    const { counters } = datapath;
    const get = counters.get.bind(counters);
    equal(
      name,
      "received + copies = transmitted + drops",
      get("received") + get("copies"),
      get("transmitted") + counters.dropped,
    );
    equal(name, "exact + megaflow + upcall = lookups", get("exact") + get("megaflow") + get("upcall"), get("lookups"));
    const sum = (column: Float64Array): number => column.reduce((total, count) => total + count, 0);
    equal(name, "sum of the ports' received packets = received", sum(counters.rxPackets), get("received"));
    equal(name, "sum of the ports' transmitted packets = transmitted", sum(counters.txPackets), get("transmitted"));
    for (const namespace of host.namespaces) {
      const own = namespace.counters;
      equal(
        `${name} ${namespace.name}`,
        "received + generated = sent + drops + held",
        own.received + own.generated,
        own.sent + own.dropped + namespace.held,
      );
      held += namespace.held;
    }
    for (const queue of host.rx) held += queue.count;
  }
  equal("packet pool", "free slots + held packets = slots", fabric.pool.available + held, fabric.pool.slots);
  return wrong;
}
