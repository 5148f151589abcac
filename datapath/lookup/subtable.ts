/**
 * All megaflows of one input port that have one mask, in an open-addressing table (linear probing, at most half full, so a
 * probe ends after 1.5 rows on average; deletion shifts back, so there are no tombstones).
 *
 *   row: hash | megaflow, -1 = free | masked words, in the order of `words`      stride a power of two: mostly one cache line
 *
 * The search is straight code, made for the mask with `new Function`: it loops over the open packets of a burst, with the
 * words and mask bits as constants. Measured against the loop over `words` below, for the masks of the article's rules
 * (5 to 9 words): 9 ns against 24 ns a packet. Where code from strings is forbidden (--disallow-code-generation-from-strings)
 * the loop does the same work.
 */

import { KEY_WORDS, W_IN_PORT, W_PACKET_TYPE } from "../flow/flow-key.ts";
import { hashAdd, hashFinish } from "../flow/hash.ts";
import { KEY_STRIDE } from "../packet/packet-batch.ts";

const HASH = 0;
const FLOW = 1;
const WORDS = 2;
const FIRST_ROWS = 16;

/**
 * Looks up the packets in `pending[0, count)`: writes flow[i] of those found, moves the others to the front of `pending`
 * and returns how many they are.
 */
export type Search = (
  keys: Int32Array,
  flow: Int32Array,
  pending: Int32Array,
  count: number,
  rows: Int32Array,
  rowMask: number,
) => number;

/** Words of a mask that a subtable compares: in_port is given by the classifier, packet_type is always Ethernet. */
export function maskWords(mask: Int32Array): number[] {
  const words: number[] = [];
  for (let w = 0; w < KEY_WORDS; w++) {
    if (mask[w] !== 0 && w !== W_IN_PORT && w !== W_PACKET_TYPE) words.push(w);
  }
  return words;
}

const strideOf = (words: number): number => 2 ** Math.max(2, Math.ceil(Math.log2(WORDS + words)));

/** Straight code for one mask. Same hash as `Subtable.hashOf`. Throws where code from strings is forbidden. */
export function compileSearch(mask: Int32Array): Search {
  const words = maskWords(mask);
  const shift = Math.log2(strideOf(words.length));
  const load = words.map((w, n) => `const w${n} = keys[k + ${w}]${mask[w] === -1 ? "" : ` & ${mask[w]}`};`);
  const hash = words.map((_, n) => `h = Math.imul(h ^ w${n}, ${0x9e3779b1 | 0}); h ^= h >>> 15;`);
  const compare = words.map((_, n) => ` && rows[r + ${WORDS + n}] === w${n}`).join("");
  const body = `
    let left = 0;
    for (let p = 0; p < count; p++) {
      const i = pending[p];
      const k = i * ${KEY_STRIDE};
      ${load.join(" ")}
      let h = 0;
      ${hash.join(" ")}
      h = Math.imul(h ^ (h >>> 16), ${0x85ebca6b | 0});
      h = Math.imul(h ^ (h >>> 13), ${0xc2b2ae35 | 0});
      h ^= h >>> 16;
      let r = (h & rowMask) << ${shift};
      let found = -1;
      while (rows[r + ${FLOW}] >= 0) {
        if (rows[r + ${HASH}] === h${compare}) { found = rows[r + ${FLOW}]; break; }
        r = (((r >> ${shift}) + 1) & rowMask) << ${shift};
      }
      if (found >= 0) flow[i] = found; else pending[left++] = i;
    }
    return left;`;
  return new Function("keys", "flow", "pending", "count", "rows", "rowMask", body) as Search;
}

