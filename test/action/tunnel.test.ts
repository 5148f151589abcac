import assert from "node:assert/strict";
import { test } from "node:test";
import type { OdpAction, TunnelHeader } from "../../datapath/action/odp-action.ts";
import {
  TUN_FLAG_CSUM,
  TUN_FLAG_KEY,
  TUN_FLAG_OAM,
  W_IN_PORT,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_META,
  W_TUN_SRC,
} from "../../datapath/flow/flow-key.ts";
import { TestBench } from "../datapath/bench.ts";
import { fromHex, toHex } from "../flow/burst.ts";
import { buildFrame, internetChecksum } from "./frames.ts";

const inner = buildFrame({
  ip4: { src: "192.168.1.11", dst: "192.168.2.11" },
  icmp: { type: 8, code: 0 },
  payload: [1, 2, 3],
});
const be16 = (value: number): number[] => [value >> 8, value & 0xff];

/** Outer frame: Ethernet, IPv4 with a checksum from scratch, then what is given. */
function outer(
  proto: number,
  rest: readonly number[],
  change: { tos?: number; ttl?: number; id?: number } = {},
): Uint8Array {
  const head = [0x45, change.tos ?? 0, ...be16(20 + rest.length), 0, 0, 0x40, 0, change.ttl ?? 64, proto, 0, 0];
  head.push(10, 11, 1, 115, 10, 11, 1, 116);
  head.splice(10, 2, ...be16(internetChecksum(head)));
  return Uint8Array.from([...fromHex("0200000000740200000000730800"), ...head, ...rest]);
}

const gre = (flags: number, options: readonly number[], payload: Uint8Array = inner, proto = 0x6558): number[] => [
  ...be16(flags),
  ...be16(proto),
  ...options,
  ...payload,
];
function udp(dst: number, body: readonly number[], checksum: boolean): number[] {
  const bytes = [0x80, 0x00, ...be16(dst), ...be16(8 + body.length), 0, 0, ...body];
  if (checksum) {
    const pseudo = [10, 11, 1, 115, 10, 11, 1, 116, 0, 17, ...be16(bytes.length)];
    bytes.splice(6, 2, ...be16(internetChecksum([...pseudo, ...bytes]) || 0xffff));
  }
  return bytes;
}

/** A header template of `bytes`' first `length` bytes, lengths, IPv4 checksum and UDP source port cleared. */
function template(type: TunnelHeader["type"], frame: Uint8Array, length: number, checksum = false): TunnelHeader {
  const bytes = frame.slice(0, length);
  bytes[16] = bytes[17] = bytes[24] = bytes[25] = 0;
  if (type !== "gre") bytes.fill(0, 34, 36).fill(0, 38, 42);
  return { type, bytes, ipAt: 14, checksum };
}
const pushTo = (header: TunnelHeader): OdpAction[] => [
  { kind: "tnl_push", tunnelPort: 5, outPort: 1, header },
  { kind: "output", port: 1 },
];

test("push GRE: key, checksum, none; any inner length", () => {
  for (const length of [14, 60, 61, 1400]) {
    const frame = new Uint8Array(length).map((_, n) => (n * 31) & 0xff);
    const cases: [string, number[], number][] = [
      ["key", gre(0x2000, [0, 0, 0, 2], frame), 42],
      ["none", gre(0, [], frame), 38],
    ];
    const summed = gre(0xa000, [0, 0, 0, 0, 0, 0, 0, 2], frame);
    summed.splice(4, 2, ...be16(internetChecksum(summed)));
    cases.push(["checksum and key", summed, 46]);
    for (const [what, rest, size] of cases) {
      const want = outer(47, rest);
      const header = template("gre", want, size, what !== "key");
      if (what === "checksum and key") header.bytes.fill(0, 38, 40);
      const bench = new TestBench(() => ({ actions: pushTo(header) }));
      assert.deepEqual(bench.send([frame]), [`1:${toHex(want)}`], `${what}, ${length}`);
      assert.equal(bench.datapath.counters.get("pushes"), 1);
      bench.conserves();
    }
  }
});

