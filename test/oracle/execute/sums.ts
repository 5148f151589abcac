/** Checksums over plain bytes, always computed over everything that they cover. */
import { type Packet, put16, transportLength, u16 } from "./frame.ts";

/** RFC 1071: the complement of the ones' complement sum of 16-bit words, an odd byte filled up with 0. */
export function internetChecksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let n = 0; n < bytes.length; n += 2) sum += bytes[n]! * 256 + (bytes[n + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

/** CRC32c (RFC 9260 appendix A), bit by bit. */
export function crc32c(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/**
 * A checksum at `at` after a change, of which the right value was `before` and now is `after`: the right one if it was
 * right, otherwise wrong by the same amount (a router must not mend what it has not checked, RFC 1141, RFC 1624).
 */
export function carryOver(bytes: number[], at: number, before: number, after: number): void {
  const error = u16(bytes, at) - before;
  put16(bytes, at, (after + error + 0xffff) % 0xffff);
}

/** The same for UDP, where 0 says that there is none and so is never the sum (RFC 768). */
export function carryOverUdp(bytes: number[], at: number, before: number, after: number): void {
  if (u16(bytes, at) === 0) return;
  carryOver(bytes, at, before, after);
  if (u16(bytes, at) === 0) put16(bytes, at, 0xffff);
}

/** The header's, as it should be. */
export function ipv4HeaderSum({ bytes, net, l4 }: Packet): number {
  const header = bytes.slice(net, l4);
  put16(header, 10, 0);
  return internetChecksum(header);
}

/** True where a routing header says that the destination is not yet the last one (RFC 8200 section 8.1). */
export function isRouted({ bytes, net, l4 }: Packet): boolean {
  let proto = bytes[net + 6]!;
  for (let at = net + 40; at < l4; ) {
    if (proto === 43 && bytes[at + 3]! > 0) return true;
    const next = bytes[at]!;
    at += proto === 44 ? 8 : proto === 51 ? (bytes[at + 1]! + 2) * 4 : (bytes[at + 1]! + 1) * 8;
    proto = next;
  }
  return false;
}

/** RFC 768, 9293, 8200 section 8.1. The final destination behind a routing header never changes: any constant will do. */
export function pseudoHeader(packet: Packet): number[] {
  const { bytes, net, ip, proto } = packet;
  const length = transportLength(packet);
  if (ip === 4) return [...bytes.slice(net + 12, net + 20), 0, proto, length >> 8, length & 255];
  const to = isRouted(packet) ? [] : bytes.slice(net + 24, net + 40);
  return [...bytes.slice(net + 8, net + 24), ...to, 0, 0, length >> 8, length & 255, 0, 0, 0, proto];
}

/** A transport's own checksum, `at` bytes into it, as it should be. */
export function transportSum(packet: Packet, at: number, withPseudo: boolean): number {
  const { bytes, l4 } = packet;
  const message = bytes.slice(l4, l4 + transportLength(packet));
  put16(message, at, 0);
  return internetChecksum([...(withPseudo ? pseudoHeader(packet) : []), ...message]);
}
