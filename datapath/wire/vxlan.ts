/**
 * VXLAN (RFC 7348, 5), behind UDP port 4789.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-+-+-+-+-----------------------------------------------+
 *    |R|R|R|R|I|R|R|R|            Reserved                           |
 *    +-+-+-+-+-+-+-+-+-------------------------------+---------------+
 *    |                VXLAN Network Identifier (VNI) |   Reserved    |
 *    +-----------------------------------------------+---------------+
 */
import { be32, put32 } from "./bytes.ts";

export const VXLAN_FLAGS = 0;
export const VXLAN_VNI = 4;
export const VXLAN_HEADER_LEN = 8;
export const VXLAN_UDP_PORT = 4789;
/** "VNI is valid", in the first byte. */
export const VXLAN_FLAG_I = 0x08;

/** A VXLAN header with a valid VNI lies in frame[at, end). Ask before any getter below. */
export function isVxlan(frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= VXLAN_HEADER_LEN && (frame[at + VXLAN_FLAGS] & VXLAN_FLAG_I) !== 0;
}

/** The first word: flags and reserved bits. Open vSwitch takes a plain header only when it is 0x08000000 and the last byte 0. */
export function vxlanFlagsWord(frame: Uint8Array, at: number): number {
  return be32(frame, at + VXLAN_FLAGS);
}

/** 24 bits. */
export function vxlanVni(frame: Uint8Array, at: number): number {
  return be32(frame, at + VXLAN_VNI) >>> 8;
}

export function writeVxlan(frame: Uint8Array, at: number, vni: number): void {
  put32(frame, at + VXLAN_FLAGS, 0x08000000);
  put32(frame, at + VXLAN_VNI, vni << 8);
}
