/** What a fabric says of itself after the counting pass, and what the warm passes add, on one thread or together. */
import type { ClusterCounters } from "../../datapath/cluster-counters.ts";
import type { Fabric } from "../../datapath/fabric.ts";
import type { ColdResult, WarmResult } from "./passes.ts";
import { type ClusterState, clusterState, dumpBridge } from "./state.ts";

/** What is known after the counting pass. */
export interface Counted {
  readonly counters: ClusterCounters;
  readonly violations: readonly string[];
  readonly dumps: ReadonlyMap<string, string>;
  readonly state: ClusterState | null;
}

/** What is known after all passes. */
export interface Measured extends Counted {
  readonly cold: ColdResult;
  /** Null: nothing was timed. */
  readonly warm: WarmResult | null;
  /** Violations after the warm passes. */
  readonly after: readonly string[];
}

/** Reads the counters of a fabric at virtual time `end` (ns), with the hits so far credited. */
export function count(fabric: Fabric, dumpFlows: readonly string[], save: boolean, end: number): Counted {
  for (const host of fabric.hosts) host.datapath.flushStats();
  return {
    counters: fabric.snapshot(),
    violations: fabric.check(),
    dumps: new Map(dumpFlows.map((path) => [path, dumpBridge(fabric, path, end)])),
    state: save ? clusterState(fabric, end) : null,
  };
}
