/**
 * UDP (RFC 768).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+-------------------------------+
 *    |          Source Port          |       Destination Port        |
 *    +-------------------------------+-------------------------------+
 *    |            Length             |           Checksum            |
 *    +-------------------------------+-------------------------------+
 */
import { be16, put16 } from "./bytes.ts";

export const UDP_SRC = 0;
export const UDP_DST = 2;
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;
export const UDP_HEADER_LEN = 8;

/** A UDP header lies in frame[at, end). Ask before any getter below. */
export function isUdp(_frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= UDP_HEADER_LEN;
}

export function udpSrcPort(frame: Uint8Array, at: number): number {
  return be16(frame, at + UDP_SRC);
}

export function udpDstPort(frame: Uint8Array, at: number): number {
  return be16(frame, at + UDP_DST);
}

/** Header and data. */
export function udpLength(frame: Uint8Array, at: number): number {
  return be16(frame, at + UDP_LENGTH);
}

/** 0 = the sender made none (IPv4 only). */
export function udpChecksum(frame: Uint8Array, at: number): number {
  return be16(frame, at + UDP_CHECKSUM);
}

export function writeUdp(
  frame: Uint8Array,
  at: number,
  src: number,
  dst: number,
  length: number,
  checksum: number,
): void {
  put16(frame, at + UDP_SRC, src);
  put16(frame, at + UDP_DST, dst);
  put16(frame, at + UDP_LENGTH, length);
  put16(frame, at + UDP_CHECKSUM, checksum);
}
