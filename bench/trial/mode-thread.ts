/** One worker's part of a mode's trial: its copy of the cluster through the counting pass and the measured ones. */
import { Fabric, type FabricOptions } from "../../datapath/fabric.ts";
import type { FabricTap } from "../../datapath/fabric-tap.ts";
import type { Topology } from "../../datapath/topology.ts";
import { Meeting } from "../../workers/control.ts";
import { FrameLog } from "../../workers/frame-log.ts";
import { Lane, type LaneStats } from "../../workers/lane.ts";
import type { Seat } from "../../workers/pool.ts";
import type { Work } from "../../workers/replica.ts";
import { Tally } from "../../workers/tally.ts";
import { FirstPing } from "./first-ping.ts";
import { LanePasses } from "./lane-passes.ts";
import { type ColdResult, type WarmResult, warmPasses } from "./passes.ts";
import { type Counted, count } from "./run-mode.ts";

export interface ModeTask {
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
  /** Where frames are written down, by worker; `frames` false: only until the first ping is found. */
  readonly logs: readonly string[];
  readonly frames: boolean;
  readonly outbox: SharedArrayBuffer;
  readonly tally: SharedArrayBuffer;
  /** Share of the counting pass in all the work, 0 to 1. */
  readonly coldShare: number;
}

/** What the first worker says; the others, whose copies are the same, nothing. */
export interface ModeDone extends Counted {
  readonly cold: ColdResult;
  readonly warm: WarmResult | null;
  /** Violations after the warm passes. */
  readonly after: readonly string[];
  readonly stats: LaneStats;
}

/** Windows are kept small while frames are written down: those of a window are sorted in memory. */
const LOGGED_WINDOW = 64;

/** Called by the pool in each worker. */
export async function thread(task: ModeTask & { readonly seat: Seat }): Promise<ModeDone | null> {
  const { seat, cold: work, rounds } = task;
  const meeting = new Meeting(seat.control, seat.worker, seat.workers);
  const fabric = new Fabric(task.topology, task.fabric);
  const entries = Int32Array.from(task.ports, (port) => fabric.entry(port));
  const log = new FrameLog(task.logs[seat.worker], seat.worker, fabric.hosts, task.frames);
  fabric.tap = tapOf(log, fabric, task);
  const lane = new Lane(fabric, work, entries, meeting, task.outbox, {
    watcher: log,
    window: task.frames ? LOGGED_WINDOW : undefined,
    progress: (bursts) => meeting.done(Math.floor((1000 * task.coldShare * bursts) / (rounds * lane.bursts))),
  });
  const began = performance.now();
  const bursts = rounds * lane.bursts;
  const done = lane.run(0, bursts, 0);
  const wallMs = performance.now() - began;
  fabric.tap = null;
  log.close();
  const counted = count(fabric, task.dumpFlows, task.save, rounds * work.span);
  const cold: ColdResult = {
    ...offeredBy(work, done),
    refused: lane.refused,
    end: rounds * work.span,
    wallMs,
    latestMs: 0,
    interrupted: done < bursts,
  };
  const { warm, after } = await measure(task, fabric, entries, meeting, cold);
  if (seat.worker !== 0) return null;
  return {
    ...counted,
    cold,
    warm,
    after: after.filter((line) => !counted.violations.includes(line)),
    stats: lane.stats,
  };
}

async function measure(
  task: ModeTask,
  fabric: Fabric,
  entries: Int32Array,
  meeting: Meeting,
  cold: ColdResult,
): Promise<{ warm: WarmResult | null; after: readonly string[] }> {
  if (task.warm === null || cold.interrupted) return { warm: null, after: [] };
  const lane = new Lane(fabric, task.warm, entries, meeting, task.outbox);
  const passes = new LanePasses(fabric, lane, meeting, new Tally(task.tally, meeting, fabric.hosts.length), cold.end);
  if (meeting.worker !== 0) {
    passes.follow();
    return { warm: null, after: [] };
  }
  const warm = await warmPasses(fabric, passes, {
    repeat: task.repeat,
    seconds: task.seconds,
    progress: (share) => {
      meeting.done(Math.floor(1000 * (task.coldShare + (1 - task.coldShare) * share)));
      return !meeting.stopped;
    },
  });
  passes.end();
  return { warm, after: fabric.check() };
}

/** Frames and bytes of the first `bursts` bursts, through all rounds. */
function offeredBy({ traces, input, frame, burst }: Work, bursts: number): { offered: number; bytes: number } {
  const perRound = burst.length - 1;
  const rounds = Math.floor(bursts / perRound);
  const rest = burst[bursts - rounds * perRound];
  let all = 0;
  let some = 0;
  for (let i = 0; i < frame.length; i++) {
    const length = traces[input[i]].length[frame[i]];
    all += length;
    if (i < rest) some += length;
  }
  return { offered: rounds * frame.length + rest, bytes: rounds * all + some };
}

/** What is written down of what the tap sees; without `frames`, nothing more once a ping has been followed to its end. */
function tapOf(log: FrameLog, fabric: Fabric, { topology, frames }: ModeTask): FabricTap {
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
