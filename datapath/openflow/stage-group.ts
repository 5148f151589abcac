/**
 * Subtables whose masks are the same in all stages but the last. For one flow they hash the same bits up to there, so what
 * one of them has found out holds for all: those without the hash would fail at the same stage, with bits that are in the
 * mask already, and need not be visited. An access list with its port ranges expanded has hundreds of masks and a few dozen
 * of these (1,000 rules: 782 and 25).
 *
 * Each indexed stage has its hashes with the subtables that have them (Open vSwitch keeps an index for each subtable alone,
 * struct cls_subtable, and visits them all).
 */

/** What a group has to know of a subtable: its place in the order of visits. */
export interface Placed {
  position: number;
}

/** The subtables that have a hash at one stage, by hash: open addressing, power of two, at most half full. */
class Holders<S extends Placed> {
  private keys = new Int32Array(16);
  private lists: (S[] | null)[] = new Array(16).fill(null);
  private used = 0;

  private slot(hash: number): number {
    const { keys, lists } = this;
    const mask = keys.length - 1;
    let i = hash & mask;
    while (lists[i] !== null && keys[i] !== hash) i = (i + 1) & mask;
    return i;
  }

  /** Those with `hash`; null or empty: none. */
  of(hash: number): readonly S[] | null {
    return this.lists[this.slot(hash)];
  }

  add(hash: number, subtable: S): void {
    if (this.used * 2 >= this.keys.length) this.grow();
    const i = this.slot(hash);
    const list = this.lists[i];
    if (list !== null) {
      list.push(subtable);
      return;
    }
    this.keys[i] = hash;
    this.lists[i] = [subtable];
    this.used++;
  }

  remove(hash: number, subtable: S): void {
    const list = this.lists[this.slot(hash)];
    const i = list === null ? -1 : list.indexOf(subtable);
    if (list === null || i < 0) throw new Error("a subtable to be removed has no such hash");
    // An empty list keeps its place until the next growth: probes must not stop there.
    list[i] = list[list.length - 1];
    list.pop();
  }

  private grow(): void {
    const { keys, lists } = this;
    let live = 0;
    for (const list of lists) if (list !== null && list.length > 0) live++;
    let size = 16;
    while (size < live * 4) size *= 2;
    this.keys = new Int32Array(size);
    this.lists = new Array(size).fill(null);
    this.used = 0;
    for (let i = 0; i < lists.length; i++) {
      const list = lists[i];
      if (list === null || list.length === 0) continue;
      const at = this.slot(keys[i]);
      this.keys[at] = keys[i];
      this.lists[at] = list;
      this.used++;
    }
  }
}

export class StageGroup<S extends Placed> {
  /** By indexed stage; empty for subtables of one stage, of which each has to be visited. */
  readonly stages: readonly Holders<S>[];
  /** The lookup that was here last, and the highest stage that it has come to (-1: none). */
  stamp = 0;
  reached = -1;
  /** That lookup's hash of all stages but the last is in an index, and no later look at those stages can end otherwise. */
  passed = false;
  hash = 0;
  /** Subtables in it. */
  size = 0;

  constructor(indexedStages: number) {
    this.stages = Array.from({ length: indexedStages }, () => new Holders<S>());
  }

  /**
   * A lookup (`stamp`) has come to `hash` at `stage`; `sure`: no trie can rule that out later. Sets the bits of `visits` at the positions of the subtables that may
   * add something: those that have the hash if only the last stage is left, otherwise the first of them.
   */
  reach(stamp: number, stage: number, hash: number, sure: boolean, visits: Int32Array): void {
    if (this.stamp !== stamp) {
      this.stamp = stamp;
      this.reached = -1;
      this.passed = false;
    }
    if (stage <= this.reached) return;
    this.reached = stage;
    const holders = this.stages[stage].of(hash);
    if (holders === null || holders.length === 0) return;
    if (stage < this.stages.length - 1) {
      let first = holders[0].position;
      for (let i = 1; i < holders.length; i++) if (holders[i].position < first) first = holders[i].position;
      visits[first >> 5] |= 1 << (first & 31);
      return;
    }
    this.passed = sure;
    this.hash = hash;
    for (let i = 0; i < holders.length; i++) {
      const { position } = holders[i];
      visits[position >> 5] |= 1 << (position & 31);
    }
  }
}
