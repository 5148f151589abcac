/**
 * The prefix trie of one field over all subtables of a flow table (OVS: struct cls_trie), and what it answers for the flow
 * being looked up: no rule begins as the flow's field does, so only the bits that show it are looked at.
 */
import { prefixMask, W_TYPE } from "../flow/flow-key.ts";
import type { Field } from "./field.ts";
import { findField } from "./fields.ts";
import { PrefixTrie, TrieAnswer } from "./prefix-trie.ts";

/** OVS: CLS_MAX_TRIES. */
const MAX_TRIES = 3;

/** One field's trie over all subtables, and its answer for the flow being looked up. */
export class FieldTrie {
  readonly word: number;
  readonly bits: number;
  /** dl_type that the field needs, or 0. */
  readonly dlType: number;
  readonly trie = new PrefixTrie();
  readonly answer = new TrieAnswer();
  asked = false;

  constructor(field: Field) {
    this.word = field.pieces[0].word;
    this.bits = field.bits;
    this.dlType = field.prerequisite === "ipv4" ? 0x0800 : field.prerequisite === "ipv6" ? 0x86dd : 0;
  }

  /** The length of the prefix that `mask` has of the field; 0 = none, or the mask is no prefix. */
  prefixLength(mask: Int32Array): number {
    let length = 0;
    let ended = false;
    for (let w = this.word; w < this.word + (this.bits >> 5); w++) {
      const inverse = ~mask[w];
      if (ended ? mask[w] !== 0 : (inverse & (inverse + 1)) !== 0) return 0;
      const bits = mask[w] === 0 ? 0 : Math.clz32(mask[w] & -mask[w]) + 1;
      length += bits;
      if (bits < 32) ended = true;
    }
    return length;
  }

  ask(flow: Int32Array): void {
    this.asked = true;
    if (this.dlType !== 0 && flow[W_TYPE] >>> 16 !== this.dlType) this.answer.all();
    else this.trie.lookup(flow, this.word, this.bits, this.answer);
  }

  unwildcard(wildcards: Int32Array, bits: number): void {
    let w = this.word;
    for (; bits >= 32; bits -= 32) wildcards[w++] = -1;
    if (bits > 0) wildcards[w] |= prefixMask(bits);
  }

  hasAll(wildcards: Int32Array, bits: number): boolean {
    let w = this.word;
    for (; bits >= 32; bits -= 32) if (wildcards[w++] !== -1) return false;
    return bits === 0 || (~wildcards[w] & prefixMask(bits)) === 0;
  }
}

/** Fields that a prefix trie can be had for: whole words at the place of the field. */
function canHaveTrie(field: Field): boolean {
  return (
    field.bits % 32 === 0 &&
    field.maskable &&
    field.pieces.every((piece, i) => piece.width === 32 && piece.word === field.pieces[0].word + i)
  );
}

/**
 * The tries for `prefixes`, names of fields, at most three; [] or ["none"] for none. Throws an Error with the name of a field
 * that can have none.
 */
export function fieldTries(prefixes: readonly string[]): FieldTrie[] {
  if (prefixes.length === 1 && prefixes[0] === "none") return [];
  if (prefixes.length > MAX_TRIES)
    throw new Error(`prefixes ${prefixes.join(",")}: expected at most ${MAX_TRIES} fields`);
  const fields = new Set<Field>();
  for (const name of prefixes) {
    const field = findField(name);
    if (field === undefined || !canHaveTrie(field)) {
      throw new Error(
        `prefixes ${name}: expected a field of whole words such as nw_src, nw_dst, ipv6_src, ipv6_dst, tun_id`,
      );
    }
    fields.add(field);
  }
  return [...fields].map((field) => new FieldTrie(field));
}
