/**
 * Traffic for tests of the hot path itself: every frame kind through every action. A workload is frames, the port they come
 * in by, and the actions that the fake slow path answers with for a port.
 */
import type { OdpAction, TunnelHeader } from "../../datapath/action/odp-action.ts";
import {
  W_ETH0,
  W_IPV6_SRC,
  W_MACS0,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PKT_MARK,
  W_PORTS,
  W_TOSTTL,
  W_TYPE,
} from "../../datapath/flow/flow-key.ts";
import { buildFrame, type FrameSpec, internetChecksum } from "../action/frames.ts";

export interface Workload {
  readonly name: string;
  readonly port: number;
  readonly frames: readonly Uint8Array[];
  /** Actions by input port. */
  readonly actions: ReadonlyMap<number, readonly OdpAction[]>;
}

const A6 = "20010db8000000000000000000000001";
const B6 = "20010db8000100000000000000000002";
/** Port that popped packets come in by; port 1 transmits. */
const TUNNEL = 6;
const out: OdpAction = { kind: "output", port: 1 };
const ip4 = (n: number): FrameSpec["ip4"] => ({ src: `10.0.${n >> 6}.${n & 63}`, dst: "10.128.0.9", ttl: 64 });
const ip6 = (): FrameSpec["ip6"] => ({ src: A6, dst: B6, ttl: 64 });
const many = (build: (n: number) => FrameSpec): Uint8Array[] =>
  Array.from({ length: 64 }, (_, n) => buildFrame(build(n)));

function greHeader(udp: boolean): TunnelHeader {
  const bytes = new Uint8Array(udp ? 50 : 42);
  bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, udp ? 17 : 47, 0, 0]);
  bytes.set([10, 11, 1, 115, 10, 11, 1, 116], 26);
  bytes.set(udp ? [0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 100, 0] : [0x20, 0, 0x65, 0x58, 0, 0, 0, 2], 34);
  return { type: udp ? "vxlan" : "gre", bytes, ipAt: 14, checksum: false };
}

function encapsulated(inner: Uint8Array, udp: boolean): Uint8Array {
  const head = greHeader(udp).bytes.slice();
  const length = head.length - 14 + inner.length;
  head[16] = length >> 8;
  head[17] = length & 0xff;
  const sum = internetChecksum([...head.subarray(14, 34)]);
  head[24] = sum >> 8;
  head[25] = sum & 0xff;
  if (udp) {
    head[34] = 0x90;
    head[38] = (length - 20) >> 8;
    head[39] = (length - 20) & 0xff;
  }
  return Uint8Array.from([...head, ...inner]);
}

const set = (
  header: Extract<OdpAction, { kind: "set" }>["header"],
  ...words: (readonly [number, number, number])[]
): OdpAction => ({ kind: "set", header, words });
const mac = set("eth", [W_ETH0, 0x0a0b0c0d, -1], [W_ETH0 + 1, 0x0e0f0102, -1], [W_ETH0 + 2, 0x03040506, -1]);
const ttl = set("ipv4", [W_TOSTTL, 63 << 16, 0xff0000]);

function workload(
  name: string,
  frames: readonly Uint8Array[],
  actions: readonly OdpAction[],
  inner: readonly OdpAction[] = [mac, out],
): Workload {
  return {
    name,
    port: 0,
    frames,
    actions: new Map([
      [0, actions],
      [TUNNEL, inner],
    ]),
  };
}

