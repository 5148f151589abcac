/**
 * The classifier against its slow twin, rule and mask, bit for bit, through additions, removals and rules that are hidden:
 * the fast one leaves out visits, and that must not show.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FLOW_WORDS,
  prefixMask,
  W_ETH0,
  W_IN_PORT,
  W_IPV6_DST,
  W_NW_DST,
  W_NW_SRC,
  W_PORTS,
  W_REG0,
  W_TOSTTL,
  W_TYPE,
} from "../../datapath/flow/flow-key.ts";
import { Classifier } from "../../datapath/openflow/classifier.ts";
import { Match } from "../../datapath/openflow/match.ts";
import type { Entry } from "../../datapath/openflow/subtable.ts";
import { NaiveClassifier, type NaivePrefixField, type NaiveRule } from "./naive-classifier.ts";
import { property } from "./property.ts";

/** Few values for each field, so that rules overlap and packets come near them. */
const packet = fc
  .record({
    inPort: fc.integer({ min: 1, max: 3 }),
    reg0: fc.integer({ min: 0, max: 3 }),
    multicast: fc.boolean(),
    type: fc.constantFrom(0x0800, 0x0800, 0x0800, 0x86dd, 0x0806),
    protocol: fc.constantFrom(6, 17),
    source: fc.tuple(fc.nat(3), fc.nat(3)),
    destination: fc.tuple(fc.nat(3), fc.nat(3)),
    flags: fc.nat(3),
    ports: fc.tuple(fc.nat(7), fc.nat(7)),
  })
  .map((p) => {
    const flow = new Int32Array(FLOW_WORDS);
    flow[W_IN_PORT] = p.inPort;
    flow[W_REG0] = p.reg0;
    flow[W_ETH0] = p.multicast ? 0x01000000 : 0;
    flow[W_TYPE] = (p.type << 16) | p.protocol;
    if (p.type === 0x86dd) flow[W_IPV6_DST] = (p.destination[0] << 30) | p.destination[1];
    else {
      flow[W_NW_SRC] = (10 << 24) | (p.source[0] << 14) | p.source[1];
      flow[W_NW_DST] = (10 << 24) | (p.destination[0] << 14) | p.destination[1];
    }
    flow[W_TOSTTL] = p.flags;
    flow[W_PORTS] = (p.ports[0] << 16) | p.ports[1];
    return flow;
  });

/** Bits or prefix length matched of each field of a packet. */
interface Fields {
  readonly inPort: number;
  readonly reg0: number;
  readonly eth0: number;
  readonly type: number;
  readonly source: number;
  readonly destination: number;
  readonly v6: number;
  readonly flags: number;
  readonly ports: number;
}

/** Any fields; and only those of access lists, where subtables share all stages but the last, and tries decide. */
const anyMask = fc.record({
  inPort: fc.constantFrom(0, 0, -1),
  reg0: fc.constantFrom(0, 0, 0, -1, 1),
  eth0: fc.constantFrom(0, 0, 0, 0x01000000),
  type: fc.constantFrom(0, 0xffff0000 | 0, 0xffff00ff | 0, 0xffff00ff | 0),
  source: fc.constantFrom(0, 0, 8, 16, 18, 31, 32),
  destination: fc.constantFrom(0, 0, 8, 16, 17, 24, 32),
  v6: fc.constantFrom(0, 1, 2, 3),
  flags: fc.constantFrom(0, 0, 0, 1),
  ports: fc.constantFrom(0, 0, 0xffff, 0xffff0000 | 0, -1, 0xfffe, 0xfffc, 0xfffcfffe | 0, 0x00020000, 5),
});
const accessMask = (source: readonly number[], destination: readonly number[]): fc.Arbitrary<Fields> =>
  fc.record({
    inPort: fc.constantFrom(-1, -1, -1, 0),
    reg0: fc.constant(0),
    eth0: fc.constant(0),
    type: fc.constant(0xffff00ff | 0),
    source: fc.constantFrom(...source),
    destination: fc.constantFrom(...destination),
    v6: fc.constantFrom(1, 2),
    flags: fc.constant(0),
    ports: fc.constantFrom(0, 0xffff, 0xffff0000 | 0, 0xfffe, 0xfffc, 0x00070000, 5, 1),
  });
