/**
 * The slow twin of the classifier: Open vSwitch's search (classifier_lookup__, find_match_wc, check_tries in lib/classifier.c
 * of 3.1) told with lists. Every subtable is visited, an index is "some rule agrees so far", a prefix trie is a list of
 * prefixes gone through bit by bit. Gives the rule and every bit of the mask.
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
} from "../../datapath/flow/flow-key.ts";
import type { Match } from "../../datapath/openflow/match.ts";

export interface NaiveRule {
  readonly match: Match;
  readonly priority: number;
}

interface NaiveSubtable {
  readonly mask: Int32Array;
  rules: NaiveRule[];
}

/** A field with a trie: its word, its bits, the dl_type without which it is not asked. */
export interface NaivePrefixField {
  readonly word: number;
  readonly bits: number;
  readonly dlType: number;
}

const span = (word: number, count: number): number[] => Array.from({ length: count }, (_, i) => word + i);
const L2 = [...span(W_ETH0, 3), ...span(W_VLAN0, 2), ...span(W_MPLS0, 3)];
const L3 = [W_NW_SRC, W_NW_DST, W_IPV6_LABEL, ...span(W_IPV6_SRC, 4), ...span(W_IPV6_DST, 4)];
const L4 = [W_PORTS, ...span(W_ND_TARGET, 4), ...span(W_MACS0, 3)];

/** flow_segment_u64s: bits of `word` in segment 0 (metadata), 1 (L2), 2 (L3) or 3 (L4). */
function segmentBits(segment: number, word: number): number {
  if (word === W_TYPE) return [0, 0xffff0000 | 0, 0x0000ffff, 0][segment];
  if (word === W_TOSTTL) return [0, 0, 0xffff0000 | 0, 0x0000ffff][segment];
  const own = L2.includes(word) ? 1 : L3.includes(word) ? 2 : L4.includes(word) ? 3 : 0;
  return own === segment ? -1 : 0;
}

/** The mask cut into segments, those without a bit left out, but one at least. */
function stagesOf(mask: Int32Array): Int32Array[] {
  const stages = [0, 1, 2, 3].map((segment) => mask.map((bits, word) => bits & segmentBits(segment, word)));
  const used = stages.filter((stage) => stage.some((bits) => bits !== 0));
  return used.length === 0 ? [stages[0]] : used;
}

const bitAt = (words: Int32Array, at: number): number => (words[at >> 5] >>> (31 - (at & 31))) & 1;

interface Prefix {
  readonly words: Int32Array;
  readonly length: number;
}

/** Bits that the answer rests on, and the lengths of the prefixes that the value has (trie_lookup_value). */
function askPrefixes(
  prefixes: readonly Prefix[],
  value: Int32Array,
  bits: number,
): { bits: number; lengths: number[] } {
  const lengths: number[] = [];
  let longer = prefixes;
  for (let at = 0; ; at++) {
    for (const prefix of longer) if (prefix.length === at) lengths.push(at);
    longer = longer.filter((prefix) => prefix.length > at);
    if (at === bits) return { bits, lengths };
    const agreeing = longer.filter((prefix) => bitAt(prefix.words, at) === bitAt(value, at));
    if (agreeing.length === 0) return { bits: longer.length > 0 ? at + 1 : at, lengths };
    longer = agreeing;
  }
}

/** Length of the prefix of a field that a mask has, 0 if it is none. */
function prefixLength(mask: Int32Array, { word, bits }: NaivePrefixField): number {
  const own = mask.subarray(word, word + bits / 32);
  let length = 0;
  while (length < bits && bitAt(own, length) === 1) length++;
  for (let at = length; at < bits; at++) if (bitAt(own, at) === 1) return 0;
  return length;
}

export class NaiveClassifier {
  private order: NaiveSubtable[] = [];
  private readonly fields: readonly NaivePrefixField[];

  constructor(fields: readonly NaivePrefixField[]) {
    this.fields = fields;
  }

  private highest = (subtable: NaiveSubtable): number => Math.max(...subtable.rules.map((rule) => rule.priority));

  /** Visits go by falling priority; those of one priority stay as they were (pvector). */
  private sort(): void {
    this.order.sort((a, b) => this.highest(b) - this.highest(a));
  }

