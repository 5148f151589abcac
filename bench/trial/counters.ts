/**
 * Sums over what a fabric has counted (datapath/cluster-counters.ts), as the reports use them. All integers; the ratios are
 * made where they are printed.
 */
import type { ClusterCounters, NodeCounters } from "../../datapath/cluster-counters.ts";

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
  "subtableLookups",
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
export function delivered(vms: ClusterCounters["vms"]): { packets: number; bytes: number } {
  let packets = 0;
  let bytes = 0;
  for (const vm of vms) {
    packets += vm.delivered;
    bytes += vm.deliveredBytes;
  }
  return { packets, bytes };
}
