/**
 * Ethernet II (IEEE 802.3, DIX) and 802.3 with LLC/SNAP (RFC 1042).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------------------------------------------------------+
 *    |                     destination (6 bytes)                     |
 *    |                               +-------------------------------+
 *    |                               |        source (6 bytes)       |
 *    +-------------------------------+                               |
 *    |                                                               |
 *    +-------------------------------+-------------------------------+
 *    | type, or length below 0x600   | 802.3: DSAP aa  |  SSAP aa    |
 *    +-------------------------------+-------------------------------+
 *    | ctrl 03 |          OUI 00 00 00         |  SNAP type (16)     |
 *    +---------------------------------------------------------------+
 *
 * A MAC address travels as two words: the first four bytes as int32, the last two as 0..65535.
 */
import { be16, be32, put16, put32 } from "./bytes.ts";

export const ETH_DST = 0;
export const ETH_SRC = 6;
export const ETH_TYPE = 12;
export const ETHERNET_HEADER_LEN = 14;
/** Bytes of LLC and SNAP together. */
export const LLC_SNAP_LEN = 8;
/** Type fields from here on are types, below they are 802.3 lengths. */
export const ETHERTYPE_MIN = 0x600;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
/** Transparent Ethernet bridging: the payload of GRE and Geneve that carries frames. */
export const ETHERTYPE_TEB = 0x6558;
export const ETHERTYPE_RARP = 0x8035;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_MPLS = 0x8847;
export const ETHERTYPE_MPLS_MULTICAST = 0x8848;
export const ETHERTYPE_QINQ = 0x88a8;

/** An Ethernet header lies in frame[at, end). Ask before any getter below. */
export function isEthernet(_frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= ETHERNET_HEADER_LEN;
}

/** Type, or length of an 802.3 frame. */
export function ethernetType(frame: Uint8Array, at: number): number {
  return be16(frame, at + ETH_TYPE);
}

export function setEthernetType(frame: Uint8Array, at: number, type: number): void {
  put16(frame, at + ETH_TYPE, type);
}

/** First four bytes of the destination as int32. */
export function ethernetDstHigh(frame: Uint8Array, at: number): number {
  return be32(frame, at + ETH_DST);
}

/** Last two bytes of the destination. */
export function ethernetDstLow(frame: Uint8Array, at: number): number {
  return be16(frame, at + ETH_DST + 4);
}

/** First four bytes of the source as int32. */
export function ethernetSrcHigh(frame: Uint8Array, at: number): number {
  return be32(frame, at + ETH_SRC);
}

/** Last two bytes of the source. */
export function ethernetSrcLow(frame: Uint8Array, at: number): number {
  return be16(frame, at + ETH_SRC + 4);
}

/** Writes a MAC address of two words anywhere. */
export function putMac(frame: Uint8Array, at: number, high: number, low: number): void {
  put32(frame, at, high);
  put16(frame, at + 4, low);
}

/** The group bit of a MAC address at `at`: multicast or broadcast. */
export function isGroupMac(frame: Uint8Array, at: number): boolean {
  return (frame[at] & 1) !== 0;
}

/** ff:ff:ff:ff:ff:ff at `at`. */
export function isBroadcastMac(frame: Uint8Array, at: number): boolean {
  return be32(frame, at) === -1 && be16(frame, at + 4) === 0xffff;
}

/** Writes a whole Ethernet II header. */
export function writeEthernet(
  frame: Uint8Array,
  at: number,
  dstHigh: number,
  dstLow: number,
  srcHigh: number,
  srcLow: number,
  type: number,
): void {
  putMac(frame, at + ETH_DST, dstHigh, dstLow);
  putMac(frame, at + ETH_SRC, srcHigh, srcLow);
  put16(frame, at + ETH_TYPE, type);
}

/** LLC with a SNAP header of OUI 00:00:00 lies at `at` (just behind an 802.3 length): its type is an Ethertype. */
export function isSnap(frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= LLC_SNAP_LEN && be32(frame, at) === (0xaaaa0300 | 0) && be16(frame, at + 4) === 0;
}

/** The Ethertype in the SNAP header at `at`. */
export function snapType(frame: Uint8Array, at: number): number {
  return be16(frame, at + 6);
}