test("push VXLAN and Geneve: lengths, source port from the inner hash in 32768..60999, optional checksum", () => {
  for (const checksum of [false, true]) {
    for (const [type, dst, head] of [
      ["vxlan", 4789, [8, 0, 0, 0, 0, 0, 100, 0]],
      ["geneve", 6081, [0, 0, 0x65, 0x58, 0, 0, 100, 0]],
    ] as const) {
      const ports = new Set<number>();
      for (let n = 0; n < 200; n++) {
        const frame = buildFrame({ ip4: { src: `10.0.0.${n}`, dst: "10.0.1.1" }, udp: { src: n, dst: 53 } });
        const body = [...head, ...frame];
        const any = outer(17, udp(dst, body, false));
        const bench = new TestBench(() => ({ actions: pushTo(template(type, any, 50, checksum)) }));
        const [got] = bench.send([frame]);
        const bytes = fromHex(got.slice(2));
        const port = (bytes[34] << 8) | bytes[35];
        assert.ok(port >= 32768 && port < 61000, `${port}`);
        ports.add(port);
        const want = udp(dst, body, false);
        want.splice(0, 2, ...be16(port));
        if (checksum) {
          const pseudo = [10, 11, 1, 115, 10, 11, 1, 116, 0, 17, ...be16(want.length)];
          want.splice(6, 2, ...be16(internetChecksum([...pseudo, ...want]) || 0xffff));
        }
        assert.equal(toHex(bytes), toHex(outer(17, want)));
        assert.deepEqual(bench.send([frame]), [got], "the same flow, the same port");
      }
      assert.ok(ports.size > 150, `${ports.size} ports for 200 flows`);
    }
  }
});

test("what follows a push works on the outer frame", () => {
  const want = outer(47, gre(0x2000, [0, 0, 0, 2]));
  const actions: OdpAction[] = [
    { kind: "tnl_push", tunnelPort: 5, outPort: 1, header: template("gre", want, 42) },
    { kind: "set", header: "eth", words: [[2, 0x0a0b0c0d, -1]] },
    { kind: "set", header: "ipv4", words: [[10, (0x28 << 24) | (9 << 16), -0x10000]] },
    { kind: "push_vlan", tpid: 0x8100, tci: 0x1064 },
    { kind: "output", port: 1 },
  ];
  const bench = new TestBench(() => ({ actions }));
  const changed = outer(47, gre(0x2000, [0, 0, 0, 2]), { tos: 0x28, ttl: 9 });
  changed.set([0x0a, 0x0b, 0x0c, 0x0d], 0);
  const tagged = Uint8Array.from([...changed.subarray(0, 12), 0x81, 0, 0, 0x64, ...changed.subarray(12)]);
  assert.deepEqual(bench.send([inner]), [`1:${toHex(tagged)}`]);
});

/** Port 2 pops at port 6; what comes in there goes out on port 1, its key is kept. */
function popBench(kind?: "gre" | "vxlan" | "geneve"): { bench: TestBench; keys: Int32Array[] } {
  const keys: Int32Array[] = [];
  const bench = new TestBench((key) => {
    keys.push(key);
    return { actions: key[W_IN_PORT] === 6 ? [{ kind: "output", port: 1 }] : [{ kind: "tnl_pop", port: 6 }] };
  });
  if (kind !== undefined) bench.datapath.setTunnel(6, kind);
  return { bench, keys };
}

test("pop GRE with every combination of C, K, S; VXLAN; Geneve with options", () => {
  const cases: [string, Uint8Array, "gre" | "vxlan" | "geneve", number, number][] = [];
  for (let bits = 0; bits < 8; bits++) {
    const flags = ((bits & 1) !== 0 ? 0x8000 : 0) | ((bits & 2) !== 0 ? 0x2000 : 0) | ((bits & 4) !== 0 ? 0x1000 : 0);
    const options: number[] = [];
    if ((bits & 1) !== 0) options.push(0, 0, 0, 0);
    if ((bits & 2) !== 0) options.push(0xfe, 0, 0, 7);
    if ((bits & 4) !== 0) options.push(9, 9, 9, 9);
    const rest = gre(flags, options);
    if ((bits & 1) !== 0) rest.splice(4, 2, ...be16(internetChecksum(rest)));
    const id = (bits & 2) !== 0 ? 0xfe000007 | 0 : 0;
    const said = ((bits & 1) !== 0 ? TUN_FLAG_CSUM : 0) | ((bits & 2) !== 0 ? TUN_FLAG_KEY : 0);
    cases.push([`GRE ${flags.toString(16)}`, outer(47, rest, { tos: 0xb8, ttl: 33 }), "gre", id, said]);
  }
  for (const checksum of [false, true]) {
    const said = TUN_FLAG_KEY | (checksum ? TUN_FLAG_CSUM : 0);
    const vxlan = udp(4789, [8, 0, 0, 0, 0x01, 0, 0x64, 0, ...inner], checksum);
    cases.push(["VXLAN", outer(17, vxlan, { tos: 0xb8, ttl: 33 }), "vxlan", 0x010064, said]);
    const geneve = udp(6081, [0x02, 0x80, 0x65, 0x58, 0, 0, 0x64, 0, ...new Array(8).fill(1), ...inner], checksum);
    cases.push(["Geneve", outer(17, geneve, { tos: 0xb8, ttl: 33 }), "geneve", 0x64, said | TUN_FLAG_OAM]);
  }
  for (const [what, frame, kind, id, flags] of cases) {
    for (const declared of [undefined, kind]) {
      const { bench, keys } = popBench(declared);
      assert.deepEqual(bench.send([frame], 2), [`1:${toHex(inner)}`], what);
      const key = keys[1];
      assert.deepEqual(
        [W_IN_PORT, W_TUN_ID, W_TUN_SRC, W_TUN_DST].map((w) => key[w]),
        [6, id, 0x0a0b0173, 0x0a0b0174],
        what,
      );
      assert.equal(key[W_TUN_META] >>> 0, ((0xb8 << 24) | (33 << 16) | flags) >>> 0, what);
      bench.conserves();
      const c = bench.datapath.counters;
      assert.deepEqual([c.get("pops"), c.get("recirculations"), c.get("lookups")], [1, 1, 2]);
      bench.send([frame, frame], 2);
      bench.conserves();
    }
  }
});

