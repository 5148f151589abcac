/**
 * The first cache: whole keys -> megaflows, in the manner of Open vSwitch's EMC (lib/dpif-netdev-private-dfc.h). A key has
 * two possible places, taken from two parts of its hash; a new key evicts the one place that is free or, failing that, the
 * one whose hash is the smaller (emc_insert()).
 *
 *   entry, 16 words = one cache line:   hash | megaflow | shape | words of the shape, packed (up to 13)
 *
 * Keys of more words (IPv6, tunnelled with tags) go to a second table of 64-word entries, a quarter as many. Only the words
 * of the shape are compared: all others are 0 in both keys.
 *
 * Removing a megaflow does not search here. Its number is not given out again before `sweep` has cleared the entries that
 * name it, and until then the number's epoch says that it is gone (datapath.ts): a check that each hit makes anyway.
 */

import { W_ETH0, W_ETH1, W_ETH2, W_IN_PORT, W_NW_DST, W_NW_SRC, W_PORTS, W_TOSTTL, W_TYPE } from "../flow/flow-key.ts";
import { SHAPE_IPV4_PORTS, shapeStart, shapeWords } from "../flow/shapes.ts";
import { KEY_STRIDE, type PacketBatch } from "../packet/packet-batch.ts";

const HASH = 0;
const FLOW = 1;
const SHAPE = 2;
const WORDS = 3;
const SMALL = 16;
const LARGE = 64;
const SMALL_WORDS = SMALL - WORDS;

/**
 * Chosen by measurement, MAC rewrite of 60-byte frames, ns a packet (hot-path.ts --flows --masks --emc --insert):
 *
 *   entries                      8192   16384   32768   65536
 *   1,000 flows, 1 mask            69      68      69      68
 *   10,000 flows, 8 masks         107      89      79       -
 *   100,000 flows, 1 mask          82      84      85     100
 *
 *   one in                          1      20     100    1000
 *   5,000 flows, 32 masks         132     115     113     201
 *   100,000 flows, 1 mask         122      85      79      77
 */
const DEFAULT_ENTRIES = 16384;
const DEFAULT_INSERT_INVERSE = 100;

export interface EmcOptions {
  /** Entries, rounded up to a power of two; 0 switches the cache off. Default 16384, Open vSwitch: 8192. */
  readonly entries?: number;
  /** One of how many megaflow hits is put in: 1 = every one, 0 = none. Default 100, as Open vSwitch. */
  readonly insertInverse?: number;
}

export class ExactMatchCache {
  readonly enabled: boolean;
  readonly entries: number;
  readonly insertInverse: number;
  /** [0] packets found, [1] keys put in. */
  readonly stats = new Float64Array(2);
  readonly #small: Int32Array;
  readonly #smallMask: number;
  readonly #large: Int32Array;
  readonly #largeMask: number;
  #random = 0x2545f491;
  /** Offers to let pass before the next insertion. */
  #skip = 0;

  constructor(options: EmcOptions = {}) {
    const wanted = options.entries ?? DEFAULT_ENTRIES;
    this.insertInverse = options.insertInverse ?? DEFAULT_INSERT_INVERSE;
    this.enabled = wanted > 0 && this.insertInverse > 0;
    this.entries = this.enabled ? 2 ** Math.ceil(Math.log2(wanted)) : 0;
    const large = Math.max(1, this.entries >> 2);
    this.#smallMask = this.entries - 1;
    this.#largeMask = large - 1;
    this.#small = new Int32Array(this.entries * SMALL);
    this.#large = new Int32Array(this.enabled ? large * LARGE : 0);
    this.clear();
  }

