/** The two threads of a real-time measurement: worker 0 is the datapath, worker 1 the sender. */
import type { Seat } from "../../workers/pool.ts";
import { HdrHistogram } from "../statistics/hdr-histogram.ts";
import { SharedClock } from "./clock.ts";
import { QueueReader, QueueWriter } from "./descriptor-ring.ts";
import { Forwarder } from "./forwarder.ts";
import { LATENCY_LAYOUT } from "./latency.ts";
import { Sender } from "./sender.ts";
import { makeSubject, type SubjectPlan, type Traffic } from "./subject.ts";
import { type TrialMemory, TrialWords } from "./trial-words.ts";

export interface MeasureTask {
  readonly epoch: bigint;
  readonly memory: TrialMemory;
  /** By port. */
  readonly queues: readonly SharedArrayBuffer[];
  readonly latency: readonly SharedArrayBuffer[];
  readonly traffic: Traffic;
  readonly plan: SubjectPlan;
  /** Put all frames through before the first trial. */
  readonly warm: boolean;
}

/** Called by the pool. The datapath returns what does not add up at the end. */
export async function thread(task: MeasureTask & { readonly seat: Seat }): Promise<string[]> {
  return task.seat.worker === 0 ? datapath(task) : sender(task);
}

function datapath({ epoch, memory, queues, latency, traffic, plan, warm }: MeasureTask): string[] {
  const words = new TrialWords(memory);
  const subject = makeSubject(plan, traffic);
  if (warm) words.warm(subject.warmUp(() => words.stopped));
  const forwarder = new Forwarder(
    queues.map((queue) => new QueueReader(queue)),
    subject,
    new SharedClock(epoch),
    latency.map((counts) => new HdrHistogram(LATENCY_LAYOUT, new Float64Array(counts))),
  );
  words.ready(1);
  for (let last = 1; ; ) {
    const command = words.next(last);
    if (command === null) return subject.violations();
    forwarder.trial(command, words.orders, words);
    last = command;
  }
}

function sender({ epoch, memory, queues, traffic }: MeasureTask): string[] {
  const words = new TrialWords(memory);
  const work = new Sender(
    queues.map((queue) => new QueueWriter(queue)),
    traffic.port,
    new SharedClock(epoch),
  );
  for (let last = 1; ; ) {
    const command = words.next(last);
    if (command === null) return [];
    while (!words.isReady(command));
    work.trial(command, words.orders, words);
    last = command;
  }
}
