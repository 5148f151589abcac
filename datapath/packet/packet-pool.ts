/**
 * The byte arena that all packets of one thread live in: equal slots, each with headroom for pushed headers, and a
 * last-in first-out list of free slots so that the same few slots stay in the first-level cache.
 *
 *   slot s: [s * stride ........ + HEADROOM ........................ (s + 1) * stride)
 *            room for pushes     frame starts here (2 mod 4, so that an IPv4 header behind 14 bytes is aligned)
 *
 * The stride is a multiple of 64 plus one line: with a power of two, the first lines of all frames of a burst fall into
 * the same two sets of the first-level cache.
 */
import { Arena } from "../wasm/arena.ts";
import { type CopyKernel, copyModule } from "./copy-kernel.ts";

export const HEADROOM = 194;

export class PacketPool {
  /** Where the slots lie, from address 0, and behind them whatever the kernels work on. */
  readonly arena = new Arena();
  readonly slots: number;
  /** Bytes from one slot to the next. */
  readonly stride: number;
  /** The longest frame that a slot holds when it starts at HEADROOM. */
  readonly room: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #kernel: CopyKernel = this.arena.kernels(copyModule);
  /** Slots that are free, the next one last. */
  readonly #free: Int32Array;
  readonly #freeAt: number;
  #count = 0;

  /** `slots` packets of at most `frameBytes` bytes each. */
  constructor(slots: number, frameBytes = 1800) {
    this.slots = slots;
    const stride = Math.ceil((HEADROOM + frameBytes) / 64) * 64;
    this.stride = (stride / 64) % 2 === 0 ? stride + 64 : stride;
    this.room = this.stride - HEADROOM;
    // A kernel may read up to 64 bytes past a frame.
    const base = this.arena.alloc(slots * this.stride + 64);
    if (base !== 0) throw new Error("the slots must be the first block: offsets into `bytes` are addresses");
    this.bytes = this.arena.u8(0, slots * this.stride);
    this.view = new DataView(this.bytes.buffer, 0, slots * this.stride);
    this.#freeAt = this.arena.alloc(4 * slots);
    this.#free = this.arena.i32(this.#freeAt, slots);
    for (let i = 0; i < slots; i++) this.#free[i] = slots - 1 - i;
    this.#count = slots;
  }

  /** Free slots left. */
  get available(): number {
    return this.#count;
  }

  /** A slot number, or -1 when none is left. */
  alloc(): number {
    if (this.#count === 0) return -1;
    return this.#free[--this.#count];
  }

  /** Up to `count` slots into `slots[0, ...)`; returns how many there were. One call for a burst. */
  allocInto(slots: Int32Array, count: number): number {
    const free = this.#free;
    const n = count < this.#count ? count : this.#count;
    let top = this.#count;
    for (let i = 0; i < n; i++) slots[i] = free[--top];
    this.#count = top;
    return n;
  }

  /** For kernels: takes up to `count` slots off the list and returns how many; the first is the word at freeEnd + 4 (count - 1). */
  take(count: number): number {
    const n = count < this.#count ? count : this.#count;
    this.#count -= n;
    return n;
  }

  /** For kernels: says that `count` slots were put at `freeEnd`. */
  put(count: number): void {
    this.#count += count;
  }

  /** Address behind the list of free slots. */
  get freeEnd(): number {
    return this.#freeAt + 4 * this.#count;
  }

  /** `length` bytes of a frame to another slot; offsets into `bytes`, which may not overlap. */
  copy(from: number, to: number, length: number): void {
    this.#kernel.copy(from, to, length);
  }

  free(slot: number): void {
    this.#free[this.#count++] = slot;
  }

  /** Where a frame starts that has not been pushed to or popped from: an absolute offset into `bytes`. */
  home(slot: number): number {
    return slot * this.stride + HEADROOM;
  }
}
