/**
 * All megaflows of one input port that have one mask.
 *
 *   index, 1 word a slot:   high bits of the hash | row, 0 = free        open addressing, at most a quarter full
 *   rows, 2^n words each:   masked words, in the order of `words` | megaflow           row 0 is not used
 *
 * Most lookups in a subtable fail when there are many masks, and a failing one reads one word of the index: the indices of
 * 32 masks with 32 megaflows each stay in the first-level cache where rows of a cache line each do not. A failed lookup
 * among those costs 10 ns; with the rows themselves as hash table, half full, and a chained hash it was 26 ns. One table of
 * 1,000 megaflows: 12 ns a hit, 7 ns a miss (15.6 and 12.7). Linear probing, deletion shifts back: no tombstones.
 *
 * The hash is a sum of products (multilinear, Carter and Wegman), so that its multiplications do not wait for each other,
 * and one finishing step that carries high bits down.
 *
 * The search is straight code, made for the mask with `new Function`: it loops over the open packets of a burst, with the
 * words and mask bits as constants. Where code from strings is forbidden (--disallow-code-generation-from-strings) a loop
 * over the words does the same work at three times the price (40 and 23 ns).
 */
import { KEY_WORDS, W_IN_PORT, W_PACKET_TYPE } from "../flow/flow-key.ts";
import { KEY_STRIDE } from "../packet/packet-batch.ts";

const FIRST_ROWS = 8;
/** Slots of the index for a row. */
const SLOTS_PER_ROW = 4;
const FINISH = 0x85ebca6b | 0;

/**
 * Looks up the packets in `pending[0, count)`: writes flow[i] of those found, moves the others to the front of `pending`
 * and returns how many they are.
 */
export type Search = (
  keys: Int32Array,
  flow: Int32Array,
  pending: Int32Array,
  count: number,
  index: Int32Array,
  rows: Int32Array,
  rowBits: number,
) => number;

/** Words of a mask that a subtable compares: in_port is given by the classifier, packet_type is always Ethernet. */
export function maskWords(mask: Int32Array): number[] {
  const words: number[] = [];
  for (let w = 0; w < KEY_WORDS; w++) {
    if (mask[w] !== 0 && w !== W_IN_PORT && w !== W_PACKET_TYPE) words.push(w);
  }
  return words;
}

/** log2 of the words of a row: the masked words and the megaflow. */
const rowShift = (words: number): number => Math.ceil(Math.log2(words + 1));

/** The odd multiplier of the n-th word. */
const multiplier = (n: number): number => Math.imul(0x9e3779b1, 2 * n + 1) | 1;

/** Straight code for one mask. Throws where code from strings is forbidden. */
export function compileSearch(mask: Int32Array): Search {
  const words = maskWords(mask);
  const load = words.map((w, n) => `const w${n} = keys[k + ${w}]${mask[w] === -1 ? "" : ` & ${mask[w]}`};`);
  const hash = words.reduce((sum, _, n) => `(${sum} + Math.imul(w${n}, ${multiplier(n)}) | 0)`, "0");
  const compare = words.map((_, n) => `rows[r + ${n}] === w${n}`).join(" && ") || "true";
  const body = `
    const indexMask = index.length - 1;
    const tagMask = -1 << rowBits;
    let left = 0;
    for (let p = 0; p < count; p++) {
      const i = pending[p];
      const k = i * ${KEY_STRIDE};
      ${load.join(" ")}
      let h = ${hash};
      h = Math.imul(h ^ (h >>> 15), ${FINISH});
      h ^= h >>> 13;
      let slot = h & indexMask;
      let found = -1;
      for (let v = index[slot]; v !== 0; v = index[slot]) {
        if (((v ^ h) & tagMask) === 0) {
          const r = (v & ~tagMask) << ${rowShift(words.length)};
          if (${compare}) { found = rows[r + ${words.length}]; break; }
        }
        slot = (slot + 1) & indexMask;
      }
      if (found >= 0) flow[i] = found; else pending[left++] = i;
    }
    return left;`;
  return new Function("keys", "flow", "pending", "count", "index", "rows", "rowBits", body) as Search;
}

/** The same as a loop over the words. */
export function loopSearch(mask: Int32Array): Search {
  const words = Int32Array.from(maskWords(mask));
  const bits = Int32Array.from(words, (w) => mask[w]);
  const size = words.length;
  const shift = rowShift(size);
  const multipliers = Int32Array.from(words, (_, n) => multiplier(n));
  return (keys, flow, pending, count, index, rows, rowBits) => {
    const indexMask = index.length - 1;
    const tagMask = -1 << rowBits;
    let left = 0;
    for (let p = 0; p < count; p++) {
      const i = pending[p];
      const k = i * KEY_STRIDE;
      let h = 0;
      for (let n = 0; n < size; n++) h = (h + Math.imul(keys[k + words[n]] & bits[n], multipliers[n])) | 0;
      h = finish(h);
      let slot = h & indexMask;
      let found = -1;
      for (let v = index[slot]; v !== 0; v = index[slot]) {
        if (((v ^ h) & tagMask) === 0) {
          const r = (v & ~tagMask) << shift;
          let n = 0;
          while (n < size && rows[r + n] === (keys[k + words[n]] & bits[n])) n++;
          if (n === size) {
            found = rows[r + size];
            break;
          }
        }
        slot = (slot + 1) & indexMask;
      }
      if (found >= 0) flow[i] = found;
      else pending[left++] = i;
    }
    return left;
  };
}

