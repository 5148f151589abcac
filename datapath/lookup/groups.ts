/**
 * The packets of a burst by megaflow: each megaflow that is hit is a group, its packets a chain in their order, the groups
 * in order of their first packets (Open vSwitch: packet_batch_per_flow). Columns by group, in the arena, because kernels
 * fill them; a kernel also books a group's hits, once for all its packets.
 *
 * 2.5 ns a packet for a burst of one megaflow (its share in a profile of the whole way).
 */
import { BURST, COLUMN, type PacketBatch } from "../packet/packet-batch.ts";
import type { Arena } from "../wasm/arena.ts";
import {
  add,
  addF64,
  assemble,
  F64,
  Func,
  greaterF64,
  I32,
  lessSigned,
  load,
  loadF64,
  notEqual,
  shl,
  sub,
  toF64,
} from "../wasm/assembler.ts";
import {
  F_BYTES,
  F_PACKETS,
  F_USED,
  I_EPOCH,
  I_GROUP,
  I_PROGRAM,
  I_STAMP,
  type MegaflowCache,
  RECORD_I32,
} from "./megaflow-cache.ts";

const WORDS = 4 * BURST;
/** Bytes from the address of groups to their columns. */
const NEXT = 0;
const HEAD = WORDS;
const TAIL = 2 * WORDS;
const PROGRAM = 3 * WORDS;
const MEGAFLOW = 4 * WORDS;
const PACKETS = 5 * WORDS;
const BYTES = 6 * WORDS;
const COUNT = 7 * WORDS;
const SIZE = COUNT + 4;
const RECORD_BYTES = 4 * RECORD_I32;

interface GroupKernel {
  /**
   * Puts packets `from`, ... of the batch at `base` into groups until one has no megaflow or one of another epoch; returns
   * its number, or `count`.
   */
  group(
    base: number,
    from: number,
    count: number,
    groups: number,
    records: number,
    epoch: number,
    stamp: number,
  ): number;
  /** Adds packets, bytes and time of all groups to the records of their megaflows. */
  book(base: number, groups: number, records: number): void;
}

function group(): Func {
  const func = new Func("group", 7, true);
  const [base, from, count, groups, records, epoch, stamp] = func.params;
  const [i, p, flow, last, record, g, length] = Array.from({ length: 7 }, () => func.local(I32));
  func.set(last, -2);
  func.loop(i, from, count, (packets) => {
    func.set(p, add(base, shl(i, 2)));
    func.set(flow, load(p, COLUMN.flow));
    func.set(length, sub(load(p, COLUMN.end), load(p, COLUMN.start)));
    func.store(add(groups, shl(i, 2)), NEXT, -1);
    // The megaflow of the packet before: `g` is still its group.
    func.if(notEqual(flow, last), () => {
      func.leave(packets, lessSigned(flow, 0));
      func.set(record, add(records, shl(flow, Math.log2(RECORD_BYTES))));
      func.leave(packets, notEqual(load(record, 4 * I_EPOCH), epoch));
      func.set(last, flow);
      func.if(notEqual(load(record, 4 * I_STAMP), stamp), () => {
        func.set(g, load(groups, COUNT));
        func.store(groups, COUNT, add(g, 1));
        func.store(record, 4 * I_STAMP, stamp);
        func.store(record, 4 * I_GROUP, g);
        func.set(g, add(groups, shl(g, 2)));
        func.store(g, HEAD, i);
        func.store(g, TAIL, i);
        func.store(g, PROGRAM, load(record, 4 * I_PROGRAM));
        func.store(g, MEGAFLOW, flow);
        func.store(g, PACKETS, 1);
        func.store(g, BYTES, length);
        func.next(packets);
      });
      func.set(g, add(groups, shl(load(record, 4 * I_GROUP), 2)));
    });
    func.store(add(groups, shl(load(g, TAIL), 2)), NEXT, i);
    func.store(g, TAIL, i);
    func.store(g, PACKETS, add(load(g, PACKETS), 1));
    func.store(g, BYTES, add(load(g, BYTES), length));
  });
  func.return(i);
  return func;
}

