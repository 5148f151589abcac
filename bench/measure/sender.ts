/**
 * Offers frames by the clock, whatever becomes of them: frame n of a trial is due n / load after its beginning. Frames that
 * are due go into the queue of their port; what finds it full is lost. The sender never waits for the datapath.
 *
 * A sender without its core for a while does not make up for that in a burst that no link would carry: when it is later than
 * LATE_NS, the frames still to come move on by as much, and the stall is said beside the result. The datapath's own
 * delays never move anything, so the time from which latency counts omits none of them. A sender that gets later and later,
 * instead of being late all at once, is too slow for the load: the trial ends when it should, and the rest is unsent.
 */
import type { SharedClock } from "./clock.ts";
import type { QueueWriter } from "./descriptor-ring.ts";
import type { Order, TrialWords } from "./trial-words.ts";

/** So late a frame may go out, and so much may be unsent at the end (FD.io CSIT's bound for a trial that counts). */
export const LATE_NS = 10_000;
/** A trial takes at most so many times as long as it should for all its stalls, and some seconds. */
const MOST_TIMES = 3;
const GRACE_NS = 2e9;
/** Frames between two looks at the clock. */
const CHUNK = 64;
/** Bursts between two looks at whether to stop. */
const LOOKS = 4096;
const LEAD_NS = 20_000;

/** Which frame goes in at which port: `port[n % port.length]`. */
export type PortOrder = Uint8Array;

export class Sender {
  readonly #queues: readonly QueueWriter[];
  readonly #ports: PortOrder;
  readonly #clock: SharedClock;
  readonly #offered: Float64Array;
  readonly #lost: Float64Array;
  /** Of one port: no table to look into. */
  readonly #one: boolean;
  /** Stalls, stalled, latest. */
  readonly #late = new Float64Array(3);

  constructor(queues: readonly QueueWriter[], ports: PortOrder, clock: SharedClock) {
    this.#queues = queues;
    this.#ports = ports;
    this.#clock = clock;
    this.#offered = new Float64Array(queues.length);
    this.#lost = new Float64Array(queues.length);
    this.#one = queues.length === 1;
  }

  /** Performs trial `command`, which the datapath is ready for. */
  trial(command: number, { load, seconds }: Order, words: TrialWords): void {
    this.#offered.fill(0);
    this.#lost.fill(0);
    this.#late.fill(0);
    const intended = Math.round(load * seconds);
    const start = this.#clock.now() + LEAD_NS;
    const sent = this.#send(intended, start, 1e9 / load, start + seconds * 1e9 + LATE_NS, words);
    const elapsedNs = Math.max(1, this.#clock.now() - start);
    words.sent(command);
    const [stalls, stalledNs, latestNs] = this.#late;
    const unsent = intended - sent;
    words.senderDone(command, { intended, unsent, stalls, stalledNs, latestNs, elapsedNs }, this.#offered, this.#lost);
  }

  /** Returns the frames that were offered. */
  #send(intended: number, start: number, step: number, planned: number, words: TrialWords): number {
    const late = this.#late;
    const most = start + MOST_TIMES * (planned - start) + GRACE_NS;
    let end = planned;
    let begin = start;
    for (const queue of this.#queues) queue.move(0, begin);
    let n = 0;
    let looks = 0;
    let before = 0;
    while (n < intended) {
      const now = this.#clock.now();
      if ((++looks & (LOOKS - 1)) === 0 && words.stopped) break;
      let due = Math.floor((now - begin) / step) + 1;
      if (due <= n) {
        before = 0;
        continue;
      }
      let behind = now - (begin + n * step);
      if (behind > LATE_NS) {
        if (before <= LATE_NS / 2) {
          late[0]++;
          late[1] += behind;
          if (behind > late[2]) late[2] = behind;
          end = Math.min(most, end + behind);
        }
        begin += behind;
        for (let port = 0; port < this.#queues.length; port++) this.#queues[port].move(n, begin);
        due = n + 1;
        behind = 0;
      }
      if (now >= end) break;
      before = behind;
      if (due > n + CHUNK) due = n + CHUNK;
      if (due > intended) due = intended;
      if (this.#one) this.#putOne(n, due);
      else this.#putSome(n, due);
      n = due;
    }
    return n;
  }

  #putOne(from: number, to: number): void {
    const queue = this.#queues[0];
    let lost = 0;
    for (let n = from; n < to; n++) if (!queue.put(n)) lost++;
    queue.publish();
    this.#offered[0] += to - from;
    this.#lost[0] += lost;
  }

  #putSome(from: number, to: number): void {
    const queues = this.#queues;
    const ports = this.#ports;
    let at = from % ports.length;
    for (let n = from; n < to; n++) {
      const port = ports[at];
      if (++at === ports.length) at = 0;
      this.#offered[port]++;
      if (!queues[port].put(n)) this.#lost[port]++;
    }
    for (let port = 0; port < queues.length; port++) queues[port].publish();
  }
}
