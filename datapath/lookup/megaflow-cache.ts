/**
 * The second cache: megaflows, which match on the bits that translation looked at. For each input port a list of subtables
 * (one per mask), tried in the order of their hits until one has the packet; a megaflow never overlaps another, so the
 * first answer is the only one (OVS: struct dpcls, one per input port, sorted once a second; here sorted by packets seen,
 * so that a run does not depend on a clock).
 *
 * A megaflow is a number. What a hit touches lies in one record of 64 bytes, a cache line: 6.5 ns a packet for the
 * updates of a hit among 100,000 megaflows at random, against 7.6 ns with a column each (packets, bytes, used, ...).
 *
 *   record:  f64 0 packets | 1 bytes | 2 used, ns | 3 packets and 4 bytes credited so far
 *            i32 10 program | 11 epoch | 12 batch stamp | 13 group in that batch | 14 mask | 15 alive
 *
 * A removed number stays in quarantine, its epoch GONE, until `recycle` has swept the exact-match cache; only then it is
 * given out again. So an entry of the exact-match cache never names a megaflow that it was not made for, and the check
 * costs nothing: the epoch of a hit is compared anyway.
 */

import { KEY_WORDS, W_IN_PORT } from "../flow/flow-key.ts";
import { sameWords } from "../flow/flow-mask.ts";
import { hashAdd } from "../flow/hash.ts";
import type { PacketBatch } from "../packet/packet-batch.ts";
import { PacketList } from "../packet/packet-list.ts";
import type { Arena } from "../wasm/arena.ts";
import { type MegaflowKernel, megaflowModule } from "./megaflow-kernel.ts";
import { Subtable } from "./subtable.ts";

/** Doubles and int32 words of a record. */
export const RECORD_F64 = 8;
export const RECORD_I32 = 16;
export const F_PACKETS = 0;
export const F_BYTES = 1;
export const F_USED = 2;
export const F_CREDITED_PACKETS = 3;
export const F_CREDITED_BYTES = 4;
export const I_PROGRAM = 10;
export const I_EPOCH = 11;
export const I_STAMP = 12;
export const I_GROUP = 13;
export const I_MASK = 14;
export const I_ALIVE = 15;
/** Epoch of a number that is no megaflow: no epoch of a handler equals it. */
export const GONE = -1;

/** Subtables are ranked anew after this many packets looked up: about the rate of OVS's once a second at 60 kpps. */
const RANK_PACKETS = 65536;
const FIRST_FLOWS = 1024;
const FIRST_SUBTABLES = 16;

/** The subtables of one input port, in rank order. */
class Classifier {
  readonly subtables: Subtable[] = [];
  packets = 0;
  /** Addresses of the subtables, for the kernel. */
  list: Int32Array;
  listAt: number;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.listAt = arena.alloc(4 * FIRST_SUBTABLES);
    this.list = arena.i32(this.listAt, FIRST_SUBTABLES);
  }

  /** After each change of `subtables`. */
  publish(): void {
    const { subtables } = this;
    if (subtables.length > this.list.length) {
      this.#arena.free(this.listAt, 4 * this.list.length);
      const places = 2 * this.list.length;
      this.listAt = this.#arena.alloc(4 * places);
      this.list = this.#arena.i32(this.listAt, places);
    }
    for (let n = 0; n < subtables.length; n++) this.list[n] = subtables[n].at;
  }
}

export class MegaflowCache {
  /** Most megaflows at a time (OVS: flow-limit, 200,000). */
  readonly limit: number;
  count = 0;
  /** [0] packets found, [1] subtables tried, over all packets looked up (OVS: masked lookups). */
  readonly stats = new Float64Array(2);
  /** Records; replaced when they grow, so read them anew for each burst. */
  f64: Float64Array;
  i32: Int32Array;
  /** Their address, for kernels. */
  recordsAt: number;
  /** Full key of the packet that made megaflow n: KEY_WORDS words at n * KEY_WORDS. */
  keys: Int32Array;
  readonly #classifiers: (Classifier | undefined)[] = [];
  readonly #masks: Int32Array[] = [];
  readonly #maskIds = new Map<number, number[]>();
  readonly #maskUsers: number[] = [];
  #free: number[] = [];
  #quarantine: number[] = [];
  readonly #kernel: MegaflowKernel;
  /** Packets of one port, and those of them that are in no subtable. */
  readonly #mine: PacketList;
  readonly #left: PacketList;
  /** Where the kernel says how many lookups in subtables it made. */
  readonly #lookups: Int32Array;
  readonly #lookupsAt: number;
  /** Numbers given out so far. */
  #top = 0;
  #dead = new Uint8Array(FIRST_FLOWS);
  #capacity = FIRST_FLOWS;

  readonly arena: Arena;

