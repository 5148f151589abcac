/**
 * A first-in first-out queue of packets between two stages on one thread: what is transmitted on a port waits here for
 * the next host, namespace or sink. Columns in a ring of a power of two; a full queue refuses, the caller counts a drop.
 */
import type { Arena } from "../wasm/arena.ts";
import { BURST, type PacketBatch } from "./packet-batch.ts";
import { type PacketKernel, packetModule } from "./packet-kernel.ts";
import type { PacketPool } from "./packet-pool.ts";

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

  /** Address of the columns in an arena: time, slot, start, end; -1: elsewhere. */
  readonly base: number = -1;
  readonly #kernel: PacketKernel | undefined = undefined;

  /** `capacity` packets, rounded up to a power of two; in the arena of the packets' pool if kernels are to work on it. */
  constructor(capacity = 1024, arena?: Arena) {
    this.capacity = 2 ** Math.ceil(Math.log2(capacity));
    this.#mask = this.capacity - 1;
    if (arena === undefined) {
      this.#slot = new Int32Array(this.capacity);
      this.#start = new Int32Array(this.capacity);
      this.#end = new Int32Array(this.capacity);
      this.#time = new Float64Array(this.capacity);
      return;
    }
    this.base = arena.alloc(20 * this.capacity);
    this.#kernel = arena.kernels<PacketKernel>(packetModule);
    this.#time = arena.f64(this.base, this.capacity);
    this.#slot = arena.i32(this.base + 8 * this.capacity, this.capacity);
    this.#start = arena.i32(this.base + 12 * this.capacity, this.capacity);
    this.#end = arena.i32(this.base + 16 * this.capacity, this.capacity);
  }

  get count(): number {
    return (this.#tail - this.#head) | 0;
  }

  /**
   * A packet of virtual time `times[i]`, ns; false when full: the packet stays the caller's. The time is in an array because
   * a number with a fraction becomes an object of 16 bytes where a call is not compiled into its caller, which V8 decides
   * anew in every thread.
   */
  push(slot: number, start: number, end: number, times: Float64Array, i: number): boolean {
    if (((this.#tail - this.#head) | 0) === this.capacity) return false;
    const at = this.#tail & this.#mask;
    this.#slot[at] = slot;
    this.#start[at] = start;
    this.#end[at] = end;
    this.#time[at] = times[i];
    this.#tail = (this.#tail + 1) | 0;
    return true;
  }

  /** For kernels: the number of the next packet to push (its place is that modulo the capacity), and that at which it is full. */
  get tail(): number {
    return this.#tail;
  }
  get limit(): number {
    return (this.#head + this.capacity) | 0;
  }
  /** For kernels: `count` packets were put at `tail`. */
  pushed(count: number): void {
    this.#tail = (this.#tail + count) | 0;
  }

  /** Frees the slots of all packets: a port that leads nowhere. Returns how many there were. */
  discard(pool: PacketPool): number {
    const slot = this.#slot;
    const mask = this.#mask;
    const n = this.count;
    const head = this.#head;
    if (this.#kernel !== undefined) {
      this.#kernel.release(this.base + 8 * this.capacity, mask, head, n, pool.freeEnd);
      pool.put(n);
    } else {
      for (let i = 0; i < n; i++) pool.free(slot[(head + i) & mask]);
    }
    this.#rewind();
    return n;
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
    if (this.#head === this.#tail) this.#rewind();
    return true;
  }

  /**
   * An empty queue begins anew at its first place, so that one that never holds more than a burst stays on the same ten cache
   * lines.
   */
  #rewind(): void {
    this.#head = 0;
    this.#tail = 0;
  }

  /** Moves up to a burst into an empty `batch`, all coming in by `inPort`; returns how many. */
  shiftInto(batch: PacketBatch, inPort: number): number {
    const waiting = this.count;
    const n = waiting < BURST ? waiting : BURST;
    const fromSlot = this.#slot;
    const fromStart = this.#start;
    const fromEnd = this.#end;
    const fromTime = this.#time;
    const mask = this.#mask;
    const head = this.#head;
    const { slot, start, end, time, drop, tunId, tunSrc, tunDst, tunMeta } = batch;
    const port = batch.inPort;
    for (let i = 0; i < n; i++) {
      const at = (head + i) & mask;
      slot[i] = fromSlot[at];
      start[i] = fromStart[at];
      end[i] = fromEnd[at];
      time[i] = fromTime[at];
      drop[i] = 0;
      tunId[i] = 0;
      tunSrc[i] = 0;
      tunDst[i] = 0;
      tunMeta[i] = 0;
      port[i] = inPort;
    }
    this.#head = (head + n) | 0;
    if (n === waiting) this.#rewind();
    batch.count = n;
    return n;
  }
}
