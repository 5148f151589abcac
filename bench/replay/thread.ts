/** One worker of a replay: its own bridge; the first worker measures and has the result. */
import { Meeting } from "../../workers/control.ts";
import { FrameLog } from "../../workers/frame-log.ts";
import type { Seat } from "../../workers/pool.ts";
import type { Schedule } from "../trial/schedule.ts";
import { ReplayEngine } from "./engine.ts";
import { LaneCrew, type LaneWork } from "./lane-crew.ts";
import { coldShareOf, measure, type ReplayOutcome, type ReplayPlan } from "./trial.ts";

export interface ReplayTask {
  readonly plan: ReplayPlan;
  readonly ports: readonly string[];
  readonly work: LaneWork;
  /** Of the warm passes, for what the first worker measures on its own. */
  readonly warm: Schedule;
  readonly longest: number;
  /** Where what leaves is written down, by worker; null: nothing is. */
  readonly logs: readonly string[] | null;
}

/** Called by the pool in each worker. The others return null. */
export async function thread(task: ReplayTask & { readonly seat: Seat }): Promise<Omit<ReplayOutcome, "files"> | null> {
  const { seat, plan, longest } = task;
  const meeting = new Meeting(seat.control, seat.worker, seat.workers);
  const engine = new ReplayEngine(plan.setup, { longest });
  const entries = Int32Array.from(task.ports, (port) => engine.entry(port));
  const log = task.logs === null ? undefined : new FrameLog(task.logs[seat.worker], seat.worker, [], true);
  const share = coldShareOf(plan);
  const crew = new LaneCrew(engine, entries, meeting, task.work, log, share);
  engine.tap =
    log === undefined ? null : (port, bytes, start, end, time) => log.delivered(port, bytes, start, end, time);
  const cold = await crew.cold();
  engine.tap = null;
  log?.close();
  if (seat.worker !== 0) {
    crew.follow();
    return null;
  }
  const led = {
    cold: async () => cold,
    pass: () => crew.pass(),
    passes: (count: number) => crew.passes(count),
    reset: () => crew.reset(),
    flush: () => crew.flush(),
  };
  const done = await measure(plan, engine, led, null, task.warm, longest, (of) => {
    meeting.done(Math.floor(1000 * of));
    return !meeting.stopped;
  });
  crew.end();
  return done;
}
