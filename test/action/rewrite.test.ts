/** Headers set, pushed and popped, on every kind of frame: against frames built as they ought to be, checksums and all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OdpAction } from "../../datapath/action/odp-action.ts";
import {
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
} from "../../datapath/flow/flow-key.ts";
import { TestBench } from "../datapath/bench.ts";
import { toHex } from "../flow/burst.ts";
import { buildFrame, type FrameSpec, hexBytes, macBytes } from "./frames.ts";
import { becomes, ip4, macs, OUT, output, set, word } from "./run-actions.ts";

const A6 = "20010db8000000000000000000000001";
const B6 = "20010db8000100000000000000000002";
const C6 = "fe80000000000000020000fffe000003";
const payloads = [[], [1], [0xff, 0xff, 0xff], Array.from({ length: 64 }, (_, n) => (n * 37) & 0xff)];
const tagLists: FrameSpec["tags"][] = [[], [[0x8100, 0x2005]], [[0x88a8, 0x0064]]];
const transports: FrameSpec[] = [
  { udp: { src: 1000, dst: 53 } },
  { udp: { src: 1000, dst: 53, noChecksum: true } },
  { tcp: { src: 1000, dst: 80 } },
  { sctp: { src: 1000, dst: 80 } },
  { icmp: { type: 8, code: 0 } },
  {},
];

/** Every kind of IP frame: tags, transports, payloads of odd and even length, padding, options. */
function* ip4Frames(): Generator<FrameSpec> {
  for (const tags of tagLists) {
    for (const transport of transports) {
      for (const payload of payloads) {
        for (const options of [[], [1, 1, 1, 0]]) {
          const padding = payload.length === 1 ? 7 : 0;
          yield {
            tags,
            ...transport,
            payload,
            padding,
            ip4: { src: "10.0.0.1", dst: "10.128.0.9", tos: 0xb9, options },
          };
        }
      }
    }
  }
}
function* ip6Frames(): Generator<FrameSpec> {
  for (const tags of tagLists) {
    for (const transport of transports) {
      for (const payload of payloads) {
        const padding = payload.length === 1 ? 7 : 0;
        yield { tags, ...transport, payload, padding, ip6: { src: A6, dst: B6, tos: 0xb9, label: 0x12345 } };
      }
    }
  }
}

test("Ethernet addresses, whole and by mask, on every kind of frame", () => {
  const whole = macs("0a:0b:0c:0d:0e:0f", "1a:1b:1c:1d:1e:1f");
  const both = set("eth", [W_ETH0, whole[0], -1], [W_ETH0 + 1, whole[1], -1], [W_ETH0 + 2, whole[2], -1]);
  const dst = set("eth", [W_ETH0, whole[0], -1], [W_ETH0 + 1, whole[1], -0x10000]);
  const src = set("eth", [W_ETH0 + 1, whole[1], 0xffff], [W_ETH0 + 2, whole[2], -1]);
  for (const spec of [...ip4Frames(), ...ip6Frames(), { payload: [1, 2, 3] }]) {
    becomes([both], spec, { ...spec, dst: "0a:0b:0c:0d:0e:0f", src: "1a:1b:1c:1d:1e:1f" }, "both");
    becomes([dst], spec, { ...spec, dst: "0a:0b:0c:0d:0e:0f" }, "dst");
    becomes([src], spec, { ...spec, src: "1a:1b:1c:1d:1e:1f" }, "src");
  }
});

