/**
 * How several workers do one worker's work and get one worker's result, to the last counter.
 *
 * Every worker holds a whole copy of what is under test (replica.ts), and frames belong to workers by flow (flow-hash.ts,
 * shares.ts). The work goes on in windows of some thousand frames:
 *
 *   ahead      each worker takes its own frames through its own copy, on the guess that they change nothing but counters
 *              (datapath/packet/speculation.ts): hits of what is installed, plain forwarding. Then the workers meet.
 *              All guesses were right: the window is done; what was counted goes to the outbox (outbox.ts).
 *              One was wrong: all take back what they counted in it, and it is done again in order.
 *   in order   each worker takes all frames of the window through its copy, exactly as one worker alone would: upcalls,
 *              learning, ARP, errors. So all copies change in the same way, and nothing has to be locked or sent.
 *
 * Before anything is done in order, and before time is moved on (ageing and revalidation, every 500 ms of virtual time), the
 * workers merge: counters and hits of all are added up in every copy. So whatever is decided, is decided from the same
 * numbers as one worker has, and any copy is the result at the end.
 *
 * Work in order is not divided, so traffic that learns something all the time does not gain: windows that failed shrink,
 * and bursts that were seen to change something when they last went through are not tried ahead again. Every such choice
 * follows from what all workers know alike; that is what keeps them together without a message.
 *
 * One meeting a window; within one, a worker regroups its frames into full bursts, input by input, since in which order hits
 * of different flows are counted cannot be seen.
 */
import { BURST } from "../datapath/packet/packet-batch.ts";
import type { Trace } from "../datapath/packet/trace.ts";
import type { Meeting } from "./control.ts";
import { Outboxes } from "./outbox.ts";
import type { Replica, Work } from "./replica.ts";

/** Bytes of a trace that are copied so that own frames lie together. */
const MOST_PACKED = 256 << 20;

const FLAG_CHANGED = 1;
const FLAG_FULL = 2;
const FLAG_MERGE = 4;
const FLAG_STOP = 8;

/** Bursts of the smallest and the largest window, 32 frames each at most. */
const LEAST = 8;
const MOST = 1024;
/** After windows that failed, this many bursts in order without a change at most before the next one is tried. */
const MOST_CALM = 512;
/** Bursts in order between two meetings. */
const MOST_ALONE = 256;

export interface LaneOptions {
  /** Largest window in bursts, default 1,024. */
  readonly window?: number | undefined;
  /** Told before a window begins, and whether it counts afterwards: for those who write frames down. */
  readonly watcher?: WindowWatcher | undefined;
  /** Called by worker 0 after each window with the bursts done so far in this `run`. */
  readonly progress?: ((bursts: number) => void) | undefined;
}

export interface WindowWatcher {
  /** A window begins; windows are numbered from 0, the same for all workers. `inOrder`: all workers do all of it. */
  begin(window: number, inOrder: boolean): void;
  /** It is done, or (false) it is taken back. */
  end(counts: boolean): void;
}

/** How the work was done, for reports and tests: bursts, and windows. */
export interface LaneStats {
  /** Bursts done ahead, and in order. */
  ahead: number;
  inOrder: number;
  /** Windows done ahead, and taken back. */
  windows: number;
  failed: number;
  merges: number;
}

export class Lane {
  readonly stats: LaneStats = { ahead: 0, inOrder: 0, windows: 0, failed: 0, merges: 0 };
  /** Frames that were not taken in, by all workers together. */
  refused = 0;
  readonly #replica: Replica;
  readonly #work: Work;
  readonly #entries: Int32Array;
  readonly #meeting: Meeting;
  readonly #outboxes: Outboxes;
  readonly #watcher: WindowWatcher | undefined;
  readonly #progress: ((bursts: number) => void) | undefined;
  readonly #most: number;
  /** Own frames by input, and how far they are used in the window that is being done. */
  readonly #own: readonly Int32Array[];
  /** The traces that ahead frames come from, the index of each own frame there, and its time in a round. */
  readonly #ownTraces: readonly Trace[];
  readonly #ownFrames: readonly Int32Array[];
  readonly #ownTimes: readonly Float64Array[];
  readonly #next: Int32Array;
  /** By burst: it changed something when it was last done in order. */
  readonly #changes: Uint8Array;
  readonly #ledger: readonly Float64Array[];
  /** The counters at the start of the window, and after the last merge. */
  readonly #before: Float64Array;
  readonly #merged: Float64Array;
  readonly #growth: Float64Array;
  readonly #clocked: Float64Array;
  readonly #held = new Int32Array(1 << 16);
  #holding = 0;
  #window = LEAST;
  #windows = 0;
  /** Bursts in order since the last one that changed something; and how many there must be before a window is tried. */
  #calm = 0;
  #needed = 0;
  /** Bursts in order since the last meeting after some. */
  #alone = 0;
  /** Something was done ahead since the last merge. */
  #dirty = false;
  /** Virtual time of the first round. */
  #start = 0;

