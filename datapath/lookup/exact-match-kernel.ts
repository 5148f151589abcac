/**
 * Looking up a burst in the exact-match cache (exact-match-cache.ts), as a kernel: a key is compared by blocks of four
 * words. 6 ns a packet with 1,000 flows (its share in a profile of the whole way).
 */
import { COLUMN, KEY_STRIDE } from "../packet/packet-batch.ts";
import {
  add,
  and,
  anyTrue,
  assemble,
  type Code,
  Func,
  I32,
  isZero,
  type Local,
  load,
  load8,
  load128,
  or128,
  shl,
  shr,
  xor128,
} from "../wasm/assembler.ts";

/** Bytes: of an entry for keys of words 0 to 11, and of one for all keys; where the hash, the megaflow and the key stand. */
export const SMALL_ENTRY = 64;
export const LARGE_ENTRY = 256;
export const ENTRY_HASH = 0;
export const ENTRY_FLOW = 4;
export const ENTRY_KEY = 16;
export const SMALL_BLOCKS = 3;
export const LARGE_BLOCKS = 13;
/** Groups of words of a shape that lie within words 0 to 11 of a key. */
export const SMALL_SHAPE = 31;
/** The second place of a key is taken from these bits of its hash on. */
export const SECOND_SHIFT = 13;

export interface ExactMatchKernel {
  /**
   * Writes the column `flow` of packets 0 .. count - 1, -1 where nothing was found; the numbers of live packets without a
   * megaflow go to `missed`; returns how many those are, plus 256 for each dead packet.
   */
  lookUp(
    base: number,
    count: number,
    small: number,
    smallMask: number,
    large: number,
    largeMask: number,
    missed: number,
  ): number;
  /** The same for a cache that is off. */
  missAll(base: number, count: number, missed: number): number;
}

/** The key at `key` is not that of the entry at `entry`. */
function differs(entry: Local, key: Local, blocks: number): Code {
  const pairs = Array.from({ length: blocks }, (_, n) =>
    xor128(load128(entry, ENTRY_KEY + 16 * n), load128(key, 16 * n)),
  );
  return anyTrue(pairs.reduce((all, pair) => or128(all, pair)));
}

function lookUp(): Func {
  const func = new Func("lookUp", 7, true);
  const [base, count, small, smallMask, large, largeMask, missed] = func.params;
  const [i, p, key, hash, entry, flow, misses, dead] = Array.from({ length: 8 }, () => func.local(I32));
  func.loop(i, 0, count, (packets) => {
    func.set(p, add(base, shl(i, 2)));
    func.if(load8(add(base, i), COLUMN.drop), () => {
      func.store(p, COLUMN.flow, -1);
      func.set(dead, add(dead, 256));
      func.next(packets);
    });
    func.set(key, add(base, add(shl(i, Math.log2(4 * KEY_STRIDE)), COLUMN.keys)));
    func.set(hash, load(p, COLUMN.hash));
    func.block((found) => {
      func.if(
        isZero(and(load(p, COLUMN.shape), ~SMALL_SHAPE)),
        () => {
          func.set(entry, add(small, shl(and(hash, smallMask), Math.log2(SMALL_ENTRY))));
          func.set(flow, load(entry, ENTRY_FLOW));
          func.leave(found, isZero(differs(entry, key, SMALL_BLOCKS)));
          func.set(entry, add(small, shl(and(shr(hash, SECOND_SHIFT), smallMask), Math.log2(SMALL_ENTRY))));
          func.set(flow, load(entry, ENTRY_FLOW));
          func.leave(found, isZero(differs(entry, key, SMALL_BLOCKS)));
        },
        () => {
          func.set(entry, add(large, shl(and(hash, largeMask), Math.log2(LARGE_ENTRY))));
          func.set(flow, load(entry, ENTRY_FLOW));
          func.leave(found, isZero(differs(entry, key, LARGE_BLOCKS)));
          func.set(entry, add(large, shl(and(shr(hash, SECOND_SHIFT), largeMask), Math.log2(LARGE_ENTRY))));
          func.set(flow, load(entry, ENTRY_FLOW));
          func.leave(found, isZero(differs(entry, key, LARGE_BLOCKS)));
        },
      );
      func.set(flow, -1);
    });
    func.store(p, COLUMN.flow, flow);
    // Without a branch: the next one overwrites the place unless this one counts.
    func.store(add(missed, shl(misses, 2)), 0, i);
    func.set(misses, add(misses, shr(flow, 31)));
  });
  func.return(add(misses, dead));
  return func;
}

function missAll(): Func {
  const func = new Func("missAll", 3, true);
  const [base, count, missed] = func.params;
  const [i, misses] = [func.local(I32), func.local(I32)];
  func.loop(i, 0, count, () => {
    func.store(add(base, shl(i, 2)), COLUMN.flow, -1);
    func.store(add(missed, shl(misses, 2)), 0, i);
    func.set(misses, add(misses, isZero(load8(add(base, i), COLUMN.drop))));
  });
  func.return(misses);
  return func;
}

export const exactMatchModule = new WebAssembly.Module(assemble([lookUp(), missAll()]));
