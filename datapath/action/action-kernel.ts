/**
 * The actions that most packets get, as kernels over a chain of packets (`next` is the address of the column that links
 * them, `head` the first): rewriting both Ethernet addresses, pushing a tunnel header, transmitting. For chains of 32:
 * addresses 2 ns a packet, transmitting 3 (shares in a profile of the whole way).
 */
import { COLUMN } from "../packet/packet-batch.ts";
import {
  add,
  and,
  assemble,
  type Code,
  equal,
  Func,
  I32,
  type Local,
  lessSigned,
  load,
  load128,
  loadF64,
  mul,
  type Operand,
  or,
  shl,
  shr,
  sub,
  xor,
} from "../wasm/assembler.ts";
import { PORT_MAX, PORT_MIN } from "./opcodes.ts";

export interface ActionKernel {
  /** Writes 12 bytes, given as little-endian words, over the frame's first. */
  setEth(base: number, next: number, head: number, w0: number, w1: number, w2: number): void;
  /**
   * Puts the header of `size` bytes at `header` before the frames: Ethernet, IPv4 at `ipAt` without options and with
   * checksum `sum` but for the length, then UDP (with a source port by hash and no checksum) or something without a length.
   * At least 16 bytes. Returns the number of packets.
   */
  pushTunnel(
    base: number,
    next: number,
    head: number,
    header: number,
    size: number,
    ipAt: number,
    sum: number,
    isUdp: number,
  ): number;
  /**
   * Puts packets into a queue's ring (packet-queue.ts) from `tail` on, until it reaches `limit`. Returns how many; the first
   * that did not fit, or -1, and the bytes of the others go to the words at `answer`.
   */
  enqueue(
    base: number,
    next: number,
    head: number,
    ring: number,
    capacity: number,
    tail: number,
    limit: number,
    answer: number,
  ): number;
}

/** The two bytes of a number in network order, as a store of 16 bits wants them. */
const swapped = (value: Operand): Code => or(and(shl(value, 8), 0xff00), and(shr(value, 8), 0xff));

/** For each packet of a chain. */
function chain(func: Func, next: Local, head: Local, i: Local, body: () => void): void {
  func.set(i, head);
  func.forever((packets) => {
    func.leave(packets, lessSigned(i, 0));
    body();
    func.set(i, load(add(next, shl(i, 2))));
  });
}

function setEth(): Func {
  const func = new Func("setEth", 6, false);
  const [base, next, head, w0, w1, w2] = func.params;
  const [i, at] = [func.local(I32), func.local(I32)];
  chain(func, next, head, i, () => {
    func.set(at, load(add(base, shl(i, 2)), COLUMN.start));
    func.store(at, 0, w0);
    func.store(at, 4, w1);
    func.store(at, 8, w2);
  });
  return func;
}

function pushTunnel(): Func {
  const func = new Func("pushTunnel", 8, true);
  const [base, next, head, header, size, ipAt, sum, isUdp] = func.params;
  const [i, p, at, ip, n, total, check, count] = Array.from({ length: 8 }, () => func.local(I32));
  chain(func, next, head, i, () => {
    func.set(p, add(base, shl(i, 2)));
    func.set(at, sub(load(p, COLUMN.start), size));
    // Whole blocks, then one that ends with the header.
    func.set(n, 0);
    func.forever((blocks) => {
      func.store128(add(at, n), 0, load128(add(header, n)));
      func.set(n, add(n, 16));
      func.next(blocks, lessSigned(n, sub(size, 16)));
      func.leave(blocks);
    });
    func.store128(add(at, sub(size, 16)), 0, load128(add(header, sub(size, 16))));
    func.set(ip, add(at, ipAt));
    func.set(total, sub(load(p, COLUMN.end), ip));
    func.store16(ip, 2, swapped(total));
    func.set(check, add(sum, and(total, 0xffff)));
    func.set(check, add(and(check, 0xffff), shr(check, 16)));
    func.set(check, xor(add(and(check, 0xffff), shr(check, 16)), -1));
    func.store16(ip, 10, swapped(check));
    func.store(p, COLUMN.start, at);
    func.store(p, COLUMN.l3, ip);
    func.store(p, COLUMN.l4, add(ip, 20));
    func.if(isUdp, () => {
      const port = add(PORT_MIN, shr(mul(shr(load(p, COLUMN.hash), 16), PORT_MAX - PORT_MIN), 16));
      func.store16(ip, 20, swapped(port));
      func.store16(ip, 24, swapped(sub(total, 20)));
    });
    func.set(count, add(count, 1));
  });
  func.return(count);
  return func;
}

function enqueue(): Func {
  const func = new Func("enqueue", 8, true);
  const [base, next, head, ring, capacity, tail, limit, answer] = func.params;
  const [i, p, to, start, end, sum, count, row] = Array.from({ length: 8 }, () => func.local(I32));
  func.set(row, shl(capacity, 2));
  func.set(i, head);
  func.forever((packets) => {
    func.leave(packets, lessSigned(i, 0));
    func.leave(packets, equal(tail, limit));
    func.set(p, add(base, shl(i, 2)));
    func.set(start, load(p, COLUMN.start));
    func.set(end, load(p, COLUMN.end));
    // Columns: time, slot, start, end.
    func.set(to, shl(and(tail, sub(capacity, 1)), 2));
    func.storeF64(add(ring, shl(to, 1)), 0, loadF64(add(base, shl(i, 3)), COLUMN.time));
    func.set(to, add(add(ring, to), shl(row, 1)));
    func.store(to, 0, load(p, COLUMN.slot));
    func.set(to, add(to, row));
    func.store(to, 0, start);
    func.store(add(to, row), 0, end);
    func.set(sum, add(sum, sub(end, start)));
    func.set(count, add(count, 1));
    func.set(tail, add(tail, 1));
    func.set(i, load(add(next, shl(i, 2))));
  });
  func.store(answer, 0, i);
  func.store(answer, 4, sum);
  func.return(count);
  return func;
}

export const actionModule = new WebAssembly.Module(assemble([setEth(), pushTunnel(), enqueue()]));
