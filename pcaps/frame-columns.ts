/**
 * The columns of a trace while it is being read: they grow, keep the clock, and count what was odd. They live in shared
 * memory so that a finished trace goes to workers without a copy: 16 bytes a frame, and 20 when frames were snapped. As long
 * as none was, lengths on the wire are the captured ones, in the same memory.
 *
 * The clock. Frames keep the order of the file, as tcpreplay sends them and Wireshark lists them; no frame is moved.
 * Virtual time must not run backwards, so a frame that is older than the one before it gets that one's time
 *   - when it is at most a second older (queues of one NIC, hosts of one capture): only this frame is held back;
 *   - when it is more than a second older, it belongs to another recording, or the clock was set: it and all after it are
 *     shifted so that time goes on from the frame before.
 * Both are counted and reported.
 */
import type { Trace } from "../datapath/packet/trace.ts";

const SECOND = 1e9;
/** Bytes that the columns take for one frame, at most. */
export const COLUMN_BYTES = 20;

export class FrameColumns {
  count = 0;
  capacity = 0;
  /** No frames are taken beyond this many (a window is full then). */
  readonly limit: number;
  start: Int32Array = new Int32Array(0);
  length: Int32Array = new Int32Array(0);
  /** The same array as `length` until a frame was snapped. */
  wireLength: Int32Array = this.length;
  time: Float64Array = new Float64Array(0);

  /** Frames of the whole file so far, over all windows. */
  total = 0;
  snapped = 0;
  /** Frames whose record says that more was captured than was on the wire. */
  overlong = 0;
  heldBack = 0;
  shifts = 0;
  firstBackwards = -1;
  largestStepBack = 0;

  /** Time of the first frame, seconds and nanoseconds since 1970. */
  #epochSeconds = 0;
  #epochNanoseconds = 0;
  #last = 0;
  #shift = 0;

  /** `capacity` frames to begin with, never more than `limit`. */
  constructor(capacity: number, limit = 2 ** 31 - 1) {
    this.limit = limit;
    this.#grow(Math.min(Math.max(capacity, 64), limit));
  }

  get full(): boolean {
    return this.count >= this.limit;
  }

  /** Makes room for `frames` at once, when an estimate says that so many will come. */
  expect(frames: number): void {
    if (frames > this.capacity) this.#grow(Math.min(frames, this.limit));
  }

  /** Forgets the frames, keeps clock and counts: the next window of the same file. */
  nextWindow(): void {
    this.count = 0;
  }

  /** One frame of `length` bytes at `start`, `wireLength` on the wire, at a time since 1970. Ask `full` before. */
  add(start: number, length: number, wireLength: number, seconds: number, nanoseconds: number): void {
    const i = this.count;
    if (i === this.capacity) this.#grow(Math.min(this.capacity * 2, this.limit));
    if (this.total === 0) {
      this.#epochSeconds = seconds;
      this.#epochNanoseconds = nanoseconds;
    }
    let time = (seconds - this.#epochSeconds) * SECOND + (nanoseconds - this.#epochNanoseconds) + this.#shift;
    if (time < this.#last) time = this.#backwards(time);
    this.#last = time;
    if (wireLength !== length) {
      if (wireLength > length) {
        this.snapped++;
        if (this.wireLength === this.length) this.#separate();
      } else {
        this.overlong++;
        wireLength = length;
      }
    }
    this.start[i] = start;
    this.length[i] = length;
    this.wireLength[i] = wireLength;
    this.time[i] = time;
    this.count = i + 1;
    this.total++;
  }

  /** One frame of a record that carries no time: it gets that of the frame before. */
  addWithoutTime(start: number, length: number, wireLength: number): void {
    const ns = this.#epochNanoseconds + this.#last - this.#shift;
    const seconds = Math.floor(ns / SECOND);
    this.add(start, length, wireLength, this.#epochSeconds + seconds, ns - seconds * SECOND);
  }

  get epochNs(): bigint {
    return BigInt(this.#epochSeconds) * 1_000_000_000n + BigInt(this.#epochNanoseconds);
  }

  /** What the columns hold now, over `bytes`. The arrays are shared with the columns, not copied. */
  trace(name: string, bytes: Uint8Array, warnings: readonly string[]): Trace {
    return {
      name,
      count: this.count,
      bytes,
      start: this.start.subarray(0, this.count),
      length: this.length.subarray(0, this.count),
      wireLength: this.wireLength.subarray(0, this.count),
      time: this.time.subarray(0, this.count),
      epochNs: this.epochNs,
      warnings,
    };
  }

  /** A sentence for each oddity. */
  warnings(): string[] {
    const said: string[] = [];
    if (this.snapped > 0) {
      said.push(`${this.snapped} of ${this.total} frames are snapped: the capture holds only their first bytes`);
    }
    if (this.overlong > 0)
      said.push(`${this.overlong} frames were captured longer than they say they were on the wire`);
    if (this.heldBack + this.shifts > 0) {
      const seconds = this.largestStepBack / SECOND;
      said.push(
        `time runs backwards ${this.heldBack + this.shifts} times, first at frame ${this.firstBackwards + 1}, at most by ` +
          `${seconds} s: order kept, ${this.heldBack} frames held back, the rest shifted ${this.shifts} times`,
      );
    }
    return said;
  }

  #backwards(time: number): number {
    const step = this.#last - time;
    if (this.firstBackwards < 0) this.firstBackwards = this.total;
    if (step > this.largestStepBack) this.largestStepBack = step;
    if (step > SECOND) {
      this.#shift += step;
      this.shifts++;
    } else {
      this.heldBack++;
    }
    return this.#last;
  }

  /** The first snapped frame: lengths on the wire get a column of their own. */
  #separate(): void {
    this.wireLength = wider(this.length, this.capacity);
  }

  #grow(capacity: number): void {
    const start = wider(this.start, capacity);
    const length = wider(this.length, capacity);
    const time = new Float64Array(new SharedArrayBuffer(capacity * 8));
    time.set(this.time);
    const one = this.wireLength === this.length;
    this.start = start;
    this.length = length;
    if (one) this.wireLength = length;
    else this.wireLength = wider(this.wireLength, capacity);
    this.time = time;
    this.capacity = capacity;
  }
}

/** A shared copy of a column, with room for `capacity` frames. */
function wider(column: Int32Array, capacity: number): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(capacity * 4));
  copy.set(column);
  return copy;
}

/**
 * Kept for good, so that the class always has an instance: when a collection takes the last one, V8 throws away the
 * object's layout and all code made for it, and the next reads go on with ever more general code: 80 ns a frame, not 8.
 */
export const keptColumns = new FrameColumns(0);