/** By name; every frame kind and every operation of action/opcodes.ts is in one of them. */
export function allWorkloads(): Workload[] {
  const udp = many((n) => ({ ip4: ip4(n), udp: { src: n, dst: 53 }, payload: [1, 2, 3, 4] }));
  const tcp = many((n) => ({ ip4: ip4(n), tcp: { src: n, dst: 80, flags: n & 0x1f } }));
  const udp6 = many((n) => ({ ip6: ip6(), udp: { src: n, dst: 53 } }));
  const nd = many((n) => ({
    ip6: ip6(),
    nd: { type: 135 + (n & 1), target: B6, options: [1 + (n & 1), 1, 2, 0, 0, 0, 0, n] },
  }));
  const arp = many((n) => ({
    arp: { op: 1 + (n & 1), sha: "02:00:00:00:00:02", spa: `10.0.0.${n}`, tha: "00:00:00:00:00:00", tpa: "10.0.0.9" },
  }));
  const arpWords = [W_TYPE, W_NW_SRC, W_NW_DST, W_MACS0, W_MACS0 + 1, W_MACS0 + 2];
  const ndWords = [0, 1, 2, 3].map((w) => W_ND_TARGET + w);
  const all = (words: readonly number[]): (readonly [number, number, number])[] =>
    words.map((w) => [w, 0x01020304, -1]);
  const pop: OdpAction = { kind: "tnl_pop", port: TUNNEL };
  const push = (isUdp: boolean): OdpAction => ({
    kind: "tnl_push",
    tunnelPort: 5,
    outPort: 1,
    header: greHeader(isUdp),
  });
  return [
    workload("MAC rewrite", udp, [mac, out]),
    workload("MAC rewrite by mask", udp, [set("eth", [W_ETH0, 1, 0xff]), out]),
    workload("TTL", tcp, [mac, ttl, out]),
    workload("NAT", tcp, [
      set("ipv4", [W_NW_SRC, 7, -1], [W_NW_DST, 8, -1], [W_TOSTTL, 0x08 << 24, 0xfc << 24]),
      set("tcp", [W_PORTS, 9, -1]),
      out,
    ]),
    workload("UDP ports", udp, [set("udp", [W_PORTS, 0x00070008, -1]), out]),
    workload(
      "SCTP",
      many((n) => ({ ip4: ip4(n), sctp: { src: n, dst: 80 } })),
      [set("sctp", [W_PORTS, 7, 0xffff]), out],
    ),
    workload(
      "ICMP",
      many((n) => ({ ip4: ip4(n), icmp: { type: 8, code: 0 } })),
      [set("icmp", [W_PORTS, 0, -1]), out],
    ),
    workload("IPv6", udp6, [set("ipv6", [W_IPV6_SRC + 3, 9, -1], [W_TOSTTL, 63 << 16, 0xff0000]), out]),
    workload("neighbour discovery", nd, [set("nd", ...all([...ndWords, W_MACS0, W_MACS0 + 1, W_MACS0 + 2])), out]),
    workload("ARP", arp, [set("arp", ...all(arpWords)), out]),
    workload(
      "fragments",
      many((n) => ({ ip4: { ...ip4(n)!, fragment: n & 1 ? 0x2000 : 7 }, udp: { src: n, dst: 1 } })),
      [ttl, out],
    ),
    workload("VLAN push and pop", udp, [
      { kind: "push_vlan", tpid: 0x8100, tci: 0x1005 },
      { kind: "output", port: 2 },
      { kind: "pop_vlan" },
      out,
    ]),
    workload(
      "tagged",
      many((n) => ({ tags: [[0x8100, 5]], ip4: ip4(n), udp: { src: n, dst: 53 } })),
      [{ kind: "pop_vlan" }, out],
    ),
    workload("MPLS", udp, [
      { kind: "push_mpls", ethertype: 0x8847, lse: 0x64140 },
      set("mpls", [W_MPLS0, 0x1000, 0xfffff000 | 0]),
      { kind: "output", port: 2 },
      { kind: "pop_mpls", ethertype: 0x0800 },
      out,
    ]),
    workload(
      "labelled",
      many((n) => ({ labels: [(n << 12) | 0x140], ip4: ip4(n) })),
      [{ kind: "pop_mpls", ethertype: 0x0800 }, out],
    ),
    workload(
      "802.3 and other types",
      many((n) => ({ type: n & 1 ? 0x88cc : 40, payload: new Array(46).fill(n) })),
      [out],
    ),
    workload(
      "lying lengths",
      udp.map((frame) => frame.with(17, 0xff)),
      [mac, out],
    ),
    workload("GRE push", udp, [mac, push(false), out]),
    workload("VXLAN push", udp, [push(true), out]),
    workload(
      "GRE pop",
      udp.map((frame) => encapsulated(frame, false)),
      [pop],
    ),
    workload(
      "VXLAN pop",
      udp.map((frame) => encapsulated(frame, true)),
      [pop],
    ),
    workload("flood", udp, [
      { kind: "output", port: 2 },
      { kind: "clone", actions: [push(false), out] },
      { kind: "clone", actions: [ttl, { kind: "output", port: 3 }] },
      { kind: "output", port: 4 },
    ]),
    workload("check_pkt_len, sample, trunc", udp, [
      { kind: "check_pkt_len", size: 60, greater: [out], lesser: [{ kind: "output", port: 2 }] },
      { kind: "sample", probability: 0x80000000, actions: [out] },
      { kind: "trunc", maxLength: 40 },
      out,
    ]),
    workload("recirculation", udp, [
      set("skb_mark", [W_PKT_MARK, 5, -1]),
      { kind: "hash", basis: 1 },
      { kind: "userspace", reason: "controller", maxLength: 0 },
      { kind: "tnl_pop", port: TUNNEL },
    ]),
    workload("drop", udp, []),
  ];
}
