/**
 * The neighbour table of a namespace (`ip neigh`), for ARP and Neighbour Discovery alike, with the states of RFC 4861 7.3.2
 * as Linux keeps them (net/core/neighbour.c):
 *
 *   None --use--> Incomplete --answer--> Reachable --30 s--> Stale --use--> Delay --5 s--> Probe --3 s--> Failed
 *                     |  3 requests, 1 s apart, unanswered                     (the last three only with probing on)
 *                     +--> Failed --use--> Incomplete
 *
 * Columns; entries are found by interface and address through chained buckets. An IPv4 address is stored in its mapped
 * form, ::ffff:a.b.c.d, so that one table and one key serve both families.
 */
import { ipv6ToText, macToText } from "../wire/addresses.ts";

/** From Stale on, an entry has a MAC address that packets may use; from Reachable on, without further thought. */
export const Nud = {
  None: 0,
  Incomplete: 1,
  Failed: 2,
  Stale: 3,
  Delay: 4,
  Probe: 5,
  Reachable: 6,
  Permanent: 7,
  /** The broadcast addresses of the subnets: no question is ever asked (`ip neigh` does not show them). */
  NoArp: 8,
} as const;
export type Nud = (typeof Nud)[keyof typeof Nud];
const nudNames = Object.keys(Nud).map((name) => name.toUpperCase());

/** An answer newer than this does not replace another one (sysctl locktime, 1 s). */
const LOCK_NS = 1e9;
const BUCKETS = 2048;
/** The third word of ::ffff:a.b.c.d. */
export const MAPPED = 0xffff;

export class NeighbourTable {
  readonly capacity: number;
  count = 0;
  readonly state: Uint8Array;
  readonly dev: Int32Array;
  /** Address of entry n: words[4 * n] to words[4 * n + 3]. */
  readonly words: Int32Array;
  readonly macHigh: Int32Array;
  readonly macLow: Int32Array;
  /** When the MAC address or the state was set last, ns. */
  readonly updated: Float64Array;
  /** When the neighbour was last known to be reachable, ns. */
  readonly confirmed: Float64Array;
  readonly used: Float64Array;
  /** When the state machine acts next, ns; Infinity = never. */
  readonly due: Float64Array;
  /** Requests sent since the entry became Incomplete or Probe. */
  readonly probes: Uint8Array;
  /** Packets that wait for an answer: a list in WaitingPackets. */
  readonly waitingHead: Int32Array;
  readonly waitingTail: Int32Array;
  readonly waitingCount: Int32Array;
  readonly #bucket = new Int32Array(BUCKETS).fill(-1);
  readonly #next: Int32Array;
  readonly #clock: Float64Array;
  #free = 0;

  /** `capacity` entries; Linux's gc_thresh3 is 1024. `clock[0]` is the time, ns: an argument would become an object. */
  constructor(clock: Float64Array, capacity = 1024) {
    this.#clock = clock;
    this.capacity = capacity;
    this.state = new Uint8Array(capacity);
    this.dev = new Int32Array(capacity);
    this.words = new Int32Array(4 * capacity);
    this.macHigh = new Int32Array(capacity);
    this.macLow = new Int32Array(capacity);
    this.updated = new Float64Array(capacity);
    this.confirmed = new Float64Array(capacity);
    this.used = new Float64Array(capacity);
    this.due = new Float64Array(capacity).fill(Infinity);
    this.probes = new Uint8Array(capacity);
    this.waitingHead = new Int32Array(capacity).fill(-1);
    this.waitingTail = new Int32Array(capacity).fill(-1);
    this.waitingCount = new Int32Array(capacity);
    // Free entries are chained through the bucket links, used ones lie in their bucket's chain.
    this.#next = Int32Array.from({ length: capacity }, (_, i) => (i + 1 < capacity ? i + 1 : -1));
  }

  /** The entry for an IPv4 address on an interface, -1 = none. */
  findIpv4(dev: number, address: number): number {
    const { words } = this;
    let n = this.#bucket[hash(dev, address)];
    while (n >= 0) {
      if (words[4 * n + 3] === address && this.dev[n] === dev && words[4 * n + 2] === MAPPED && words[4 * n] === 0) {
        return n;
      }
      n = this.#next[n];
    }
    return -1;
  }

  /** The entry for any address, given as four words. */
  find(dev: number, w0: number, w1: number, w2: number, w3: number): number {
    const { words } = this;
    let n = this.#bucket[hash(dev, w3)];
    while (n >= 0) {
      const at = 4 * n;
      if (words[at + 3] === w3 && this.dev[n] === dev && words[at + 2] === w2) {
        if (words[at + 1] === w1 && words[at] === w0) return n;
      }
      n = this.#next[n];
    }
    return -1;
  }

