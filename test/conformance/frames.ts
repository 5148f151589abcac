/**
 * Random frames from a small world of addresses, so that rules drawn from the same world match them. Each frame is
 * described first and built then, so that a second one can differ from it in a single field: that is what tells a
 * megaflow that is too wide.
 */
import type { Random } from "./random.ts";

export const MACS = [
  "50:54:00:00:00:01",
  "50:54:00:00:00:02",
  "50:54:00:00:01:03",
  "fa:16:3e:00:00:04",
  "fa:16:3e:11:22:33",
];
export const GROUP_MACS = ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:05", "33:33:00:00:00:01", "01:80:c2:00:00:0e"];
export const ADDRESSES = [
  ...["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.1.0.1", "10.128.0.1", "172.16.5.9", "192.168.1.1", "224.0.0.5"],
];
export const ADDRESSES6 = [
  ...["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "2001:db9::1", "fe80::1", "ff02::1:ff00:1"],
];
export const L4_PORTS = [0, 22, 53, 80, 81, 443, 1024, 1025, 8080, 65535];
export const VLANS = [1, 10, 11, 100, 4094];
export const PROTOCOLS = [
  "tcp",
  "udp",
  "icmp",
  "sctp",
  "igmp",
  "tcp6",
  "udp6",
  "icmp6",
  "ns",
  "na",
  "arp",
  "llc",
  "mpls",
  "other",
] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface FrameWish {
  readonly protocol: Protocol;
  readonly dlSrc: string;
  readonly dlDst: string;
  /** Outermost first: TPID and TCI. */
  readonly tags: readonly (readonly [number, number])[];
  readonly src: string;
  readonly dst: string;
  readonly tos: number;
  readonly ttl: number;
  /** none, the first or a later fragment. */
  readonly fragment: "no" | "first" | "later";
  readonly tpSrc: number;
  readonly tpDst: number;
  readonly tcpFlags: number;
  readonly label: number;
  readonly arpOp: number;
  /** MPLS entries, 32 bits each. */
  readonly labels: readonly number[];
  /** IPv6 extension headers before the payload: types. */
  readonly extensions: readonly number[];
  readonly payload: number;
}

const isIpv6 = (protocol: Protocol): boolean => /6$|^n[sa]$/.test(protocol);

export function randomWish(random: Random, protocols: readonly Protocol[] = PROTOCOLS, tagged = 30): FrameWish {
  const protocol = random.pick(protocols);
  const tag = (): readonly [number, number] => [
    random.chance(85) ? 0x8100 : 0x88a8,
    (random.pick([0, 0, 3, 5, 7]) << 13) | (random.chance(10) ? 0x1000 : 0) | random.pick([...VLANS, ...VLANS, 0]),
  ];
  const addresses = isIpv6(protocol) ? ADDRESSES6 : ADDRESSES;
  return {
    protocol,
    dlSrc: random.pick(MACS),
    dlDst: random.chance(85) ? random.pick(MACS) : random.pick(GROUP_MACS),
    tags: random.chance(tagged) ? (random.chance(20) ? [tag(), tag()] : [tag()]) : [],
    src: random.pick(addresses),
    dst: random.pick(addresses),
    tos: random.pick([0, 0, 0, 0x20, 0xb8, 1, 2, 3]),
    ttl: random.pick([64, 64, 64, 1, 2, 255, 0]),
    fragment: random.chance(88) ? "no" : random.chance(50) ? "first" : "later",
    tpSrc:
      protocol === "icmp"
        ? random.pick([8, 0, 3, 11])
        : protocol === "icmp6"
          ? random.pick([128, 129, 1])
          : random.pick(L4_PORTS),
    tpDst: /^icmp/.test(protocol) ? random.pick([0, 0, 0, 1]) : random.pick(L4_PORTS),
    tcpFlags: random.pick([0x02, 0x10, 0x12, 0x18, 0x11, 0x04, 0x110]),
    label: random.pick([0, 0, 0x12345, 7]),
    arpOp: random.pick([1, 1, 2, 3]),
    labels: [
      (random.pick([16, 100, 0x12345, 0]) << 12) | (random.below(8) << 9) | 0x100 | random.pick([64, 1, 2, 255]),
    ],
    extensions: isIpv6(protocol) && random.chance(8) ? random.some([0, 60, 43], random.int(1, 2)) : [],
    payload: random.pick([0, 4, 8, 18, 40]),
  };
}

/** The same with one thing changed. */
export function nearWish(random: Random, wish: FrameWish): FrameWish {
  const other = randomWish(random, [wish.protocol], 50);
  const names = Object.keys(wish).filter((name) => name !== "protocol") as (keyof FrameWish)[];
  const name = random.pick(names);
  return { ...wish, [name]: other[name] };
}

/** The bytes of a wish, with right lengths and checksums. */
export function build(wish: FrameWish): Uint8Array {
  const [type, body] = payloadOf(wish);
  const out: number[] = [...macBytes(wish.dlDst), ...macBytes(wish.dlSrc)];
  for (const [tpid, tci] of wish.tags) out.push(...be16(tpid), ...be16(tci));
  out.push(...be16(type), ...body);
  return Uint8Array.from(out);
}

function payloadOf(wish: FrameWish): [number, number[]] {
  const { protocol } = wish;
  if (protocol === "arp") return [0x0806, arp(wish)];
  if (protocol === "llc") {
    const llc = wish.tpSrc & 1 ? [0xaa, 0xaa, 3, 0, 0, 0, 0x88, 0xcc] : [0x42, 0x42, 3];
    const rest = filler(wish.payload);
    return [llc.length + rest.length, [...llc, ...rest]];
  }
  if (protocol === "other") return [wish.tpSrc & 1 ? 0x88cc : 0x1234, filler(wish.payload + 10)];
  if (protocol === "mpls") {
    const inner = ipv4({ ...wish, protocol: "udp" });
    return [wish.tpSrc & 1 ? 0x8848 : 0x8847, [...wish.labels.flatMap(be32), ...inner]];
  }
  return isIpv6(protocol) ? [0x86dd, ipv6(wish)] : [0x0800, ipv4(wish)];
}

function arp(wish: FrameWish): number[] {
  const target = wish.arpOp === 1 ? "00:00:00:00:00:00" : wish.dlDst;
  return [
    ...[0, 1, 8, 0, 6, 4, 0, wish.arpOp],
    ...[...macBytes(wish.dlSrc), ...addressBytes(wish.src)],
    ...[...macBytes(target), ...addressBytes(wish.dst)],
  ];
}

const IP_PROTOCOL: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, sctp: 132, igmp: 2 };