  /** `arena` is that of the pool whose batches are looked up. */
  constructor(arena: Arena, limit = 200_000) {
    this.arena = arena;
    this.limit = limit;
    this.#kernel = arena.kernels(megaflowModule);
    this.#mine = new PacketList(arena);
    this.#left = new PacketList(arena);
    this.#lookupsAt = arena.alloc(4);
    this.#lookups = arena.i32(this.#lookupsAt, 1);
    this.recordsAt = arena.alloc(FIRST_FLOWS * RECORD_F64 * 8);
    this.f64 = arena.f64(this.recordsAt, FIRST_FLOWS * RECORD_F64);
    this.i32 = arena.i32(this.recordsAt, FIRST_FLOWS * RECORD_I32);
    this.keys = new Int32Array(FIRST_FLOWS * KEY_WORDS);
  }

  /** Different masks in use. */
  get masks(): number {
    let used = 0;
    for (const users of this.#maskUsers) if (users > 0) used++;
    return used;
  }

  /** Subtables in use, over all input ports. */
  get subtables(): number {
    let n = 0;
    for (const classifier of this.#classifiers) if (classifier !== undefined) n += classifier.subtables.length;
    return n;
  }

  /** Looks up the packets wanted[0, count): writes flow[i] of those found, lists the others in `open`, returns how many. */
  lookup(batch: PacketBatch, wanted: PacketList, count: number, open: PacketList): number {
    if (count === 0) return 0;
    if (this.#kernel.samePort(batch.base, wanted.at, count) !== 0) {
      return this.#search(batch, batch.inPort[wanted.words[0]], wanted, count, open);
    }
    // A burst of several ports: each port's packets together, in order of their first.
    const mine = this.#mine;
    const left = this.#left;
    let total = 0;
    let done = 0;
    for (let p = 0; p < count; p++) {
      const first = wanted.words[p];
      if (((done >>> first) & 1) !== 0) continue;
      const port = batch.inPort[first];
      let n = 0;
      for (let q = p; q < count; q++) {
        const i = wanted.words[q];
        if (batch.inPort[i] !== port) continue;
        done |= 1 << i;
        mine.words[n++] = i;
      }
      const rest = this.#search(batch, port, mine, n, left);
      for (let r = 0; r < rest; r++) open.words[total++] = left.words[r];
    }
    return total;
  }

  #search(batch: PacketBatch, port: number, wanted: PacketList, count: number, open: PacketList): number {
    const classifier = port < this.#classifiers.length ? this.#classifiers[port] : undefined;
    if (classifier === undefined) {
      for (let p = 0; p < count; p++) open.words[p] = wanted.words[p];
      return count;
    }
    const subtables = classifier.subtables.length;
    const left = this.#kernel.search(
      batch.base,
      wanted.at,
      count,
      open.at,
      classifier.listAt,
      subtables,
      this.#lookupsAt,
    );
    this.stats[0] += count - left;
    this.stats[1] += this.#lookups[0];
    classifier.packets += count;
    if (classifier.packets >= RANK_PACKETS) rank(classifier);
    return left;
  }

  /**
   * The megaflow of `epoch` that the key is in; failing that, of the stale ones that it is in, the one with the lowest
   * number; -1 = none. Of the current epoch there is at most one, so the answer depends neither on the rank of subtables
   * nor on the exact-match cache: every worker gets the same. For the slow side.
   */
  find(keys: Int32Array, at: number, epoch: number): number {
    let stale = -1;
    for (const subtable of this.#classifiers[keys[at + W_IN_PORT]]?.subtables ?? []) {
      const flow = subtable.find(keys, at);
      if (flow < 0) continue;
      if (this.i32[flow * RECORD_I32 + I_EPOCH] === epoch) return flow;
      if (stale < 0 || flow < stale) stale = flow;
    }
    return stale;
  }

