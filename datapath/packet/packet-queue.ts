/**
 * A first-in first-out queue of packets between two stages on one thread: what is transmitted on a port waits here for
 * the next host, namespace or sink. Columns in a ring of a power of two; a full queue refuses, the caller counts a drop.
 */
import { BURST, type PacketBatch } from "./packet-batch.ts";

export class PacketQueue {
  readonly capacity: number;
  readonly #mask: number;
  #head = 0;
  #tail = 0;
  readonly #slot: Int32Array;
  readonly #start: Int32Array;
  readonly #end: Int32Array;
  readonly #time: Float64Array;
  /** The packet that `shiftOne` took. */
  lastSlot = 0;
  lastStart = 0;
  lastEnd = 0;
  lastTime = 0.5;

  /** `capacity` packets, rounded up to a power of two. */
  constructor(capacity = 1024) {
    this.capacity = 2 ** Math.ceil(Math.log2(capacity));
    this.#mask = this.capacity - 1;
    this.#slot = new Int32Array(this.capacity);
    this.#start = new Int32Array(this.capacity);
    this.#end = new Int32Array(this.capacity);
    this.#time = new Float64Array(this.capacity);
  }

  get count(): number {
    return (this.#tail - this.#head) | 0;
  }

  /** False when full: the packet stays the caller's. */
  push(slot: number, start: number, end: number, time: number): boolean {
    if (((this.#tail - this.#head) | 0) === this.capacity) return false;
    const at = this.#tail & this.#mask;
    this.#slot[at] = slot;
    this.#start[at] = start;
    this.#end[at] = end;
    this.#time[at] = time;
    this.#tail = (this.#tail + 1) | 0;
    return true;
  }

  /** Takes the first packet into the `last…` fields; false when there is none. */
  shiftOne(): boolean {
    if (this.#head === this.#tail) return false;
    const at = this.#head & this.#mask;
    this.lastSlot = this.#slot[at];
    this.lastStart = this.#start[at];
    this.lastEnd = this.#end[at];
    this.lastTime = this.#time[at];
    this.#head = (this.#head + 1) | 0;
    return true;
  }

  /** Moves up to a burst into an empty `batch`, all coming in by `inPort`; returns how many. */
  shiftInto(batch: PacketBatch, inPort: number): number {
    const waiting = this.count;
    const n = waiting < BURST ? waiting : BURST;
    const { slot, start, end, time, drop, tunId, tunSrc, tunDst, tunMeta } = batch;
    for (let i = 0; i < n; i++) {
      const at = (this.#head + i) & this.#mask;
      slot[i] = this.#slot[at];
      start[i] = this.#start[at];
      end[i] = this.#end[at];
      time[i] = this.#time[at];
      drop[i] = 0;
      tunId[i] = 0;
      tunSrc[i] = 0;
      tunDst[i] = 0;
      tunMeta[i] = 0;
      batch.inPort[i] = inPort;
    }
    this.#head = (this.#head + n) | 0;
    batch.count = n;
    return n;
  }
}