function ipv4(wish: FrameWish): number[] {
  const proto = IP_PROTOCOL[wish.protocol]!;
  const pseudo = [...addressBytes(wish.src), ...addressBytes(wish.dst)];
  const body = wish.fragment === "later" ? filler(24) : transport(wish, pseudo, proto);
  const flags = wish.fragment === "no" ? 0x4000 : wish.fragment === "first" ? 0x2000 : 0x2003;
  const head = [
    0x45,
    wish.tos,
    ...be16(20 + body.length),
    0x12,
    0x34,
    ...be16(flags),
    wish.ttl,
    proto,
    0,
    0,
    ...pseudo,
  ];
  const sum = checksum(head);
  head[10] = sum >> 8;
  head[11] = sum & 0xff;
  return [...head, ...body];
}

function ipv6(wish: FrameWish): number[] {
  const proto = /icmp6|n[sa]/.test(wish.protocol) ? 58 : wish.protocol === "tcp6" ? 6 : 17;
  const pseudo = [...addressBytes(wish.src), ...addressBytes(wish.dst)];
  const chain = [...wish.extensions, ...(wish.fragment === "no" ? [] : [44])];
  const body = wish.fragment === "later" ? filler(24) : transport(wish, pseudo, proto);
  const headers: number[] = [];
  for (const [i, type] of chain.entries()) {
    const next = chain[i + 1] ?? proto;
    if (type === 44) headers.push(next, 0, ...be16(wish.fragment === "first" ? 1 : 0x0019), 0, 0, 0, 9);
    else headers.push(next, 0, 1, 4, 0, 0, 0, 0);
  }
  const word = (6 << 28) | (wish.tos << 20) | wish.label;
  const length = headers.length + body.length;
  return [...be32(word), ...be16(length), chain[0] ?? proto, wish.ttl, ...pseudo, ...headers, ...body];
}

