/**
 * The first cache: whole keys -> megaflows, in the manner of Open vSwitch's EMC (lib/dpif-netdev-private-dfc.h). A key has
 * two possible places, taken from two parts of its hash; a new key evicts the one place that is free or, failing that, the
 * one whose hash is the smaller (emc_insert()).
 *
 *   entry, 16 words = one cache line:   hash | megaflow | - | - | words 0 to 11 of the key
 *
 * Keys with other words (IPv6, ARP, out of a tunnel) go to a second table of 64-word entries that hold all of a key, a
 * quarter as many. Words that a frame has not are 0 in both keys.
 *
 * Removing a megaflow does not search here. Its number is not given out again before `sweep` has cleared the entries that
 * name it, and until then the number's epoch says that it is gone (datapath.ts): a check that each hit makes anyway.
 */

import { KEY_STRIDE, type PacketBatch } from "../packet/packet-batch.ts";
import type { PacketList } from "../packet/packet-list.ts";
import type { Arena } from "../wasm/arena.ts";
import {
  ENTRY_FLOW,
  ENTRY_HASH,
  ENTRY_KEY,
  type ExactMatchKernel,
  exactMatchModule,
  LARGE_BLOCKS,
  LARGE_ENTRY,
  SECOND_SHIFT,
  SMALL_BLOCKS,
  SMALL_ENTRY,
  SMALL_SHAPE,
} from "./exact-match-kernel.ts";

const HASH = ENTRY_HASH >> 2;
const FLOW = ENTRY_FLOW >> 2;
const WORDS = ENTRY_KEY >> 2;
const SMALL = SMALL_ENTRY >> 2;
const LARGE = LARGE_ENTRY >> 2;

/**
 * Chosen by measurement, MAC rewrite of 60-byte frames, ns a packet (hot-path.ts --flows --masks --emc --insert), before
 * there were kernels and without `weigh`:
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

/**
 * The cache is asked only while it pays. A hit saves as many lookups in subtables as a packet needs without it, a miss costs
 * about as much as one of those, or more when entries come from memory; so of the packets of a window, hits times subtables
 * by megaflow hit must be at least this share of the packets. If not, the next windows go without, then keys are put in quickly
 * for one window, and the one after that is judged again. By packets and not by a clock, so that a run can be repeated.
 *
 * ns a packet with the cache always, never and so, one mask: 1,000 flows 46, 53, 46; 10,000 flows 60, 55, 55; 100,000 flows
 * 91, 59, 60. Open vSwitch always asks.
 */
const WORTH_PERCENT = 90;
const WINDOW = 32768;
const WITHOUT = 32 * WINDOW;
/** One of how many megaflow hits is put in while the cache is tried. */
const TRIAL_INSERT_INVERSE = 8;
/** Flipped in both, unsigned numbers compare as signed ones. */
const SIGN = -0x80000000;
const Phase = { Keep: 0, Without: 1, Fill: 2, Judge: 3 } as const;

export interface EmcOptions {
  /** Entries, rounded up to a power of two; 0 switches the cache off. Default 16384, Open vSwitch: 8192. */
  readonly entries?: number;
  /**
   * One of how many megaflow hits is put in: 1 = every one, 0 = none. Without it 100, as Open vSwitch, more when the cache is
   * tried, and the cache is left out while it does not pay.
   */
  readonly insertInverse?: number;
}

export class ExactMatchCache {
  readonly enabled: boolean;
  readonly entries: number;
  readonly insertInverse: number;
  /** [0] packets found, [1] keys put in. */
  readonly stats = new Float64Array(2);
  readonly #kernel: ExactMatchKernel;
  readonly #small: Int32Array;
  readonly #smallAt: number;
  readonly #smallMask: number;
  readonly #large: Int32Array;
  readonly #largeAt: number;
  readonly #largeMask: number;
  /** It is left out while it does not pay. */
  readonly #adapts: boolean;
  #phase: number = Phase.Fill;
  /** What the window has seen: packets, those not found, subtables tried for these. */
  #packets = 0;
  #missed = 0;
  #tried = 0;
  #window = WINDOW;
  /** Keys put in that `stats` has not yet: this is rare work, which runs unoptimised, and there a double is an object. */
  #inserted = 0;
  /** One of how many is put in at present. */
  #inverse: number;
  #random = 0x2545f491;
  /** Offers to let pass before the next insertion. */
  #skip = 0;

  /** `arena` is that of the pool whose batches are looked up. */
  constructor(arena: Arena, options: EmcOptions = {}) {
    const wanted = options.entries ?? DEFAULT_ENTRIES;
    this.insertInverse = options.insertInverse ?? DEFAULT_INSERT_INVERSE;
    this.enabled = wanted > 0 && this.insertInverse > 0;
    this.#adapts = this.enabled && options.insertInverse === undefined;
    this.#inverse = this.#adapts ? TRIAL_INSERT_INVERSE : this.insertInverse;
    this.entries = this.enabled ? 2 ** Math.ceil(Math.log2(wanted)) : 0;
    const large = this.enabled ? Math.max(1, this.entries >> 2) : 0;
    this.#smallMask = this.entries - 1;
    this.#largeMask = large - 1;
    this.#smallAt = arena.alloc(this.entries * SMALL_ENTRY);
    this.#largeAt = arena.alloc(large * LARGE_ENTRY);
    this.#small = arena.i32(this.#smallAt, this.entries * SMALL);
    this.#large = arena.i32(this.#largeAt, large * LARGE);
    this.#kernel = arena.kernels(exactMatchModule);
    this.clear();
  }

