/**
 * What every thread of a mode's trial is given, whether it has a copy of the cluster (mode-thread.ts) or one host
 * (hosts-thread.ts), and what both do alike.
 */
import type { Fabric, FabricOptions } from "../../datapath/fabric.ts";
import type { FabricTap } from "../../datapath/fabric-tap.ts";
import type { Topology } from "../../datapath/topology.ts";
import type { Meeting } from "../../workers/control.ts";
import type { FrameLog } from "../../workers/frame-log.ts";
import type { Work } from "../../workers/replica.ts";
import { FirstPing } from "./first-ping.ts";
import { type WarmResult, warmPasses } from "./passes.ts";

export interface ThreadTask {
  readonly topology: Topology;
  readonly fabric: FabricOptions;
  /** Port of each input. */
  readonly ports: readonly string[];
  readonly cold: Work;
  /** Null: nothing is timed. */
  readonly warm: Work | null;
  readonly rounds: number;
  readonly repeat: number | undefined;
  readonly seconds: number | undefined;
  readonly save: boolean;
  readonly dumpFlows: readonly string[];
  /** Where frames are written down, by thread; `frames` false: only until the first ping is found. */
  readonly logs: readonly string[];
  readonly frames: boolean;
  readonly tally: SharedArrayBuffer;
  /** Tally of HEAP_TALLY numbers: what the heaps of all threads grow by. */
  readonly heaps: SharedArrayBuffer;
  /** Share of the counting pass in all the work, 0 to 1. */
  readonly coldShare: number;
}

/** Frames and bytes that went in by the inputs that are `mine` in the first `bursts` bursts, through all rounds. */
export function offeredBy(
  { traces, input, frame, burst }: Work,
  bursts: number,
  mine: readonly boolean[],
): { offered: number; bytes: number } {
  const perRound = burst.length - 1;
  const rounds = Math.floor(bursts / perRound);
  const rest = burst[bursts - rounds * perRound];
  let offered = 0;
  let bytes = 0;
  for (let i = 0; i < frame.length; i++) {
    if (!mine[input[i]]) continue;
    const times = rounds + (i < rest ? 1 : 0);
    offered += times;
    bytes += times * traces[input[i]].length[frame[i]];
  }
  return { offered, bytes };
}

/** What is written down of what the tap sees; without `frames`, nothing more once a ping has been followed to its end. */
export function tapOf(log: FrameLog, fabric: Fabric, { topology, frames }: ThreadTask): FabricTap {
  if (frames) return log;
  const ping = new FirstPing(topology);
  return {
    delivered: () => {},
    underlay: () => {},
    wire: (wire, bytes, start, end, time) => {
      ping.wire(bytes, start, end, time);
      if (ping.done) fabric.tap = null;
      else log.wire(wire, bytes, start, end, time);
    },
  };
}

/** The measured passes, as the first thread leads them; it tells how far they are. */
export function leadPasses(
  fabric: Fabric,
  passes: Parameters<typeof warmPasses>[1],
  task: ThreadTask,
  meeting: Meeting,
): Promise<WarmResult | null> {
  return warmPasses(fabric, passes, {
    repeat: task.repeat,
    seconds: task.seconds,
    progress: (share) => {
      meeting.done(Math.floor(1000 * (task.coldShare + (1 - task.coldShare) * share)));
      return !meeting.stopped;
    },
  });
}
