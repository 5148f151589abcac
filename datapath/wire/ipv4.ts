/**
 * IPv4 (RFC 791, 3.1).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------+-------+---------------+-------------------------------+
 *    |Version|  IHL  |Type of Service|          Total Length         |
 *    +-------+-------+---------------+-----+-------------------------+
 *    |         Identification        |Flags|      Fragment Offset    |
 *    +---------------+---------------+-----+-------------------------+
 *    |  Time to Live |    Protocol   |         Header Checksum       |
 *    +---------------+---------------+-------------------------------+
 *    |                       Source Address                          |
 *    +---------------------------------------------------------------+
 *    |                    Destination Address                        |
 *    +-----------------------------------------------+---------------+
 *    |                    Options                    |    Padding    |
 *    +-----------------------------------------------+---------------+
 */
import { be16, be32, put16, put32 } from "./bytes.ts";
import { checksum, checksumUpdate16 } from "./checksum.ts";

export const IPV4_TOS = 1;
export const IPV4_LENGTH = 2;
export const IPV4_ID = 4;
export const IPV4_FRAGMENT = 6;
export const IPV4_TTL = 8;
export const IPV4_PROTOCOL = 9;
export const IPV4_CHECKSUM = 10;
export const IPV4_SRC = 12;
export const IPV4_DST = 16;
export const IPV4_OPTIONS = 20;
/** Header without options. */
export const IPV4_HEADER_LEN = 20;

/** Flags as they lie in the 16 bits at IPV4_FRAGMENT. */
export const IPV4_DF = 0x4000;
export const IPV4_MF = 0x2000;
/** In units of 8 bytes. */
export const IPV4_OFFSET_MASK = 0x1fff;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_IGMP = 2;
export const PROTOCOL_IPIP = 4;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_IPV6 = 41;
export const PROTOCOL_GRE = 47;
export const PROTOCOL_SCTP = 132;

/** Options (RFC 791, RFC 2113): the kind byte with the "copied" flag. */
export const IPV4_OPTION_END = 0;
export const IPV4_OPTION_NOP = 1;
export const IPV4_OPTION_COPIED = 0x80;

/**
 * A whole IPv4 packet lies in frame[at, end): version 4, a header length and a total length that fit each other and the
 * frame. The checksum is not looked at. Ask before any getter below.
 */
export function isIpv4(frame: Uint8Array, at: number, end: number): boolean {
  if (end - at < IPV4_HEADER_LEN) return false;
  const first = frame[at];
  const header = (first & 15) << 2;
  if (first >>> 4 !== 4 || header < IPV4_HEADER_LEN || header > end - at) return false;
  const total = be16(frame, at + IPV4_LENGTH);
  return total >= header && total <= end - at;
}

/** Bytes of the header with its options, 20..60. */
export function ipv4HeaderLength(frame: Uint8Array, at: number): number {
  return (frame[at] & 15) << 2;
}

/** Bytes of header and payload; what lies behind in the frame is Ethernet padding. */
export function ipv4TotalLength(frame: Uint8Array, at: number): number {
  return be16(frame, at + IPV4_LENGTH);
}

export function ipv4Tos(frame: Uint8Array, at: number): number {
  return frame[at + IPV4_TOS];
}

export function ipv4Id(frame: Uint8Array, at: number): number {
  return be16(frame, at + IPV4_ID);
}

/** Flags and offset as they lie there. */
export function ipv4Fragment(frame: Uint8Array, at: number): number {
  return be16(frame, at + IPV4_FRAGMENT);
}

export function ipv4DontFragment(frame: Uint8Array, at: number): boolean {
  return (frame[at + IPV4_FRAGMENT] & 0x40) !== 0;
}

/** One of several fragments: "more fragments", or an offset. */
export function isIpv4Fragment(frame: Uint8Array, at: number): boolean {
  return (be16(frame, at + IPV4_FRAGMENT) & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0;
}

/** Offset of the fragment in bytes. */
export function ipv4FragmentOffset(frame: Uint8Array, at: number): number {
  return (be16(frame, at + IPV4_FRAGMENT) & IPV4_OFFSET_MASK) << 3;
}

export function ipv4Ttl(frame: Uint8Array, at: number): number {
  return frame[at + IPV4_TTL];
}

export function ipv4Protocol(frame: Uint8Array, at: number): number {
  return frame[at + IPV4_PROTOCOL];
}

export function ipv4Checksum(frame: Uint8Array, at: number): number {
  return be16(frame, at + IPV4_CHECKSUM);
}

export function ipv4Src(frame: Uint8Array, at: number): number {
  return be32(frame, at + IPV4_SRC);
}

export function ipv4Dst(frame: Uint8Array, at: number): number {
  return be32(frame, at + IPV4_DST);
}

/** The header's checksum is right. */
export function ipv4ChecksumIsGood(frame: Uint8Array, at: number): boolean {
  return checksum(frame, at, at + ipv4HeaderLength(frame, at)) === 0;
}

/** Computes and writes the header checksum. */
export function putIpv4Checksum(frame: Uint8Array, at: number): void {
  put16(frame, at + IPV4_CHECKSUM, 0);
  put16(frame, at + IPV4_CHECKSUM, checksum(frame, at, at + ipv4HeaderLength(frame, at)));
}

/** TTL less one, checksum updated (RFC 1141, RFC 1624). The caller has seen that it is above 0. */
export function decrementIpv4Ttl(frame: Uint8Array, at: number): void {
  const word = be16(frame, at + IPV4_TTL);
  const check = be16(frame, at + IPV4_CHECKSUM);
  frame[at + IPV4_TTL]--;
  put16(frame, at + IPV4_CHECKSUM, checksumUpdate16(check, word, word - 0x100));
}

/** Puts `length` bytes of options (a multiple of 4) behind a header that `writeIpv4` wrote; the header length and
 * the checksum follow, the total length has counted them before. */
export function putIpv4Options(frame: Uint8Array, at: number, options: Uint8Array, length: number): void {
  for (let i = 0; i < length; i++) frame[at + IPV4_OPTIONS + i] = options[i];
  frame[at] = 0x45 + (length >> 2);
  putIpv4Checksum(frame, at);
}

/** Writes a header without options and its checksum. `fragment` is flags and offset as they lie there. */
export function writeIpv4(
  frame: Uint8Array,
  at: number,
  tos: number,
  totalLength: number,
  id: number,
  fragment: number,
  ttl: number,
  protocol: number,
  src: number,
  dst: number,
): void {
  frame[at] = 0x45;
  frame[at + IPV4_TOS] = tos;
  put16(frame, at + IPV4_LENGTH, totalLength);
  put16(frame, at + IPV4_ID, id);
  put16(frame, at + IPV4_FRAGMENT, fragment);
  frame[at + IPV4_TTL] = ttl;
  frame[at + IPV4_PROTOCOL] = protocol;
  put16(frame, at + IPV4_CHECKSUM, 0);
  put32(frame, at + IPV4_SRC, src);
  put32(frame, at + IPV4_DST, dst);
  put16(frame, at + IPV4_CHECKSUM, checksum(frame, at, at + IPV4_HEADER_LEN));
}
