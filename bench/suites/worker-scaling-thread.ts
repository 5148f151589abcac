/** A thread of worker-scaling.ts: the same warm passes by one thread on its own, or by several lanes. */
import { readFileSync } from "node:fs";
import { Fabric } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { Meeting } from "../../workers/control.ts";
import { Lane, type LaneStats } from "../../workers/lane.ts";
import type { Seat } from "../../workers/pool.ts";
import type { Work } from "../../workers/replica.ts";

export interface ScalingTask {
  readonly topology: Topology;
  readonly ports: readonly string[];
  readonly work: Work;
  readonly outbox: SharedArrayBuffer;
  /** Passes before the clock, and on it. */
  readonly warmUp: number;
  readonly passes: number;
  readonly window: number | undefined;
}

export interface ScalingDone {
  readonly packets: number;
  /** Each pass, ns. */
  readonly passNs: readonly number[];
  /** Time on a processor, ns; NaN where the system does not say. */
  readonly cpuNs: number;
  readonly stats: LaneStats | null;
  /** Meetings, and those that had to sleep. */
  readonly meetings: readonly number[];
}

/** Called by the pool. */
export function thread(task: ScalingTask & { readonly seat: Seat }): ScalingDone {
  const { work, seat } = task;
  const fabric = new Fabric(task.topology, { answering: task.topology.vms.map(({ name }) => name) });
  const entries = Int32Array.from(task.ports, (port) => fabric.entry(port));
  const meeting = new Meeting(seat.control, seat.worker, seat.workers);
  const lane =
    seat.workers === 1 ? null : new Lane(fabric, work, entries, meeting, task.outbox, { window: task.window });
  const bursts = work.burst.length - 1;
  let at = 0;
  const run = (passes: number): void => {
    const to = at + passes * bursts;
    if (lane !== null) lane.run(at, to);
    else alone(fabric, work, entries, at / bursts, passes);
    at = to;
  };
  run(task.warmUp);
  meeting.meet();
  const before = delivered(fabric);
  const met = [...meeting.stats];
  const cpu = onProcessor();
  const passNs: number[] = [];
  for (let pass = 0; pass < task.passes; pass++) {
    const start = performance.now();
    run(1);
    passNs.push((performance.now() - start) * 1e6);
  }
  return {
    packets: delivered(fabric) - before,
    passNs,
    cpuNs: onProcessor() - cpu,
    stats: lane?.stats ?? null,
    meetings: [...meeting.stats].map((n, i) => n - met[i]),
  };
}

function alone(fabric: Fabric, work: Work, entries: Int32Array, first: number, passes: number): void {
  const { traces, burst, input, frame, time, span } = work;
  for (let round = first; round < first + passes; round++) {
    const base = round * span;
    for (let b = 0; b + 1 < burst.length; b++) {
      const from = input[burst[b]];
      fabric.clock[0] = base + time[burst[b]];
      fabric.advanceToClock();
      for (let i = burst[b]; i < burst[b + 1]; i++) {
        fabric.clock[0] = base + time[i];
        fabric.offerAtClock(entries[from], traces[from], frame[i]);
      }
      fabric.settle();
    }
  }
}

const delivered = (fabric: Fabric): number => fabric.vms.reduce((sum, vm) => sum + vm.delivered, 0);

function onProcessor(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ", 1)[0]);
  } catch {
    return Number.NaN;
  }
}
