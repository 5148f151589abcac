/**
 * A frame as a plain array of bytes, and where its headers are: what the slow twin of the executor (run.ts) knows of a packet.
 * Written from the RFCs and, for what is read of frames that lie, from Open vSwitch's miniflow_extract() as ovs-fields(7) and
 * lib/flow.c describe it. Nothing here comes from the product.
 */

export interface Packet {
  bytes: number[];
  /** Where what Ethernet and its tags carry begins: IP header, ARP, label stack. */
  net: number;
  /** Transport header; -1: the IP header is missing or lies. */
  l4: number;
  /** Of a well-formed IP packet, by its Ethernet type. */
  ip: 0 | 4 | 6;
  /** Behind extension headers; 44 of a later fragment (IPv6). */
  proto: number;
  /** A fragment that holds no transport header. */
  later: boolean;
  arp: boolean;
  mpls: boolean;
  /** Without an Ethernet header. */
  bare: boolean;
  /** Of a packet without one: what its Ethernet header said that it carries. */
  type: number;
  /** Tags or labels were pushed or popped. */
  retagged: boolean;
  /** An outer header of ours is in front: its UDP source port is not known beforehand. */
  outer: boolean;
  /** Bytes at the end that the next output leaves out. */
  cut: number;
  /** A cut was asked for, though it may be of nothing. */
  truncating: boolean;
}

export const u16 = (bytes: readonly number[], at: number): number => bytes[at]! * 256 + bytes[at + 1]!;
export const put16 = (bytes: number[], at: number, value: number): void => {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 255;
};
export const isTag = (type: number): boolean => type === 0x8100 || type === 0x88a8;
export const isLabelled = (type: number): boolean => type === 0x8847 || type === 0x8848;
const EXTENSIONS = [0, 43, 44, 51, 60]; // RFC 8200 section 4, RFC 4302

export const copyOf = (packet: Packet): Packet => ({ ...packet, bytes: [...packet.bytes] });

/** Reads a frame of at least 14 bytes, of which at most `tags` VLAN tags are looked behind. */
export function parse(bytes: readonly number[], tags: number): Packet {
  const packet: Packet = {
    ...{ bytes: [...bytes], net: 14, l4: -1, ip: 0, proto: 0, later: false },
    ...{ arp: false, mpls: false, bare: false, type: 0, retagged: false, outer: false, cut: 0, truncating: false },
  };
  let type = u16(bytes, 12);
  for (let n = 0; n < tags && isTag(type) && bytes.length - packet.net >= 4; n++) {
    type = u16(bytes, packet.net + 2);
    packet.net += 4;
  }
  if (type < 0x600) {
    // RFC 1042: LLC aa aa 03, organisation 0, type.
    const snap = [0xaa, 0xaa, 3, 0, 0, 0].every((byte, n) => bytes[packet.net + n] === byte);
    type = 0;
    if (snap && bytes.length - packet.net >= 8) {
      type = u16(bytes, packet.net + 6);
      packet.net += 8;
      if (type < 0x600) type = 0;
    }
  }
  if (type === 0x0800) parse4(packet);
  else if (type === 0x86dd) parse6(packet);
  else if (isLabelled(type)) packet.mpls = bytes.length - packet.net >= 4;
  else if (type === 0x0806 || type === 0x8035) {
    const ether = [0, 1, 8, 0, 6, 4].every((byte, n) => bytes[packet.net + n] === byte);
    packet.arp = ether && bytes.length - packet.net >= 28;
  }
  return packet;
}

/** RFC 791. */
function parse4(packet: Packet): void {
  const { bytes, net } = packet;
  const size = bytes.length - net;
  if (size < 20) return;
  const header = (bytes[net]! % 16) * 4;
  const total = u16(bytes, net + 2);
  if (header < 20 || header > total || total > size) return;
  packet.ip = 4;
  packet.proto = bytes[net + 9]!;
  packet.l4 = net + header;
  packet.later = u16(bytes, net + 6) % 0x2000 > 0;
}

/** RFC 8200. */
function parse6(packet: Packet): void {
  const { bytes, net } = packet;
  if (bytes.length - net < 40) return;
  const end = net + 40 + u16(bytes, net + 4);
  if (end > bytes.length) return;
  let proto = bytes[net + 6]!;
  let at = net + 40;
  while (EXTENSIONS.includes(proto)) {
    if (end - at < 8) return;
    const next = bytes[at]!;
    if (proto === 44) {
      packet.later = u16(bytes, at + 2) >= 8;
      if (!packet.later) proto = next;
      at += 8;
      if (packet.later) break;
      continue;
    }
    at += proto === 51 ? (bytes[at + 1]! + 2) * 4 : (bytes[at + 1]! + 1) * 8;
    if (at > end) return;
    proto = next;
  }
  packet.ip = 6;
  packet.proto = proto;
  packet.l4 = at;
}

/** Bytes from the transport header to the end of the IP packet, by its own length. */
export function transportLength({ bytes, net, l4, ip }: Packet): number {
  return (ip === 4 ? net + u16(bytes, net + 2) : net + 40 + u16(bytes, net + 4)) - l4;
}