  insert(rule: NaiveRule): void {
    const known = this.order.find((s) => s.mask.every((bits, w) => bits === rule.match.mask[w]));
    if (known !== undefined) known.rules.push(rule);
    else this.order.push({ mask: rule.match.mask, rules: [rule] });
    this.sort();
  }

  /** Removes rules of one message: sorted once, at the end. */
  remove(rules: readonly NaiveRule[]): void {
    for (const rule of rules) {
      const at = this.order.findIndex((subtable) => subtable.rules.includes(rule));
      const subtable = this.order[at];
      subtable.rules = subtable.rules.filter((other) => other !== rule);
      if (subtable.rules.length > 0) continue;
      const last = this.order.pop()!;
      if (at < this.order.length) this.order[at] = last;
    }
    this.sort();
  }

  lookup(flow: Int32Array, wildcards: Int32Array, hidden: (rule: NaiveRule) => boolean): NaiveRule | undefined {
    let best: NaiveRule | undefined;
    for (const subtable of this.order) {
      if (best !== undefined && this.highest(subtable) <= best.priority) break;
      const rule = this.visit(subtable, flow, wildcards, hidden);
      if (rule !== undefined && (best === undefined || rule.priority > best.priority)) best = rule;
    }
    return best;
  }

  private visit(
    subtable: NaiveSubtable,
    flow: Int32Array,
    wildcards: Int32Array,
    hidden: (rule: NaiveRule) => boolean,
  ): NaiveRule | undefined {
    const stages = stagesOf(subtable.mask);
    const fold = (count: number): void => {
      for (const stage of stages.slice(0, count)) for (let w = 0; w < FLOW_WORDS; w++) wildcards[w] |= stage[w];
    };
    let agreeing = subtable.rules;
    for (const [i, stage] of stages.entries()) {
      if (this.fields.some((field) => stage[field.word] !== 0 && this.ruledOut(subtable, field, flow, wildcards))) {
        fold(i);
        return undefined;
      }
      agreeing = agreeing.filter(({ match }) => stage.every((bits, w) => ((match.value[w] ^ flow[w]) & bits) === 0));
      if (agreeing.length === 0 && i < stages.length - 1) {
        fold(i + 1);
        return undefined;
      }
    }
    const visible = agreeing.filter((rule) => !hidden(rule)).sort((a, b) => b.priority - a.priority);
    const ports = wildcards[W_PORTS];
    fold(stages.length);
    const portsMask = subtable.mask[W_PORTS];
    if (visible.length === 0 && portsMask !== 0) {
      const length = 32 - Math.log2((portsMask & -portsMask) >>> 0);
      const prefixes = subtable.rules.map(({ match }) => ({
        words: match.value.subarray(W_PORTS, W_PORTS + 1),
        length,
      }));
      const { bits } = askPrefixes(prefixes, Int32Array.of(flow[W_PORTS] & portsMask), 32);
      wildcards[W_PORTS] = ports | (bits === 0 ? 0 : portsMask & (-1 << (32 - bits)));
    }
    return visible[0];
  }

  /** check_tries for one field. */
  private ruledOut(subtable: NaiveSubtable, field: NaivePrefixField, flow: Int32Array, wildcards: Int32Array): boolean {
    const length = prefixLength(subtable.mask, field);
    if (length === 0 || (field.dlType !== 0 && flow[W_TYPE] >>> 16 !== field.dlType)) return false;
    const words = field.bits / 32;
    const prefixes = this.order.flatMap(({ mask, rules }) => {
      const own = prefixLength(mask, field);
      if (own === 0) return [];
      return rules.map(({ match }) => ({ words: match.value.subarray(field.word, field.word + words), length: own }));
    });
    const answer = askPrefixes(prefixes, flow.subarray(field.word, field.word + words), field.bits);
    if (answer.lengths.includes(length)) return false;
    const looked = wildcards.subarray(field.word, field.word + words);
    const all = Array.from({ length: answer.bits }, (_, at) => at);
    if (answer.bits <= length) {
      for (const at of all) looked[at >> 5] |= 1 << (31 - (at & 31));
      return true;
    }
    return all.every((at) => bitAt(looked, at) === 1);
  }
}
