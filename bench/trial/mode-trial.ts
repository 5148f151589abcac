/** One mode's trial: what is put through which cluster, and what is asked of it. run-mode.ts does it. */
import type { Topology } from "../../datapath/topology.ts";
import type { Inputs } from "./inputs.ts";
import type { PlacementPlan } from "./placement.ts";
import type { Pace } from "./schedule.ts";

export interface ModeTrial {
  readonly topology: Topology;
  /** The topology's file, as shown. */
  readonly file: string;
  readonly loaded: Inputs;
  readonly pace: Pace;
  /** What was asked for when frames are paced on the wall clock; null: as fast as they go. */
  readonly paceText: string | null;
  readonly rounds: number;
  /** Warm passes are measured. */
  readonly timing: boolean;
  readonly repeat: number | undefined;
  readonly seconds: number | undefined;
  readonly nic: number;
  /** Folder for pcap files. */
  readonly write: string | undefined;
  readonly save: boolean;
  readonly dumpFlows: readonly string[];
  /** Threads that share the work; 1 = this one. */
  readonly workers: number;
  /** Every host on its own thread; null: together. */
  readonly placement: PlacementPlan | null;
  /** Share of this mode's work that is done, 0 to 1, and what is being done; false stops. */
  readonly progress: (done: number, doing: string) => boolean;
}