test("IPv4: addresses, tos, ttl, with header and transport checksums", () => {
  for (const spec of ip4Frames()) {
    const header = spec.ip4;
    if (header === undefined) continue;
    becomes([set("ipv4", [W_TOSTTL, 63 << 16, 0xff0000])], spec, { ...spec, ip4: { ...header, ttl: 63 } }, "ttl");
    const tos = { ...spec, ip4: { ...header, tos: 0x21 } };
    becomes([set("ipv4", [W_TOSTTL, 0x20 << 24, 0xfc << 24])], spec, tos, "dscp, ecn kept");
    const all = set(
      "ipv4",
      [W_NW_SRC, ip4("192.168.77.1"), -1],
      [W_NW_DST, ip4("172.16.0.255"), -1],
      [W_TOSTTL, (0x08 << 24) | (1 << 16), -0x10000],
    );
    const changed = { src: "192.168.77.1", dst: "172.16.0.255", tos: 8, ttl: 1 };
    becomes([all], spec, { ...spec, ip4: { ...header, ...changed } }, "all");
    const prefix = set("ipv4", [W_NW_DST, 0x0b000000, 0xff000000 | 0]);
    becomes([prefix], spec, { ...spec, ip4: { ...header, dst: "11.128.0.9" } }, "first byte");
    const same = set("ipv4", [W_NW_SRC, ip4(header.src), -1], [W_TOSTTL, 64 << 16, 0xff0000]);
    becomes([same], spec, spec, "the same again");
  }
});

test("IPv6: addresses, traffic class, label, hop limit, with the transport checksum", () => {
  const address = (at: number, text: string): (readonly [number, number, number])[] =>
    [0, 1, 2, 3].map((w) => [at + w, word(hexBytes(text), 4 * w), -1] as const);
  for (const spec of ip6Frames()) {
    const header = spec.ip6;
    if (header === undefined) continue;
    becomes([set("ipv6", [W_TOSTTL, 63 << 16, 0xff0000])], spec, { ...spec, ip6: { ...header, ttl: 63 } }, "hop limit");
    becomes([set("ipv6", ...address(W_IPV6_SRC, C6))], spec, { ...spec, ip6: { ...header, src: C6 } }, "source");
    const rest = set(
      "ipv6",
      ...address(W_IPV6_DST, C6),
      [W_IPV6_LABEL, 0xabcde, 0xfffff],
      [W_TOSTTL, 0x45 << 24, 0xff << 24],
    );
    becomes(
      [rest],
      spec,
      { ...spec, ip6: { ...header, dst: C6, label: 0xabcde, tos: 0x45 } },
      "destination, label, class",
    );
  }
  // With segments left, the destination of the header is not the one that the checksum covers (RFC 8200 8.1).
  const routing = [17, 2, 0, 1, 0, 0, 0, 0, ...hexBytes(B6)];
  const routed: FrameSpec = {
    udp: { src: 5, dst: 6 },
    payload: [1, 2],
    ip6: { src: A6, dst: C6, first: 43, extensions: routing, finalDst: B6 },
  };
  becomes(
    [set("ipv6", ...address(W_IPV6_DST, A6))],
    routed,
    { ...routed, ip6: { src: A6, dst: A6, first: 43, extensions: routing, finalDst: B6 } },
    "routing header",
  );
  const hop: FrameSpec = {
    tcp: { src: 5, dst: 6 },
    ip6: { src: A6, dst: B6, first: 0, extensions: [6, 0, 1, 4, 0, 0, 0, 0] },
  };
  becomes(
    [set("ipv6", ...address(W_IPV6_DST, C6))],
    hop,
    { ...hop, ip6: { src: A6, dst: C6, first: 0, extensions: [6, 0, 1, 4, 0, 0, 0, 0] } },
    "hop-by-hop options",
  );
});

