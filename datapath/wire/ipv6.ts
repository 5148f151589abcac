/**
 * IPv6 and the walk over its extension headers (RFC 8200).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------+---------------+---------------------------------------+
 *    |Version| Traffic Class |           Flow Label                  |
 *    +-------+---------------+-------+---------------+---------------+
 *    |         Payload Length        |  Next Header  |   Hop Limit   |
 *    +-------------------------------+---------------+---------------+
 *    |                 Source Address (16 bytes)                     |
 *    +---------------------------------------------------------------+
 *    |               Destination Address (16 bytes)                  |
 *    +---------------------------------------------------------------+
 *
 * Extension headers (hop-by-hop, routing, destination options, mobility; length in 8 bytes, the first not counted):
 *
 *    +---------------+---------------+-------------------------------+
 *    |  Next Header  | Hdr Ext Len   |  ...                          |
 *    +---------------+---------------+-------------------------------+
 *
 * Fragment header, always 8 bytes:
 *
 *    +---------------+---------------+-------------------------+---+-+
 *    |  Next Header  |   Reserved    |  Fragment Offset (13)   |Res|M|
 *    +---------------+---------------+-------------------------+---+-+
 *    |                      Identification                           |
 *    +---------------------------------------------------------------+
 */
import { be16, be32, put16, put32 } from "./bytes.ts";

export const IPV6_PAYLOAD_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
export const IPV6_HOP_LIMIT = 7;
export const IPV6_SRC = 8;
export const IPV6_DST = 24;
export const IPV6_HEADER_LEN = 40;
export const IPV6_FRAGMENT_LEN = 8;

export const NEXT_HOP_BY_HOP = 0;
export const NEXT_ROUTING = 43;
export const NEXT_FRAGMENT = 44;
export const NEXT_ESP = 50;
export const NEXT_AUTH = 51;
export const NEXT_ICMPV6 = 58;
export const NEXT_NONE = 59;
export const NEXT_DESTINATION = 60;
export const NEXT_MOBILITY = 135;

/**
 * A whole IPv6 packet lies in frame[at, end): version 6 and a payload length that fits the frame. Ask before any getter
 * below. A payload length of 0 with a hop-by-hop header (jumbograms, RFC 2675) is taken as it is: 0.
 */
export function isIpv6(frame: Uint8Array, at: number, end: number): boolean {
  if (end - at < IPV6_HEADER_LEN || frame[at] >>> 4 !== 6) return false;
  return be16(frame, at + IPV6_PAYLOAD_LENGTH) <= end - at - IPV6_HEADER_LEN;
}

export function ipv6TrafficClass(frame: Uint8Array, at: number): number {
  return (be16(frame, at) >>> 4) & 0xff;
}

export function ipv6FlowLabel(frame: Uint8Array, at: number): number {
  return be32(frame, at) & 0xfffff;
}

/** Bytes behind the fixed header. */
export function ipv6PayloadLength(frame: Uint8Array, at: number): number {
  return be16(frame, at + IPV6_PAYLOAD_LENGTH);
}

export function ipv6NextHeader(frame: Uint8Array, at: number): number {
  return frame[at + IPV6_NEXT_HEADER];
}

export function ipv6HopLimit(frame: Uint8Array, at: number): number {
  return frame[at + IPV6_HOP_LIMIT];
}

/** Word 0..3 of the source address. */
export function ipv6Src(frame: Uint8Array, at: number, word: number): number {
  return be32(frame, at + IPV6_SRC + (word << 2));
}

/** Word 0..3 of the destination address. */
export function ipv6Dst(frame: Uint8Array, at: number, word: number): number {
  return be32(frame, at + IPV6_DST + (word << 2));
}

/** Writes everything but the two addresses. */
export function writeIpv6(
  frame: Uint8Array,
  at: number,
  trafficClass: number,
  flowLabel: number,
  payloadLength: number,
  nextHeader: number,
  hopLimit: number,
): void {
  put32(frame, at, (6 << 28) | (trafficClass << 20) | (flowLabel & 0xfffff));
  put16(frame, at + IPV6_PAYLOAD_LENGTH, payloadLength);
  frame[at + IPV6_NEXT_HEADER] = nextHeader;
  frame[at + IPV6_HOP_LIMIT] = hopLimit;
}

/**
 * Where the walk over the extension headers ended: one instance per caller, reset by each walk.
 */
export class Ipv6Walk {
  /** Protocol of the upper layer, or the last header that could be read. */
  protocol = 0;
  /** First byte of the upper layer header (or of the payload of a later fragment). */
  at = 0;
  /** The fragment header, 0 = none. */
  fragmentAt = 0;
  /** "More fragments" in bit 0, offset in bytes in the rest (its low three bits are 0). */
  fragment = 0;

  /** It is one of several fragments. */
  get isFragment(): boolean {
    return this.fragmentAt !== 0 && this.fragment !== 0;
  }

  /** It is a fragment other than the first. */
  get isLaterFragment(): boolean {
    return this.fragment >= 8;
  }

  /**
   * Walks the chain of a packet that `isIpv6` has accepted; `end` is one past its payload. False when a header does not
   * fit; the fields then say how far it came. Ends at a later fragment, at ESP, at "no next header", and at any protocol
   * that is not an extension header.
   */
  walk(frame: Uint8Array, ip: number, end: number): boolean {
    let protocol = frame[ip + IPV6_NEXT_HEADER];
    let at = ip + IPV6_HEADER_LEN;
    this.fragmentAt = 0;
    this.fragment = 0;
    let good = true;
    for (;;) {
      if (
        protocol === NEXT_HOP_BY_HOP ||
        protocol === NEXT_ROUTING ||
        protocol === NEXT_DESTINATION ||
        protocol === NEXT_MOBILITY ||
        protocol === NEXT_AUTH
      ) {
        if (end - at < 8) {
          good = false;
          break;
        }
        // The authentication header alone counts in 4 bytes, two of them not counted (RFC 4302, 2.2).
        const length = protocol === NEXT_AUTH ? (frame[at + 1] + 2) << 2 : (frame[at + 1] + 1) << 3;
        if (end - at < length) {
          good = false;
          break;
        }
        protocol = frame[at];
        at += length;
      } else if (protocol === NEXT_FRAGMENT) {
        if (end - at < IPV6_FRAGMENT_LEN) {
          good = false;
          break;
        }
        this.fragmentAt = at;
        this.fragment = be16(frame, at + 2) & 0xfff9;
        protocol = frame[at];
        at += IPV6_FRAGMENT_LEN;
        if (this.fragment >= 8) break; // what follows is the middle of the payload
      } else break;
    }
    this.protocol = protocol;
    this.at = at;
    return good;
  }
}

/** Identification of the fragment header at `at`. */
export function ipv6FragmentId(frame: Uint8Array, at: number): number {
  return be32(frame, at + 4);
}
