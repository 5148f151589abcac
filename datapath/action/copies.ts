/** Copies of packets that a part of a program works on, while the originals wait: `clone`. */
import { C_COPIES, type Counters } from "../counters.ts";
import { Drop } from "../packet/drop.ts";
import { BURST, PacketBatch } from "../packet/packet-batch.ts";
import type { PacketPool } from "../packet/packet-pool.ts";
import type { Chain } from "./chain.ts";

/** A batch and the chain of all its packets. */
export class CopySet implements Chain {
  readonly batch: PacketBatch;
  readonly next: Int32Array;
  readonly at: number;

  constructor(pool: PacketPool) {
    this.batch = new PacketBatch(pool);
    this.at = pool.arena.alloc(4 * BURST);
    this.next = pool.arena.i32(this.at, BURST);
  }
}

export class Copies {
  readonly #pool: PacketPool;
  readonly #counters: Counters;
  readonly #makeRoom: (() => void) | undefined;
  /** One for each level of clone in clone. */
  readonly #sets: CopySet[];
  /** Levels that are being worked on. */
  #top = 0;

  /** `makeRoom` frees slots when there are not enough, if it can. */
  constructor(pool: PacketPool, counters: Counters, makeRoom?: () => void) {
    this.#pool = pool;
    this.#counters = counters;
    this.#makeRoom = makeRoom;
    this.#sets = [new CopySet(pool), new CopySet(pool)];
  }

  /** A set that nobody works on. */
  free(): CopySet {
    if (this.#top === this.#sets.length) this.#sets.push(new CopySet(this.#pool));
    return this.#sets[this.#top];
  }

  /** Copies of the chain, to be worked on until `done`; null: there was a buffer for none. */
  of(set: PacketBatch, next: Int32Array, head: number): CopySet | null {
    const copies = this.free();
    const to = copies.batch;
    const pool = this.#pool;
    if (this.#makeRoom !== undefined && pool.available < BURST) this.#makeRoom();
    let n = 0;
    for (let i = head; i >= 0; i = next[i]) {
      this.#counters.total[C_COPIES]++;
      const slot = pool.alloc();
      if (slot < 0) {
        this.#counters.drops[Drop.NoBuffer]++;
        continue;
      }
      const from = set.start[i];
      const shift = (slot - set.slot[i]) * pool.stride;
      pool.copy(from, from + shift, set.end[i] - from);
      // The type of a packet without an Ethernet header.
      pool.view.setUint16(from + shift - 2, pool.view.getUint16(from - 2));
      to.slot[n] = slot;
      to.start[n] = from + shift;
      to.end[n] = set.end[i] + shift;
      to.l3[n] = set.l3[i] === 0 ? 0 : set.l3[i] + shift;
      to.l4[n] = set.l4[i] <= 0 ? set.l4[i] : set.l4[i] + shift;
      to.time[n] = set.time[i];
      to.inPort[n] = set.inPort[i];
      to.hash[n] = set.hash[i];
      to.tunId[n] = set.tunId[i];
      to.tunSrc[n] = set.tunSrc[i];
      to.tunDst[n] = set.tunDst[i];
      to.tunMeta[n] = set.tunMeta[i];
      to.mark[n] = set.mark[i];
      to.priority[n] = set.priority[i];
      to.dpHash[n] = set.dpHash[i];
      copies.next[n] = n + 1;
      n++;
    }
    if (n === 0) return null;
    copies.next[n - 1] = -1;
    this.#top++;
    return copies;
  }

  /** The copies that were made last are worked off. */
  done(): void {
    this.#top--;
  }
}
