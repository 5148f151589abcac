/**
 * The rules of a classifier that share one mask (OVS: struct cls_subtable), found by hash. The mask is cut into up to four
 * stages; all but the last have an index of their hashes, so that a packet that no rule's first stages match is done with
 * early, and only the stages looked at are un-wildcarded.
 */
import {
  FLOW_WORDS,
  W_ETH0,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PORTS,
  W_TOSTTL,
  W_TYPE,
  W_VLAN0,
  W_VLAN1,
} from "../flow/flow-key.ts";
import type { Match } from "./match.ts";
import { PrefixTrie } from "./prefix-trie.ts";
import type { StageGroup } from "./stage-group.ts";

/** One clause of a conjunctive match. */
export interface Conjunction {
  readonly id: number;
  readonly clause: number;
  readonly clauses: number;
}

/** A rule as the classifier knows it. */
export class Entry<T> {
  readonly match: Match;
  readonly priority: number;
  readonly owner: T;
  /** Not undefined: part of conjunctive matches only. */
  conjunctions: readonly Conjunction[] | undefined;
  readonly subtable: Subtable<T>;
  readonly hash: number;
  /** Next in the hash bucket; only the entry of the highest priority of those with one value is in a bucket. */
  chain: Entry<T> | null = null;
  /** The same value with the next lower priority. */
  lower: Entry<T> | null = null;

  constructor(match: Match, priority: number, owner: T, subtable: Subtable<T>, hash: number) {
    this.match = match;
    this.priority = priority;
    this.owner = owner;
    this.conjunctions = undefined;
    this.subtable = subtable;
    this.hash = hash;
  }
}

// Bits of each word that belong to stage 0 (metadata), 1 (L2), 2 (L3), 3 (L4): flow_segment_u64s, lib/flow.c.
const STAGES = 4;
const stageMasks = Array.from({ length: STAGES }, () => new Int32Array(FLOW_WORDS));
for (let w = 0; w < FLOW_WORDS; w++) {
  const stage = stageOf(w);
  if (stage >= 0) stageMasks[stage][w] = -1;
}
stageMasks[1][W_TYPE] = 0xffff0000 | 0;
stageMasks[2][W_TYPE] = 0x0000ffff;
stageMasks[2][W_TOSTTL] = 0xffff0000 | 0;
stageMasks[3][W_TOSTTL] = 0x0000ffff;

function stageOf(word: number): number {
  if (word === W_TYPE || word === W_TOSTTL) return -1;
  if (word >= W_ETH0 && word < W_ETH0 + 3) return 1;
  if (word === W_VLAN0 || word === W_VLAN1 || (word >= W_MPLS0 && word < W_MPLS0 + 3)) return 1;
  if (word === W_NW_SRC || word === W_NW_DST || word === W_IPV6_LABEL) return 2;
  if (word >= W_IPV6_SRC && word < W_IPV6_DST + 4) return 2;
  if (word === W_PORTS || (word >= W_ND_TARGET && word < W_ND_TARGET + 4)) return 3;
  if (word >= W_MACS0 && word < W_MACS0 + 3) return 3;
  return 0;
}

/** The matched words of one stage. */
export class Stage {
  readonly words: Int32Array;
  readonly masks: Int32Array;
  /** Prefix tries (by index) whose field lies in this stage. */
  tries: number[] = [];

  constructor(words: number[], masks: number[]) {
    this.words = Int32Array.from(words);
    this.masks = Int32Array.from(masks);
  }

  hash(flow: Int32Array, basis: number): number {
    const { words, masks } = this;
    let h = basis;
    for (let i = 0; i < words.length; i++) {
      // fmix32 of MurmurHash3 a word: prefixes differ in high bits only, and places are chosen by low ones.
      h ^= flow[words[i]] & masks[i];
      h ^= h >>> 16;
      h = Math.imul(h, 0x85ebca6b);
      h ^= h >>> 13;
      h = Math.imul(h, 0xc2b2ae35);
      h ^= h >>> 16;
    }
    return h;
  }