  /** `entries[i]`: where frames of input i go in. All workers make theirs at the same time: it takes a meeting. */
  constructor(
    replica: Replica,
    work: Work,
    entries: Int32Array,
    meeting: Meeting,
    outbox: SharedArrayBuffer,
    options: LaneOptions = {},
  ) {
    this.#replica = replica;
    this.#work = work;
    this.#entries = entries;
    this.#meeting = meeting;
    this.#watcher = options.watcher;
    if (meeting.worker === 0) this.#progress = options.progress;
    this.#most = Math.max(LEAST, options.window ?? MOST);
    this.#ledger = replica.ledger();
    const counters = ledgerLength(replica);
    this.#outboxes = new Outboxes(outbox, meeting.worker, meeting.workers, counters);
    this.#before = new Float64Array(counters);
    this.#merged = new Float64Array(counters);
    this.#growth = new Float64Array(counters);
    this.#clocked = new Float64Array(replica.clocked.reduce((sum, column) => sum + column.length, 0));
    this.#changes = new Uint8Array(work.burst.length - 1);
    const own: number[][] = work.traces.map(() => []);
    for (let i = 0; i < work.owner.length; i++) if (work.owner[i] === meeting.worker) own[work.input[i]].push(i);
    this.#own = own.map((list) => Int32Array.from(list));
    const packed = this.#own.map((list, source) => packedTrace(work.traces[source], list, work.frame));
    this.#ownTraces = packed.map(({ trace }) => trace);
    this.#ownFrames = packed.map(({ frames }) => frames);
    this.#ownTimes = this.#own.map((list) => Float64Array.from(list, (i) => work.time[i]));
    this.#next = new Int32Array(own.length);
    this.#read(this.#merged);
    // An outbox of the lane before this one may still be being read.
    meeting.meet();
  }

  /** Bursts of a round. */
  get bursts(): number {
    return this.#work.burst.length - 1;
  }