test("ports of TCP, UDP and SCTP, type and code of ICMP, over IPv4 and IPv6", () => {
  for (const spec of [...ip4Frames(), ...ip6Frames()]) {
    const ports = { src: 0xffff, dst: 1 };
    const words = [W_PORTS, (0xffff << 16) | 1, -1] as const;
    if (spec.udp !== undefined) becomes([set("udp", words)], spec, { ...spec, udp: { ...spec.udp, ...ports } }, "udp");
    if (spec.tcp !== undefined) becomes([set("tcp", words)], spec, { ...spec, tcp: { ...spec.tcp, ...ports } }, "tcp");
    if (spec.sctp !== undefined) becomes([set("sctp", words)], spec, { ...spec, sctp: ports }, "sctp");
    if (spec.icmp !== undefined) {
      const action = set(spec.ip6 === undefined ? "icmp" : "icmpv6", [W_PORTS, (3 << 16) | 1, 0x00ff00ff]);
      becomes([action], spec, { ...spec, icmp: { type: 3, code: 1 } }, "icmp");
    }
    if (spec.udp !== undefined) {
      const half = set("udp", [W_PORTS, 99, 0xffff]);
      becomes([half], spec, { ...spec, udp: { ...spec.udp, dst: 99 } }, "destination port");
    }
  }
});

test("a UDP checksum never becomes 0 by a rewrite, whatever the ports", () => {
  const bench = new TestBench((key) => ({
    actions: [set("udp", [W_PORTS, key[W_PORTS] << 16, -0x10000]), output],
    mask: new Map([[W_PORTS, -1]]),
  }));
  const spec: FrameSpec = { ip4: { src: "10.0.0.1", dst: "10.0.0.2" }, udp: { src: 7, dst: 0 } };
  for (let dst = 0; dst < 65536; dst += 1) {
    // Only those destinations whose rewritten checksum would be 0 matter; they are found by computing all.
    const after = buildFrame({ ...spec, udp: { src: dst, dst } });
    if (after[40] !== 0xff || after[41] !== 0xff) continue;
    assert.deepEqual(bench.send([buildFrame({ ...spec, udp: { src: 7, dst } })]), [`${OUT}:${toHex(after)}`]);
    return;
  }
  assert.fail("no port pair sums to zero");
});

test("ARP fields, whole and partly", () => {
  const spec: FrameSpec = {
    arp: { op: 1, sha: "02:00:00:00:00:02", spa: "10.0.0.1", tha: "00:00:00:00:00:00", tpa: "10.0.0.9" },
  };
  const wanted = { op: 2, sha: "fa:16:3e:0a:00:15", spa: "10.1.0.15", tha: "fa:16:3e:0a:00:11", tpa: "10.1.0.11" };
  const [m0, m1, m2] = macs(wanted.sha, wanted.tha);
  const all = set(
    "arp",
    [W_TYPE, 2, 0xff],
    [W_NW_SRC, ip4(wanted.spa), -1],
    [W_NW_DST, ip4(wanted.tpa), -1],
    [W_MACS0, m0, -1],
    [W_MACS0 + 1, m1, -1],
    [W_MACS0 + 2, m2, -1],
  );
  for (const tags of tagLists) {
    becomes([all], { ...spec, tags }, { tags, arp: wanted }, "all");
    const tpa = set("arp", [W_NW_DST, ip4("9.9.9.9"), -1]);
    becomes([tpa], { ...spec, tags }, { tags, arp: { ...spec.arp!, tpa: "9.9.9.9" } }, "tpa");
    const sha = set("arp", [W_MACS0, m0, -1], [W_MACS0 + 1, m1, -0x10000]);
    becomes([sha], { ...spec, tags }, { tags, arp: { ...spec.arp!, sha: wanted.sha } }, "sha");
    const tha = set("arp", [W_MACS0 + 1, m1, 0xffff], [W_MACS0 + 2, m2, -1]);
    becomes([tha], { ...spec, tags }, { tags, arp: { ...spec.arp!, tha: wanted.tha } }, "tha");
  }
});