function finish(sum: number): number {
  const h = Math.imul(sum ^ (sum >>> 15), FINISH);
  return h ^ (h >>> 13);
}

let canCompile = true;
/** Compiled where the engine allows it. */
export function searchFor(mask: Int32Array): Search {
  if (canCompile) {
    try {
      return compileSearch(mask);
    } catch {
      canCompile = false;
    }
  }
  return loopSearch(mask);
}

export class Subtable {
  readonly mask: Int32Array;
  /** Number of the mask in the megaflow cache. */
  readonly maskId: number;
  readonly search: Search;
  /** Replaced when they grow, with `rowBits`. */
  index: Int32Array;
  rows: Int32Array;
  /** Low bits of an index slot that are a row. */
  rowBits: number;
  count = 0;
  /** Packets found here since the last ranking; halved by it. */
  hits = 0;
  readonly #words: Int32Array;
  readonly #shift: number;
  #capacity = FIRST_ROWS;

  constructor(mask: Int32Array, maskId: number, search: Search) {
    this.mask = mask;
    this.maskId = maskId;
    this.search = search;
    this.#words = Int32Array.from(maskWords(mask));
    this.#shift = rowShift(this.#words.length);
    this.index = new Int32Array(FIRST_ROWS * SLOTS_PER_ROW);
    this.rows = new Int32Array((FIRST_ROWS + 1) << this.#shift);
    this.rowBits = Math.log2(FIRST_ROWS) + 1;
  }

  #hashOfKey(keys: Int32Array, at: number): number {
    let h = 0;
    for (let n = 0; n < this.#words.length; n++) {
      const w = this.#words[n];
      h = (h + Math.imul(keys[at + w] & this.mask[w], multiplier(n))) | 0;
    }
    return finish(h);
  }

  #hashOfRow(row: number): number {
    let h = 0;
    const r = row << this.#shift;
    for (let n = 0; n < this.#words.length; n++) h = (h + Math.imul(this.rows[r + n], multiplier(n))) | 0;
    return finish(h);
  }

  /** The slot of the index that leads to the row of key & mask, or -1. */
  #slotOf(keys: Int32Array, at: number): number {
    const { index, rows, mask } = this;
    const words = this.#words;
    const h = this.#hashOfKey(keys, at);
    const rowMask = (1 << this.rowBits) - 1;
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
    return this.index[slot] & ((1 << this.rowBits) - 1);
  }

  /** The megaflow that matches the key, or -1. */
  find(keys: Int32Array, at: number): number {
    const slot = this.#slotOf(keys, at);
    return slot < 0 ? -1 : this.rows[(this.#rowAt(slot) << this.#shift) + this.#words.length];
  }

  /** Adds a megaflow for key & mask, which must not be here yet. */
  add(keys: Int32Array, at: number, flow: number): void {
    if (this.count === this.#capacity) this.#grow();
    const row = ++this.count;
    const r = row << this.#shift;
    for (let n = 0; n < this.#words.length; n++) {
      const w = this.#words[n];
      this.rows[r + n] = keys[at + w] & this.mask[w];
    }
    this.rows[r + this.#words.length] = flow;
    this.#enter(this.#hashOfKey(keys, at), row);
  }

  #enter(h: number, row: number): void {
    const last = this.index.length - 1;
    let slot = h & last;
    while (this.index[slot] !== 0) slot = (slot + 1) & last;
    this.index[slot] = (h & (-1 << this.rowBits)) | row;
  }

  #grow(): void {
    this.#capacity *= 2;
    const rows = new Int32Array((this.#capacity + 1) << this.#shift);
    rows.set(this.rows);
    this.rows = rows;
    this.rowBits++;
    this.index = new Int32Array(this.#capacity * SLOTS_PER_ROW);
    for (let row = 1; row <= this.count; row++) this.#enter(this.#hashOfRow(row), row);
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
      const { index } = this;
      let slot = this.#hashOfRow(last) & (index.length - 1);
      while (this.#rowAt(slot) !== last) slot = (slot + 1) & (index.length - 1);
      index[slot] = (index[slot] & (-1 << this.rowBits)) | row;
      this.rows.copyWithin(row << this.#shift, last << this.#shift, (last + 1) << this.#shift);
    }
    return true;
  }

  /** Frees a slot and shifts back what follows it. */
  #clear(slot: number): void {
    const { index } = this;
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