  /** A new entry in state None, or -1: the table is full of entries that are permanent or have packets waiting. */
  create(dev: number, w0: number, w1: number, w2: number, w3: number): number {
    if (this.#free < 0) this.#evict();
    const n = this.#free;
    if (n < 0) return -1;
    this.#free = this.#next[n];
    const bucket = hash(dev, w3);
    this.#next[n] = this.#bucket[bucket];
    this.#bucket[bucket] = n;
    this.state[n] = Nud.None;
    this.dev[n] = dev;
    const at = 4 * n;
    this.words[at] = w0;
    this.words[at + 1] = w1;
    this.words[at + 2] = w2;
    this.words[at + 3] = w3;
    this.macHigh[n] = 0;
    this.macLow[n] = 0;
    const now = this.#clock[0];
    this.updated[n] = now;
    this.confirmed[n] = now;
    this.used[n] = now;
    this.due[n] = Infinity;
    this.probes[n] = 0;
    this.count++;
    return n;
  }

  isIpv4(n: number): boolean {
    return this.words[4 * n + 2] === MAPPED && this.words[4 * n + 1] === 0 && this.words[4 * n] === 0;
  }

  /**
   * What was heard about a neighbour (Linux: neigh_update): the MAC address and the state it gives. A known other MAC
   * address is replaced only with `override`. Permanent entries stay. True when packets that wait can now go.
   */
  update(n: number, high: number, low: number, state: Nud, override: boolean): boolean {
    if (this.keeps(n, high, low, state, override)) return false;
    const valid = this.state[n] >= Nud.Stale;
    const now = this.#clock[0];
    if (state === Nud.Reachable) this.confirmed[n] = now;
    this.updated[n] = now;
    this.macHigh[n] = high;
    this.macLow[n] = low;
    this.state[n] = state;
    this.due[n] = Infinity;
    this.probes[n] = 0;
    return !valid;
  }

  /** `update` with these values would change nothing. */
  keeps(n: number, high: number, low: number, state: Nud, override: boolean): boolean {
    const old = this.state[n];
    if (old >= Nud.Permanent) return true;
    if (old < Nud.Stale) return false;
    const same = this.macHigh[n] === high && this.macLow[n] === low;
    // "If entry was valid and address is not changed, do not change entry state, if new one is STALE."
    return same ? state === Nud.Stale : !override;
  }

  /** The first answer within a second wins (Linux: locktime). */
  isLocked(n: number): boolean {
    return this.#clock[0] <= this.updated[n] + LOCK_NS;
  }

  /** The table as `ip neigh` prints it, sorted by address; `names` are the interfaces'. */
  lines(names: readonly string[]): string[] {
    const lines: string[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      for (let n = this.#bucket[bucket]; n >= 0; n = this.#next[n]) {
        if (this.state[n] === Nud.NoArp) continue;
        const text = this.isIpv4(n) ? ipv6ToText(this.words, 4 * n).slice(7) : ipv6ToText(this.words, 4 * n);
        const mac = this.state[n] >= Nud.Stale ? ` lladdr ${macToText(this.macHigh[n], this.macLow[n])}` : "";
        lines.push(`${text} dev ${names[this.dev[n]]}${mac} ${nudNames[this.state[n]]}`);
      }
    }
    return lines.sort();
  }

  /** Frees the entry that was updated longest ago, of those that nothing holds (Linux: neigh_forced_gc). */
  #evict(): void {
    let oldest = -1;
    for (let n = 0; n < this.capacity; n++) {
      if (this.state[n] >= Nud.Permanent || this.state[n] === Nud.Incomplete || this.waitingCount[n] > 0) continue;
      if (oldest < 0 || this.updated[n] < this.updated[oldest]) oldest = n;
    }
    if (oldest < 0) return;
    const bucket = hash(this.dev[oldest], this.words[4 * oldest + 3]);
    if (this.#bucket[bucket] === oldest) this.#bucket[bucket] = this.#next[oldest];
    else {
      let n = this.#bucket[bucket];
      while (this.#next[n] !== oldest) n = this.#next[n];
      this.#next[n] = this.#next[oldest];
    }
    this.#next[oldest] = this.#free;
    this.#free = oldest;
    this.state[oldest] = Nud.None;
    this.due[oldest] = Infinity;
    this.count--;
  }
}

function hash(dev: number, word: number): number {
  return Math.imul(word ^ (dev << 16), 0x9e3779b1) >>> 21; // 11 bits: BUCKETS
}
