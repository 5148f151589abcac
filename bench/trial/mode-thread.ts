/** One worker's part of a mode's trial: its copy of the cluster through the counting pass and the measured ones. */
import { Fabric } from "../../datapath/fabric.ts";
import { Meeting } from "../../workers/control.ts";
import { FrameLog } from "../../workers/frame-log.ts";
import { Lane } from "../../workers/lane.ts";
import type { Seat } from "../../workers/pool.ts";
import { Tally } from "../../workers/tally.ts";
import { HEAP_TALLY } from "./allocation.ts";
import { count, type Measured } from "./counted.ts";
import { LanePasses } from "./lane-passes.ts";
import type { ColdResult, WarmResult } from "./passes.ts";
import { leadPasses, offeredBy, type ThreadTask, tapOf } from "./thread-task.ts";

export interface ModeTask extends ThreadTask {
  readonly outbox: SharedArrayBuffer;
}

/** Windows are kept small while frames are written down: those of a window are sorted in memory. */
const LOGGED_WINDOW = 64;

/** Called by the pool in each worker. The first one answers; the others, whose copies are the same, with nothing. */
export async function thread(task: ModeTask & { readonly seat: Seat }): Promise<Measured | null> {
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
  const done = lane.run(0, bursts);
  const wallMs = performance.now() - began;
  fabric.tap = null;
  log.close();
  const counted = count(fabric, task.dumpFlows, task.save, rounds * work.span);
  const cold: ColdResult = {
    ...offeredBy(
      work,
      done,
      task.ports.map(() => true),
    ),
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
  const lane = new Lane(fabric, task.warm, entries, meeting, task.outbox, { start: cold.end });
  const times = new Tally(task.tally, meeting, fabric.hosts.length);
  const passes = new LanePasses(fabric, lane, meeting, times, new Tally(task.heaps, meeting, HEAP_TALLY));
  if (meeting.worker !== 0) {
    await passes.follow();
    return { warm: null, after: [] };
  }
  const warm = await leadPasses(fabric, passes, task, meeting);
  passes.end();
  return { warm, after: fabric.check() };
}
