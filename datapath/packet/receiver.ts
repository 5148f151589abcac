/**
 * The receiving side of a port that a trace comes in by: frames are copied into slots, a burst at a time.
 *
 * A trace of up to 64 MB is first copied as a whole next to the slots, once, so that a kernel can do the rest; a frame of a
 * longer one comes through a window (trace-window.ts), or where that cannot be by JavaScript (copy.ts).
 */
import { copyBytes } from "./copy.ts";
import { BURST, type PacketBatch } from "./packet-batch.ts";
import { type PacketKernel, packetModule } from "./packet-kernel.ts";
import type { PacketPool } from "./packet-pool.ts";
import { longestFrame, type Trace } from "./trace.ts";
import { TraceWindow } from "./trace-window.ts";

const MOST_BYTES = 64 << 20;

export class Receiver {
  readonly trace: Trace;
  readonly #pool: PacketPool;
  readonly #kernel: PacketKernel;
  readonly #view: DataView;
  readonly #start: Trace["start"];
  readonly #length: Trace["length"];
  /** Address of the trace's byte 0 in the arena, of its columns, where it is copied. */
  readonly #bytesAt: number = -1;
  readonly #startAt: number = 0;
  readonly #lengthAt: number = 0;
  /** Of a trace that is not copied. */
  readonly #window: TraceWindow | undefined;
  readonly #time: Float64Array;
  readonly #timeAt: number;
  /** Starts and lengths of a burst that is no run of frames. */
  readonly #some: Int32Array;
  readonly #someAt: number;

  /** Throws RangeError when a frame is longer than a slot, or the arena is full. */
  constructor(trace: Trace, pool: PacketPool) {
    const { arena } = pool;
    const { bytes, count } = trace;
    for (let n = 0; n < count; n++) {
      if (trace.length[n] > pool.room) {
        throw new RangeError(`${trace.name}: frame ${n} has ${trace.length[n]} bytes, slots hold ${pool.room}`);
      }
    }
    this.trace = trace;
    this.#pool = pool;
    this.#kernel = arena.kernels(packetModule);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#timeAt = arena.alloc(8);
    this.#time = arena.f64(this.#timeAt, 1);
    this.#someAt = arena.alloc(8 * BURST);
    this.#some = arena.i32(this.#someAt, 2 * BURST);
    if (bytes.length <= MOST_BYTES) {
      this.#bytesAt = arena.alloc(bytes.length + 64);
      arena.u8(this.#bytesAt, bytes.length).set(bytes);
      this.#startAt = arena.alloc(4 * count);
      this.#lengthAt = arena.alloc(4 * count);
      arena.i32(this.#startAt, count).set(trace.start.subarray(0, count));
      arena.i32(this.#lengthAt, count).set(trace.length.subarray(0, count));
      this.#start = arena.i32(this.#startAt, count);
      this.#length = arena.i32(this.#lengthAt, count);
    } else {
      this.#start = trace.start;
      this.#length = trace.length;
      this.#window = new TraceWindow(trace, arena, longestFrame(trace));
    }
  }

  /**
   * Makes `batch` the frames `frames[first]` to `frames[first + wanted - 1]` of the trace (at most a burst, in ascending
   * order), all come in by `port` at virtual time `clock[0]` (ns; why in an array: PacketQueue.push). Returns how many they are:
   * fewer where the pool has no more slots.
   */
  fill(
    batch: PacketBatch,
    frames: Int32Array,
    first: number,
    wanted: number,
    port: number,
    clock: Float64Array,
  ): number {
    const window = this.#window;
    const bytesAt = window === undefined ? this.#bytesAt : window.over(frames[first], frames[first + wanted - 1]);
    if (bytesAt === null) return this.#copy(batch, frames, first, wanted, port, clock);
    const count = this.#pool.take(wanted);
    batch.count = count;
    if (count === 0) return 0;
    const from = frames[first];
    let starts = this.#startAt + 4 * from;
    let lengths = this.#lengthAt + 4 * from;
    // In ascending order a list as long as its span is a run.
    if (window !== undefined || frames[first + count - 1] - from !== count - 1) {
      const some = this.#some;
      for (let n = 0; n < count; n++) {
        const frame = frames[first + n];
        some[n] = this.#start[frame];
        some[BURST + n] = this.#length[frame];
      }
      starts = this.#someAt;
      lengths = this.#someAt + 4 * BURST;
    }
    this.#time[0] = clock[0];
    const { freeEnd, stride } = this.#pool;
    this.#kernel.receive(batch.base, count, freeEnd + 4 * count, stride, bytesAt, starts, lengths, port, this.#timeAt);
    return count;
  }

  #copy(
    batch: PacketBatch,
    frames: Int32Array,
    first: number,
    wanted: number,
    port: number,
    clock: Float64Array,
  ): number {
    const count = this.#pool.allocInto(batch.slot, wanted);
    for (let i = 0; i < count; i++) this.place(batch, i, frames[first + i], port, clock);
    batch.count = count;
    return count;
  }

  /** Makes packet i of `batch`, which has its slot, the frame of this number, at `clock[0]`. */
  place(batch: PacketBatch, i: number, frame: number, port: number, clock: Float64Array): void {
    const pool = this.#pool;
    const at = pool.home(batch.slot[i]);
    const length = this.#length[frame];
    copyBytes(this.#view, this.#start[frame], pool.view, at, length);
    batch.start[i] = at;
    batch.end[i] = at + length;
    batch.inPort[i] = port;
    batch.time[i] = clock[0];
    batch.drop[i] = 0;
    batch.tunId[i] = 0;
    batch.tunSrc[i] = 0;
    batch.tunDst[i] = 0;
    batch.tunMeta[i] = 0;
  }
}
