/**
 * The classifier against a linear scan, and its wildcards against their meaning: a flow that differs only in bits that the
 * lookup did not look at finds the same rule. That these bits are Open vSwitch's bits is judged by the recorded megaflows
 * (test/translate/recorded-cases.test.ts: acl, prefixes, wildcards) and by the conformance run.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FLOW_WORDS,
  prefixMask,
  W_CONJ_ID,
  W_ETH0,
  W_IN_PORT,
  W_IPV6_DST,
  W_NW_DST,
  W_NW_SRC,
  W_PORTS,
  W_REG0,
  W_TUN_ID,
  W_TYPE,
  W_VLAN0,
} from "../../datapath/flow/flow-key.ts";
import { Classifier } from "../../datapath/openflow/classifier.ts";
import { Match } from "../../datapath/openflow/match.ts";
import { PrefixTrie, TrieAnswer } from "../../datapath/openflow/prefix-trie.ts";
import { parseFlows } from "../../datapath/openflow/rule-text.ts";
import type { Entry } from "../../datapath/openflow/subtable.ts";
import { FlowTables } from "../../datapath/openflow/table.ts";

type Random = (below: number) => number;

function random(seed: number): Random {
  let s = seed;
  return (below) => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A few values for each word, so that rules overlap and packets hit. */
function someFlow(below: Random): Int32Array {
  const flow = new Int32Array(FLOW_WORDS);
  flow[W_IN_PORT] = 1 + below(3);
  flow[W_REG0] = below(4);
  flow[W_TUN_ID] = below(4);
  flow[W_ETH0] = below(2) << 24;
  flow[W_VLAN0] = below(3) === 0 ? 0x81001005 | 0 : 0;
  const v6 = below(4) === 0;
  flow[W_TYPE] = ((v6 ? 0x86dd : below(5) === 0 ? 0x0806 : 0x0800) << 16) | [6, 17][below(2)];
  if (v6) flow[W_IPV6_DST] = below(4) << 28;
  else {
    flow[W_NW_SRC] = (10 << 24) | (below(4) << 14) | below(4);
    flow[W_NW_DST] = (10 << 24) | (below(4) << 14) | below(4);
  }
  flow[W_PORTS] = (below(6) << 16) | below(6);
  return flow;
}

function someMatch(below: Random): Match {
  const match = new Match();
  const flow = someFlow(below);
  const use = (word: number, mask: number): void => match.setBits(word, flow[word], mask);
  if (below(3) === 0) use(W_IN_PORT, 0xffff);
  if (below(5) === 0) use(W_REG0, [-1, 1, 2][below(3)]);
  if (below(8) === 0) use(W_TUN_ID, -1);
  if (below(5) === 0) use(W_ETH0, [0x01000000, -1][below(2)]);
  if (below(6) === 0) use(W_VLAN0, [0x1fff, 0x1000][below(2)]);
  if (below(4) !== 0) {
    use(W_TYPE, [0xffff0000 | 0, 0xffff00ff | 0][below(2)]);
    const type = flow[W_TYPE] >>> 16;
    if (type === 0x86dd) use(W_IPV6_DST, prefixMask(below(5)));
    else {
      if (below(2) === 0) use(W_NW_DST, prefixMask([8, 16, 17, 18, 24, 31, 32][below(7)]));
      if (below(3) === 0) use(W_NW_SRC, prefixMask([8, 16, 18, 32][below(4)]));
    }
    if (below(3) === 0) use(W_PORTS, [0xffff, 0xffff0000 | 0, -1, 0xfffe, 0x0007fffe][below(5)]);
  }
  return match;
}

interface Known {
  readonly match: Match;
  readonly priority: number;
  readonly entry: Entry<number>;
}

const scan = (rules: readonly Known[], flow: Int32Array): number => {
  let best = -1;
  for (const rule of rules) if (rule.priority > best && rule.match.matches(flow)) best = rule.priority;
  return best;
};

const SEED = Number(process.env["CLASSIFIER_SEED"] ?? 1);