  fold(wildcards: Int32Array): void {
    const { words, masks } = this;
    for (let i = 0; i < words.length; i++) wildcards[words[i]] |= masks[i];
  }
}

function stagesOf(mask: Int32Array): readonly Stage[] {
  const stages: Stage[] = [];
  for (let s = 0; s < STAGES; s++) {
    const words: number[] = [];
    const masks: number[] = [];
    for (let w = 0; w < FLOW_WORDS; w++) {
      const bits = mask[w] & stageMasks[s][w];
      if (bits === 0) continue;
      words.push(w);
      masks.push(bits);
    }
    if (words.length > 0) stages.push(new Stage(words, masks));
  }
  if (stages.length === 0) stages.push(new Stage([], []));
  return stages;
}

/** How often each hash occurs: open addressing, power of two, at most half full. */
class Counts {
  private keys = new Int32Array(16);
  private counts = new Int32Array(16);
  private used = 0;

  has(hash: number): boolean {
    const { keys, counts } = this;
    const mask = keys.length - 1;
    for (let i = hash & mask; counts[i] !== 0; i = (i + 1) & mask) if (keys[i] === hash) return counts[i] > 0;
    return false;
  }

  /** Counts `hash` up or down; true when it was not there before, or is not any more. */
  add(hash: number, by: number): boolean {
    if (this.used * 2 >= this.keys.length) this.grow();
    const { keys, counts } = this;
    const mask = keys.length - 1;
    let i = hash & mask;
    while (counts[i] !== 0 && keys[i] !== hash) i = (i + 1) & mask;
    if (counts[i] === 0) this.used++;
    keys[i] = hash;
    // -1 marks a place whose hash occurs no more: probes must not stop there.
    const before = counts[i] < 0 ? 0 : counts[i];
    counts[i] = before + by === 0 ? -1 : before + by;
    return before === 0 || counts[i] < 0;
  }

  private grow(): void {
    const { keys, counts } = this;
    let live = 0;
    for (let i = 0; i < counts.length; i++) if (counts[i] > 0) live++;
    let size = 16;
    while (size < live * 4) size *= 2;
    this.keys = new Int32Array(size);
    this.counts = new Int32Array(size);
    this.used = 0;
    for (let i = 0; i < counts.length; i++) if (counts[i] > 0) this.add(keys[i], counts[i]);
  }
}

export class Subtable<T> {
  readonly mask: Int32Array;
  /** At least one; the last has no index. */
  readonly stages: readonly Stage[];
  readonly indices: readonly Counts[];
  readonly final: Stage;
  readonly group: StageGroup<Subtable<T>>;
  /** Place in the order of visits, kept by the classifier. */
  position = 0;
  /** Prefix length of this mask in each prefix trie of the classifier, 0 = not a prefix. */
  triePlens: number[] = [];
  readonly portsMask: number;
  /** Up to the last bit of tp_src, tp_dst that is matched; 0 = no ports. */
  readonly portsMaskLength: number;
  readonly portsTrie = new PrefixTrie();
  maxPriority = -1;
  /** All of them in order of insertion, for iteration. */
  readonly entries = new Set<Entry<T>>();
  private buckets: (Entry<T> | null)[] = new Array(8).fill(null);
  private heads = 0;
  private readonly words: Int32Array;

  /** `groupFor` finds or makes the group of the subtables with these stages but for the last. */
  constructor(mask: Int32Array, groupFor: (stages: readonly Stage[]) => StageGroup<Subtable<T>>) {
    this.mask = mask.slice();
    const stages = stagesOf(mask);
    this.stages = stages;
    this.final = stages[stages.length - 1];
    this.group = groupFor(stages);
    this.indices = stages.slice(1).map(() => new Counts());
    this.words = Int32Array.from(Array.from(mask.keys()).filter((w) => mask[w] !== 0));
    this.portsMask = mask[W_PORTS];
    this.portsMaskLength = this.portsMask === 0 ? 0 : Math.clz32(this.portsMask & -this.portsMask) + 1;
  }

