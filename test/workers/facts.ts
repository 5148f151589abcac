/** What must not depend on the number of workers, as plain data. */
import type { ClusterState } from "../../bench/trial/state.ts";
import type { ClusterCounters } from "../../datapath/cluster-counters.ts";
import type { Fabric } from "../../datapath/fabric.ts";
import type { FabricTap } from "../../datapath/fabric-tap.ts";
import { FlowHasher } from "../../workers/flow-hash.ts";

export interface FabricFacts {
  readonly counters: unknown;
  readonly namespaces: unknown;
  readonly state: ClusterState;
  readonly consumed: readonly number[];
  readonly violations: readonly string[];
}

/** Which cache a hit was in, and how many subtables were tried for it, is each worker's own. */
export function factsOf(fabric: Fabric, state: ClusterState): FabricFacts {
  const { nodes, vms, wires }: ClusterCounters = fabric.snapshot();
  return {
    counters: {
      nodes: nodes.map(({ exactHits, megaflowHits, subtableLookups: _, ns: __, namespaceNs: ___, ...node }) => ({
        ...node,
        hits: exactHits + megaflowHits,
      })),
      vms,
      wires,
    },
    namespaces: fabric.hosts.map((host) =>
      host.namespaces.map(({ counters, held }) => ({ ...counters.toJSON(), held })),
    ),
    state,
    consumed: [...fabric.consumed],
    violations: fabric.check(),
  };
}

/** Frames by place and flow, in order. */
export class FramesSeen implements FabricTap {
  readonly flows = new Map<string, string[]>();
  readonly nics = new Map<string, number>();
  count = 0;
  readonly #hasher = new FlowHasher();

  delivered(vm: number, bytes: Uint8Array, start: number, end: number, time: number): void {
    this.#add(`vm ${vm}`, bytes, start, end, time);
  }

  /** What NICs saw was on a wire, too: counted is enough. */
  underlay(host: number, port: string, direction: string): void {
    const place = `${host} ${port} ${direction}`;
    this.nics.set(place, (this.nics.get(place) ?? 0) + 1);
  }

  wire(wire: number, bytes: Uint8Array, start: number, end: number, time: number): void {
    this.#add(`wire ${wire}`, bytes, start, end, time);
  }

  #add(place: string, bytes: Uint8Array, start: number, end: number, time: number): void {
    this.count++;
    const frame = bytes.slice(start, end);
    const trace = {
      bytes: frame,
      start: Int32Array.of(0),
      length: Int32Array.of(frame.length),
    };
    // Both directions of a connection have one hash: the source MAC addresses tell them apart.
    const [hash] = this.#hasher.hash(trace as never, Int32Array.of(0));
    const key = `${place} ${hash} ${Buffer.from(frame.subarray(6, 12)).toString("latin1")}`;
    const list = this.flows.get(key) ?? [];
    list.push(`${time} ${Buffer.from(frame).toString("latin1")}`);
    this.flows.set(key, list);
  }
}
