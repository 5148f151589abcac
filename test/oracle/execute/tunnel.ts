/** Outer headers put before a naive packet and taken off, byte by byte from the RFCs. */
import { type Packet, put16, u16 } from "./frame.ts";
import { internetChecksum } from "./sums.ts";

export type TunnelType = "gre" | "vxlan" | "geneve";

export interface Outer {
  readonly type: TunnelType;
  readonly dst: readonly number[];
  readonly src: readonly number[];
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly tos: number;
  readonly ttl: number;
  readonly noFragments: boolean;
  readonly checksum: boolean;
  /** GRE: 32 bits, undefined for none; VXLAN and Geneve: 24 bits. */
  readonly key: number | undefined;
}

const two = (value: number): number[] => [value >> 8, value & 255];
const four = (value: number): number[] => [...two(value >>> 16), ...two(value & 0xffff)];

/** What stands before the frame behind the outer IPv4 header: RFC 2784 and 2890, RFC 768 and 7348, RFC 768 and 8926. */
function tunnelHeader(outer: Outer, port: number, payload: number): number[] {
  const key = outer.key ?? 0;
  if (outer.type === "gre") {
    const flags = (outer.checksum ? 0x80 : 0) + (outer.key === undefined ? 0 : 0x20);
    const options = [...(outer.checksum ? [0, 0, 0, 0] : []), ...(outer.key === undefined ? [] : four(key))];
    return [flags, 0, 0x65, 0x58, ...options];
  }
  const udp = [...two(port), ...two(outer.type === "vxlan" ? 4789 : 6081), ...two(16 + payload), 0, 0];
  const vni = four(key * 256);
  return outer.type === "vxlan" ? [...udp, 8, 0, 0, 0, ...vni] : [...udp, 0, 0, 0x65, 0x58, ...vni];
}

/** The packet becomes an outer one. `port`: source of an outer UDP header, which is the sender's to choose (RFC 7348 section 5). */
export function pushOuter(packet: Packet, outer: Outer, port: number): void {
  const inner = packet.bytes;
  const header = tunnelHeader(outer, port, inner.length);
  const message = [...header, ...inner];
  const proto = outer.type === "gre" ? 47 : 17;
  const ip = [0x45, outer.tos, ...two(20 + message.length), 0, 0, outer.noFragments ? 0x40 : 0, 0, outer.ttl, proto];
  ip.push(0, 0, ...outer.from, ...outer.to);
  put16(ip, 10, internetChecksum(ip));
  if (outer.checksum && outer.type === "gre") put16(message, 4, internetChecksum(message));
  else if (outer.checksum) {
    const sum = internetChecksum([...outer.from, ...outer.to, 0, 17, ...two(message.length), ...message]);
    put16(message, 6, sum === 0 ? 0xffff : sum);
  }
  packet.bytes = [...outer.dst, ...outer.src, 8, 0, ...ip, ...message];
  Object.assign(packet, { net: 14, l4: 34, ip: 4, proto, later: false, arp: false, mpls: false, outer: true });
}

/** The header with what differs from packet to packet left 0: what the executor is given. */
export function headerOf(outer: Outer): Uint8Array {
  const proto = outer.type === "gre" ? 47 : 17;
  const ip = [0x45, outer.tos, 0, 0, 0, 0, outer.noFragments ? 0x40 : 0, 0, outer.ttl, proto, 0, 0];
  const header = tunnelHeader(outer, 0, 0);
  if (proto === 17) put16(header, 4, 0);
  return Uint8Array.from([...outer.dst, ...outer.src, 8, 0, ...ip, ...outer.from, ...outer.to, ...header]);
}

/** The frame inside, or undefined where the outer headers lie or are another tunnel's. */
export function popOuter({ bytes, net, l4, ip, proto }: Packet, type: TunnelType): number[] | undefined {
  if (ip !== 4 || l4 !== net + 20 || bytes[net]! >> 4 !== 4) return undefined;
  if (internetChecksum(bytes.slice(net, net + 20)) !== 0) return undefined;
  const message = bytes.slice(l4);
  if (type === "gre") {
    if (proto !== 47 || message.length < 4 || u16(message, 2) !== 0x6558) return undefined;
    const flags = u16(message, 0);
    if ((flags & 0x4fff) !== 0) return undefined;
    const options = [0x8000, 0x2000, 0x1000].filter((flag) => (flags & flag) !== 0).length;
    if (message.length < 4 + 4 * options) return undefined;
    if (flags >= 0x8000 && internetChecksum(message) !== 0) return undefined;
    return message.slice(4 + 4 * options);
  }
  if (proto !== 17 || message.length < 16) return undefined;
  if (u16(message, 6) !== 0) {
    const length = u16(bytes, net + 2) - 20;
    const pseudo = [...bytes.slice(net + 12, net + 20), 0, 17, ...two(length)];
    if (internetChecksum([...pseudo, ...message]) !== 0) return undefined;
  }
  if (type === "vxlan") {
    const flagsOnly = message[8] === 8 && [9, 10, 11, 15].every((at) => message[at] === 0);
    return flagsOnly ? message.slice(16) : undefined;
  }
  const options = (message[8]! % 64) * 4;
  const isFrame = message[8]! < 64 && u16(message, 10) === 0x6558;
  if (!isFrame || message.length < 16 + options || !mayIgnore(message.slice(16, 16 + options))) return undefined;
  return message.slice(16 + options);
}

/**
 * Geneve options that somebody who knows none may step over (RFC 8926 3.5): class, type with the critical bit, five bits of
 * length in words, data. Open vSwitch 3.1 drops a packet whose last option reaches over the end, as one with a critical option.
 */
function mayIgnore(options: readonly number[]): boolean {
  if (options.length === 0) return true;
  const length = 4 + (options[3]! % 32) * 4;
  return options[2]! < 128 && length <= options.length && mayIgnore(options.slice(length));
}