/** The same as a loop over the words. */
export function loopSearch(mask: Int32Array): Search {
  const words = Int32Array.from(maskWords(mask));
  const bits = Int32Array.from(words, (w) => mask[w]);
  const stride = strideOf(words.length);
  return (keys, flow, pending, count, rows, rowMask) => {
    const size = words.length;
    let left = 0;
    for (let p = 0; p < count; p++) {
      const i = pending[p];
      const k = i * KEY_STRIDE;
      let h = 0;
      for (let n = 0; n < size; n++) h = hashAdd(h, keys[k + words[n]] & bits[n]);
      h = hashFinish(h);
      let row = h & rowMask;
      let found = -1;
      while (rows[row * stride + FLOW] >= 0) {
        const r = row * stride;
        if (rows[r + HASH] === h) {
          let n = 0;
          while (n < size && rows[r + WORDS + n] === (keys[k + words[n]] & bits[n])) n++;
          if (n === size) {
            found = rows[r + FLOW];
            break;
          }
        }
        row = (row + 1) & rowMask;
      }
      if (found >= 0) flow[i] = found;
      else pending[left++] = i;
    }
    return left;
  };
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
  rows: Int32Array;
  rowMask: number;
  count = 0;
  /** Packets found here since the last ranking; halved by it. */
  hits = 0;
  readonly #words: Int32Array;
  readonly #stride: number;

  constructor(mask: Int32Array, maskId: number, search: Search) {
    this.mask = mask;
    this.maskId = maskId;
    this.search = search;
    this.#words = Int32Array.from(maskWords(mask));
    this.#stride = strideOf(this.#words.length);
    this.rowMask = FIRST_ROWS - 1;
    this.rows = this.#empty(FIRST_ROWS);
  }

  #empty(rows: number): Int32Array {
    const table = new Int32Array(rows * this.#stride);
    for (let at = FLOW; at < table.length; at += this.#stride) table[at] = -1;
    return table;
  }

  hashOf(keys: Int32Array, at: number): number {
    let h = 0;
    for (const w of this.#words) h = hashAdd(h, keys[at + w] & this.mask[w]);
    return hashFinish(h);
  }

  #rowOf(keys: Int32Array, at: number): number {
    const h = this.hashOf(keys, at);
    let row = h & this.rowMask;
    for (;;) {
      const r = row * this.#stride;
      if (this.rows[r + FLOW] < 0) return -1;
      if (this.rows[r + HASH] === h) {
        let n = 0;
        while (
          n < this.#words.length &&
          this.rows[r + WORDS + n] === (keys[at + this.#words[n]] & this.mask[this.#words[n]])
        )
          n++;
        if (n === this.#words.length) return row;
      }
      row = (row + 1) & this.rowMask;
    }
  }

  /** The megaflow that matches the key, or -1. */
  find(keys: Int32Array, at: number): number {
    const row = this.#rowOf(keys, at);
    return row < 0 ? -1 : this.rows[row * this.#stride + FLOW];
  }

  /** Adds a megaflow for key & mask, which must not be here yet. */
  add(keys: Int32Array, at: number, flow: number): void {
    if (2 * (this.count + 1) > this.rowMask + 1) this.#grow();
    const h = this.hashOf(keys, at);
    let row = h & this.rowMask;
    while (this.rows[row * this.#stride + FLOW] >= 0) row = (row + 1) & this.rowMask;
    const r = row * this.#stride;
    this.rows[r + HASH] = h;
    this.rows[r + FLOW] = flow;
    for (let n = 0; n < this.#words.length; n++) {
      const w = this.#words[n];
      this.rows[r + WORDS + n] = keys[at + w] & this.mask[w];
    }
    this.count++;
  }

  #grow(): void {
    const old = this.rows;
    const rows = 2 * (this.rowMask + 1);
    this.rowMask = rows - 1;
    this.rows = this.#empty(rows);
    for (let from = 0; from < old.length; from += this.#stride) {
      if (old[from + FLOW] < 0) continue;
      let row = old[from + HASH] & this.rowMask;
      while (this.rows[row * this.#stride + FLOW] >= 0) row = (row + 1) & this.rowMask;
      this.rows.set(old.subarray(from, from + this.#stride), row * this.#stride);
    }
  }

  /** Removes the megaflow of key & mask; false when it is not here. */
  remove(keys: Int32Array, at: number): boolean {
    let hole = this.#rowOf(keys, at);
    if (hole < 0) return false;
    const { rows, rowMask } = this;
    const stride = this.#stride;
    for (let row = (hole + 1) & rowMask; rows[row * stride + FLOW] >= 0; row = (row + 1) & rowMask) {
      // A row may fill the hole unless its own place lies cyclically in (hole, row].
      const home = rows[row * stride + HASH] & rowMask;
      if (((row - home) & rowMask) < ((row - hole) & rowMask)) continue;
      rows.copyWithin(hole * stride, row * stride, row * stride + stride);
      hole = row;
    }
    rows[hole * stride + FLOW] = -1;
    this.count--;
    return true;
  }
}