  /**
   * Adds a megaflow for the packet with this key. `mask` as of `installedMask`. Returns its number, or -1 when the limit is
   * reached or only numbers in quarantine are left (`recycle` frees them).
   */
  add(keys: Int32Array, at: number, mask: Int32Array, program: number, epoch: number, now: number): number {
    if (this.count >= this.limit) return -1;
    const flow = this.#number();
    if (flow < 0) return -1;
    const maskId = this.#maskId(mask);
    this.#maskUsers[maskId]++;
    const port = keys[at + W_IN_PORT];
    while (this.#classifiers.length <= port) this.#classifiers.push(undefined);
    const classifier = (this.#classifiers[port] ??= new Classifier(this.arena));
    let subtable = classifier.subtables.find((candidate) => candidate.maskId === maskId);
    if (subtable === undefined) {
      subtable = new Subtable(this.arena, this.#masks[maskId], maskId);
      classifier.subtables.push(subtable);
      classifier.publish();
    }
    subtable.add(keys, at, flow);
    for (let w = 0; w < KEY_WORDS; w++) this.keys[flow * KEY_WORDS + w] = keys[at + w];
    const f = flow * RECORD_F64;
    this.f64.fill(0, f, f + RECORD_F64);
    this.f64[f + F_USED] = now;
    const r = flow * RECORD_I32;
    this.i32[r + I_PROGRAM] = program;
    this.i32[r + I_EPOCH] = epoch;
    this.i32[r + I_STAMP] = -1;
    this.i32[r + I_MASK] = maskId;
    this.i32[r + I_ALIVE] = 1;
    this.count++;
    return flow;
  }

  /** Takes a megaflow out; its number goes into quarantine. */
  remove(flow: number): void {
    const r = flow * RECORD_I32;
    if (this.i32[r + I_ALIVE] === 0) return;
    const port = this.keys[flow * KEY_WORDS + W_IN_PORT];
    const maskId = this.i32[r + I_MASK];
    const classifier = this.#classifiers[port];
    const subtables = classifier?.subtables ?? [];
    const s = subtables.findIndex((candidate) => candidate.maskId === maskId);
    if (s < 0 || !subtables[s].remove(this.keys, flow * KEY_WORDS)) {
      throw new Error(`megaflow ${flow} of port ${port} is not in its subtable`);
    }
    if (subtables[s].count === 0) {
      subtables[s].dispose();
      subtables.splice(s, 1);
      classifier?.publish();
    }
    this.#maskUsers[maskId]--;
    this.i32[r + I_ALIVE] = 0;
    this.i32[r + I_EPOCH] = GONE;
    this.#dead[flow] = 1;
    this.#quarantine.push(flow);
    this.count--;
  }

  alive(flow: number): boolean {
    return flow >= 0 && flow < this.#top && this.i32[flow * RECORD_I32 + I_ALIVE] !== 0;
  }

  /** Numbers of all megaflows, in ascending order. */
  *numbers(): Generator<number> {
    for (let flow = 0; flow < this.#top; flow++) if (this.i32[flow * RECORD_I32 + I_ALIVE] !== 0) yield flow;
  }

  /** The first number in use from `from` on, -1 when there is none: `numbers` without an object for each. */
  next(from: number): number {
    for (let flow = from; flow < this.#top; flow++) if (this.i32[flow * RECORD_I32 + I_ALIVE] !== 0) return flow;
    return -1;
  }

  maskOf(flow: number): Int32Array {
    return this.#masks[this.i32[flow * RECORD_I32 + I_MASK]];
  }

  /** Numbers that wait for the exact-match cache to forget them. */
  get quarantined(): number {
    return this.#quarantine.length;
  }

  /** `forget` clears the exact-match cache of the dead numbers; then they are free again. */
  recycle(forget: (dead: Uint8Array) => void): void {
    if (this.#quarantine.length === 0) return;
    forget(this.#dead);
    for (const flow of this.#quarantine) {
      this.#dead[flow] = 0;
      this.#free.push(flow);
    }
    this.#quarantine = [];
  }

  #number(): number {
    const reused = this.#free.pop();
    if (reused !== undefined) return reused;
    // Twice the limit, so that a full cache that is emptied can be filled again before a sweep is due.
    if (this.#top >= 2 * this.limit) return -1;
    if (this.#top === this.#capacity) this.#grow();
    return this.#top++;
  }

  #grow(): void {
    const bytes = this.#capacity * RECORD_F64 * 8;
    this.#capacity *= 2;
    const at = this.arena.alloc(2 * bytes);
    const f64 = this.arena.f64(at, this.#capacity * RECORD_F64);
    f64.set(this.f64);
    this.arena.free(this.recordsAt, bytes);
    this.recordsAt = at;
    this.f64 = f64;
    this.i32 = this.arena.i32(at, this.#capacity * RECORD_I32);
    const keys = new Int32Array(this.#capacity * KEY_WORDS);
    keys.set(this.keys);
    this.keys = keys;
    const dead = new Uint8Array(this.#capacity);
    dead.set(this.#dead);
    this.#dead = dead;
  }

  /** Found by a hash of its words: making a name of a mask took longer than all else that an upcall does here. */
  #maskId(mask: Int32Array): number {
    let hash = 0;
    for (let w = 0; w < KEY_WORDS; w++) hash = hashAdd(hash, mask[w]);
    let ids = this.#maskIds.get(hash);
    if (ids === undefined) this.#maskIds.set(hash, (ids = []));
    for (const known of ids) if (sameWords(this.#masks[known], mask)) return known;
    const id = this.#masks.length;
    ids.push(id);
    this.#masks.push(mask.slice());
    this.#maskUsers.push(0);
    return id;
  }
}

/** By falling hits; equals keep their order. Old hits count half, as does the past of a moving average. */
function rank(classifier: Classifier): void {
  classifier.packets = 0;
  const list = classifier.subtables;
  // Insertion sort in place: the list is nearly sorted, and Array.prototype.sort would allocate on the packet path.
  for (let n = 1; n < list.length; n++) {
    const moving = list[n];
    let to = n;
    while (to > 0 && list[to - 1].hits < moving.hits) {
      list[to] = list[to - 1];
      to--;
    }
    list[to] = moving;
  }
  for (let n = 0; n < list.length; n++) list[n].hits = list[n].hits >>> 1;
  classifier.publish();
}
