/** A replay on several workers, seen from the main thread: what they are given, and what is made of what they say. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { longestFrame } from "../../datapath/packet/trace.ts";
import { ledgerLength } from "../../workers/books.ts";
import { readFrameLogs } from "../../workers/frame-log.ts";
import { outboxBuffer } from "../../workers/outbox.ts";
import { runThreads, WorkerError } from "../../workers/pool.ts";
import { tallyBuffer } from "../../workers/tally.ts";
import { workOf } from "../../workers/work.ts";
import { CheckError } from "../errors.ts";
import { HEAP_TALLY } from "../trial/allocation.ts";
import { type Schedule, warmSchedule } from "../trial/schedule.ts";
import { ReplayEngine, type Tap } from "./engine.ts";
import { mergePerf } from "./perf-result.ts";
import type { PerfLoops } from "./result.ts";
import type { ReplayDone, ReplayTask } from "./thread.ts";
import type { ReplayOutcome, ReplayTrial } from "./trial.ts";

const module = new URL("./thread.js", import.meta.url).href;

/** `tap` sees what left, afterwards and in order. Throws a CheckError with the error of a worker that failed. */
export async function replayThreads(
  trial: ReplayTrial,
  schedule: Schedule,
  tap: Tap | null,
): Promise<Omit<ReplayOutcome, "files">> {
  const { workers, inputs, write: _, progress, ...plan } = trial;
  const longest = Math.max(...inputs.map(({ trace }) => longestFrame(trace)));
  const folder = mkdtempSync(join(tmpdir(), "eastwest-replay-"));
  const warm = warmSchedule(schedule);
  const logs = tap === null ? null : Array.from({ length: workers }, (__, worker) => join(folder, `frames.${worker}`));
  const task: ReplayTask = {
    plan: { ...plan, workers },
    ports: schedule.inputs.map(({ port }) => port),
    work: {
      cold: workOf(schedule, workers),
      warm: workOf(warm, workers),
      frames: trial.frames ?? schedule.count,
      heaps: tallyBuffer(workers, HEAP_TALLY),
      outbox: outboxBuffer(workers, ledgerLength(new ReplayEngine(trial.setup, { longest: 0 }))),
    },
    warm,
    longest,
    logs,
  };
  try {
    const done = await runThreads<ReplayDone>({
      module,
      tasks: Array.from({ length: workers }, () => task),
      progress: (thousandths) => progress(thousandths / 1000, "working"),
    });
    const [{ outcome }] = done;
    if (outcome === null) throw new Error("the first worker said nothing");
    if (tap !== null && logs !== null) {
      readFrameLogs(logs, [], { delivered: tap, underlay: () => {}, wire: () => {} });
    }
    const perf = loopsOf(done);
    return { ...outcome, result: { ...outcome.result, perf, command: process.argv.slice(2) } };
  } catch (error) {
    throw error instanceof WorkerError ? new CheckError(error.message) : error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All workers' loops and what they come to together; null where nothing was recorded. */
function loopsOf(done: readonly ReplayDone[]): PerfLoops | null {
  const workers = done.flatMap(({ perf }) => (perf === null ? [] : [perf]));
  if (workers.length === 0) return null;
  const timed = workers.flatMap((of) => (of.timed === null ? [] : [of.timed]));
  return {
    cold: mergePerf(workers.map(({ cold }) => cold)),
    timed: timed.length === 0 ? null : mergePerf(timed),
    workers,
  };
}
