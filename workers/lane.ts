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
import { Books } from "./books.ts";
import type { Meeting } from "./control.ts";
import { Outboxes } from "./outbox.ts";
import { OwnFrames } from "./own-frames.ts";
import type { Replica, Work } from "./replica.ts";

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
  /** Virtual time at which the first round begins, ns; default 0. */
  readonly start?: number | undefined;
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
  readonly #own: OwnFrames;
  /** By burst: it changed something when it was last done in order. */
  readonly #changes: Uint8Array;
  readonly #books: Books;
  readonly #datapaths: Replica["datapaths"];
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
  /** Virtual time of the first round, ns. */
  readonly #start: number;
  /** Virtual time, ns, of a burst, and of the round that is being done: see OwnFrames.offer for why in arrays. */
  readonly #time = new Float64Array(1);
  readonly #base = new Float64Array(1);

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
    this.#start = options.start ?? 0;
    this.#datapaths = replica.datapaths;
    this.#books = new Books(replica);
    this.#outboxes = new Outboxes(outbox, meeting.worker, meeting.workers, this.#books.length);
    this.#changes = new Uint8Array(work.burst.length - 1);
    this.#own = new OwnFrames(work, entries, meeting.worker);
    // An outbox of the lane before this one may still be being read.
    meeting.meet();
  }

  /** Bursts of a round. */
  get bursts(): number {
    return this.#work.burst.length - 1;
  }

  /**
   * Does bursts [from, to), counted through all rounds. The copies are merged afterwards. Returns the first burst that was
   * not done: `to`, unless the main thread has asked to stop.
   */
  run(from: number, to: number): number {
    let at = from;
    let stopped = false;
    while (at < to && !stopped) {
      this.#progress?.(at - from);
      this.#timeOf(at);
      if (this.#time[0] >= this.#replica.due[0]) this.#tick();
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
    const books = this.#books;
    books.grown();
    this.#outboxes.send(books.growth);
    this.#meeting.meet();
    this.#outboxes.receive(books.growth, this.#datapaths);
    books.merge();
  }

  /** Time moves on to that of the next burst, in every copy. */
  #tick(): void {
    this.merge();
    this.#release();
    this.#watcher?.begin(this.#windows++, true);
    this.#books.keepTimes();
    this.#replica.clock[0] = this.#time[0];
    this.#replica.advanceToClock();
    if (this.#meeting.worker !== 0) this.#books.resetTimes();
    this.#watcher?.end(true);
    this.#books.agreed();
  }

  /** The first burst from `at` on, up to `end`, that is expected to change something, or before which time moves on. */
  #quiet(at: number, end: number): number {
    const changes = this.#changes;
    const due = this.#replica.due[0];
    const time = this.#time;
    const bursts = this.bursts;
    let b = at % bursts;
    for (let n = at; n < end; n++) {
      if (changes[b] !== 0) return n;
      if (++b === bursts) b = 0;
    }
    // Times do not fall, so only the last has to be looked at, and the place searched by halves if it is beyond.
    if (end === at) return end;
    this.#timeOf(end - 1);
    if (time[0] < due) return end;
    let low = at;
    let high = end - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      this.#timeOf(middle);
      if (time[0] >= due) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Puts the virtual time of burst `at` in `#time`. */
  #timeOf(at: number): void {
    const { burst, time, span } = this.#work;
    const bursts = this.bursts;
    const b = at % bursts;
    this.#time[0] = this.#start + ((at - b) / bursts) * span + time[burst[b]];
  }

  /** The window [from, to) as one worker does it. True: to be stopped. */
  #inOrder(from: number, to: number): boolean {
    this.merge();
    this.#release();
    const { traces, burst, input, frame, time, span } = this.#work;
    const replica = this.#replica;
    const { speculation, clock } = replica;
    const bursts = this.bursts;
    this.#watcher?.begin(this.#windows++, true);
    this.#books.keepTimes();
    let round = Math.floor(from / bursts);
    let b = from - round * bursts;
    for (let at = from; at < to; at++) {
      const base = this.#start + round * span;
      const first = burst[b];
      const end = burst[b + 1];
      const source = input[first];
      speculation.failed = false;
      clock[0] = base + time[first];
      replica.advanceToClock();
      for (let i = first; i < end; i++) {
        clock[0] = base + time[i];
        if (!replica.offerAtClock(this.#entries[source], traces[source], frame[i])) this.refused++;
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
    if (this.#meeting.worker !== 0) this.#books.resetTimes();
    this.#watcher?.end(true);
    this.stats.inOrder += to - from;
    this.#books.agreed();
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
    this.#books.keep();
    replica.keepClocks();
    const losses = replica.losses();
    speculation.failed = false;
    speculation.active = true;
    const { burst, span } = this.#work;
    const bursts = this.bursts;
    this.#own.seek(from % bursts);
    for (let at = from; at < to && !speculation.failed; ) {
      const round = Math.floor(at / bursts);
      const end = Math.min(to, (round + 1) * bursts);
      this.#base[0] = this.#start + round * span;
      this.#own.offer(replica, burst[end - round * bursts], this.#base);
      at = end;
      if (at < to) this.#own.rewind();
    }
    speculation.active = false;
    let entries = 0;
    for (let d = 0; d < this.#datapaths.length; d++) entries += this.#datapaths[d].journal.count;
    const flags = this.#meeting.meet(
      (speculation.failed || replica.losses() !== losses ? FLAG_CHANGED : 0) |
        (this.#outboxes.count + entries > this.#outboxes.capacity ? FLAG_FULL : 0) |
        (this.#outboxes.count + 3 * entries > this.#outboxes.capacity ? FLAG_MERGE : 0) |
        this.#stopFlag(),
    );
    if ((flags & (FLAG_CHANGED | FLAG_FULL)) !== 0) {
      for (const { journal } of this.#datapaths) journal.undo();
      this.#books.undo();
      replica.resetClocks();
      this.stats.failed++;
      this.#watcher?.end(false);
      return flags;
    }
    this.#outboxes.take(this.#datapaths);
    this.#dirty = true;
    this.stats.windows++;
    this.stats.ahead += to - from;
    this.#watcher?.end(true);
    return flags;
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
}
