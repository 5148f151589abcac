/**
 * Geneve (RFC 8926, 3.4), behind UDP port 6081. Options are stepped over, not read.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---+-----------+-+-+-----------+-------------------------------+
 *    |Ver|  Opt Len  |O|C|    Rsvd.  |          Protocol Type        |
 *    +---+-----------+-+-+-----------+---------------+---------------+
 *    |        Virtual Network Identifier (VNI)       |    Reserved   |
 *    +-----------------------------------------------+---------------+
 *    |                    Variable-Length Options                    |
 *    +---------------------------------------------------------------+
 */
import { be16, be32, put16, put32 } from "./bytes.ts";

export const GENEVE_FLAGS = 1;
export const GENEVE_PROTOCOL = 2;
export const GENEVE_VNI = 4;
/** Without options. */
export const GENEVE_HEADER_LEN = 8;
export const GENEVE_UDP_PORT = 6081;
/** Control packet, in the byte at GENEVE_FLAGS. */
export const GENEVE_FLAG_OAM = 0x80;
/** Critical options present. */
export const GENEVE_FLAG_CRITICAL = 0x40;

/** A Geneve header of version 0 with its options lies in frame[at, end). Ask before any getter below. */
export function isGeneve(frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= GENEVE_HEADER_LEN && frame[at] >>> 6 === 0 && end - at >= geneveHeaderLength(frame, at);
}

/** Bytes of the header with its options, 8..260. */
export function geneveHeaderLength(frame: Uint8Array, at: number): number {
  return GENEVE_HEADER_LEN + ((frame[at] & 0x3f) << 2);
}

/** Ethertype of the payload; 0x6558 carries Ethernet frames. */
export function geneveProtocol(frame: Uint8Array, at: number): number {
  return be16(frame, at + GENEVE_PROTOCOL);
}

/** 24 bits. */
export function geneveVni(frame: Uint8Array, at: number): number {
  return be32(frame, at + GENEVE_VNI) >>> 8;
}

/** Writes a header without options. */
export function writeGeneve(frame: Uint8Array, at: number, flags: number, protocol: number, vni: number): void {
  frame[at] = 0;
  frame[at + GENEVE_FLAGS] = flags;
  put16(frame, at + GENEVE_PROTOCOL, protocol);
  put32(frame, at + GENEVE_VNI, vni << 8);
}