function transport(wish: FrameWish, pseudo: readonly number[], proto: number): number[] {
  const { tpSrc, tpDst } = wish;
  const rest = filler(wish.payload);
  let segment: number[];
  let at: number;
  switch (wish.protocol) {
    case "tcp":
    case "tcp6":
      segment = [...be16(tpSrc), ...be16(tpDst), ...be32(1000), ...be32(2000)];
      segment.push(0x50 | (wish.tcpFlags >> 8), wish.tcpFlags & 0xff, 2, 0, 0, 0, 0, 0, ...rest);
      at = 16;
      break;
    case "udp":
    case "udp6":
      segment = [...be16(tpSrc), ...be16(tpDst), ...be16(8 + rest.length), 0, 0, ...rest];
      at = 6;
      break;
    case "icmp":
    case "icmp6":
      segment = [tpSrc & 0xff, tpDst & 0xff, 0, 0, 0, 1, 0, 1, ...rest];
      at = 2;
      break;
    case "ns":
    case "na": {
      const solicit = wish.protocol === "ns";
      segment = [solicit ? 135 : 136, tpDst === 1025 ? 1 : 0, 0, 0, 0, 0, 0, 0, ...addressBytes(wish.dst)];
      if (tpSrc !== 53) segment.push(solicit ? 1 : 2, 1, ...macBytes(wish.dlSrc));
      at = 2;
      break;
    }
    case "sctp":
      return [...be16(tpSrc), ...be16(tpDst), ...be32(0), ...be32(0), ...rest];
    default:
      return filler(20);
  }
  const with4 = wish.protocol !== "icmp";
  const sum = checksum([...(with4 ? [...pseudo, ...be32(segment.length), ...be32(proto)] : []), ...segment]);
  segment[at] = sum >> 8;
  segment[at + 1] = sum & 0xff;
  return segment;
}

/** An inner frame inside a tunnel packet, as the underlay of a case carries it. */
export function encapsulate(
  inner: Uint8Array,
  kind: "gre" | "vxlan" | "geneve",
  outer: {
    readonly dlSrc: string;
    readonly dlDst: string;
    readonly src: string;
    readonly dst: string;
    readonly key: number;
    readonly tos: number;
  },
): Uint8Array {
  const shim =
    kind === "gre"
      ? [0x20, 0, 0x65, 0x58, ...be32(outer.key)]
      : kind === "vxlan"
        ? [8, 0, 0, 0, ...be32(outer.key << 8)]
        : [0, 0, 0x65, 0x58, ...be32(outer.key << 8)];
  const udp =
    kind === "gre"
      ? []
      : [...be16(50000), ...be16(kind === "vxlan" ? 4789 : 6081), ...be16(8 + shim.length + inner.length), 0, 0];
  const body = [...udp, ...shim, ...inner];
  const head = [0x45, outer.tos, ...be16(20 + body.length), 0, 0, 0x40, 0, 64, kind === "gre" ? 47 : 17, 0, 0];
  head.push(...addressBytes(outer.src), ...addressBytes(outer.dst));
  const sum = checksum(head);
  head[10] = sum >> 8;
  head[11] = sum & 0xff;
  return Uint8Array.from([...macBytes(outer.dlDst), ...macBytes(outer.dlSrc), 0x08, 0x00, ...head, ...body]);
}

/** A frame that lies or ends early. Never shorter than an Ethernet header, which no port takes. */
export function damage(random: Random, frame: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(frame);
  switch (random.below(4)) {
    case 0:
      return bytes.subarray(0, random.int(14, bytes.length));
    case 1: // A bit of a header.
      bytes[random.int(12, Math.min(bytes.length - 1, 74))]! ^= 1 << random.below(8);
      return bytes;
    case 2: // A length, an offset, a header size.
      bytes[random.int(14, Math.min(bytes.length - 1, 60))] = random.pick([
        0, 1, 4, 5, 0x0f, 0x40, 0x44, 0x46, 0x4f, 0x60, 0xff,
      ]);
      return bytes;
    default: {
      const longer = new Uint8Array(bytes.length + random.int(1, 12));
      longer.set(bytes);
      return longer;
    }
  }
}

export const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");

const be16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const be32 = (value: number): number[] => [
  (value >>> 24) & 0xff,
  (value >> 16) & 0xff,
  (value >> 8) & 0xff,
  value & 0xff,
];
const filler = (length: number): number[] => Array.from({ length }, (_, i) => i & 0xff);
export const macBytes = (mac: string): number[] => mac.split(":").map((part) => Number.parseInt(part, 16));

export function addressBytes(address: string): number[] {
  if (!address.includes(":")) return address.split(".").map(Number);
  const [head, tail] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = new Array<string>(tail === undefined ? 0 : 8 - head!.length - tail.length).fill("0");
  return [...head!, ...zeros, ...(tail ?? [])].flatMap((word) => be16(Number.parseInt(word, 16)));
}

/** RFC 1071. */
function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
