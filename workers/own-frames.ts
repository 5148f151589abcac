/**
 * A worker's own frames of all the work, by input, and how far they are used in the window that is being done. They lie
 * together in memory: a worker that picks its frames out of everybody's reads every cache line and uses half of it.
 */
import { BURST } from "../datapath/packet/packet-batch.ts";
import type { Trace } from "../datapath/packet/trace.ts";
import type { Replica, Work } from "./replica.ts";

/** Bytes of a trace that are copied so that own frames lie together. */
const MOST_PACKED = 256 << 20;

export class OwnFrames {
  readonly #work: Work;
  readonly #entries: Int32Array;
  /** Own frames by input, as numbers in the work. */
  readonly #own: readonly Int32Array[];
  /** The traces that they come from, the index of each there, and its time in a round. */
  readonly #traces: readonly Trace[];
  readonly #frames: readonly Int32Array[];
  readonly #times: readonly Float64Array[];
  readonly #next: Int32Array;

  /** `entries[i]`: where frames of input i go in. */
  constructor(work: Work, entries: Int32Array, worker: number) {
    this.#work = work;
    this.#entries = entries;
    const own: number[][] = work.traces.map(() => []);
    for (let i = 0; i < work.owner.length; i++) if (work.owner[i] === worker) own[work.input[i]].push(i);
    this.#own = own.map((list) => Int32Array.from(list));
    const packed = this.#own.map((list, source) => packedTrace(work.traces[source], list, work.frame));
    this.#traces = packed.map(({ trace }) => trace);
    this.#frames = packed.map(({ frames }) => frames);
    this.#times = this.#own.map((list) => Float64Array.from(list, (i) => work.time[i]));
    this.#next = new Int32Array(own.length);
  }

  /** Points at the first own frames in burst `b` of a round or later. */
  seek(b: number): void {
    const first = this.#work.burst[b];
    for (let source = 0; source < this.#own.length; source++) {
      const own = this.#own[source];
      let low = 0;
      let high = own.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (own[middle] < first) low = middle + 1;
        else high = middle;
      }
      this.#next[source] = low;
    }
  }

  /** Points at the first frames of a round. */
  rewind(): void {
    this.#next.fill(0);
  }

  /**
   * Offers own frames before frame number `end` of the round whose times begin at `base[0]`, in full bursts, by input, until
   * a guess of the replica's was wrong. The time is in an array because a number with a fraction becomes an object where it
   * is an argument: 16 bytes a burst.
   */
  offer(replica: Replica, end: number, base: Float64Array): void {
    const { speculation, clock } = replica;
    for (let source = 0; source < this.#own.length; source++) {
      const own = this.#own[source];
      const entry = this.#entries[source];
      const trace = this.#traces[source];
      const frames = this.#frames[source];
      const times = this.#times[source];
      let next = this.#next[source];
      while (next < own.length && own[next] < end && !speculation.failed) {
        let last = Math.min(next + BURST, own.length);
        while (own[last - 1] >= end) last--;
        if (replica.takeBurst !== undefined) {
          replica.takeBurst(entry, trace, frames, next, last - next, times, base);
          next = last;
          continue;
        }
        for (; next < last; next++) {
          clock[0] = base[0] + times[next];
          if (!replica.offerAtClock(entry, trace, frames[next])) speculation.failed = true;
        }
        replica.settle();
      }
      this.#next[source] = next;
    }
  }
}

/**
 * A trace of the frames `frame[list[n]]` alone, back to back, as a card has them in a queue's buffers. MAC rewrite of 60-byte
 * frames, 1,000 flows, two workers, quickest samples: 34 to 41 ns a frame (one worker alone 66 to 70), unpacked 46 to 61
 * (alone 63 to 98). Beyond MOST_PACKED bytes the trace itself.
 */
function packedTrace(trace: Trace, list: Int32Array, frame: Int32Array): { trace: Trace; frames: Int32Array } {
  const frames = list.map((i) => frame[i]);
  const total = frames.reduce((sum, f) => sum + trace.length[f], 0);
  if (total > MOST_PACKED) return { trace, frames };
  const bytes = new Uint8Array(new SharedArrayBuffer(total));
  const start = new Int32Array(frames.length);
  let at = 0;
  for (const [n, f] of frames.entries()) {
    start[n] = at;
    bytes.set(trace.bytes.subarray(trace.start[f], trace.start[f] + trace.length[f]), at);
    at += trace.length[f];
  }
  return {
    trace: {
      ...trace,
      count: frames.length,
      bytes,
      start,
      length: frames.map((f) => trace.length[f]),
      wireLength: frames.map((f) => trace.wireLength[f]),
      time: Float64Array.from(frames, (f) => trace.time[f]),
    },
    frames: frames.map((_, n) => n),
  };
}