const mask = (fields: fc.Arbitrary<Fields>) =>
  fields.map((m) => (flow: Int32Array): Match => {
    const match = new Match();
    const use = (word: number, bits: number): void => match.setBits(word, flow[word], bits);
    use(W_IN_PORT, m.inPort);
    use(W_REG0, m.reg0);
    use(W_ETH0, m.eth0);
    use(W_TYPE, m.type);
    if (m.type === 0) return match;
    if (flow[W_TYPE] >>> 16 === 0x86dd) use(W_IPV6_DST, prefixMask(m.v6));
    else {
      use(W_NW_SRC, prefixMask(m.source));
      use(W_NW_DST, prefixMask(m.destination));
    }
    if ((m.type & 0xff) !== 0) {
      use(W_PORTS, m.ports);
      if ((flow[W_TYPE] & 0xff) === 6) use(W_TOSTTL, m.flags);
    }
    return match;
  });

const step = (fields: fc.Arbitrary<Fields>) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("insert" as const),
        match: fc.tuple(packet, mask(fields)).map(([flow, masked]) => masked(flow)),
        priority: fc.nat(5),
        hidden: fc.nat(9).map((n) => n === 0),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("removeAll" as const), every: fc.integer({ min: 2, max: 5 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("lookup" as const), flow: packet, near: fc.option(fc.nat()) }),
    },
  );

const IPV4 = 0x0800;
const SOURCE: NaivePrefixField = { word: W_NW_SRC, bits: 32, dlType: IPV4 };
const DESTINATION: NaivePrefixField = { word: W_NW_DST, bits: 32, dlType: IPV4 };
const TRIES: readonly { names: readonly string[]; fields: readonly NaivePrefixField[] }[] = [
  { names: ["nw_dst", "nw_src"], fields: [DESTINATION, SOURCE] },
  { names: [], fields: [] },
  { names: ["ipv6_dst", "nw_src"], fields: [{ word: W_IPV6_DST, bits: 128, dlType: 0x86dd }, SOURCE] },
];

interface Known extends NaiveRule {
  readonly hidden: boolean;
  entry: Entry<Known> | undefined;
}

/** A packet that matches a rule, where there is one. */
function near(flow: Int32Array, rules: readonly Known[], which: number): Int32Array {
  if (rules.length === 0) return flow;
  const { value, mask } = rules[which % rules.length].match;
  return flow.map((bits, w) => (bits & ~mask[w]) | value[w]);
}

for (const [name, fields] of [
  ["rules on any field", anyMask],
  ["access lists by prefix", accessMask([17, 17, 18, 32], [0, 17, 31])],
  ["access lists by port", accessMask([17, 17, 17, 18], [0, 0, 0, 31])],
] as const) {
  let lookups = 0;
  let found = 0;
  property(
    `classifier and slow twin give the same rule and mask: ${name}`,
    fc.record({
      tries: fc.constantFrom(...TRIES),
      steps: fc.array(step(fields), { minLength: 1, maxLength: 150, size: "max" }),
    }),
    60,
    ({ tries, steps }) => {
      const fast = new Classifier<Known>(tries.names);
      const slow = new NaiveClassifier(tries.fields);
      let rules: Known[] = [];
      for (const one of steps) {
        if (one.kind === "insert") {
          if (rules.some((rule) => rule.priority === one.priority && rule.match.equals(one.match))) continue;
          const rule: Known = { match: one.match, priority: one.priority, hidden: one.hidden, entry: undefined };
          rule.entry = fast.insert(rule.match, rule.priority, rule);
          slow.insert(rule);
          rules.push(rule);
        } else if (one.kind === "remove" && rules.length > 0) {
          const [gone] = rules.splice(one.which % rules.length, 1);
          fast.remove(gone.entry!);
          slow.remove([gone]);
        } else if (one.kind === "removeAll") {
          const gone = rules.filter((_, i) => i % one.every === 0);
          rules = rules.filter((rule) => !gone.includes(rule));
          fast.removeAll(gone.map((rule) => rule.entry!));
          slow.remove(gone);
        } else if (one.kind === "lookup") {
          const flow = one.near === null ? one.flow : near(one.flow, rules, one.near);
          const wanted = new Int32Array(FLOW_WORDS);
          const got = new Int32Array(FLOW_WORDS);
          const expected = slow.lookup(flow, wanted, (rule) => (rule as Known).hidden);
          const entry = fast.lookup(flow, got, (rule) => rule.hidden);
          assert.equal(entry?.owner, expected);
          assert.deepEqual(got, wanted);
          lookups++;
          if (expected !== undefined) found++;
        }
      }
    },
    (t) => {
      assert.ok(found > lookups / 10, `${found} of ${lookups} lookups found a rule`);
      t.diagnostic(`${lookups} lookups`);
    },
  );
}