for (const prefixes of [undefined, [], ["ipv6_dst", "nw_src", "tun_id"]]) {
  const name = prefixes === undefined ? "default" : prefixes.length === 0 ? "no" : prefixes.join(" ");
  test(`equals a linear scan, and its wildcards suffice, through adds and removes (${name} tries, seed ${SEED})`, () => {
    const below = random(SEED);
    for (let round = 0; round < 30; round++) {
      const classifier = new Classifier<number>(prefixes);
      const rules: Known[] = [];
      for (let step = 0; step < 120; step++) {
        if (rules.length > 0 && below(3) === 0) {
          const [gone] = rules.splice(below(rules.length), 1);
          classifier.remove(gone.entry);
        } else {
          const match = someMatch(below);
          const priority = below(12);
          if (classifier.exactly(match, priority) !== undefined) continue;
          rules.push({ match, priority, entry: classifier.insert(match, priority, step) });
        }
        assert.equal(classifier.size, rules.length);
        for (let n = 0; n < 6; n++) {
          const flow = someFlow(below);
          const want = scan(rules, flow);
          const wildcards = new Int32Array(FLOW_WORDS);
          const found = classifier.lookup(flow, wildcards);
          assert.equal(found?.priority ?? -1, want, `round ${round} step ${step}`);
          assert.equal(classifier.lookup(flow)?.priority ?? -1, want);
          for (let m = 0; m < 6; m++) {
            const other = someFlow(below);
            for (let w = 0; w < FLOW_WORDS; w++) other[w] = (flow[w] & wildcards[w]) | (other[w] & ~wildcards[w]);
            // dl_type is always matched: the tries count on it (check_tries).
            other[W_TYPE] = (flow[W_TYPE] & 0xffff0000) | (other[W_TYPE] & 0xffff);
            const again = classifier.lookup(other, new Int32Array(FLOW_WORDS));
            assert.equal(again?.priority ?? -1, want, `a flow outside the wildcards, round ${round} step ${step}`);
          }
        }
      }
    }
  });
}

test("a trie knows each prefix length that may match, and how many bits that takes (seed 3)", () => {
  const below = random(3);
  for (let round = 0; round < 200; round++) {
    const trie = new PrefixTrie();
    const prefixes: [Int32Array, number][] = [];
    for (let n = below(20); n >= 0; n--) {
      const length = 1 + below(64);
      const words = Int32Array.of(below(4) << 30, below(2 ** 31));
      if (prefixes.length > 3 && below(4) === 0) {
        const [gone] = prefixes.splice(below(prefixes.length), 1);
        trie.remove(gone[0], 0, gone[1]);
        continue;
      }
      trie.insert(words, 0, length);
      prefixes.push([words, length]);
    }
    const same = (a: Int32Array, b: Int32Array, bits: number): boolean => {
      for (let i = 0; i < bits; i++) if (((a[i >> 5] ^ b[i >> 5]) >>> (31 - (i & 31))) & 1) return false;
      return true;
    };
    const answer = new TrieAnswer();
    for (let n = 0; n < 30; n++) {
      const value =
        n % 2 === 0 ? Int32Array.of(below(4) << 30, below(2 ** 31)) : prefixes[below(prefixes.length)][0].slice();
      trie.lookup(value, 0, 64, answer);
      for (let length = 1; length <= 64; length++) {
        const has = prefixes.some(([words, l]) => l === length && same(words, value, length));
        assert.equal(answer.mayHave(length), has, `length ${length}`);
      }
      const other = value.slice();
      for (let bit = answer.bits; bit < 64; bit++) if (below(2) === 1) other[bit >> 5] ^= 1 << (31 - (bit & 31));
      const again = new TrieAnswer();
      trie.lookup(other, 0, 64, again);
      for (let length = 1; length <= answer.bits; length++) assert.equal(again.mayHave(length), answer.mayHave(length));
    }
    for (const [words, length] of prefixes) trie.remove(words, 0, length);
    assert.ok(trie.empty);
  }
});

