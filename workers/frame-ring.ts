/**
 * Frames from one thread to another: a ring of equal slots in shared memory with one writer and one reader. Two counters run
 * freely (and wrap from 2^31 - 1 to -2^31); their difference is what is in the ring. The writer fills any number of slots
 * and publishes them with one store, the reader works on them where they lie and gives them back with one store.
 *
 *   head (reader's) | tail (writer's) | frames refused | length[] meta[] time[] | slot 0 | slot 1 | ...
 */
const LINE = 16;
const HEAD = 0;
const TAIL = LINE;
const REFUSED = 2 * LINE; // a double, the writer's
const HEADER_BYTES = 4 * LINE * 4;

/** How a ring lies in memory: what both ends must know. */
export interface RingShape {
  /** Frames that fit, a power of two. */
  readonly slots: number;
  /** Bytes of a slot, a multiple of 4. */
  readonly stride: number;
}

/** Shared memory for a ring of at least `slots` frames of at most `frameBytes` bytes. */
export function ringBuffer(slots: number, frameBytes: number): { buffer: SharedArrayBuffer; shape: RingShape } {
  const shape = { slots: 2 ** Math.ceil(Math.log2(slots)), stride: Math.ceil(frameBytes / 64) * 64 };
  return { buffer: new SharedArrayBuffer(HEADER_BYTES + shape.slots * (16 + shape.stride)), shape };
}

class RingMemory {
  readonly shape: RingShape;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  protected readonly words: Int32Array;
  protected readonly counts: Float64Array;
  protected readonly lengths: Int32Array;
  protected readonly metas: Int32Array;
  protected readonly times: Float64Array;
  protected readonly mask: number;
  /** Where slot 0 begins in `bytes`. */
  protected readonly first: number;

  constructor(buffer: SharedArrayBuffer, shape: RingShape) {
    const { slots } = shape;
    if (slots < 1 || (slots & (slots - 1)) !== 0) throw new Error(`ring: ${slots} slots, expected a power of two`);
    this.shape = shape;
    this.mask = slots - 1;
    this.words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.counts = new Float64Array(buffer, REFUSED * 4, 1);
    this.times = new Float64Array(buffer, HEADER_BYTES, slots);
    this.lengths = new Int32Array(buffer, HEADER_BYTES + 8 * slots, slots);
    this.metas = new Int32Array(buffer, HEADER_BYTES + 12 * slots, slots);
    this.first = HEADER_BYTES + 16 * slots;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Frames that were not taken because the ring was full and the writer chose to drop; exact when the writer is done. */
  get refused(): number {
    return this.counts[0];
  }
}

export class RingWriter extends RingMemory {
  #tail: number;
  /** The reader's counter as last seen: it is only read again when the ring looks full. */
  #head: number;

  constructor(buffer: SharedArrayBuffer, shape: RingShape) {
    super(buffer, shape);
    this.#tail = Atomics.load(this.words, TAIL);
    this.#head = Atomics.load(this.words, HEAD);
  }

  /** Room for frames. */
  get free(): number {
    this.#head = Atomics.load(this.words, HEAD);
    return (this.shape.slots - ((this.#tail - this.#head) | 0)) | 0;
  }

  /** The slot for the next frame as an offset into `bytes`, or -1: full. The frame is in the ring once `wrote` says so. */
  slot(): number {
    if (((this.#tail - this.#head) | 0) === this.shape.slots && this.free === 0) return -1;
    return this.first + (this.#tail & this.mask) * this.shape.stride;
  }

  /**
   * The slot holds a frame of `length` bytes; `meta` is what reader and writer agreed on; `time[0]` its virtual time,
   * ns (why an array: PacketQueue.push). Not visible before `publish`.
   */
  wrote(length: number, meta: number, time: Float64Array): void {
    const at = this.#tail & this.mask;
    this.lengths[at] = length;
    this.metas[at] = meta;
    this.times[at] = time[0];
    this.#tail = (this.#tail + 1) | 0;
  }

  /** Everything written so far can be read. Returns false when there was nothing new. */
  publish(): boolean {
    if (this.words[TAIL] === this.#tail) return false;
    Atomics.store(this.words, TAIL, this.#tail);
    return true;
  }

  /** Counts a frame that was dropped for want of room. */
  refuse(): void {
    this.counts[0]++;
  }
}

export class RingReader extends RingMemory {
  #head: number;

  constructor(buffer: SharedArrayBuffer, shape: RingShape) {
    super(buffer, shape);
    this.#head = Atomics.load(this.words, HEAD);
  }

  /** Frames that can be read now. */
  get count(): number {
    return (Atomics.load(this.words, TAIL) - this.#head) | 0;
  }

  /** Frame n of those that can be read: its offset into `bytes`, length, and what the writer gave with it. */
  at(n: number): number {
    return this.first + ((this.#head + n) & this.mask) * this.shape.stride;
  }

  length(n: number): number {
    return this.lengths[(this.#head + n) & this.mask];
  }

  meta(n: number): number {
    return this.metas[(this.#head + n) & this.mask];
  }

  /** Puts its time in `to[0]`. */
  timeTo(to: Float64Array, n: number): void {
    to[0] = this.times[(this.#head + n) & this.mask];
  }

  /** The first `count` frames were used: their slots are the writer's again. */
  release(count: number): void {
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.words, HEAD, this.#head);
  }
}

/** Sets both counters of an empty ring, for tests of the place where they wrap. */
export function startRingAt(buffer: SharedArrayBuffer, counter: number): void {
  const words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  Atomics.store(words, HEAD, counter | 0);
  Atomics.store(words, TAIL, counter | 0);
}
