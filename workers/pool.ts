/**
 * The threads of a run: a piscina pool with one long task each. They share memory and meet there (control.ts); messages only
 * begin and end them. One that fails, by an error or by ending without a word, ends the run: the others are told through the
 * control words, so nobody waits for it, and its error is the run's.
 */
import { Piscina } from "piscina";
import { POISONED, Supervisor } from "./control.ts";

export interface Threads {
  /** URL of the module whose export `thread` does a thread's task. */
  readonly module: string;
  /** What each thread is given, besides what it needs to meet the others; structured-cloneable, with shared memory shared. */
  readonly tasks: readonly object[];
  /** Thousandths of the work that are done, now and then; false asks the threads to stop. */
  readonly progress?: ((thousandths: number) => boolean) | undefined;
  /** Heap of a thread in MiB; default: as the main thread's. */
  readonly memory?: number | undefined;
}

/** What a thread is given beside its task. */
export interface Seat {
  readonly control: SharedArrayBuffer;
  readonly worker: number;
  readonly workers: number;
}

const LOOK_MS = 100;
/** How long the others get to see that the run has ended before they are ended, ms. */
const GRACE_MS = 2000;

/** Runs one task on each thread; resolves with all results, in order. Rejects with the error of the first that failed. */
export async function runThreads<T>(threads: Threads): Promise<T[]> {
  const { tasks } = threads;
  const supervisor = new Supervisor();
  const pool = new Piscina({
    filename: threads.module,
    name: "thread",
    minThreads: tasks.length,
    maxThreads: tasks.length,
    concurrentTasksPerWorker: 1,
    // The tasks wait with Atomics.wait themselves; piscina's own use of it would only be in their way.
    atomics: "disabled",
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    ...(threads.memory === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: threads.memory } }),
  });
  const look = setInterval(() => {
    if (threads.progress?.(supervisor.done) === false) supervisor.stop();
  }, LOOK_MS);
  let cause: unknown;
  let failed = false;
  try {
    const running = tasks.map(async (task, worker): Promise<T> => {
      const seat: Seat = { control: supervisor.buffer, worker, workers: tasks.length };
      try {
        return (await pool.run({ ...task, seat })) as T;
      } catch (error) {
        supervisor.poison();
        // What was poisoned by another's end is no cause.
        if (!failed && !isPoisoned(error)) {
          failed = true;
          cause = lost(error, worker);
        }
        throw error;
      }
    });
    const settled = Promise.allSettled(running);
    const results = await Promise.race([settled, failure(running)]);
    if (failed || results === null || results.some(({ status }) => status === "rejected")) throw cause;
    return results.map((result) => (result as PromiseFulfilledResult<T>).value);
  } finally {
    clearInterval(look);
    await pool.destroy();
  }
}

/** Null some time after the first failure: a thread that hangs on is not waited for. */
function failure(running: readonly Promise<unknown>[]): Promise<null> {
  return new Promise((resolve) => {
    for (const one of running) {
      one.catch(() => {
        setTimeout(() => resolve(null), GRACE_MS).unref();
      });
    }
  });
}

/** By its message: an error's own name does not cross from thread to thread. */
const isPoisoned = (error: unknown): boolean => error instanceof Error && error.message === POISONED;

/** The error with the worker's number; of a thread that is just gone, piscina says "worker exited with code: N". */
function lost(error: unknown, worker: number): WorkerError {
  const message = error instanceof Error ? error.message : String(error);
  return new WorkerError(`worker ${worker}: ${message.split("\n", 1)[0]}`, { cause: error });
}

/** A thread failed or is gone. One line; the thread's own error is the cause. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
}