function book(): Func {
  const func = new Func("book", 3, false);
  const [base, groups, records] = func.params;
  const [n, g, flow, record] = Array.from({ length: 4 }, () => func.local(I32));
  const time = func.local(F64);
  func.loop(n, 0, load(groups, COUNT), (all) => {
    func.set(g, add(groups, shl(n, 2)));
    func.set(flow, load(g, MEGAFLOW));
    func.next(all, lessSigned(flow, 0));
    func.set(record, add(records, shl(flow, Math.log2(RECORD_BYTES))));
    func.storeF64(record, 8 * F_PACKETS, addF64(loadF64(record, 8 * F_PACKETS), toF64(load(g, PACKETS))));
    func.storeF64(record, 8 * F_BYTES, addF64(loadF64(record, 8 * F_BYTES), toF64(load(g, BYTES))));
    // Packets of a burst may come by ways of different length: the latest counts, whichever is first.
    func.set(time, loadF64(add(base, shl(load(g, TAIL), 3)), COLUMN.time));
    func.if(greaterF64(time, loadF64(record, 8 * F_USED)), () => func.storeF64(record, 8 * F_USED, time));
  });
  return func;
}

const groupModule = new WebAssembly.Module(assemble([group(), book()]));

export class Groups {
  /** The next packet of the same group, -1 = none; by packet. */
  readonly next: Int32Array;
  /** The first and last packet of a group, its program. */
  readonly head: Int32Array;
  readonly tail: Int32Array;
  readonly program: Int32Array;
  /** Megaflow of a group, -1 for a translation that is not installed; packets and bytes that hit it in this pass. */
  readonly megaflow: Int32Array;
  readonly packets: Int32Array;
  readonly bytes: Int32Array;
  /** Address in the arena, for kernels; the chains (`next`) begin there. */
  readonly at: number;
  readonly #count: Int32Array;
  readonly #kernel: GroupKernel;

  constructor(arena: Arena) {
    const at = arena.alloc(SIZE);
    this.at = at;
    this.next = arena.i32(at + NEXT, BURST);
    this.head = arena.i32(at + HEAD, BURST);
    this.tail = arena.i32(at + TAIL, BURST);
    this.program = arena.i32(at + PROGRAM, BURST);
    this.megaflow = arena.i32(at + MEGAFLOW, BURST);
    this.packets = arena.i32(at + PACKETS, BURST);
    this.bytes = arena.i32(at + BYTES, BURST);
    this.#count = arena.i32(at + COUNT, 1);
    this.#kernel = arena.kernels(groupModule);
  }

  get count(): number {
    return this.#count[0];
  }

  clear(): void {
    this.#count[0] = 0;
  }

  /** A group for packet i alone. */
  open(i: number, program: number, megaflow: number): number {
    const g = this.#count[0]++;
    this.next[i] = -1;
    this.head[g] = i;
    this.tail[g] = i;
    this.program[g] = program;
    this.megaflow[g] = megaflow;
    this.packets[g] = 0;
    this.bytes[g] = 0;
    return g;
  }

  /**
   * Groups the packets from number `from` on, in order, until one has no megaflow or one that was not made in `epoch`;
   * returns its number, or the batch's count. Groups of this pass are known by `stamp`.
   */
  collect(batch: PacketBatch, from: number, cache: MegaflowCache, epoch: number, stamp: number): number {
    return this.#kernel.group(batch.base, from, batch.count, this.at, cache.recordsAt, epoch, stamp);
  }

  /** Packet i hit megaflow f, whatever its epoch: what `collect` does for one. */
  join(batch: PacketBatch, i: number, cache: MegaflowCache, f: number, stamp: number): void {
    const { i32 } = cache;
    const r = f * RECORD_I32;
    let g: number;
    if (i32[r + I_STAMP] === stamp) {
      g = i32[r + I_GROUP];
      this.next[i] = -1;
      this.next[this.tail[g]] = i;
      this.tail[g] = i;
    } else {
      g = this.open(i, i32[r + I_PROGRAM], f);
      i32[r + I_STAMP] = stamp;
      i32[r + I_GROUP] = g;
    }
    this.packets[g]++;
    this.bytes[g] += batch.end[i] - batch.start[i];
  }

  /** Adds the hits of all groups to their megaflows. */
  book(batch: PacketBatch, cache: MegaflowCache): void {
    this.#kernel.book(batch.base, this.at, cache.recordsAt);
  }
}
