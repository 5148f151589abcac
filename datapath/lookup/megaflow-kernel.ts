/**
 * Looking up packets in the subtables of one input port, as a kernel: a burst against one subtable, what is left against
 * the next. The mask is data, not code: a key is masked, hashed and compared by blocks of four words, words 0 to 11 always
 * and others where the mask has them. With 32 masks 10 ns a subtable tried, where straight code made for the mask in
 * JavaScript needed 20 (in turn).
 *
 *   subtable (a block in the arena), bytes:
 *      0 index   4 index mask   8 rows   12 tag mask   16 log2 of a row's bytes   20 other blocks   24 hits
 *     64 masks of blocks 0 to 2     112 multipliers of their words
 *    160 other blocks, 48 bytes each: mask | multipliers | offset in the key
 */
import { COLUMN, KEY_STRIDE } from "../packet/packet-batch.ts";
import {
  add,
  add32x4,
  and,
  and128,
  anyTrue,
  assemble,
  type Code,
  Func,
  I32,
  isZero,
  lane32,
  lessSigned,
  load,
  load128,
  mul,
  mul32x4,
  type Operand,
  or,
  or128,
  shl,
  shr,
  shuffle,
  sub,
  V128,
  xor,
  xor128,
} from "../wasm/assembler.ts";

export const T_INDEX = 0;
export const T_INDEX_MASK = 4;
export const T_ROWS = 8;
export const T_TAG_MASK = 12;
export const T_ROW_SHIFT = 16;
export const T_OTHERS = 20;
export const T_HITS = 24;
export const T_MASKS = 64;
export const T_MULTIPLIERS = 112;
export const T_MORE = 160;
export const OTHER_BYTES = 48;
/** Blocks that each subtable compares. */
export const FIRST_BLOCKS = 3;
export const FINISH = 0x85ebca6b | 0;

export interface MegaflowKernel {
  /**
   * Looks up packets wanted[0, count) of the batch at `base` in the `subtables` whose addresses are listed at `list`, in
   * that order, until all are found. Writes the column `flow` of those, lists the others at `open` and returns how many they
   * are; the number of lookups in subtables goes to the word at `lookups`.
   */
  search(
    base: number,
    wanted: number,
    count: number,
    open: number,
    list: number,
    subtables: number,
    lookups: number,
  ): number;
  /** 1 if packets wanted[0, count) all came in by the port of the first. */
  samePort(base: number, wanted: number, count: number): number;
}

const HIGH_PAIR = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const SECOND = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];

function search(): Func {
  const func = new Func("search", 7, true);
  const [base, wanted, count, open, list, subtables, lookups] = func.params;
  const [s, table, p, i, key, h, slot, v, row, tagMask, left, index, others, n, more, found, tried, packet] =
    Array.from({ length: 18 }, () => func.local(I32));
  const [k0, k1, k2, sum] = Array.from({ length: 4 }, () => func.local(V128));
  const [m0, m1, m2, f0, f1, f2] = Array.from({ length: 6 }, () => func.local(V128));

  func.loop(s, 0, subtables, (tables) => {
    func.leave(tables, isZero(count));
    func.set(table, load(add(list, shl(s, 2))));
    func.set(tagMask, load(table, T_TAG_MASK));
    func.set(index, load(table, T_INDEX));
    func.set(others, load(table, T_OTHERS));
    [m0, m1, m2].forEach((mask, b) => {
      func.set(mask, load128(table, T_MASKS + 16 * b));
    });
    [f0, f1, f2].forEach((factor, b) => {
      func.set(factor, load128(table, T_MULTIPLIERS + 16 * b));
    });
    func.set(tried, add(tried, count));
    func.set(left, 0);
    func.loop(p, 0, count, () => {
      func.set(i, load(add(wanted, shl(p, 2))));
      func.set(packet, add(base, shl(i, 2)));
      func.set(key, add(base, add(shl(i, Math.log2(4 * KEY_STRIDE)), COLUMN.keys)));
      func.set(k0, and128(load128(key, 0), m0));
      func.set(k1, and128(load128(key, 16), m1));
      func.set(k2, and128(load128(key, 32), m2));
      func.set(sum, add32x4(add32x4(mul32x4(k0, f0), mul32x4(k1, f1)), mul32x4(k2, f2)));
      func.set(more, add(table, T_MORE));
      func.loop(n, 0, others, () => {
        const masked = and128(load128(add(key, load(more, 32))), load128(more));
        func.set(sum, add32x4(sum, mul32x4(masked, load128(more, 16))));
        func.set(more, add(more, OTHER_BYTES));
      });
      func.set(sum, add32x4(sum, shuffle(sum, sum, HIGH_PAIR)));
      func.set(sum, add32x4(sum, shuffle(sum, sum, SECOND)));
      func.set(h, lane32(sum, 0));
      func.set(h, mul(xor(h, shr(h, 15)), FINISH));
      func.set(h, xor(h, shr(h, 13)));
      func.set(slot, and(h, load(table, T_INDEX_MASK)));
      func.set(found, -1);
      func.forever((probes) => {
        func.set(v, load(add(index, shl(slot, 2))));
        func.leave(probes, isZero(v));
        func.if(isZero(and(xor(v, h), tagMask)), () => {
          func.set(row, add(load(table, T_ROWS), shl(and(v, xor(tagMask, -1)), load(table, T_ROW_SHIFT))));
          func.set(
            sum,
            or128(or128(xor128(k0, load128(row)), xor128(k1, load128(row, 16))), xor128(k2, load128(row, 32))),
          );
          func.set(row, add(row, 16 * FIRST_BLOCKS));
          func.set(more, add(table, T_MORE));
          func.loop(n, 0, others, () => {
            const masked = and128(load128(add(key, load(more, 32))), load128(more));
            func.set(sum, or128(sum, xor128(masked, load128(row))));
            func.set(more, add(more, OTHER_BYTES));
            func.set(row, add(row, 16));
          });
          func.if(isZero(anyTrue(sum)), () => {
            func.set(found, load(row));
            func.leave(probes);
          });
        });
        func.set(slot, and(add(slot, 1), load(table, T_INDEX_MASK)));
      });
      func.if(
        lessSigned(found, 0),
        () => {
          func.store(add(open, shl(left, 2)), 0, i);
          func.set(left, add(left, 1));
        },
        () => func.store(packet, COLUMN.flow, found),
      );
    });
    func.store(table, T_HITS, add(load(table, T_HITS), sub(count, left)));
    func.set(count, left);
    func.set(wanted, open);
  });
  func.store(lookups, 0, tried);
  func.return(count);
  return func;
}

function samePort(): Func {
  const func = new Func("samePort", 3, true);
  const [base, wanted, count] = func.params;
  const [p, port, other] = [func.local(I32), func.local(I32), func.local(I32)];
  const portOf = (n: Operand): Code => load(add(base, shl(load(add(wanted, shl(n, 2))), 2)), COLUMN.inPort);
  func.set(port, portOf(0));
  func.loop(p, 1, count, () => func.set(other, or(other, xor(port, portOf(p)))));
  func.return(isZero(other));
  return func;
}

export const megaflowModule = new WebAssembly.Module(assemble([search(), samePort()]));
