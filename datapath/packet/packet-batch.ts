/**
 * A burst of at most 32 packets, as parallel columns. The bytes live in the pool; a batch owns the slots it lists until
 * they are freed or pushed to a queue. Stages write columns and never call the next stage.
 */
import type { PacketPool } from "./packet-pool.ts";

/** Packets in a burst: Open vSwitch's NETDEV_MAX_BURST (lib/dp-packet.h). */
export const BURST = 32;
/** Words from one flow key to the next in a batch; the layout of a key is in flow/flow-key.ts. */
export const KEY_STRIDE = 64;

export class PacketBatch {
  readonly pool: PacketPool;
  count = 0;
  /** Slot in the pool. */
  readonly slot = new Int32Array(BURST);
  /** First byte of the frame, absolute offset into `pool.bytes`. */
  readonly start = new Int32Array(BURST);
  /** One past the last byte. */
  readonly end = new Int32Array(BURST);
  /** Datapath port the packet came in by. */
  readonly inPort = new Int32Array(BURST);
  /** Virtual time in ns since the start of the trace (exact in a double for 104 days). */
  readonly time = new Float64Array(BURST);
  /** Drop code, 0 = alive. */
  readonly drop = new Uint8Array(BURST);
  /** Outer header of a packet that was popped from a tunnel; all 0 otherwise. Written by tnl_pop, read by extract. */
  readonly tunId = new Int32Array(BURST);
  readonly tunSrc = new Int32Array(BURST);
  readonly tunDst = new Int32Array(BURST);
  /** tos << 24 | ttl << 16 | flags, as word W_TUN_META. */
  readonly tunMeta = new Int32Array(BURST);
  /** The columns below hold something: only in batches that the datapath recirculates. Extract reads them if so. */
  recirculated = false;
  /** Recirculation id and what the actions before it left beside the frame: mark, priority, hash. */
  readonly recircId = new Int32Array(BURST);
  readonly mark = new Int32Array(BURST);
  readonly priority = new Int32Array(BURST);
  readonly dpHash = new Int32Array(BURST);
  /** Written by extract: absolute offsets of the network and transport header, 0 = none. */
  readonly l3 = new Int32Array(BURST);
  readonly l4 = new Int32Array(BURST);
  /** Written by extract: which words of the key this frame has (an index into the list of shapes). */
  readonly shape = new Int32Array(BURST);
  readonly hash = new Int32Array(BURST);
  /** KEY_STRIDE words a packet; layout in flow/flow-key.ts. Words that the shape has not are 0. */
  readonly keys = new Int32Array(BURST * KEY_STRIDE);
  /** Megaflow number, -1 = not found yet. */
  readonly flow = new Int32Array(BURST);

  constructor(pool: PacketPool) {
    this.pool = pool;
  }
}
