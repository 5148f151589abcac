/** What a thread does in the tests of lanes: the whole work through its own cluster, in parts, and then tells its state. */
import { clusterState } from "../../bench/trial/state.ts";
import { Fabric } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { Meeting } from "../../workers/control.ts";
import { FrameLog } from "../../workers/frame-log.ts";
import { Lane, type LaneStats } from "../../workers/lane.ts";
import type { Seat } from "../../workers/pool.ts";
import type { Work } from "../../workers/replica.ts";
import { type FabricFacts, factsOf } from "./facts.ts";

export interface LaneCase {
  readonly name: string;
  readonly topology: Topology;
  readonly answering: readonly string[];
  readonly ports: readonly string[];
  readonly work: Work;
  readonly rounds: number;
  readonly outbox: SharedArrayBuffer;
  /** Frames are written down there. */
  readonly log?: string;
}

export interface LaneTask {
  readonly cases: readonly LaneCase[];
  /** Worker `worker` comes to its end in this way after so many bursts of a case. */
  readonly end?: { readonly worker: number; readonly bursts: number; readonly how: "throw" | "exit" };
}

export interface LaneDone {
  readonly facts: FabricFacts;
  readonly stats: LaneStats;
  readonly done: number;
}

/** All cases, one after the other: a thread is slow to start and slow at first. */
export function thread(task: LaneTask & { seat: Seat }): LaneDone[] {
  const meeting = new Meeting(task.seat.control, task.seat.worker, task.seat.workers);
  return task.cases.map((of) => play(of, meeting, task.end));
}

function play(of: LaneCase, meeting: Meeting, ending: LaneTask["end"]): LaneDone {
  const { work, rounds } = of;
  const { worker } = meeting;
  const fabric = new Fabric(of.topology, { answering: of.answering });
  const entries = Int32Array.from(of.ports, (port) => fabric.entry(port));
  const log = of.log === undefined ? undefined : new FrameLog(`${of.log}.${worker}`, worker, fabric.hosts, true);
  fabric.tap = log ?? null;
  const lane = new Lane(fabric, work, entries, meeting, of.outbox, { window: 64, watcher: log });
  const bursts = lane.bursts * rounds;
  let at = 0;
  if (ending !== undefined) {
    at = lane.run(0, Math.min(bursts, ending.bursts));
    if (ending.worker === worker) {
      if (ending.how === "throw") throw new Error("no more of this");
      process.exit(3);
    }
  }
  const done = lane.run(at, bursts);
  log?.close();
  return { facts: factsOf(fabric, clusterState(fabric, rounds * work.span)), stats: lane.stats, done };
}
