/**
 * Runs tasks and prints what an operation of each costs. The one file that knows tinybench, which times each call of a task:
 * reading the clock costs as much as several packets, so a task is a whole run of bursts and says how many operations that is.
 */
import { Bench } from "tinybench";
import { number, table } from "../report/format.ts";

export interface Task {
  /** "extract: IPv4 UDP". */
  readonly name: string;
  /** What one operation is: a packet, a call, a byte. */
  readonly unit: string;
  /** Operations in one call of what `make` gives. */
  readonly operations: number;
  /** Prepares everything; only called for tasks that are run. */
  readonly make: () => () => void | Promise<void>;
}

/** The tasks of one subject; `done` afterwards. */
export interface Suite {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly done?: () => void;
}

export interface TaskResult {
  readonly name: string;
  readonly unit: string;
  readonly operations: number;
  /** Calls that were timed. */
  readonly samples: number;
  /** By operation, ns. */
  readonly nsMedian: number;
  readonly nsMin: number;
  readonly nsP75: number;
  /** Half the 95 % interval of the mean against it, tinybench's. */
  readonly relativeError: number;
}

/** Runs the tasks one after the other, each for `ms` after a warm-up of half of that. Throws what a task throws. */
export async function runTasks(tasks: readonly Task[], ms: number): Promise<TaskResult[]> {
  // At least ten calls, but a glance (--ms 1) gets by with fewer.
  const iterations = Math.min(10, Math.ceil(ms / 5));
  const bench = new Bench({ time: ms, warmupTime: ms / 2, iterations, warmupIterations: iterations, throws: true });
  for (const { name, make } of tasks) bench.add(name, make());
  await bench.run();
  return bench.tasks.map((measured, i) => {
    const { name, unit, operations } = tasks[i];
    const { result } = measured;
    if (!("latency" in result)) throw new Error(`${name}: ${result.state}`);
    const { p50, p75, min, samplesCount, rme } = result.latency;
    const ns = (latency: number): number => (latency * 1e6) / operations;
    return {
      ...{ name, unit, operations, samples: samplesCount, relativeError: rme / 100 },
      ...{ nsMedian: ns(p50), nsMin: ns(min), nsP75: ns(p75) },
    };
  });
}

export function resultsText(results: readonly TaskResult[]): string {
  const rows = results.map(({ name, unit, nsMedian, nsMin, nsP75, samples }) => [
    name,
    number(nsMedian),
    number(nsMin),
    number(nsP75),
    String(samples),
    unit,
  ]);
  return table([["ns", "median", "least", "75 %", "samples", "by"], ...rows], "");
}
