/**
 * The receive queue of a port: a ring of descriptors in shared memory, one writer, one reader. A descriptor is the number of
 * a frame in the trial; the frames themselves lie in the trace that both threads share. As with a network card, a descriptor
 * is free again when the reader has taken it, not when its frame has been worked on.
 *
 * When frame n was to be sent is `begin + n x step`. `begin` moves when the sender was late (sender.ts), seldom; a second
 * ring says from which frame on. Times in the descriptors themselves would be three times the memory that goes from core to
 * core, which is what offering a frame costs.
 *
 *   head (reader's) | tail, moves (writer's) | begin[slots] | number[slots] | from[slots]
 */
const LINE = 16;
const HEAD = 0;
const TAIL = LINE;
const MOVES = LINE + 1;
const HEADER_BYTES = 2 * LINE * 4;
/** Of a slot in all rings. */
const BYTES = 16;

export const SMALLEST_QUEUE = 32;
export const LARGEST_QUEUE = 1 << 16;

/** Memory for a queue. Throws an Error unless `slots` is a power of two within the limits. */
export function queueBuffer(slots: number): SharedArrayBuffer {
  if (!(slots >= SMALLEST_QUEUE && slots <= LARGEST_QUEUE && (slots & (slots - 1)) === 0)) {
    throw new Error(`queue of ${slots}: expected a power of two, ${SMALLEST_QUEUE} to ${LARGEST_QUEUE}`);
  }
  return new SharedArrayBuffer(HEADER_BYTES + BYTES * slots);
}

class QueueMemory {
  readonly slots: number;
  protected readonly words: Int32Array;
  protected readonly numbers: Int32Array;
  /** The beginnings, and from which frame on each counts: no more of them than frames, so they fit. */
  protected readonly begins: Float64Array;
  protected readonly from: Int32Array;
  protected readonly mask: number;

  constructor(buffer: SharedArrayBuffer) {
    this.slots = (buffer.byteLength - HEADER_BYTES) / BYTES;
    this.mask = this.slots - 1;
    this.words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.begins = new Float64Array(buffer, HEADER_BYTES, this.slots);
    this.numbers = new Int32Array(buffer, HEADER_BYTES + 8 * this.slots, this.slots);
    this.from = new Int32Array(buffer, HEADER_BYTES + 12 * this.slots, this.slots);
  }
}

export class QueueWriter extends QueueMemory {
  #tail: number;
  /** The reader's counter as last seen; read again when the queue looks full. */
  #head: number;

  constructor(buffer: SharedArrayBuffer) {
    super(buffer);
    this.#tail = Atomics.load(this.words, TAIL);
    this.#head = Atomics.load(this.words, HEAD);
  }

  /** Frame `number` and later ones count from `begin` on, ns. One frame at least lies between two of these. */
  move(number: number, begin: number): void {
    const at = this.words[MOVES] & this.mask;
    this.begins[at] = begin;
    this.from[at] = number;
    this.words[MOVES] = (this.words[MOVES] + 1) | 0;
  }

  /** Puts a frame in, not visible before `publish`. false: full. */
  put(number: number): boolean {
    if (((this.#tail - this.#head) | 0) === this.slots) {
      this.#head = Atomics.load(this.words, HEAD);
      if (((this.#tail - this.#head) | 0) === this.slots) return false;
    }
    this.numbers[this.#tail & this.mask] = number;
    this.#tail = (this.#tail + 1) | 0;
    return true;
  }

  publish(): void {
    Atomics.store(this.words, TAIL, this.#tail);
  }
}

export class QueueReader extends QueueMemory {
  #head: number;
  #moves = 0;
  readonly #begin = new Float64Array(1);

  constructor(buffer: SharedArrayBuffer) {
    super(buffer);
    this.#head = Atomics.load(this.words, HEAD);
  }

  /** Forgets the beginnings that no frame was taken for: a new trial is about to begin. */
  renew(): void {
    this.#moves = this.words[MOVES];
  }

  get empty(): boolean {
    return Atomics.load(this.words, TAIL) === this.#head;
  }

  /**
   * Takes at most `most` descriptors: the frames' numbers, and when they were to be sent if `step` ns lie between two; returns
   * how many. They are the writer's again.
   */
  take(numbers: Int32Array, times: Float64Array, most: number, step: number): number {
    const waiting = (Atomics.load(this.words, TAIL) - this.#head) | 0;
    if (waiting === 0) return 0;
    const count = waiting < most ? waiting : most;
    const { begins, from, mask } = this;
    const moves = this.words[MOVES];
    let begin = this.#begin[0];
    for (let i = 0; i < count; i++) {
      const number = this.numbers[(this.#head + i) & mask];
      while (this.#moves !== moves && from[this.#moves & mask] <= number) {
        begin = begins[this.#moves & mask];
        this.#moves = (this.#moves + 1) | 0;
      }
      numbers[i] = number;
      times[i] = begin + number * step;
    }
    this.#begin[0] = begin;
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.words, HEAD, this.#head);
    return count;
  }
}
