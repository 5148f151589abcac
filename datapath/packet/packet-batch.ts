/**
 * A burst of at most 32 packets, as parallel columns. The bytes live in the pool; a batch owns the slots it lists until
 * they are freed or pushed to a queue. Stages write columns and never call the next stage.
 *
 * The columns lie at fixed distances from `base` in the pool's arena, so that kernels find them by constants: column
 * COLUMN.start of packet i is the word at base + COLUMN.start + 4 i (8 i for time, i for drop, 4 KEY_STRIDE i for keys).
 */
import type { PacketPool } from "./packet-pool.ts";

/** Packets in a burst: Open vSwitch's NETDEV_MAX_BURST (lib/dp-packet.h). */
export const BURST = 32;
/** Words from one flow key to the next in a batch; the layout of a key is in flow/flow-key.ts. */
export const KEY_STRIDE = 64;

const WORDS = 4 * BURST;
/** Bytes from the base of a batch to its columns. */
export const COLUMN = {
  slot: 0,
  start: WORDS,
  end: 2 * WORDS,
  inPort: 3 * WORDS,
  time: 4 * WORDS,
  drop: 6 * WORDS,
  tunDst: 7 * WORDS,
  tunId: 8 * WORDS,
  tunSrc: 9 * WORDS,
  tunMeta: 10 * WORDS,
  recircId: 11 * WORDS,
  mark: 12 * WORDS,
  priority: 13 * WORDS,
  dpHash: 14 * WORDS,
  l3: 15 * WORDS,
  l4: 16 * WORDS,
  shape: 17 * WORDS,
  hash: 18 * WORDS,
  flow: 19 * WORDS,
  keys: 20 * WORDS,
} as const;
const BATCH_BYTES = COLUMN.keys + 4 * BURST * KEY_STRIDE;

export class PacketBatch {
  readonly pool: PacketPool;
  /** Address in the pool's arena. */
  readonly base: number;
  count = 0;
  /** Slot in the pool. */
  readonly slot: Int32Array;
  /** First byte of the frame, absolute offset into `pool.bytes`. */
  readonly start: Int32Array;
  /** One past the last byte. */
  readonly end: Int32Array;
  /** Datapath port the packet came in by. */
  readonly inPort: Int32Array;
  /** Virtual time in ns since the start of the trace (exact in a double for 104 days). */
  readonly time: Float64Array;
  /** Drop code, 0 = alive. */
  readonly drop: Uint8Array;
  /** Outer header of a packet that was popped from a tunnel; all 0 otherwise. Written by tnl_pop, read by extract. */
  readonly tunId: Int32Array;
  readonly tunSrc: Int32Array;
  readonly tunDst: Int32Array;
  /** tos << 24 | ttl << 16 | flags, as word W_TUN_META. */
  readonly tunMeta: Int32Array;
  /** The columns below hold something: only in batches that the datapath recirculates. Extract reads them if so. */
  recirculated = false;
  /** Recirculation id and what the actions before it left beside the frame: mark, priority, hash. */
  readonly recircId: Int32Array;
  readonly mark: Int32Array;
  readonly priority: Int32Array;
  readonly dpHash: Int32Array;
  /** Written by extract: absolute offsets of the network and transport header, 0 = none. */
  readonly l3: Int32Array;
  readonly l4: Int32Array;
  /** Written by extract: which words of the key this frame has (an index into the list of shapes). */
  readonly shape: Int32Array;
  readonly hash: Int32Array;
  /** KEY_STRIDE words a packet; layout in flow/flow-key.ts. Words that the shape has not are 0. */
  readonly keys: Int32Array;
  /** Megaflow number, -1 = not found yet. */
  readonly flow: Int32Array;

  constructor(pool: PacketPool) {
    const { arena } = pool;
    this.pool = pool;
    const base = arena.alloc(BATCH_BYTES);
    this.base = base;
    this.slot = arena.i32(base + COLUMN.slot, BURST);
    this.start = arena.i32(base + COLUMN.start, BURST);
    this.end = arena.i32(base + COLUMN.end, BURST);
    this.inPort = arena.i32(base + COLUMN.inPort, BURST);
    this.time = arena.f64(base + COLUMN.time, BURST);
    this.drop = arena.u8(base + COLUMN.drop, BURST);
    this.tunId = arena.i32(base + COLUMN.tunId, BURST);
    this.tunSrc = arena.i32(base + COLUMN.tunSrc, BURST);
    this.tunDst = arena.i32(base + COLUMN.tunDst, BURST);
    this.tunMeta = arena.i32(base + COLUMN.tunMeta, BURST);
    this.recircId = arena.i32(base + COLUMN.recircId, BURST);
    this.mark = arena.i32(base + COLUMN.mark, BURST);
    this.priority = arena.i32(base + COLUMN.priority, BURST);
    this.dpHash = arena.i32(base + COLUMN.dpHash, BURST);
    this.l3 = arena.i32(base + COLUMN.l3, BURST);
    this.l4 = arena.i32(base + COLUMN.l4, BURST);
    this.shape = arena.i32(base + COLUMN.shape, BURST);
    this.hash = arena.i32(base + COLUMN.hash, BURST);
    this.flow = arena.i32(base + COLUMN.flow, BURST);
    this.keys = arena.i32(base + COLUMN.keys, BURST * KEY_STRIDE);
  }
}