test("neighbour discovery: target and the first link-layer option", () => {
  const target = [0, 1, 2, 3].map((w) => [W_ND_TARGET + w, word(hexBytes(C6), 4 * w), -1] as const);
  const [m0, m1, m2] = macs("0a:0b:0c:0d:0e:0f", "1a:1b:1c:1d:1e:1f");
  const link = [
    [W_MACS0, m0, -1],
    [W_MACS0 + 1, m1, -1],
    [W_MACS0 + 2, m2, -1],
  ] as const;
  const option = (type: number, mac: string): number[] => [type, 1, ...macBytes(mac)];
  const ip6 = { src: A6, dst: B6, ttl: 255 };
  for (const [type, mac] of [
    [1, "0a:0b:0c:0d:0e:0f"],
    [2, "1a:1b:1c:1d:1e:1f"],
  ] as const) {
    const other = option(5, "00:00:00:00:05:dc");
    const before = { ip6, nd: { type: 135, target: B6, options: [...other, ...option(type, "02:00:00:00:00:02")] } };
    const after = { ip6, nd: { type: 135, target: C6, options: [...other, ...option(type, mac)] } };
    becomes([set("nd", ...target, ...link)], before, after, `option ${type}`);
  }
  const bare = { ip6, nd: { type: 136, target: B6, options: [] } };
  becomes([set("nd", ...target)], bare, { ip6, nd: { type: 136, target: C6, options: [] } }, "no option");
});

test("tags: push and pop, one and two", () => {
  for (const inner of [...ip4Frames(), { payload: [1, 2, 3] }]) {
    const spec = { ...inner, tags: [] };
    const tagged: FrameSpec = { ...spec, tags: [[0x8100, 0x6064]] };
    const push: OdpAction = { kind: "push_vlan", tpid: 0x8100, tci: 0x7064 };
    becomes([push], spec, tagged, "the present bit is not sent");
    const outer: OdpAction = { kind: "push_vlan", tpid: 0x88a8, tci: 0x1005 };
    becomes(
      [push, outer],
      spec,
      {
        ...spec,
        tags: [
          [0x88a8, 5],
          [0x8100, 0x6064],
        ],
      },
      "two",
    );
    becomes([{ kind: "pop_vlan" }], tagged, spec, "pop");
    becomes(
      [{ kind: "pop_vlan" }],
      {
        ...spec,
        tags: [
          [0x88a8, 5],
          [0x8100, 0x6064],
        ],
      },
      tagged,
      "pop outer",
    );
    becomes([{ kind: "pop_vlan" }], spec, spec, "nothing to pop");
    becomes([push, { kind: "pop_vlan" }], spec, spec, "push and pop");
    if (spec.ip4 !== undefined) {
      const ttl = set("ipv4", [W_TOSTTL, 3 << 16, 0xff0000]);
      becomes([push, ttl], spec, { ...tagged, ip4: { ...spec.ip4, ttl: 3 } }, "rewritten behind the tag");
    }
  }
});

test("labels: push, pop, set", () => {
  const spec: FrameSpec = { ip4: { src: "10.0.0.1", dst: "10.0.0.2" }, udp: { src: 1, dst: 2 }, payload: [1] };
  const entry = 0x00064140;
  const inner = 0x00c81140;
  for (const tags of tagLists) {
    const plain = { ...spec, tags };
    const push: OdpAction = { kind: "push_mpls", ethertype: 0x8847, lse: entry };
    const pop: OdpAction = { kind: "pop_mpls", ethertype: 0x0800 };
    becomes([push], plain, { ...plain, labels: [entry] }, "push");
    becomes([push], { ...plain, labels: [inner] }, { ...plain, labels: [entry, inner] }, "push a second");
    becomes([pop], { ...plain, labels: [entry] }, plain, "pop the last");
    becomes(
      [{ kind: "pop_mpls", ethertype: 0x8847 }],
      { ...plain, labels: [entry & ~0x100, inner] },
      { ...plain, labels: [inner] },
      "pop one of two",
    );
    becomes([pop], plain, plain, "nothing to pop");
    const label = set("mpls", [W_MPLS0, 0x7f << 12, 0xfffff000 | 0]);
    becomes([label], { ...plain, labels: [entry] }, { ...plain, labels: [(0x7f << 12) | (entry & 0xfff)] }, "label");
    becomes([label], plain, plain, "no label to set");
  }
});
