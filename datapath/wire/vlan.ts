/**
 * IEEE 802.1Q tag (C-tag, 0x8100) and 802.1ad service tag (S-tag, 0x88a8), between the addresses and the type.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+-----+-+-----------------------+
 *    |             TPID              | PCP |D|          VID          |
 *    +-------------------------------+-----+-+-----------------------+
 *
 * `at` is the first byte of the TPID: 12 bytes into the frame for the first tag, 16 for the second.
 */
import { be16, put16 } from "./bytes.ts";
import { ETHERTYPE_QINQ, ETHERTYPE_VLAN } from "./ethernet.ts";

export const VLAN_TPID = 0;
export const VLAN_TCI = 2;
export const VLAN_TAG_LEN = 4;
export const VLAN_VID_MASK = 0x0fff;
export const VLAN_DEI = 0x1000;
export const VLAN_PCP_SHIFT = 13;

/** A type that announces a tag. */
export function isVlanType(type: number): boolean {
  return type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ;
}

/** A whole tag and the type behind it lie in frame[at, end). Ask before any getter below. */
export function isVlan(frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= VLAN_TAG_LEN + 2 && isVlanType(be16(frame, at));
}

export function vlanTpid(frame: Uint8Array, at: number): number {
  return be16(frame, at + VLAN_TPID);
}

export function vlanTci(frame: Uint8Array, at: number): number {
  return be16(frame, at + VLAN_TCI);
}

export function vlanVid(frame: Uint8Array, at: number): number {
  return be16(frame, at + VLAN_TCI) & VLAN_VID_MASK;
}

export function vlanPcp(frame: Uint8Array, at: number): number {
  return frame[at + VLAN_TCI] >>> 5;
}

export function vlanDei(frame: Uint8Array, at: number): number {
  return (frame[at + VLAN_TCI] >>> 4) & 1;
}

/** Type behind the tag: another tag's TPID, an Ethertype or an 802.3 length. */
export function vlanInnerType(frame: Uint8Array, at: number): number {
  return be16(frame, at + VLAN_TAG_LEN);
}

export function writeVlan(frame: Uint8Array, at: number, tpid: number, tci: number): void {
  put16(frame, at + VLAN_TPID, tpid);
  put16(frame, at + VLAN_TCI, tci);
}
