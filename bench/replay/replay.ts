/**
 * A replay from ports and rules to result: every frame once through a cold bridge, counted; what follows measure.ts says. On
 * this thread, or on several (threads.ts).
 */
import { longestFrame } from "../../datapath/packet/trace.ts";
import { InputError } from "../errors.ts";
import { coldShareOf } from "../trial/passes.ts";
import { coldSchedule, type Schedule, warmSchedule } from "../trial/schedule.ts";
import { SoleCrew } from "./crew.ts";
import { ReplayEngine, type Tap } from "./engine.ts";
import { measure } from "./measure.ts";
import type { PerfOptions } from "./perf.ts";
import { replayThreads } from "./threads.ts";
import type { ReplayOutcome, ReplayTrial } from "./trial.ts";
import { UpcallWatch } from "./upcall-watch.ts";
import { writersOf } from "./written-files.ts";

export async function replay(trial: ReplayTrial): Promise<ReplayOutcome> {
  const { inputs } = trial;
  const schedule = coldSchedule(inputs, {});
  if (schedule.count === 0) throw new InputError(`${inputs.map(({ file }) => file).join(", ")}: no frame to put in`);
  const files = writersOf(trial.setup, trial.write, inputs);
  const tap: Tap | null =
    files.size === 0 ? null : (port, bytes, start, end, time) => files.get(port)?.write(bytes, start, end, time);
  try {
    const done = trial.workers > 1 ? await replayThreads(trial, schedule, tap) : await replayHere(trial, schedule, tap);
    // The disk may be full only now: then none of them gets its name.
    for (const writer of files.values()) writer.flush();
    const written = [...files.values()].map((writer) => {
      writer.close();
      return { path: writer.path, frames: writer.frames };
    });
    return { ...done, files: written };
  } catch (error) {
    for (const writer of files.values()) writer.abort();
    throw error;
  }
}

/** All on this thread. */
async function replayHere(
  trial: ReplayTrial,
  schedule: Schedule,
  tap: Tap | null,
): Promise<Omit<ReplayOutcome, "files">> {
  const longest = Math.max(...trial.inputs.map(({ trace }) => longestFrame(trace)));
  const perf: PerfOptions | null = trial.perf
    ? { upcalls: new UpcallWatch(), suspiciousUs: trial.suspiciousUs, droppable: false }
    : null;
  const engine = new ReplayEngine(trial.setup, { longest, upcalls: perf?.upcalls });
  const warm = warmSchedule(schedule);
  const expected = trial.frames ?? schedule.count;
  const crew = new SoleCrew(engine, schedule, warm, perf, tap, trial.frames, (frames) =>
    trial.progress((coldShareOf(trial) * frames) / expected, "counting"),
  );
  return measure(trial, engine, crew, await crew.cold(), warm, longest, trial.progress);
}