  hash(flow: Int32Array): number {
    let h = 0;
    for (const stage of this.stages) h = stage.hash(flow, h);
    return h;
  }

  /** The entry of highest priority among those that `flow` matches (they all have one value). */
  find(flow: Int32Array, hash: number): Entry<T> | null {
    const { words, mask } = this;
    for (let head = this.buckets[hash & (this.buckets.length - 1)]; head !== null; head = head.chain) {
      if (head.hash !== hash) continue;
      const { value } = head.match;
      let i = 0;
      while (i < words.length && ((flow[words[i]] ^ value[words[i]]) & mask[words[i]]) === 0) i++;
      if (i === words.length) return head;
    }
    return null;
  }

  /** Adds; returns true when its value is new here, so that tries have to know of it. */
  insert(entry: Entry<T>): boolean {
    this.entries.add(entry);
    const head = this.find(entry.match.value, entry.hash);
    if (head !== null) {
      if (entry.priority > head.priority) {
        this.unlink(head);
        entry.lower = head;
        this.link(entry);
      } else {
        let above = head;
        while (above.lower !== null && above.lower.priority >= entry.priority) above = above.lower;
        entry.lower = above.lower;
        above.lower = entry;
      }
      return false;
    }
    if (++this.heads > this.buckets.length) this.grow();
    this.link(entry);
    let h = 0;
    for (let i = 0; i < this.indices.length; i++) {
      h = this.stages[i].hash(entry.match.value, h);
      if (this.indices[i].add(h, 1)) this.group.stages[i].add(h, this);
    }
    if (this.portsMaskLength > 0) this.portsTrie.insert(entry.match.value, W_PORTS, this.portsMaskLength);
    return true;
  }

  /** Removes; returns true when no rule with its value is left. */
  remove(entry: Entry<T>): boolean {
    this.entries.delete(entry);
    const head = this.find(entry.match.value, entry.hash)!;
    if (head !== entry) {
      let above = head;
      while (above.lower !== entry) above = above.lower!;
      above.lower = entry.lower;
      return false;
    }
    this.unlink(entry);
    if (entry.lower !== null) {
      this.link(entry.lower);
      return false;
    }
    this.heads--;
    let h = 0;
    for (let i = 0; i < this.indices.length; i++) {
      h = this.stages[i].hash(entry.match.value, h);
      if (this.indices[i].add(h, -1)) this.group.stages[i].remove(h, this);
    }
    if (this.portsMaskLength > 0) this.portsTrie.remove(entry.match.value, W_PORTS, this.portsMaskLength);
    return true;
  }

  /** Rules whose value is not hidden behind an equal one of higher priority. */
  *headEntries(): IterableIterator<Entry<T>> {
    for (const bucket of this.buckets) for (let e = bucket; e !== null; e = e.chain) yield e;
  }

  private link(entry: Entry<T>): void {
    const at = entry.hash & (this.buckets.length - 1);
    entry.chain = this.buckets[at];
    this.buckets[at] = entry;
  }

  private unlink(entry: Entry<T>): void {
    const at = entry.hash & (this.buckets.length - 1);
    if (this.buckets[at] === entry) this.buckets[at] = entry.chain;
    else {
      let before = this.buckets[at]!;
      while (before.chain !== entry) before = before.chain!;
      before.chain = entry.chain;
    }
    entry.chain = null;
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new Array(old.length * 2).fill(null);
    for (const bucket of old) {
      for (let e = bucket; e !== null; ) {
        const next = e.chain;
        this.link(e);
        e = next;
      }
    }
  }
}

/** Bits of `word` that a trie over it would be asked in `stage` of the subtable: is the word matched there? */
export const stageHas = (stage: Stage, word: number): boolean => stage.words.includes(word);
