/**
 * ICMPv6 (RFC 4443) with Neighbour Discovery (RFC 4861).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------+---------------+-------------------------------+
 *    |     Type      |     Code      |          Checksum             |
 *    +-+-+-+---------+---------------+-------------------------------+
 *    |R|S|O|  NA: flags; NS: reserved; echo: identifier, sequence    |
 *    +-+-+-+---------------------------------------------------------+
 *    |          NS, NA: target address (16 bytes)                    |
 *    +---------------------------------------------------------------+
 *    |  options: type (8), length in 8 bytes (8), value ...
 *    +---------------------------------------------------------------
 */
import { be16, be32, put16 } from "./bytes.ts";
import { checksumAdd, checksumFold, pseudoIpv6 } from "./checksum.ts";
import { IPV6_DST, IPV6_SRC, NEXT_ICMPV6 } from "./ipv6.ts";

export const ICMPV6_TYPE = 0;
export const ICMPV6_CODE = 1;
export const ICMPV6_CHECKSUM = 2;
export const ICMPV6_FLAGS = 4;
export const ICMPV6_HEADER_LEN = 4;
export const ICMPV6_ECHO_LEN = 8;

export const ICMPV6_UNREACHABLE = 1;
export const ICMPV6_TOO_BIG = 2;
export const ICMPV6_TIME_EXCEEDED = 3;
export const ICMPV6_PARAMETER_PROBLEM = 4;
export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;
export const ICMPV6_MLD_QUERY = 130;
export const ICMPV6_MLD_REPORT = 131;
export const ICMPV6_MLD_DONE = 132;
export const ND_ROUTER_SOLICITATION = 133;
export const ND_ROUTER_ADVERTISEMENT = 134;
export const ND_NEIGHBOUR_SOLICITATION = 135;
export const ND_NEIGHBOUR_ADVERTISEMENT = 136;
export const ND_REDIRECT = 137;
export const ICMPV6_MLDV2_REPORT = 143;

/** Target address in NS and NA. */
export const ND_TARGET = 8;
/** NS and NA without options. */
export const ND_LEN = 24;
/** First option of RS, RA, NS and NA, from the start of the message. */
export const ND_RS_OPTIONS = 8;
export const ND_RA_OPTIONS = 16;
export const ND_OPTIONS = 24;

export const ND_OPTION_SOURCE_LL = 1;
export const ND_OPTION_TARGET_LL = 2;

/** Flags of an NA, in the byte at ICMPV6_FLAGS. */
export const NA_ROUTER = 0x80;
export const NA_SOLICITED = 0x40;
export const NA_OVERRIDE = 0x20;

/** An ICMPv6 header lies in frame[at, end). Ask before any getter below. */
export function isIcmpv6(_frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= ICMPV6_HEADER_LEN;
}

/** An NS or NA with its target lies in frame[at, end), code 0. */
export function isNeighbourMessage(frame: Uint8Array, at: number, end: number): boolean {
  if (end - at < ND_LEN || frame[at + ICMPV6_CODE] !== 0) return false;
  const type = frame[at];
  return type === ND_NEIGHBOUR_SOLICITATION || type === ND_NEIGHBOUR_ADVERTISEMENT;
}

export function icmpv6Type(frame: Uint8Array, at: number): number {
  return frame[at + ICMPV6_TYPE];
}

export function icmpv6Code(frame: Uint8Array, at: number): number {
  return frame[at + ICMPV6_CODE];
}

/** Identifier of an echo message. */
export function icmpv6Id(frame: Uint8Array, at: number): number {
  return be16(frame, at + 4);
}

/** Sequence number of an echo message. */
export function icmpv6Sequence(frame: Uint8Array, at: number): number {
  return be16(frame, at + 6);
}

/** Word 0..3 of the target of an NS or NA. */
export function ndTarget(frame: Uint8Array, at: number, word: number): number {
  return be32(frame, at + ND_TARGET + (word << 2));
}

/**
 * Finds an option of `type` in [at, end): the offset of its type byte, 0 when there is none, -1 when the list is broken (an
 * option of length 0 or longer than what is left, RFC 4861 4.6: the message is to be discarded).
 */
export function ndOption(frame: Uint8Array, at: number, end: number, type: number): number {
  let found = 0;
  while (end - at >= 2) {
    const length = frame[at + 1] << 3;
    if (length === 0 || length > end - at) return -1;
    if (found === 0 && frame[at] === type) found = at;
    at += length;
  }
  return found;
}

/** Computes and writes the checksum of the message [at, end) of the IPv6 packet whose header starts at `ip`. */
export function putIcmpv6Checksum(frame: Uint8Array, ip: number, at: number, end: number): void {
  put16(frame, at + ICMPV6_CHECKSUM, 0);
  const pseudo = pseudoIpv6(frame, ip + IPV6_SRC, ip + IPV6_DST, NEXT_ICMPV6, end - at);
  put16(frame, at + ICMPV6_CHECKSUM, checksumFold(checksumAdd(frame, at, end, pseudo)));
}
