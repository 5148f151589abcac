/**
 * An Ethernet segment: the wire that joins the NICs of several hosts, as a learning switch would (in the article, the
 * underlay between the three machines). Frames are counted once, when they are put on it. MAC addresses are learned
 * from every frame and never age: hosts do not move within a run.
 *
 *   learned address: 48 bits as (first 4 bytes, last 2 bytes) in an open-addressing table of parallel columns
 */
import { Speculation } from "./packet/speculation.ts";
import { ETHERTYPE_VLAN } from "./wire/ethernet.ts";
import { VLAN_TAG_LEN } from "./wire/vlan.ts";

const SIZE = 4096;
const MASK = SIZE - 1;
/** Filled to three quarters at most; what does not fit is flooded, as a switch with a full table does. */
const LIMIT = (SIZE * 3) / 4;
/** An untagged Ethernet frame with 1500 bytes in it, without frame check sequence. */
const LONGEST = 1514;

export class Segment {
  readonly name: string;
  readonly members: number;
  /** [0] frames and [1] bytes put on the wire, [2] frames that a card with an MTU of 1500 bytes would not send. */
  readonly counts = new Float64Array(3);
  /** Told when an address is learned from a frame that was put on this wire here; for wires that several threads share. */
  onLearn: ((high: number, low: number, member: number) => void) | null = null;
  readonly #speculation: Speculation;
  readonly #high = new Int32Array(SIZE);
  readonly #low = new Int32Array(SIZE);
  readonly #member = new Int8Array(SIZE).fill(-1);
  #known = 0;

  /** `speculation` is set while the thread runs ahead of what it may change: then no address is learned. */
  constructor(name: string, members: number, speculation = new Speculation()) {
    if (members > 127) throw new Error(`wire ${name}: ${members} members, expected at most 127`);
    this.name = name;
    this.members = members;
    this.#speculation = speculation;
  }

  get frames(): number {
    return this.counts[0];
  }

  get bytes(): number {
    return this.counts[1];
  }

  /** Of `frames`, those of more than 1500 bytes behind the Ethernet header and a tag. */
  get longFrames(): number {
    return this.counts[2];
  }

  /** The frame [start, end) is put on the wire. */
  count(view: DataView, start: number, end: number): void {
    this.counts[0]++;
    this.counts[1] += end - start;
    if (end - start > LONGEST + (view.getUint16(start + 12) === ETHERTYPE_VLAN ? VLAN_TAG_LEN : 0)) this.counts[2]++;
  }

  /** Notes that the address (its first 4 and last 2 bytes) is behind `member`. Group addresses are not learned. True: that was new. */
  learn(high: number, low: number, member: number): boolean {
    if ((high & 0x01000000) !== 0) return false;
    const place = this.#find(high, low);
    if (this.#member[place] === member) return false;
    this.#speculation.failed = true;
    if (this.#speculation.active) return false;
    if (this.#member[place] === -1) {
      if (this.#known === LIMIT) return false;
      this.#known++;
    }
    this.#high[place] = high;
    this.#low[place] = low;
    this.#member[place] = member;
    return true;
  }

  /** Learns the source of the frame at `at`, which came from `from`; returns the member it goes to, -1 for all others. */
  forward(view: DataView, at: number, from: number): number {
    const source = view.getInt32(at + 6);
    const low = view.getUint16(at + 10);
    if (this.learn(source, low, from) && this.onLearn !== null) this.onLearn(source, low, from);
    const high = view.getInt32(at);
    if ((high & 0x01000000) !== 0) return -1;
    return this.#member[this.#find(high, view.getUint16(at + 4))];
  }

  /** The place of an address, or the free one where it would go. */
  #find(high: number, low: number): number {
    let place = (Math.imul(high ^ (low << 7) ^ low, 0x9e3779b1) >>> 16) & MASK;
    while (this.#member[place] !== -1 && (this.#high[place] !== high || this.#low[place] !== low)) {
      place = (place + 1) & MASK;
    }
    return place;
  }
}
