/**
 * The books of a cluster: all columns that are only added to, and the clocks of virtual time, so that a worker can take back
 * what a speculative stretch counted, and add up what several have counted (workers/lane.ts).
 */
import type { VmState } from "./destinations.ts";
import type { Host } from "./host.ts";
import { Drop } from "./packet/drop.ts";
import type { Segment } from "./segment.ts";

/** What of a cluster is counted. */
export interface Counted {
  readonly hosts: readonly Host[];
  readonly vms: readonly VmState[];
  readonly wires: readonly Segment[];
  readonly consumed: Float64Array;
  readonly housekeeping: Float64Array;
}

export class FabricLedger {
  readonly #of: Counted;
  readonly #lost: Float64Array;
  /** [0] the fabric's own, which the caller puts in and takes out; then one for each namespace. ns. */
  readonly clocks: Float64Array;

  /** `lost`: [0] frames that found no buffer on their way into the fabric or on a wire. */
  constructor(of: Counted, lost: Float64Array) {
    this.#of = of;
    this.#lost = lost;
    this.clocks = new Float64Array(of.hosts.reduce((sum, { namespaces }) => sum + namespaces.length, 1));
  }

  /** Always the same columns in the same order. */
  columns(): readonly Float64Array[] {
    const { hosts, vms, wires, consumed } = this.#of;
    return [
      this.#lost,
      consumed,
      ...vms.map((vm) => vm.counts),
      ...wires.map((wire) => wire.counts),
      ...hosts.flatMap(({ datapath, namespaces, rxOverflow }) => [
        rxOverflow,
        ...datapath.counters.columns,
        datapath.exactMatch.stats,
        datapath.megaflowCache.stats,
        ...namespaces.flatMap(({ counters }) => counters.columns),
      ]),
    ];
  }

  /** Times that are measured, not counted, as columns. */
  clocked(): readonly Float64Array[] {
    const { hosts, housekeeping } = this.#of;
    return [housekeeping, ...hosts.flatMap(({ ns, datapath }) => [ns, datapath.counters.ns])];
  }

  /** Packets that found no buffer or a full queue, anywhere. */
  losses(): number {
    const { hosts } = this.#of;
    let sum = this.#lost[0];
    for (let h = 0; h < hosts.length; h++) {
      const { rxOverflow, datapath, namespaces } = hosts[h];
      for (let port = 0; port < rxOverflow.length; port++) sum += rxOverflow[port];
      sum += datapath.counters.drops[Drop.NoBuffer] + datapath.counters.drops[Drop.QueueFull];
      for (let n = 0; n < namespaces.length; n++) {
        const { drops } = namespaces[n].counters;
        sum += drops[Drop.NoBuffer] + drops[Drop.QueueFull];
      }
    }
    return sum;
  }

  /** Remembers what the namespaces' clocks say, before a speculative stretch. */
  keepClocks(): void {
    const { hosts } = this.#of;
    let n = 1;
    for (let h = 0; h < hosts.length; h++) {
      const { namespaces } = hosts[h];
      for (let i = 0; i < namespaces.length; i++) namespaces[i].keepClock(this.clocks, n++);
    }
  }

  /** Turns them back to that. */
  resetClocks(): void {
    let n = 1;
    for (const host of this.#of.hosts) for (const namespace of host.namespaces) namespace.resetClock(this.clocks, n++);
  }
}
