/** A mode's trial on several workers, seen from the main thread: what they are given, and what is made of what they say. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fabric, type FabricOptions } from "../../datapath/fabric.ts";
import type { FabricTap } from "../../datapath/fabric-tap.ts";
import { ledgerLength } from "../../workers/books.ts";
import { readFrameLogs } from "../../workers/frame-log.ts";
import { outboxBuffer } from "../../workers/outbox.ts";
import { runThreads, WorkerError } from "../../workers/pool.ts";
import { tallyBuffer } from "../../workers/tally.ts";
import { workOf } from "../../workers/work.ts";
import { CheckError } from "../errors.ts";
import { HEAP_TALLY } from "./allocation.ts";
import type { Measured } from "./counted.ts";
import type { ModeTask } from "./mode-thread.ts";
import type { ModeTrial } from "./mode-trial.ts";
import { coldShareOf } from "./passes.ts";
import { type Schedule, warmSchedule } from "./schedule.ts";

const module = new URL("./mode-thread.js", import.meta.url).href;

/**
 * Counts and measures on `trial.workers` workers. `tap` sees what the workers' taps saw, afterwards and in order. Throws a
 * CheckError with the error of a worker that failed.
 */
export async function runModeThreads(
  trial: ModeTrial,
  schedule: Schedule,
  fabric: FabricOptions,
  frames: boolean,
  tap: FabricTap,
): Promise<Measured> {
  const { topology, workers } = trial;
  const names = new Fabric(topology, { ...fabric, poolSlots: 1 });
  const folder = mkdtempSync(join(tmpdir(), "eastwest-run-"));
  const coldShare = coldShareOf(trial);
  const task: ModeTask = {
    topology,
    fabric,
    ports: schedule.inputs.map(({ port }) => port),
    cold: workOf(schedule, workers),
    warm: trial.timing ? workOf(warmSchedule(schedule), workers) : null,
    rounds: trial.rounds,
    repeat: trial.repeat,
    seconds: trial.seconds,
    save: trial.save,
    dumpFlows: trial.dumpFlows,
    logs: Array.from({ length: workers }, (_, worker) => join(folder, `frames.${worker}`)),
    frames,
    outbox: outboxBuffer(workers, ledgerLength(names)),
    tally: tallyBuffer(workers, topology.hosts.length),
    heaps: tallyBuffer(workers, HEAP_TALLY),
    coldShare,
  };
  try {
    const [first] = await runThreads<Measured | null>({
      module,
      tasks: Array.from({ length: workers }, () => task),
      progress: (thousandths) =>
        trial.progress(thousandths / 1000, thousandths < 1000 * coldShare ? "counting" : "timing"),
    });
    if (first === null) throw new Error("the first worker said nothing");
    readFrameLogs(task.logs, names.hosts, tap);
    return first;
  } catch (error) {
    throw error instanceof WorkerError ? new CheckError(`${topology.mode}: ${error.message}`) : error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
