/**
 * SCTP common header (RFC 9260, 3.1). The checksum is a CRC32c over the whole packet (RFC 3309), not an Internet checksum;
 * an edit of a port updates it with `crc32c` over the packet again.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+-------------------------------+
 *    |     Source Port Number        |     Destination Port Number   |
 *    +-------------------------------+-------------------------------+
 *    |                      Verification Tag                         |
 *    +---------------------------------------------------------------+
 *    |                           Checksum                            |
 *    +---------------------------------------------------------------+
 */
import { be16, be32 } from "./bytes.ts";

export const SCTP_SRC = 0;
export const SCTP_DST = 2;
export const SCTP_TAG = 4;
export const SCTP_CHECKSUM = 8;
export const SCTP_HEADER_LEN = 12;

/** An SCTP header lies in frame[at, end). Ask before any getter below. */
export function isSctp(_frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= SCTP_HEADER_LEN;
}

export function sctpSrcPort(frame: Uint8Array, at: number): number {
  return be16(frame, at + SCTP_SRC);
}

export function sctpDstPort(frame: Uint8Array, at: number): number {
  return be16(frame, at + SCTP_DST);
}

/** The checksum's four bytes as they lie there. */
export function sctpChecksum(frame: Uint8Array, at: number): number {
  return be32(frame, at + SCTP_CHECKSUM);
}

// CRC32c, reflected polynomial 0x82f63b78, one table of 256 words.
const crcTable = new Int32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  crcTable[n] = c;
}

/** CRC32c over [at, end) with the four bytes at `hole` taken as 0 (no hole: -4). As int32, to be stored little-endian. */
export function crc32c(frame: Uint8Array, at: number, end: number, hole: number): number {
  let crc = -1;
  for (let i = at; i < end; i++) {
    const byte = i >= hole && i < hole + 4 ? 0 : frame[i];
    crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  }
  return ~crc;
}

/** Computes and writes the checksum of the packet [at, end). */
export function putSctpChecksum(frame: Uint8Array, at: number, end: number): void {
  const crc = crc32c(frame, at, end, at + SCTP_CHECKSUM);
  frame[at + SCTP_CHECKSUM] = crc;
  frame[at + SCTP_CHECKSUM + 1] = crc >>> 8;
  frame[at + SCTP_CHECKSUM + 2] = crc >>> 16;
  frame[at + SCTP_CHECKSUM + 3] = crc >>> 24;
}
