/**
 * What a fabric has counted, as the reports use it: the difference of two snapshots, and sums over nodes. All integers;
 * the ratios are made where they are printed.
 */

export interface PortCounters {
  readonly name: string;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly drops: number;
}

export interface NodeCounters {
  readonly name: string;
  /** Entries of a packet into the datapath from outside: a VM, a namespace, a wire. */
  readonly passes: number;
  /** Of those with a tunnel header: passes of the bridge that holds the tunnel address. */
  readonly tunnelPasses: number;
  /** Second lookups after a tunnel header was taken off. */
  readonly recirculations: number;
  readonly encapsulations: number;
  readonly decapsulations: number;
  /** Packets that a namespace forwarded. */
  readonly routings: number;
  /** Flow lookups: exact + megaflow + upcalls. */
  readonly lookups: number;
  /** OpenFlow table lookups, made by upcalls. */
  readonly tableLookups: number;
  readonly exactHits: number;
  readonly megaflowHits: number;
  readonly upcalls: number;
  /** Megaflows and distinct masks held now. */
  readonly megaflows: number;
  readonly masks: number;
  /** Packets that are translated one by one because their actions cannot be cached. */
  readonly slow: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly ports: readonly PortCounters[];
  /** Time in this host since the times were reset, ns; 0 without timing. */
  readonly ns: number;
}

export interface VmCounters {
  readonly name: string;
  readonly sent: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
}

export interface WireCounters {
  readonly name: string;
  readonly frames: number;
  readonly bytes: number;
}

export interface ClusterCounters {
  readonly nodes: readonly NodeCounters[];
  readonly vms: readonly VmCounters[];
  readonly wires: readonly WireCounters[];
}

/** Names of the countable columns that are summed over nodes. */
export const sums = [
  "passes",
  "tunnelPasses",
  "recirculations",
  "encapsulations",
  "decapsulations",
  "routings",
  "lookups",
  "tableLookups",
  "exactHits",
  "megaflowHits",
  "upcalls",
  "megaflows",
  "masks",
  "slow",
] as const;
export type Sums = Record<(typeof sums)[number], number>;

/** Sums over all nodes. */
export function sumNodes(nodes: readonly NodeCounters[]): Sums {
  const total = Object.fromEntries(sums.map((name) => [name, 0])) as Sums;
  for (const node of nodes) for (const name of sums) total[name] += node[name];
  return total;
}

/** Drops by reason over all nodes, reasons without drops left out. */
export function sumDrops(nodes: readonly NodeCounters[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const node of nodes) {
    for (const [reason, count] of Object.entries(node.drops))
      if (count > 0) total[reason] = (total[reason] ?? 0) + count;
  }
  return total;
}

/** Frames given to VMs, and their bytes. */
export function delivered(vms: readonly VmCounters[]): { packets: number; bytes: number } {
  let packets = 0;
  let bytes = 0;
  for (const vm of vms) {
    packets += vm.delivered;
    bytes += vm.deliveredBytes;
  }
  return { packets, bytes };
}