  /** Forgets everything. */
  clear(): void {
    for (let at = FLOW; at < this.#small.length; at += SMALL) this.#small[at] = -1;
    for (let at = FLOW; at < this.#large.length; at += LARGE) this.#large[at] = -1;
  }

  /**
   * Writes flow[i] of every live packet, -1 where the key is not here; the places of those go to `pending`, their number is
   * returned.
   */
  lookup(batch: PacketBatch, pending: Int32Array): number {
    const { drop, shape, hash, keys, flow, count } = batch;
    let misses = 0;
    if (!this.enabled) {
      for (let i = 0; i < count; i++) {
        flow[i] = -1;
        if (drop[i] === 0) pending[misses++] = i;
      }
      return misses;
    }
    const small = this.#small;
    const mask = this.#smallMask;
    let hits = 0;
    for (let i = 0; i < count; i++) {
      if (drop[i] !== 0) {
        flow[i] = -1;
        continue;
      }
      const h = hash[i];
      const k = i * KEY_STRIDE;
      let found = -1;
      if (shape[i] === SHAPE_IPV4_PORTS) {
        const e = (h & mask) * SMALL;
        if (sameIpv4(small, e, h, keys, k)) {
          found = small[e + FLOW];
        } else {
          const other = ((h >>> 13) & mask) * SMALL;
          if (sameIpv4(small, other, h, keys, k)) found = small[other + FLOW];
        }
      } else {
        found = this.#find(h, shape[i], keys, k);
      }
      flow[i] = found;
      if (found >= 0) hits++;
      else pending[misses++] = i;
    }
    this.stats[0] += hits;
    return misses;
  }

  #find(h: number, shape: number, keys: Int32Array, k: number): number {
    const from = shapeStart[shape];
    const to = shapeStart[shape + 1];
    const isSmall = to - from <= SMALL_WORDS;
    const table = isSmall ? this.#small : this.#large;
    const mask = isSmall ? this.#smallMask : this.#largeMask;
    const stride = isSmall ? SMALL : LARGE;
    let e = (h & mask) * stride;
    if (same(table, e, h, shape, from, to, keys, k)) return table[e + FLOW];
    e = ((h >>> 13) & mask) * stride;
    if (same(table, e, h, shape, from, to, keys, k)) return table[e + FLOW];
    return -1;
  }

  /** Offers the packets listed in missed[0, count) that the megaflow cache had, under the insertion policy. */
  offer(batch: PacketBatch, missed: Int32Array, count: number): void {
    if (!this.enabled) return;
    if (this.#skip >= count) {
      this.#skip -= count;
      return;
    }
    for (let p = 0; p < count; p++) if (batch.flow[missed[p]] >= 0) this.offerOne(batch, missed[p]);
  }

  /** Offers one packet. */
  offerOne(batch: PacketBatch, i: number): void {
    if (!this.enabled) return;
    if (this.#skip > 0) {
      this.#skip--;
      return;
    }
    this.insert(batch, i);
    // xorshift32 (Marsaglia 2003): the distance to the next insertion is even over 0 .. 2 (n - 1), so one in n goes in, at
    // the price of one draw an insertion. A plain counter would pick the same flows of a periodic traffic again and again.
    let r = this.#random;
    r ^= r << 13;
    r ^= r >>> 17;
    r ^= r << 5;
    this.#random = r;
    this.#skip = (r >>> 0) % (2 * this.insertInverse - 1);
  }

  /** Puts the key of packet i in, with flow[i]. */
  insert(batch: PacketBatch, i: number): void {
    if (!this.enabled) return;
    const h = batch.hash[i];
    const shape = batch.shape[i];
    const from = shapeStart[shape];
    const to = shapeStart[shape + 1];
    const isSmall = to - from <= SMALL_WORDS;
    const table = isSmall ? this.#small : this.#large;
    const mask = isSmall ? this.#smallMask : this.#largeMask;
    const stride = isSmall ? SMALL : LARGE;
    const k = i * KEY_STRIDE;
    const first = (h & mask) * stride;
    const second = ((h >>> 13) & mask) * stride;
    let e: number;
    if (same(table, first, h, shape, from, to, batch.keys, k)) e = first;
    else if (same(table, second, h, shape, from, to, batch.keys, k)) e = second;
    else if (table[first + FLOW] < 0) e = first;
    else if (table[second + FLOW] < 0) e = second;
    else e = table[first + HASH] >>> 0 <= table[second + HASH] >>> 0 ? first : second;
    table[e + HASH] = h;
    table[e + FLOW] = batch.flow[i];
    table[e + SHAPE] = shape;
    for (let w = from, at = e + WORDS; w < to; w++, at++) table[at] = batch.keys[k + shapeWords[w]];
    this.stats[1]++;
  }

  /** Clears every entry whose megaflow is dead: `dead[flow] !== 0`. */
  sweep(dead: Uint8Array): void {
    for (let at = FLOW; at < this.#small.length; at += SMALL) {
      const flow = this.#small[at];
      if (flow >= 0 && dead[flow] !== 0) this.#small[at] = -1;
    }
    for (let at = FLOW; at < this.#large.length; at += LARGE) {
      const flow = this.#large[at];
      if (flow >= 0 && dead[flow] !== 0) this.#large[at] = -1;
    }
  }

  /** Entries in use. */
  get used(): number {
    let used = 0;
    for (let at = FLOW; at < this.#small.length; at += SMALL) if (this.#small[at] >= 0) used++;
    for (let at = FLOW; at < this.#large.length; at += LARGE) if (this.#large[at] >= 0) used++;
    return used;
  }
}

/**
 * `same` for the commonest shape, without the loop. Not done: differences gathered with ^ and | and tested once: measured
 * 0.8 ns a packet more than the chain of comparisons.
 */
function sameIpv4(table: Int32Array, e: number, h: number, keys: Int32Array, k: number): boolean {
  return (
    table[e + HASH] === h &&
    table[e + SHAPE] === SHAPE_IPV4_PORTS &&
    table[e + WORDS] === keys[k + W_IN_PORT] &&
    table[e + WORDS + 1] === keys[k + W_ETH0] &&
    table[e + WORDS + 2] === keys[k + W_ETH1] &&
    table[e + WORDS + 3] === keys[k + W_ETH2] &&
    table[e + WORDS + 4] === keys[k + W_TYPE] &&
    table[e + WORDS + 5] === keys[k + W_NW_SRC] &&
    table[e + WORDS + 6] === keys[k + W_NW_DST] &&
    table[e + WORDS + 7] === keys[k + W_TOSTTL] &&
    table[e + WORDS + 8] === keys[k + W_PORTS]
  );
}

/** The entry at `e` holds the key at `k`. An empty entry may match: its megaflow is -1, which is the right answer. */
function same(
  table: Int32Array,
  e: number,
  h: number,
  shape: number,
  from: number,
  to: number,
  keys: Int32Array,
  k: number,
): boolean {
  if (table[e + HASH] !== h || table[e + SHAPE] !== shape) return false;
  for (let w = from, at = e + WORDS; w < to; w++, at++) if (table[at] !== keys[k + shapeWords[w]]) return false;
  return true;
}
