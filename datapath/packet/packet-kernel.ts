/**
 * What is done to every packet on its way in and out, as kernels: the copy from a trace into a slot, and slots back to the
 * pool. Receiving a frame of 60 bytes takes 5.5 ns (its share in a profile of the whole way), copyBytes alone 12.
 */
import { add, and, assemble, Func, I32, load, loadF64, mul, or, select, shl, sub, xor } from "../wasm/assembler.ts";
import { copyFrame } from "./copy-kernel.ts";
import { COLUMN } from "./packet-batch.ts";
import { HEADROOM } from "./packet-pool.ts";

export interface PacketKernel {
  /**
   * Packets 0 .. count - 1 of the batch at `base`: takes their slots off the list that ends before `free`, copies frame n
   * from bytes + starts[n], lengths[n] bytes, and writes the columns. The time is the double at `time`.
   */
  receive(
    base: number,
    count: number,
    free: number,
    stride: number,
    bytes: number,
    starts: number,
    lengths: number,
    port: number,
    time: number,
  ): void;
  /** Bytes of packets 0 .. count - 1, or -1 when they came in by more than one port. */
  bytesOfOnePort(base: number, count: number): number;
  /** Puts `count` slots of a ring of words with `mask`, from `head` on, behind the list that ends before `free`. */
  release(ring: number, mask: number, head: number, count: number, free: number): void;
}

function receive(): Func {
  const func = new Func("receive", 9, false);
  const [base, count, free, stride, bytes, starts, lengths, port, time] = func.params;
  const [i, p, slot, from, to, length, n] = Array.from({ length: 7 }, () => func.local(I32));
  func.loop(i, 0, count, () => {
    func.set(p, add(base, shl(i, 2)));
    func.set(free, sub(free, 4));
    func.set(slot, load(free));
    func.set(to, add(mul(slot, stride), HEADROOM));
    func.set(from, add(bytes, load(add(starts, shl(i, 2)))));
    func.set(length, load(add(lengths, shl(i, 2))));
    func.store(p, COLUMN.slot, slot);
    func.store(p, COLUMN.start, to);
    func.store(p, COLUMN.end, add(to, length));
    func.store(p, COLUMN.inPort, port);
    func.storeF64(add(base, shl(i, 3)), COLUMN.time, loadF64(time));
    func.store8(add(base, i), COLUMN.drop, 0);
    for (const column of [COLUMN.tunDst, COLUMN.tunId, COLUMN.tunSrc, COLUMN.tunMeta]) func.store(p, column, 0);
    copyFrame(func, from, to, length, n);
  });
  return func;
}

function bytesOfOnePort(): Func {
  const func = new Func("bytesOfOnePort", 2, true);
  const [base, count] = func.params;
  const [i, p, sum, other] = Array.from({ length: 4 }, () => func.local(I32));
  func.loop(i, 0, count, () => {
    func.set(p, add(base, shl(i, 2)));
    func.set(sum, add(sum, sub(load(p, COLUMN.end), load(p, COLUMN.start))));
    func.set(other, or(other, xor(load(p, COLUMN.inPort), load(base, COLUMN.inPort))));
  });
  func.return(select(other, -1, sum));
  return func;
}

function release(): Func {
  const func = new Func("release", 5, false);
  const [ring, mask, head, count, free] = func.params;
  const i = func.local(I32);
  func.loop(i, 0, count, () => {
    func.store(add(free, shl(i, 2)), 0, load(add(ring, shl(and(add(head, i), mask), 2))));
  });
  return func;
}

export const packetModule = new WebAssembly.Module(assemble([receive(), bytesOfOnePort(), release()]));
