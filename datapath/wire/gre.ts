/**
 * GRE version 0 with key and sequence number (RFC 2784, RFC 2890). Each optional word is there when its bit is set, in this
 * order.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-----------------+-----+-------------------------------+
 *    |C| |K|S| Reserved0       | Ver |         Protocol Type         |
 *    +-+-+-+-+-----------------+-----+-------------------------------+
 *    |      Checksum (optional)      |       Reserved1 (optional)    |
 *    +-------------------------------+-------------------------------+
 *    |                         Key (optional)                        |
 *    +---------------------------------------------------------------+
 *    |                 Sequence Number (optional)                    |
 *    +---------------------------------------------------------------+
 */
import { be16, be32, put16, put32 } from "./bytes.ts";
import { checksum } from "./checksum.ts";

export const GRE_FLAGS = 0;
export const GRE_PROTOCOL = 2;
/** Without any optional word. */
export const GRE_HEADER_LEN = 4;

export const GRE_C = 0x8000;
/** Routing present (RFC 1701): nobody takes such packets. */
export const GRE_R = 0x4000;
export const GRE_K = 0x2000;
export const GRE_S = 0x1000;
export const GRE_VERSION_MASK = 0x0007;

/** Bytes of a header with these flags. */
export function greHeaderLength(flags: number): number {
  return 4 + ((flags & GRE_C) >>> 13) + ((flags & GRE_K) >>> 11) + ((flags & GRE_S) >>> 10);
}

/** A whole GRE header of version 0 without routing lies in frame[at, end). Ask before any getter below. */
export function isGre(frame: Uint8Array, at: number, end: number): boolean {
  if (end - at < GRE_HEADER_LEN) return false;
  const flags = be16(frame, at);
  return (flags & (GRE_R | GRE_VERSION_MASK)) === 0 && end - at >= greHeaderLength(flags);
}

export function greFlags(frame: Uint8Array, at: number): number {
  return be16(frame, at + GRE_FLAGS);
}

/** Ethertype of the payload; 0x6558 carries Ethernet frames. */
export function greProtocol(frame: Uint8Array, at: number): number {
  return be16(frame, at + GRE_PROTOCOL);
}

/** The key; only when its bit is set. */
export function greKey(frame: Uint8Array, at: number): number {
  return be32(frame, at + 4 + ((frame[at] & 0x80) >>> 5));
}

/** The sequence number; only when its bit is set. */
export function greSequence(frame: Uint8Array, at: number): number {
  return be32(frame, at + 4 + ((frame[at] & 0x80) >>> 5) + ((frame[at] & 0x20) >>> 3));
}

/** The checksum field; only when its bit is set. */
export function greChecksum(frame: Uint8Array, at: number): number {
  return be16(frame, at + 4);
}

/** The checksum over header and payload [at, end) is right; only when its bit is set. */
export function greChecksumIsGood(frame: Uint8Array, at: number, end: number): boolean {
  return checksum(frame, at, end) === 0;
}

/** Writes a header with the optional words that `flags` name (checksum 0, for the caller to fill in); returns its bytes. */
export function writeGre(
  frame: Uint8Array,
  at: number,
  flags: number,
  protocol: number,
  key: number,
  sequence: number,
): number {
  put16(frame, at + GRE_FLAGS, flags);
  put16(frame, at + GRE_PROTOCOL, protocol);
  let next = at + 4;
  if (flags & GRE_C) {
    put32(frame, next, 0);
    next += 4;
  }
  if (flags & GRE_K) {
    put32(frame, next, key);
    next += 4;
  }
  if (flags & GRE_S) {
    put32(frame, next, sequence);
    next += 4;
  }
  return next - at;
}