  /** Forgets everything. */
  clear(): void {
    for (let at = FLOW; at < this.#small.length; at += SMALL) this.#small[at] = -1;
    for (let at = FLOW; at < this.#large.length; at += LARGE) this.#large[at] = -1;
  }

  /**
   * Writes flow[i] of every live packet, -1 where the key is not here; the places of those go to `missed`, their number is
   * returned.
   */
  lookup(batch: PacketBatch, missed: PacketList): number {
    const { base, count } = batch;
    if (this.#inserted !== 0) {
      this.stats[1] += this.#inserted;
      this.#inserted = 0;
    }
    const answer =
      this.enabled && this.#phase !== Phase.Without
        ? this.#kernel.lookUp(base, count, this.#smallAt, this.#smallMask, this.#largeAt, this.#largeMask, missed.at)
        : this.#kernel.missAll(base, count, missed.at);
    const misses = answer & 0xff;
    if (this.enabled && this.#phase !== Phase.Without) this.stats[0] += count - misses - (answer >>> 8);
    return misses;
  }

  /** Says how a burst went: live packets, those that the cache did not have, subtables tried for these. */
  weigh(packets: number, missed: number, tried: number): void {
    // Small integers: a double in a field would be a new object at each reset.
    this.#packets = (this.#packets + packets) | 0;
    this.#missed = (this.#missed + missed) | 0;
    this.#tried = (this.#tried + tried) | 0;
    if (this.#packets >= this.#window && this.#adapts) this.#decide();
  }

  #decide(): void {
    // In whole numbers, and without a division: code that is not optimised makes an object of each fraction.
    const found = this.#packets - this.#missed;
    let subtables = 1;
    for (let more = this.#tried - 2 * this.#missed; more >= 0 && this.#missed > 0; more -= this.#missed) subtables++;
    const pays = 100 * found * subtables >= WORTH_PERCENT * this.#packets;
    if (this.#phase === Phase.Without) this.#phase = Phase.Fill;
    else if (this.#phase === Phase.Fill) this.#phase = Phase.Judge;
    else this.#phase = pays ? Phase.Keep : Phase.Without;
    this.#window = this.#phase === Phase.Without ? WITHOUT : WINDOW;
    this.#inverse = this.#phase === Phase.Fill ? TRIAL_INSERT_INVERSE : this.insertInverse;
    this.#skip = 0;
    this.#packets = 0;
    this.#missed = 0;
    this.#tried = 0;
  }

  /** Offers the packets listed in missed[0, count) that the megaflow cache had, under the insertion policy. */
  offer(batch: PacketBatch, missed: PacketList, count: number): void {
    if (!this.enabled || this.#phase === Phase.Without) return;
    if (this.#skip >= count) {
      this.#skip -= count;
      return;
    }
    for (let p = 0; p < count; p++) if (batch.flow[missed.words[p]] >= 0) this.offerOne(batch, missed.words[p]);
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
    this.#skip = (r & 0x7fffffff) % (2 * this.#inverse - 1);
  }

  /** Puts the key of packet i in, with flow[i]. */
  insert(batch: PacketBatch, i: number): void {
    if (!this.enabled) return;
    const h = batch.hash[i];
    const isSmall = (batch.shape[i] & ~SMALL_SHAPE) === 0;
    const table = isSmall ? this.#small : this.#large;
    const mask = isSmall ? this.#smallMask : this.#largeMask;
    const stride = isSmall ? SMALL : LARGE;
    const words = 4 * (isSmall ? SMALL_BLOCKS : LARGE_BLOCKS);
    const k = i * KEY_STRIDE;
    const first = (h & mask) * stride;
    const second = ((h >>> SECOND_SHIFT) & mask) * stride;
    let e: number;
    if (same(table, first, words, batch.keys, k)) e = first;
    else if (same(table, second, words, batch.keys, k)) e = second;
    else if (table[first + FLOW] < 0) e = first;
    else if (table[second + FLOW] < 0) e = second;
    else e = (table[first + HASH] ^ SIGN) <= (table[second + HASH] ^ SIGN) ? first : second;
    table[e + HASH] = h;
    table[e + FLOW] = batch.flow[i];
    for (let w = 0; w < words; w++) table[e + WORDS + w] = batch.keys[k + w];
    this.#inserted++;
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

/** The entry at `e` holds the key at `k`. An empty entry may match: its megaflow is -1, which is the right answer. */
function same(table: Int32Array, e: number, words: number, keys: Int32Array, k: number): boolean {
  for (let w = 0; w < words; w++) if (table[e + WORDS + w] !== keys[k + w]) return false;
  return true;
}
