/** One worker of a replay: its own bridge; the first worker measures and has the result. */
import { Meeting } from "../../workers/control.ts";
import { FrameLog } from "../../workers/frame-log.ts";
import type { Seat } from "../../workers/pool.ts";
import { coldShareOf } from "../trial/passes.ts";
import type { Schedule } from "../trial/schedule.ts";
import { ReplayEngine } from "./engine.ts";
import { LaneCrew, type LaneWork } from "./lane-crew.ts";
import { measure } from "./measure.ts";
import type { PerfOptions } from "./perf.ts";
import type { PerfLoops } from "./result.ts";
import type { ReplayOutcome, ReplayPlan } from "./trial.ts";
import { UpcallWatch } from "./upcall-watch.ts";

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

export interface ReplayDone {
  /** The first worker's. */
  readonly outcome: Omit<ReplayOutcome, "files"> | null;
  /** With --perf. */
  readonly perf: PerfLoops | null;
}

/** Called by the pool in each worker. */
export async function thread(task: ReplayTask & { readonly seat: Seat }): Promise<ReplayDone> {
  const { seat, plan, longest } = task;
  const meeting = new Meeting(seat.control, seat.worker, seat.workers);
  const perf: PerfOptions | null = plan.perf
    ? { upcalls: new UpcallWatch(), suspiciousUs: plan.suspiciousUs, droppable: true }
    : null;
  const engine = new ReplayEngine(plan.setup, { longest, upcalls: perf?.upcalls });
  const entries = Int32Array.from(task.ports, (port) => engine.entry(port));
  const log = task.logs === null ? undefined : new FrameLog(task.logs[seat.worker], seat.worker, [], true);
  const crew = new LaneCrew(engine, entries, meeting, task.work, log, coldShareOf(plan), perf);
  engine.tap =
    log === undefined ? null : (port, bytes, start, end, time) => log.delivered(port, bytes, start, end, time);
  const cold = await crew.cold();
  engine.tap = null;
  log?.close();
  const loops = (): PerfLoops | null => (cold.perf === null ? null : { cold: cold.perf, timed: crew.timed });
  if (seat.worker !== 0) {
    await crew.follow();
    return { outcome: null, perf: loops() };
  }
  const outcome = await measure(plan, engine, crew, cold, task.warm, longest, (of) => {
    meeting.done(Math.floor(1000 * of));
    return !meeting.stopped;
  });
  crew.end();
  return { outcome, perf: loops() };
}
