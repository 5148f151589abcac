/**
 * A longest-prefix tree over bits of flow words (OVS: struct trie_node and trie_* in lib/classifier.c). It answers which
 * prefix lengths can have a rule for a value, and how many bits of the value that answer rests on: those are all that a
 * megaflow must match to rule a subtable out.
 *
 * A node holds at most 32 bits, as in Open vSwitch: where a prefix is cut decides how many bits an answer needs.
 */
interface Node {
  /** Left-aligned. */
  prefix: number;
  bits: number;
  rules: number;
  zero: Node | null;
  one: Node | null;
}

/** At least `count` (1..32) bits from bit `at` (0 = the most significant of words[base]), left-aligned, junk behind them. */
function bitsFrom(words: Int32Array, base: number, at: number, count: number): number {
  const word = base + (at >> 5);
  const skip = at & 31;
  let prefix = words[word] << skip;
  if (count > 32 - skip) prefix |= words[word + 1] >>> (32 - skip);
  return prefix;
}

const leading = (bits: number): number => (bits === 0 ? 0 : -1 << (32 - bits));

/** How many of the first `count` bits of `prefix` the value has from bit `at` on. */
function equalBits(prefix: number, count: number, words: Int32Array, base: number, at: number): number {
  if (count === 0) return 0;
  const same = Math.clz32(prefix ^ bitsFrom(words, base, at, count));
  return same < count ? same : count;
}

const bitAt = (words: Int32Array, base: number, at: number): number =>
  (words[base + (at >> 5)] >>> (31 - (at & 31))) & 1;

function branch(words: Int32Array, base: number, at: number, length: number, rules: number): Node {
  const bits = length > 32 ? 32 : length;
  const prefix = bits === 0 ? 0 : bitsFrom(words, base, at, bits) & leading(bits);
  if (length <= 32) return { prefix, bits, rules, zero: null, one: null };
  const below = branch(words, base, at + 32, length - 32, rules);
  const one = below.prefix < 0;
  return { prefix, bits, rules: 0, zero: one ? null : below, one: one ? below : null };
}

/** What a lookup found. One object, reused: valid until the next lookup that is handed it. */
export class TrieAnswer {
  /** Bits of the value that the answer depends on. */
  bits = 0;
  /** Bit n-1 set (0 = most significant of the first word): a rule may have a prefix of length n here. */
  readonly lengths = new Int32Array(4);

  /** No answer: any prefix length may match. */
  all(): void {
    this.bits = 0;
    this.lengths.fill(-1);
  }

  mayHave(length: number): boolean {
    return bitAt(this.lengths, 0, length - 1) === 1;
  }
}

export class PrefixTrie {
  private root: Node | null = null;

  get empty(): boolean {
    return this.root === null;
  }

  /** Adds one rule whose prefix is the first `length` (at least 1) bits at words[base]. */
  insert(words: Int32Array, base: number, length: number): void {
    let parent: Node | null = null;
    let node = this.root;
    let at = 0;
    while (node !== null) {
      const limit = node.bits < length - at ? node.bits : length - at;
      const equal = equalBits(node.prefix, limit, words, base, at);
      at += equal;
      if (equal < node.bits) {
        const above = branch(words, base, at - equal, equal, at === length ? 1 : 0);
        const oldIsOne = ((node.prefix >>> (31 - equal)) & 1) === 1;
        node.prefix = equal === 32 ? 0 : node.prefix << equal;
        node.bits -= equal;
        if (oldIsOne) above.one = node;
        else above.zero = node;
        if (at < length) {
          const fresh = branch(words, base, at, length - at, 1);
          if (oldIsOne) above.zero = fresh;
          else above.one = fresh;
        }
        this.replace(parent, node, above);
        return;
      }
      if (at === length) {
        node.rules++;
        return;
      }
      parent = node;
      node = bitAt(words, base, at) === 1 ? node.one : node.zero;
    }
    const fresh = branch(words, base, at, length - at, 1);
    if (parent === null) this.root = fresh;
    else if (bitAt(words, base, at) === 1) parent.one = fresh;
    else parent.zero = fresh;
  }

  /** Takes back one insert of the same prefix. */
  remove(words: Int32Array, base: number, length: number): void {
    const path: Node[] = [];
    let node = this.root;
    let at = 0;
    while (node !== null) {
      if (node.bits > length - at) return;
      if (equalBits(node.prefix, node.bits, words, base, at) < node.bits) return;
      at += node.bits;
      path.push(node);
      if (at === length) break;
      node = bitAt(words, base, at) === 1 ? node.one : node.zero;
    }
    if (node === null || node.rules === 0) return;
    node.rules--;
    for (let depth = path.length - 1; depth >= 0; depth--) {
      const here: Node = path[depth];
      if (here.rules > 0 || (here.zero !== null && here.one !== null)) return;
      const next: Node | null = here.zero ?? here.one;
      if (next !== null) {
        if (here.bits + next.bits > 32) return;
        next.prefix = here.bits === 32 ? here.prefix : here.prefix | (next.prefix >>> here.bits);
        next.bits += here.bits;
      }
      this.replace(depth === 0 ? null : path[depth - 1], here, next);
      if (next !== null) return;
    }
  }

  private replace(parent: Node | null, old: Node, fresh: Node | null): void {
    if (parent === null) this.root = fresh;
    else if (parent.one === old) parent.one = fresh;
    else parent.zero = fresh;
  }

  /** Looks up the `length` bits at words[base] (trie_lookup_value). */
  lookup(words: Int32Array, base: number, length: number, answer: TrieAnswer): void {
    const { lengths } = answer;
    lengths[0] = 0; // fill() is a call into the runtime
    lengths[1] = 0;
    lengths[2] = 0;
    lengths[3] = 0;
    let previous: Node | null = null;
    let node = this.root;
    let matched = 0;
    while (node !== null) {
      const equal = equalBits(node.prefix, node.bits, words, base, matched);
      matched += equal;
      if (equal < node.bits) {
        answer.bits = matched + 1; // with the first bit that differs
        return;
      }
      if (node.rules > 0) lengths[(matched - 1) >> 5] |= 1 << (31 - ((matched - 1) & 31));
      if (matched >= length) {
        answer.bits = length;
        return;
      }
      previous = node;
      node = bitAt(words, base, matched) === 1 ? node.one : node.zero;
    }
    // All matched so far, and the branch wanted is not there; the other one, if there is one, must be excluded.
    const leaf = previous === null || (previous.zero === null && previous.one === null);
    answer.bits = leaf ? matched : matched + 1;
  }
}
