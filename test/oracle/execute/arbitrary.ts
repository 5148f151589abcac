/** Steps of the slow twin, drawn by fast-check. Those that a packet cannot have are left out later (legal() of run.ts). */
import fc from "fast-check";
import type { Step } from "./run.ts";
import type { FieldSet, Header } from "./set.ts";
import type { Outer } from "./tunnel.ts";

export const OUTPUTS = 4;

/** Bytes of which all bits set and none are common: sums carry there. */
export const bytesOf = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 255, 1, 0x80)), {
    minLength: length,
    maxLength: length,
  });

const maskOf = (length: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(Array.from({ length }, () => 255)) },
    { weight: 2, arbitrary: bytesOf(length) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 0, max: 8 * length })
        .map((bits) => Array.from({ length }, (_, n) => 255 & (255 << Math.min(8, Math.max(0, 8 * (n + 1) - bits))))),
    },
  );

/** Bytes of each field; of an odd one, the bits that it has in its first byte. */
const FIELDS: Readonly<Record<Header, Readonly<Record<string, number>>>> = {
  eth: { dst: 6, src: 6 },
  ipv4: { src: 4, dst: 4, tos: 1, ttl: 1 },
  ipv6: { src: 16, dst: 16, label: 3, tclass: 1, hlimit: 1 },
  tcp: { src: 2, dst: 2 },
  udp: { src: 2, dst: 2 },
  sctp: { src: 2, dst: 2 },
  icmp: { type: 1, code: 1 },
  icmpv6: { type: 1, code: 1 },
  arp: { op: 1, sip: 4, tip: 4, sha: 6, tha: 6 },
  nd: { target: 16, sll: 6, tll: 6 },
  mpls: { lse: 4 },
  skb_mark: { value: 4 },
  skb_priority: { value: 4 },
};

const fieldSet = (field: string, length: number): fc.Arbitrary<FieldSet> =>
  fc.record({ value: bytesOf(length), mask: maskOf(length) }).map(({ value, mask }) => {
    const own = field === "label" ? mask.map((bits, n) => (n === 0 ? bits & 15 : bits)) : mask;
    return { field, value: value.map((byte, n) => byte & own[n]!), mask: own };
  });

const setStep = (header: Header): fc.Arbitrary<Step> =>
  fc
    .tuple(...Object.entries(FIELDS[header]).map(([field, length]) => fc.option(fieldSet(field, length))))
    .map((fields) => ({ do: "set", header, fields: fields.filter((one) => one !== null) }) as const)
    .filter(({ fields }) => fields.some(({ mask }) => mask.some((bits) => bits !== 0)));

const outer: fc.Arbitrary<Outer> = fc
  .record({
    type: fc.constantFrom("gre", "vxlan", "geneve"),
    dst: bytesOf(6),
    src: bytesOf(6),
    from: bytesOf(4),
    to: bytesOf(4),
    tos: fc.integer({ min: 0, max: 255 }),
    ttl: fc.integer({ min: 1, max: 255 }),
    noFragments: fc.boolean(),
    checksum: fc.boolean(),
    key: fc.option(fc.integer({ min: 0, max: 0xffffff }), { nil: undefined }),
  })
  .map((one) => one as Outer);