test("rules of equal priority: the subtable made first wins, as in Open vSwitch (cases priority-tie-*)", () => {
  for (const order of [
    ["in_port=1,actions=1", "ip,actions=2"],
    ["ip,actions=2", "in_port=1,actions=1"],
  ]) {
    const tables = new FlowTables();
    for (const mod of parseFlows(order.join("\n"))) tables.apply(mod, 0);
    const flow = new Int32Array(FLOW_WORDS);
    flow[W_IN_PORT] = 1;
    flow[W_TYPE] = 0x0800 << 16;
    const rule = tables.lookup(0, flow, new Int32Array(FLOW_WORDS));
    assert.deepEqual(rule?.actions, parseFlows(order[0])[0].actions);
  }
});

test("conjunctive match: all clauses, then conj_id, else what is below", () => {
  const tables = new FlowTables();
  const text = `
    priority=10,ip,nw_src=10.0.0.1,actions=conjunction(7,1/2)
    priority=10,ip,nw_src=10.0.0.2,actions=conjunction(7,1/2)
    priority=10,tcp,tp_dst=80,actions=conjunction(7,2/2)
    priority=10,conj_id=7,ip,actions=output:1
    priority=5,tcp,tp_dst=80,actions=output:2
    priority=1,ip,actions=output:3`;
  for (const mod of parseFlows(text)) tables.apply(mod, 0);
  const portOf = (source: number, port: number): number | undefined => {
    const flow = new Int32Array(FLOW_WORDS);
    flow[W_TYPE] = (0x0800 << 16) | 6;
    flow[W_NW_SRC] = (10 << 24) | source;
    flow[W_PORTS] = port;
    const action = tables.lookup(0, flow, new Int32Array(FLOW_WORDS))?.actions[0];
    assert.equal(flow[W_CONJ_ID], 0);
    return action?.kind === "output" ? action.port : undefined;
  };
  assert.deepEqual([portOf(1, 80), portOf(2, 80), portOf(3, 80), portOf(1, 81)], [1, 1, 2, 3]);
});

test("ACL of 1,000 rules with ranges expanded: equal to a linear scan in 5,000 lookups (seed 11)", () => {
  const below = random(11);
  const classifier = new Classifier<number>();
  const rules: Known[] = [];
  const nets = Array.from({ length: 60 }, () => below(2 ** 32) | 0);
  const length = (): number => [8, 16, 20, 24, 24, 28, 32, 32][below(8)];
  while (rules.length < 1000) {
    const match = new Match();
    match.setBits(W_TYPE, (0x0800 << 16) | [6, 17][below(2)], 0xffff00ff | 0);
    if (below(8) !== 0) match.setBits(W_NW_SRC, nets[below(60)] ^ below(256), prefixMask(length()));
    match.setBits(W_NW_DST, nets[below(60)] ^ below(65536), prefixMask(length()));
    // A range of ports is several prefixes, a rule each.
    let low = below(65536);
    const high = Math.min(65535, low + [0, 0, 7, 1000][below(4)]);
    const priority = rules.length;
    while (low <= high && rules.length < 1000) {
      let bits = 0;
      while ((low & ((2 << bits) - 1)) === 0 && low + (2 << bits) - 1 <= high) bits++;
      const one = match.clone();
      one.setBits(W_PORTS, low, (0xffff << bits) & 0xffff);
      if (classifier.exactly(one, priority) === undefined) {
        rules.push({ match: one, priority, entry: classifier.insert(one, priority, rules.length) });
      }
      low += 1 << bits;
    }
  }
  for (let n = 0; n < 5000; n++) {
    const flow = new Int32Array(FLOW_WORDS);
    const near = rules[below(rules.length)].match;
    for (const w of [W_TYPE, W_NW_SRC, W_NW_DST, W_PORTS]) flow[w] = near.value[w] | (below(2 ** 32) & ~near.mask[w]);
    flow[W_TYPE] = near.value[W_TYPE];
    if (n % 3 === 0) flow[W_NW_DST] = nets[below(60)];
    assert.equal(classifier.lookup(flow, new Int32Array(FLOW_WORDS))?.priority ?? -1, scan(rules, flow));
  }
});
