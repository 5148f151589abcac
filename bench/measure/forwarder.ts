/**
 * The datapath's side of a trial: polls the queues of its ports in turn, a burst at most from each, puts the frames through
 * and notes how long after their time each was done. Between bursts it does what its host's other threads would do in Open
 * vSwitch: ageing and revalidation, changes of rules; their time is part of what is measured.
 */
import { BURST } from "../../datapath/packet/packet-batch.ts";
import type { HdrHistogram } from "../statistics/hdr-histogram.ts";
import type { SharedClock } from "./clock.ts";
import type { QueueReader } from "./descriptor-ring.ts";
import type { Subject } from "./subject.ts";
import type { Order, TrialWords } from "./trial-words.ts";

/** Polls in vain between two readings of the clock. */
const IDLE_POLLS = 32;

export class Forwarder {
  readonly #queues: readonly QueueReader[];
  readonly #subject: Subject;
  readonly #clock: SharedClock;
  /** By port: ns from a frame's time until it was done. */
  readonly #latency: readonly HdrHistogram[];
  readonly #numbers = new Int32Array(BURST);
  readonly #times = new Float64Array(BURST);

  constructor(queues: readonly QueueReader[], subject: Subject, clock: SharedClock, latency: readonly HdrHistogram[]) {
    this.#queues = queues;
    this.#subject = subject;
    this.#clock = clock;
    this.#latency = latency;
  }

  /** Performs trial `command`: until the sender has sent all and the queues are empty. */
  trial(
    command: number,
    { load, seconds, changesPerSecond, reconfigure, fresh, discard }: Order,
    words: TrialWords,
  ): void {
    const subject = this.#subject;
    const queues = this.#queues;
    const step = 1e9 / load;
    if (fresh) subject.renew();
    for (const { counts } of this.#latency) counts.fill(0);
    const before = subject.counts();
    let changes = 0;
    let changeNs = 0;
    let replaced = !reconfigure;
    let taken = 0;
    let idle = 0;
    let now = this.#clock.now();
    const begin = now;
    for (const queue of queues) queue.renew();
    words.ready(command);
    for (;;) {
      let got = 0;
      subject.advance(now);
      for (let port = 0; port < queues.length; port++) {
        const count = queues[port].take(this.#numbers, this.#times, BURST, step);
        if (count === 0) continue;
        got += count;
        if (discard) continue;
        subject.take(port, this.#numbers, count);
        now = this.#clock.now();
        this.#note(port, count, now);
      }
      taken += got;
      if (changesPerSecond > 0 && changes < ((now - begin) / 1e9) * changesPerSecond) {
        subject.change(now);
        changes++;
      }
      if (!replaced && now - begin >= seconds * 5e8) {
        replaced = true;
        const from = this.#clock.now();
        subject.replaceRules(from);
        changes++;
        now = this.#clock.now();
        changeNs += now - from;
      }
      if (got > 0) {
        idle = 0;
        continue;
      }
      // In this order: what was put in before the sender said so is seen after it.
      if (words.isSent(command) && queues.every(isEmpty)) break;
      if (++idle % IDLE_POLLS === 0) now = this.#clock.now();
    }
    const after = subject.counts();
    words.datapathDone(command, {
      taken,
      dropped: Math.max(0, after.dropped - before.dropped),
      lost: after.lost - before.lost,
      upcalls: after.upcalls - before.upcalls,
      changes,
      changeNs,
    });
  }

  #note(port: number, count: number, now: number): void {
    const histogram = this.#latency[port];
    const times = this.#times;
    for (let i = 0; i < count; i++) histogram.record(now - times[i]);
  }
}

const isEmpty = (queue: QueueReader): boolean => queue.empty;
