/**
 * What a bridge's NORMAL has learned: (VLAN, MAC address) -> port, as Open vSwitch keeps it (lib/mac-learning.c of 3.1):
 * entries age after 300 s without a packet from the address; when the table is full the port with the most entries loses
 * its least recently seen one, so that one noisy port cannot push out the others; sources that are group addresses are
 * never learned. Asked only on the slow path, so entries are plain objects in a list in order of last sight.
 */

/** Seconds without a packet after which an entry goes (MAC_ENTRY_DEFAULT_IDLE_TIME). */
export const MAC_AGEING_SECONDS = 300;
/** Entries at most (MAC_DEFAULT_MAX of Open vSwitch 3.x). */
export const MAC_TABLE_LIMIT = 8192;

const NS = 1e9;

export interface MacEntry {
  readonly vlan: number;
  /** The address as two words: first four bytes, last two. */
  readonly high: number;
  readonly low: number;
  /** OpenFlow port number. */
  port: number;
  /** Virtual time of the last packet from the address, ns. */
  seen: number;
  older: MacEntry | undefined;
  newer: MacEntry | undefined;
}

const second = (ns: number): number => Math.floor(ns / NS);

/**
 * Ports by how many entries they have, the fullest first (OVS: ports_by_usage, a binary heap). Between ports that have as many
 * the heap's own order decides, so it is kept as there (lib/heap.c).
 */
class PortUsage {
  private readonly heap: { readonly port: number; count: number }[] = [];

  /** -1 when there is none. */
  get fullest(): number {
    return this.heap[0]?.port ?? -1;
  }

  add(port: number, change: 1 | -1): void {
    const at = this.heap.findIndex((one) => one.port === port);
    if (at < 0) {
      this.heap.push({ port, count: 1 });
      this.rise(this.heap.length - 1);
      return;
    }
    this.heap[at].count += change;
    if (this.heap[at].count === 0) {
      const last = this.heap.pop()!;
      if (at === this.heap.length) return;
      this.heap[at] = last;
    }
    if (this.rise(at) === at) this.sink(at);
  }

  clear(): void {
    this.heap.length = 0;
  }

  private swap(a: number, b: number): void {
    const { heap } = this;
    [heap[a], heap[b]] = [heap[b], heap[a]];
  }

  private rise(from: number): number {
    let at = from;
    for (let up = (at - 1) >> 1; at > 0 && this.heap[up].count < this.heap[at].count; up = (at - 1) >> 1) {
      this.swap(at, up);
      at = up;
    }
    return at;
  }

  private sink(from: number): void {
    const { heap } = this;
    for (let at = from; ; ) {
      let most = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && heap[child].count > heap[most].count) most = child;
      if (most === at) return;
      this.swap(at, most);
      at = most;
    }
  }
}

/** 48 bits fit a number exactly. */
const macNumber = (high: number, low: number): number => (high >>> 0) * 0x10000 + (low & 0xffff);

export class MacTable {
  readonly limit: number;
  readonly ageing: number;
  private readonly vlans = new Map<number, Map<number, MacEntry>>();
  private oldest: MacEntry | undefined;
  private newest: MacEntry | undefined;
  private count = 0;
  private readonly usage = new PortUsage();

  /** `limit` in entries, `ageing` in seconds. */
  constructor(limit = MAC_TABLE_LIMIT, ageing = MAC_AGEING_SECONDS) {
    this.limit = limit;
    this.ageing = ageing;
  }

  get size(): number {
    return this.count;
  }

  /** The port behind which the address was last seen, or -1. Group addresses are never known. */
  lookup(vlan: number, high: number, low: number): number {
    return this.vlans.get(vlan)?.get(macNumber(high, low))?.port ?? -1;
  }

  /** Learning this would change what is known. */
  isNews(vlan: number, high: number, low: number, port: number): boolean {
    return (high & 0x01000000) === 0 && this.lookup(vlan, high, low) !== port;
  }

  /**
   * A packet from the address came in at `port` at `now` (ns). Returns true when that was news (a new address, or one
   * that has moved): whatever was translated before may be stale then. What was seen in the same second already stays where
   * it is in the order of last sight, unless the packet is a `gratuitous` ARP (is_mac_learning_update_needed).
   */
  learn(vlan: number, high: number, low: number, port: number, now: number, gratuitous = false): boolean {
    if ((high & 0x01000000) !== 0) return false;
    const mac = macNumber(high, low);
    let macs = this.vlans.get(vlan);
    if (macs === undefined) {
      macs = new Map();
      this.vlans.set(vlan, macs);
    }
    const known = macs.get(mac);
    if (known !== undefined) {
      if (known.port === port && !gratuitous && second(now) === second(known.seen)) return false;
      if (now > known.seen) known.seen = now;
      this.unlink(known);
      this.append(known);
      if (known.port === port) return false;
      this.usage.add(known.port, -1);
      this.usage.add(port, 1);
      known.port = port;
      return true;
    }
    if (this.count >= this.limit) this.evict();
    const entry: MacEntry = { vlan, high, low, port, seen: now, older: undefined, newer: undefined };
    macs.set(mac, entry);
    this.append(entry);
    this.usage.add(port, 1);
    this.count++;
    return true;
  }

  /** Takes out what is older than the ageing time at `now` (ns); returns how many went. */
  expire(now: number): number {
    let gone = 0;
    while (this.oldest !== undefined && second(now) - second(this.oldest.seen) >= this.ageing) {
      this.remove(this.oldest);
      gone++;
    }
    return gone;
  }

  /** Forgets everything. */
  flush(): void {
    this.vlans.clear();
    this.usage.clear();
    this.oldest = undefined;
    this.newest = undefined;
    this.count = 0;
  }

  /** Entries, least recently seen first. */
  *entries(): IterableIterator<MacEntry> {
    for (let entry = this.oldest; entry !== undefined; entry = entry.newer) yield entry;
  }

  /** Fair eviction: the oldest entry of the port that has the most (evict_mac_entry_fairly). */
  private evict(): void {
    const { fullest } = this.usage;
    for (const entry of this.entries()) {
      if (entry.port !== fullest) continue;
      this.remove(entry);
      return;
    }
  }

  private remove(entry: MacEntry): void {
    this.unlink(entry);
    this.vlans.get(entry.vlan)?.delete(macNumber(entry.high, entry.low));
    this.usage.add(entry.port, -1);
    this.count--;
  }

  private append(entry: MacEntry): void {
    entry.older = this.newest;
    entry.newer = undefined;
    if (this.newest === undefined) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
  }

  private unlink(entry: MacEntry): void {
    if (entry.older === undefined) this.oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.newest = entry.older;
    else entry.newer.older = entry.older;
  }
}