test("outer headers that lie or are not for the port are dropped and counted", () => {
  const good = outer(47, gre(0x2000, [0, 0, 0, 2]));
  const changed = (at: number, byte: number, frame = good): Uint8Array => frame.with(at, byte);
  const vxlan = outer(17, udp(4789, [8, 0, 0, 0, 0, 0, 100, 0, ...inner], true));
  const plain = outer(17, udp(4789, [8, 0, 0, 0, 0, 0, 100, 0, ...inner], false));
  const cases: [string, Uint8Array, ("gre" | "vxlan" | "geneve")?][] = [
    ["IPv4 checksum", changed(24, good[24] ^ 1)],
    ["GRE version 1", outer(47, gre(0x2001, [0, 0, 0, 2]))],
    ["GRE routing bit", outer(47, gre(0x4000, [0, 0, 0, 2]))],
    ["GRE with IPv4 inside", outer(47, gre(0x2000, [0, 0, 0, 2], inner, 0x0800))],
    ["GRE cut in its options", outer(47, [0x30, 0, 0x65, 0x58, 0, 0])],
    ["GRE checksum", outer(47, gre(0x8000, [1, 2, 0, 0]))],
    ["UDP checksum", changed(vxlan.length - 1, vxlan[vxlan.length - 1] ^ 1, vxlan)],
    ["VXLAN without a valid VNI", changed(42, 0, plain)],
    ["VXLAN reserved byte", changed(49, 1, plain)],
    ["VXLAN cut", outer(17, udp(4789, [8, 0, 0, 0], false))],
    ["Geneve version", outer(17, udp(6081, [0x40, 0, 0x65, 0x58, 0, 0, 1, 0, ...inner], false))],
    ["Geneve options past the end", outer(17, udp(6081, [0x3f, 0, 0x65, 0x58, 0, 0, 1, 0, ...inner], false))],
    ["not a tunnel", outer(6, new Array(40).fill(0x55))],
    ["GRE at a VXLAN port", good, "vxlan"],
    ["VXLAN at a GRE port", plain, "gre"],
    [
      "ARP",
      buildFrame({
        arp: { op: 1, sha: "02:00:00:00:00:02", spa: "1.1.1.1", tha: "00:00:00:00:00:00", tpa: "1.1.1.2" },
      }),
    ],
  ];
  for (const [what, frame, kind] of cases) {
    const { bench } = popBench(kind);
    assert.deepEqual(bench.send([frame], 2), [], what);
    assert.equal(bench.datapath.counters.snapshot().drops["NoTunnel"], 1, what);
    bench.conserves();
  }
  // An inner frame shorter than an Ethernet header dies in the next pass.
  const { bench } = popBench();
  bench.send([outer(47, gre(0, [], inner.subarray(0, 13)))], 2);
  assert.equal(bench.datapath.counters.snapshot().drops["Truncated"], 1);
  bench.conserves();
});

test("a loop of pops ends after six recirculations", () => {
  let frame: Uint8Array = inner;
  for (let n = 0; n < 9; n++) frame = outer(47, gre(0, [], frame));
  const bench = new TestBench(() => ({ actions: [{ kind: "tnl_pop", port: 6 }] }));
  assert.deepEqual(bench.send([frame, frame]), []);
  assert.equal(bench.datapath.counters.snapshot().drops["RecirculationLimit"], 2);
  assert.equal(bench.datapath.counters.get("recirculations"), 12);
  bench.conserves();
});

test("a burst whose clones make more than a burst of pops", () => {
  const frame = outer(47, gre(0x2000, [0, 0, 0, 2]));
  const pop: OdpAction = { kind: "tnl_pop", port: 6 };
  const bench = new TestBench((key) => ({
    actions:
      key[W_IN_PORT] === 6
        ? [{ kind: "output", port: 1 }]
        : [
            { kind: "clone", actions: [pop] },
            { kind: "clone", actions: [pop] },
            { kind: "output", port: 3 },
          ],
  }));
  const out = bench.send(new Array(32).fill(frame), 2);
  assert.equal(out.filter((line) => line === `1:${toHex(inner)}`).length, 64);
  assert.equal(out.filter((line) => line === `3:${toHex(frame)}`).length, 32);
  bench.conserves();
});