const mac = bytesOf(6);
/** Of each row, all headers are set one after the other: a packet has one of them at most. */
const ROWS: readonly (readonly Header[])[] = [
  ["eth"],
  ["ipv4", "ipv6", "arp", "mpls"],
  ["tcp", "udp", "sctp", "icmp", "icmpv6"],
  ["nd"],
  ["skb_mark", "skb_priority"],
];
const sets: fc.Arbitrary<Step[]> = fc.oneof(
  ...[3, 6, 12, 2, 1].map((weight, n) => ({
    weight,
    arbitrary: fc.tuple(...ROWS[n]!.map(setStep)).map((row) => [...row]),
  })),
);
const simple: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("push_vlan" as const),
      tpid: fc.constantFrom(0x8100, 0x88a8),
      tci: fc.integer({ min: 0, max: 0xffff }).map((tci) => tci & 0xefff),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("push_mpls" as const),
      type: fc.constantFrom(0x8847, 0x8848),
      entry: bytesOf(4),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("pop_mpls" as const),
      type: fc.constantFrom(0x0800, 0x86dd, 0x8847),
    }),
  },
  { weight: 4, arbitrary: fc.constantFrom<Step>({ do: "pop_vlan" }, { do: "pop_eth" }, { do: "userspace" }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("trunc" as const),
      most: fc.oneof(fc.constantFrom(14, 18, 60), fc.integer({ min: 1, max: 200 })),
    }),
  },
);
/** What lists of stepsOf() have seldom come to: headers of transport, neighbour discovery, ARP and labels, outputs in between. */
export function rareSteps(): fc.Arbitrary<Step[]> {
  const rows: readonly (readonly Header[])[] = [
    ["tcp", "sctp", "icmp", "icmpv6"],
    ["nd"],
    ["ipv4", "ipv6", "arp", "mpls"],
  ];
  const labels: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant("pop_mpls" as const), type: fc.constantFrom(0x0800, 0x8847, 0x8848) }),
    fc.record({ do: fc.constant("pop_mpls" as const), type: fc.constantFrom(0x0800, 0x8847, 0x8848) }),
    fc.record({ do: fc.constant("push_mpls" as const), type: fc.constantFrom(0x8847, 0x8848), entry: bytesOf(4) }),
  );
  const one = fc.oneof(
    ...rows.map((row) => ({ weight: 3, arbitrary: fc.tuple(...row.map(setStep)).map((all): Step[] => [...all]) })),
    { weight: 2, arbitrary: labels.map((step): Step[] => [step]) },
    { weight: 1, arbitrary: output.map((step): Step[] => [step]) },
  );
  return fc
    .tuple(fc.array(one, { minLength: 1, maxLength: 6 }), output)
    .map(([lists, last]) => [...lists.flat(), last]);
}

/** The Ethernet header off, something done, and another one on. */
const ethernet: fc.Arbitrary<Step[]> = fc
  .tuple(sets, fc.record({ do: fc.constant("push_eth" as const), dst: mac, src: mac }))
  .map(([between, push]) => [{ do: "pop_eth" }, ...between, push]);
const output: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("output" as const),
  port: fc.integer({ min: 1, max: OUTPUTS }),
});

const alone = (step: Step): Step[] => [step];

/** A list with lists in it, `depth` deep. `again`: of a later pass, which has a hash of its own for UDP source ports. */
export function stepsOf(depth: number, again = false): fc.Arbitrary<Step[]> {
  const tunnels = again ? outer.filter(({ type }) => type === "gre") : outer;
  const push: fc.Arbitrary<Step> = tunnels.map((one) => ({ do: "push_tunnel", outer: one }));
  const choices = [
    { weight: 14, arbitrary: sets },
    { weight: 12, arbitrary: simple.map(alone) },
    { weight: 2, arbitrary: ethernet },
    { weight: 1, arbitrary: fc.constant<Step[]>([{ do: "drop" }]) },
    { weight: 6, arbitrary: output.map(alone) },
    { weight: 2, arbitrary: push.map(alone) },
  ];
  if (depth > 0) {
    const inner = fc.array(fc.oneof(...choices), { maxLength: 5 }).map((steps) => steps.flat());
    const list = depth > 1 ? stepsOf(depth - 1, again) : inner;
    const later = stepsOf(depth - 1, true);
    const nested: fc.Arbitrary<Step> = fc.oneof(
      fc.record({ do: fc.constant("clone" as const), steps: list }),
      fc.record({ do: fc.constant("sample" as const), always: fc.boolean(), steps: list }),
      fc.record({
        do: fc.constant("longer" as const),
        size: fc.integer({ min: 14, max: 150 }),
        yes: list,
        no: list,
      }),
      fc.record({ do: fc.constant("recirc" as const), hash: fc.boolean(), next: later }),
      fc.record({
        do: fc.constant("pop_tunnel" as const),
        type: fc.constantFrom("gre" as const, "vxlan" as const, "geneve" as const),
        next: later,
      }),
    );
    choices.push({ weight: 4, arbitrary: nested.map(alone) });
  }
  return fc
    .tuple(fc.array(fc.oneof(...choices), { maxLength: 8, size: "max" }), output)
    .map(([steps, last]) => [...steps.flat(), last]);
}
