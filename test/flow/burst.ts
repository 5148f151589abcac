/** Frames as bytes or hexadecimal text -> a burst in a pool, for tests. */
import { Buffer } from "node:buffer";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/\s+/g, ""), "hex"));
}

export function toHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("hex");
}

export function newBatch(slots = 64, frameBytes = 9200): PacketBatch {
  return new PacketBatch(new PacketPool(slots, frameBytes));
}

/** Puts frames into fresh slots of an emptied batch; what surrounds them in the slot is `filler`. */
export function fill(batch: PacketBatch, frames: readonly Uint8Array[], inPort = 0, time = 0, filler = 0): void {
  if (frames.length > BURST) throw new Error(`${frames.length} frames, a burst holds ${BURST}`);
  const { pool } = batch;
  for (const [i, frame] of frames.entries()) {
    const slot = pool.alloc();
    if (slot < 0) throw new Error("no slot left");
    if (filler !== 0) pool.bytes.fill(filler, slot * pool.stride, (slot + 1) * pool.stride);
    const at = pool.home(slot);
    pool.bytes.set(frame, at);
    batch.slot[i] = slot;
    batch.start[i] = at;
    batch.end[i] = at + frame.length;
    batch.inPort[i] = inPort;
    batch.time[i] = time;
    batch.drop[i] = 0;
    batch.tunId[i] = batch.tunSrc[i] = batch.tunDst[i] = batch.tunMeta[i] = 0;
  }
  batch.count = frames.length;
}

export function freeAll(batch: PacketBatch): void {
  for (let i = 0; i < batch.count; i++) batch.pool.free(batch.slot[i]);
  batch.count = 0;
}
