/**
 * All megaflows of one input port that have one mask.
 *
 *   index, 1 word a slot:   high bits of the hash | row, 0 = free        open addressing, at most a quarter full
 *   rows, 2^n bytes each:   masked blocks of the key, four words each | megaflow       row 0 is not used
 *
 * Most lookups in a subtable fail when there are many masks, and a failing one reads one word of the index: the indices of
 * 32 masks with 32 megaflows each stay in the first-level cache where rows of a cache line each do not. Linear probing,
 * deletion shifts back: no tombstones. The hash is a sum of products (flow/hash.ts) and one finishing step that carries high
 * bits down.
 *
 * Packets are looked up by a kernel (megaflow-kernel.ts), which finds everything from the block at `at`; what is here does
 * the same for one key, and adds and removes. Not done: straight JavaScript for each mask with `new Function`, 20 ns a
 * subtable tried where the kernel needs 10.
 */
import { KEY_WORDS, W_IN_PORT, W_PACKET_TYPE } from "../flow/flow-key.ts";
import { multiplier } from "../flow/hash.ts";
import type { Arena } from "../wasm/arena.ts";
import {
  FINISH,
  FIRST_BLOCKS,
  OTHER_BYTES,
  T_HITS,
  T_INDEX,
  T_INDEX_MASK,
  T_MASKS,
  T_MORE,
  T_MULTIPLIERS,
  T_OTHERS,
  T_ROW_SHIFT,
  T_ROWS,
  T_TAG_MASK,
} from "./megaflow-kernel.ts";

const FIRST_ROWS = 8;
/** Slots of the index for a row. */
const SLOTS_PER_ROW = 4;
/** Words of a key in whole blocks. */
const BLOCK_WORDS = 4 * Math.ceil(KEY_WORDS / 4);

/** What a subtable compares of a mask: in_port is given by the classifier, packet_type is always Ethernet. */
function comparedMask(mask: Int32Array): Int32Array {
  const compared = new Int32Array(BLOCK_WORDS);
  compared.set(mask.subarray(0, KEY_WORDS));
  compared[W_IN_PORT] = 0;
  compared[W_PACKET_TYPE] = 0;
  return compared;
}

function finish(sum: number): number {
  const h = Math.imul(sum ^ (sum >>> 15), FINISH);
  return h ^ (h >>> 13);
}

export class Subtable {
  readonly mask: Int32Array;
  /** Number of the mask in the megaflow cache. */
  readonly maskId: number;
  /** Address of what the kernel reads. */
  readonly at: number;
  count = 0;
  readonly #arena: Arena;
  readonly #bytes: number;
  /** The block at `at`. */
  readonly #table: Int32Array;
  /** The mask as compared, and the words of its blocks in the order of a row. */
  readonly #compared: Int32Array;
  readonly #words: Int32Array;
  /** log2 of the words of a row. */
  readonly #shift: number;
  /** Replaced when they grow, with `#rowBits`. */
  #index: Int32Array;
  #indexAt: number;
  #rows: Int32Array;
  #rowsAt: number;
  /** Low bits of an index slot that are a row. */
  #rowBits: number;
  #capacity = FIRST_ROWS;