  /**
   * Does bursts [from, to), counted through all rounds; round 0 begins at virtual time `start` (ns). The copies are merged
   * afterwards. Returns the first burst that was not done: `to`, unless the main thread has asked to stop.
   */
  run(from: number, to: number, start: number): number {
    this.#start = start;
    let at = from;
    let stopped = false;
    while (at < to && !stopped) {
      this.#progress?.(at - from);
      const now = this.#timeOf(at);
      if (now >= this.#replica.nextTick) this.#tick(now);
      const quiet = this.#quiet(at, Math.min(to, at + this.#window));
      if (quiet - at < LEAST || this.#calm < this.#needed) {
        // At least as many bursts in order as a window would be tried with.
        const end = Math.min(to, Math.max(quiet, at + LEAST));
        stopped = this.#inOrder(at, end);
        at = end;
        continue;
      }
      const flags = this.#ahead(at, quiet);
      stopped = (flags & FLAG_STOP) !== 0;
      if ((flags & (FLAG_CHANGED | FLAG_FULL)) === 0) {
        at = quiet;
        if (this.#window < this.#most) this.#window *= 2;
        this.#needed >>= 1;
        if ((flags & FLAG_MERGE) !== 0) this.merge();
        continue;
      }
      this.#window = Math.max(LEAST, this.#window >> 1);
      if ((flags & FLAG_CHANGED) !== 0) {
        this.#needed = Math.min(MOST_CALM, Math.max(LEAST, 2 * this.#needed));
        this.#inOrder(at, quiet);
        at = quiet;
      } else this.merge();
    }
    this.merge();
    this.#release();
    return at;
  }

  /** Brings all copies to the same state, which is that of one worker. Meetings, unless there is nothing to tell. */
  merge(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.stats.merges++;
    const growth = this.#growth;
    this.#read(growth);
    for (let n = 0; n < growth.length; n++) growth[n] -= this.#merged[n];
    this.#outboxes.send(growth);
    this.#meeting.meet();
    this.#outboxes.receive(growth, this.#replica.datapaths);
    for (let n = 0; n < growth.length; n++) this.#merged[n] += growth[n];
    this.#write(this.#merged);
  }

  /** Time moves on to `now`, in every copy. */
  #tick(now: number): void {
    this.merge();
    this.#release();
    this.#watcher?.begin(this.#windows++, true);
    this.#readClocked();
    this.#replica.advance(now);
    if (this.#meeting.worker !== 0) this.#writeClocked();
    this.#watcher?.end(true);
    this.#read(this.#merged);
  }

  /** The first burst from `at` on, up to `end`, that is expected to change something, or before which time moves on. */
  #quiet(at: number, end: number): number {
    const changes = this.#changes;
    const tick = this.#replica.nextTick;
    const bursts = this.bursts;
    let b = at % bursts;
    for (let n = at; n < end; n++) {
      if (changes[b] !== 0) return n;
      if (++b === bursts) b = 0;
    }
    // Times do not fall, so only the last has to be looked at, and the place searched by halves if it is beyond.
    if (end === at || this.#timeOf(end - 1) < tick) return end;
    let low = at;
    let high = end - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timeOf(middle) >= tick) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #timeOf(at: number): number {
    const { burst, time, span } = this.#work;
    const round = Math.floor(at / this.bursts);
    return this.#start + round * span + time[burst[at - round * this.bursts]];
  }

  /** The window [from, to) as one worker does it. True: to be stopped. */
  #inOrder(from: number, to: number): boolean {
    this.merge();
    this.#release();
    const { traces, burst, input, frame, time, span } = this.#work;
    const replica = this.#replica;
    const { speculation } = replica;
    const bursts = this.bursts;
    this.#watcher?.begin(this.#windows++, true);
    this.#readClocked();
    let round = Math.floor(from / bursts);
    let b = from - round * bursts;
    for (let at = from; at < to; at++) {
      const base = this.#start + round * span;
      const first = burst[b];
      const end = burst[b + 1];
      const source = input[first];
      speculation.failed = false;
      replica.advance(base + time[first]);
      for (let i = first; i < end; i++) {
        if (!replica.offer(this.#entries[source], traces[source], frame[i], base + time[i])) this.refused++;
      }
      replica.settle();
      this.#changes[b] = speculation.failed ? 1 : 0;
      this.#calm = speculation.failed ? 0 : this.#calm + 1;
      if (++b === bursts) {
        b = 0;
        round++;
      }
    }
    // What all have done is one worker's time.
    if (this.#meeting.worker !== 0) this.#writeClocked();
    this.#watcher?.end(true);
    this.stats.inOrder += to - from;
    this.#read(this.#merged);
    // Nothing has to be told; a meeting now and then, so that all learn at once that they are to stop.
    this.#alone += to - from;
    if (this.#alone < MOST_ALONE) return false;
    this.#alone = 0;
    return (this.#meeting.meet(this.#stopFlag()) & FLAG_STOP) !== 0;
  }

  /** Own frames of the window [from, to), taken back if anybody's guess was wrong. Returns the flags of all workers. */
  #ahead(from: number, to: number): number {
    const replica = this.#replica;
    const { speculation } = replica;
    this.#hold();
    this.#watcher?.begin(this.#windows++, false);
    this.#read(this.#before);
    replica.keepClocks();
    const losses = replica.losses();
    speculation.failed = false;
    speculation.active = true;
    for (let source = 0; source < this.#own.length; source++) this.#seek(source, from);
    const bursts = this.bursts;
    for (let at = from; at < to && !speculation.failed; ) {
      const round = Math.floor(at / bursts);
      const end = Math.min(to, (round + 1) * bursts);
      this.#offerOwn(this.#work.burst[end - round * bursts], this.#start + round * this.#work.span);
      at = end;
      if (at < to) this.#next.fill(0);
    }
    speculation.active = false;
    let entries = 0;
    for (const { journal } of replica.datapaths) entries += journal.count;
    const flags = this.#meeting.meet(
      (speculation.failed || replica.losses() !== losses ? FLAG_CHANGED : 0) |
        (this.#outboxes.count + entries > this.#outboxes.capacity ? FLAG_FULL : 0) |
        (this.#outboxes.count + 3 * entries > this.#outboxes.capacity ? FLAG_MERGE : 0) |
        this.#stopFlag(),
    );
    if ((flags & (FLAG_CHANGED | FLAG_FULL)) !== 0) {
      for (const { journal } of replica.datapaths) journal.undo();
      this.#write(this.#before);
      replica.resetClocks();
      this.stats.failed++;
      this.#watcher?.end(false);
      return flags;
    }
    this.#outboxes.take(replica.datapaths);
    this.#dirty = true;
    this.stats.windows++;
    this.stats.ahead += to - from;
    this.#watcher?.end(true);
    return flags;
  }

  /** Offers own frames before frame number `end` of the round whose times begin at `base`, in full bursts, by input. */
  #offerOwn(end: number, base: number): void {
    const traces = this.#ownTraces;
    const replica = this.#replica;
    const { speculation } = replica;
    for (let source = 0; source < traces.length; source++) {
      const own = this.#own[source];
      const entry = this.#entries[source];
      const trace = traces[source];
      const frames = this.#ownFrames[source];
      const times = this.#ownTimes[source];
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
          if (!replica.offer(entry, trace, frames[next], base + times[next])) speculation.failed = true;
        }
        replica.settle();
      }
      this.#next[source] = next;
    }
  }

  /** Points at the first own frame of input `source` in burst `at` or later in its round. */
  #seek(source: number, at: number): void {
    const own = this.#own[source];
    const first = this.#work.burst[at % this.bursts];
    let low = 0;
    let high = own.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (own[middle] < first) low = middle + 1;
      else high = middle;
    }
    this.#next[source] = low;
  }

  /**
   * Ahead, each worker may use its share of the packet buffers: what has room with several workers must have room with one.
   * What has not fails the window, and is done in order with all buffers.
   */
  #hold(): void {
    if (this.#holding > 0) return;
    const { pool } = this.#replica;
    const most = Math.min(this.#held.length, pool.available);
    this.#holding = pool.allocInto(this.#held, Math.floor(most - most / this.#meeting.workers));
  }

  #release(): void {
    const { pool } = this.#replica;
    while (this.#holding > 0) pool.free(this.#held[--this.#holding]);
  }

  #stopFlag(): number {
    return this.#meeting.stopped ? FLAG_STOP : 0;
  }

  #read(into: Float64Array): void {
    let at = 0;
    for (const column of this.#ledger) {
      for (let n = 0; n < column.length; n++) into[at++] = column[n];
    }
  }

  #write(from: Float64Array): void {
    let at = 0;
    for (const column of this.#ledger) {
      for (let n = 0; n < column.length; n++) column[n] = from[at++];
    }
  }

  #readClocked(): void {
    let at = 0;
    for (const column of this.#replica.clocked) for (let n = 0; n < column.length; n++) this.#clocked[at++] = column[n];
  }

  #writeClocked(): void {
    let at = 0;
    for (const column of this.#replica.clocked) for (let n = 0; n < column.length; n++) column[n] = this.#clocked[at++];
  }
}

/**
 * A trace of the frames `frame[list[n]]` alone, back to back, as a card has them in a queue's buffers: a worker that picks its
 * frames out of everybody's reads every cache line and uses half of it. MAC rewrite of 60-byte frames, 1,000 flows, two
 * workers, quickest samples: 34 to 41 ns a frame (one worker alone 66 to 70), unpacked 46 to 61 (alone 63 to 98). Beyond
 * MOST_PACKED bytes the trace itself.
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

/** Numbers in the ledger of a replica. */
export function ledgerLength(replica: Replica): number {
  return replica.ledger().reduce((sum, column) => sum + column.length, 0);
}