  constructor(arena: Arena, mask: Int32Array, maskId: number) {
    this.mask = mask;
    this.maskId = maskId;
    this.#arena = arena;
    const compared = comparedMask(mask);
    this.#compared = compared;
    const others: number[] = [];
    for (let b = FIRST_BLOCKS; b < BLOCK_WORDS / 4; b++) {
      if (compared.subarray(4 * b, 4 * b + 4).some((word) => word !== 0)) others.push(b);
    }
    const blocks = [...Array.from({ length: FIRST_BLOCKS }, (_, b) => b), ...others];
    this.#words = Int32Array.from(blocks.flatMap((b) => [0, 1, 2, 3].map((n) => 4 * b + n)));
    this.#shift = Math.ceil(Math.log2(this.#words.length + 1));
    this.#indexAt = arena.alloc(4 * FIRST_ROWS * SLOTS_PER_ROW);
    this.#index = arena.i32(this.#indexAt, FIRST_ROWS * SLOTS_PER_ROW);
    this.#rowsAt = arena.alloc(this.#rowBytes(FIRST_ROWS));
    this.#rows = arena.i32(this.#rowsAt, (FIRST_ROWS + 1) << this.#shift);
    this.#rowBits = Math.log2(FIRST_ROWS) + 1;

    this.#bytes = T_MORE + OTHER_BYTES * others.length;
    this.at = arena.alloc(this.#bytes);
    const table = arena.i32(this.at, this.#bytes >> 2);
    this.#table = table;
    table[T_ROW_SHIFT >> 2] = this.#shift + 2;
    table[T_OTHERS >> 2] = others.length;
    for (let w = 0; w < 4 * FIRST_BLOCKS; w++) {
      table[(T_MASKS >> 2) + w] = compared[w];
      table[(T_MULTIPLIERS >> 2) + w] = multiplier(w);
    }
    for (const [n, b] of others.entries()) {
      const to = (T_MORE + OTHER_BYTES * n) >> 2;
      for (let w = 0; w < 4; w++) {
        table[to + w] = compared[4 * b + w];
        table[to + 4 + w] = multiplier(4 * b + w);
      }
      table[to + 8] = 16 * b;
    }
    this.#publish();
  }

  /** Packets found here since the last ranking; halved by it. */
  get hits(): number {
    return this.#table[T_HITS >> 2];
  }
  set hits(value: number) {
    this.#table[T_HITS >> 2] = value;
  }

  /** Gives its memory back. */
  dispose(): void {
    this.#arena.free(this.at, this.#bytes);
    this.#arena.free(this.#indexAt, 4 * this.#index.length);
    this.#arena.free(this.#rowsAt, this.#rowBytes(this.#capacity));
  }

  #rowBytes(capacity: number): number {
    return 4 * ((capacity + 1) << this.#shift);
  }

  #publish(): void {
    const table = this.#table;
    table[T_INDEX >> 2] = this.#indexAt;
    table[T_INDEX_MASK >> 2] = this.#index.length - 1;
    table[T_ROWS >> 2] = this.#rowsAt;
    table[T_TAG_MASK >> 2] = -1 << this.#rowBits;
  }

  #hashOfKey(keys: Int32Array, at: number): number {
    let h = 0;
    for (let n = 0; n < this.#words.length; n++) {
      const w = this.#words[n];
      h = (h + Math.imul(keys[at + w] & this.#compared[w], multiplier(w))) | 0;
    }
    return finish(h);
  }

  #hashOfRow(row: number): number {
    let h = 0;
    const r = row << this.#shift;
    for (let n = 0; n < this.#words.length; n++) {
      h = (h + Math.imul(this.#rows[r + n], multiplier(this.#words[n]))) | 0;
    }
    return finish(h);
  }

  /** The slot of the index that leads to the row of key & mask, or -1. */
  #slotOf(keys: Int32Array, at: number): number {
    const words = this.#words;
    const index = this.#index;
    const rows = this.#rows;
    const mask = this.#compared;
    const h = this.#hashOfKey(keys, at);
    const rowMask = (1 << this.#rowBits) - 1;
    for (let slot = h & (index.length - 1); index[slot] !== 0; slot = (slot + 1) & (index.length - 1)) {
      if (((index[slot] ^ h) & ~rowMask) !== 0) continue;
      const r = (index[slot] & rowMask) << this.#shift;
      let n = 0;
      while (n < words.length && rows[r + n] === (keys[at + words[n]] & mask[words[n]])) n++;
      if (n === words.length) return slot;
    }
    return -1;
  }

  #rowAt(slot: number): number {
    return this.#index[slot] & ((1 << this.#rowBits) - 1);
  }

  /** The megaflow that matches the key, or -1. */
  find(keys: Int32Array, at: number): number {
    const slot = this.#slotOf(keys, at);
    return slot < 0 ? -1 : this.#rows[(this.#rowAt(slot) << this.#shift) + this.#words.length];
  }

  /** Adds a megaflow for key & mask, which must not be here yet. */
  add(keys: Int32Array, at: number, flow: number): void {
    if (this.count === this.#capacity) this.#grow();
    const row = ++this.count;
    const r = row << this.#shift;
    for (let n = 0; n < this.#words.length; n++) {
      const w = this.#words[n];
      this.#rows[r + n] = keys[at + w] & this.#compared[w];
    }
    this.#rows[r + this.#words.length] = flow;
    this.#enter(this.#hashOfKey(keys, at), row);
  }

  #enter(h: number, row: number): void {
    const index = this.#index;
    const last = index.length - 1;
    let slot = h & last;
    while (index[slot] !== 0) slot = (slot + 1) & last;
    index[slot] = (h & (-1 << this.#rowBits)) | row;
  }

  #grow(): void {
    const arena = this.#arena;
    const rowsAt = arena.alloc(this.#rowBytes(2 * this.#capacity));
    const rows = arena.i32(rowsAt, (2 * this.#capacity + 1) << this.#shift);
    rows.set(this.#rows);
    arena.free(this.#rowsAt, this.#rowBytes(this.#capacity));
    arena.free(this.#indexAt, 4 * this.#index.length);
    this.#capacity *= 2;
    this.#rows = rows;
    this.#rowsAt = rowsAt;
    this.#rowBits++;
    this.#indexAt = arena.alloc(4 * this.#capacity * SLOTS_PER_ROW);
    this.#index = arena.i32(this.#indexAt, this.#capacity * SLOTS_PER_ROW);
    for (let row = 1; row <= this.count; row++) this.#enter(this.#hashOfRow(row), row);
    this.#publish();
  }

  /** Removes the megaflow of key & mask; false when it is not here. */
  remove(keys: Int32Array, at: number): boolean {
    const gone = this.#slotOf(keys, at);
    if (gone < 0) return false;
    const row = this.#rowAt(gone);
    this.#clear(gone);
    const last = this.count--;
    if (row !== last) {
      // The last row moves into the gap, so that rows stay dense.
      const index = this.#index;
      let slot = this.#hashOfRow(last) & (index.length - 1);
      while (this.#rowAt(slot) !== last) slot = (slot + 1) & (index.length - 1);
      index[slot] = (index[slot] & (-1 << this.#rowBits)) | row;
      this.#rows.copyWithin(row << this.#shift, last << this.#shift, (last + 1) << this.#shift);
    }
    return true;
  }

  /** Frees a slot and shifts back what follows it. */
  #clear(slot: number): void {
    const index = this.#index;
    const last = index.length - 1;
    let hole = slot;
    for (let next = (hole + 1) & last; index[next] !== 0; next = (next + 1) & last) {
      // An entry may fill the hole unless its own place lies cyclically in (hole, next].
      const home = this.#hashOfRow(this.#rowAt(next)) & last;
      if (((next - home) & last) < ((next - hole) & last)) continue;
      index[hole] = index[next];
      hole = next;
    }
    index[hole] = 0;
  }
}
