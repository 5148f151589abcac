/**
 * ARP for IPv4 over Ethernet (RFC 826).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+-------------------------------+
 *    |    hardware type (1)          |   protocol type (0x0800)      |
 *    +---------------+---------------+-------------------------------+
 *    |  hw len (6)   |  pr len (4)   |   operation                   |
 *    +---------------+---------------+-------------------------------+
 *    |               sender hardware address (6 bytes)               |
 *    |                               +-------------------------------+
 *    |                               | sender protocol address       |
 *    +-------------------------------+-------------------------------+
 *    | (continued)                   | target hardware address       |
 *    +-------------------------------+                               |
 *    |                            (6 bytes)                          |
 *    +---------------------------------------------------------------+
 *    |               target protocol address                         |
 *    +---------------------------------------------------------------+
 */
import { be16, be32, put16, put32 } from "./bytes.ts";
import { putMac } from "./ethernet.ts";

export const ARP_HTYPE = 0;
export const ARP_PTYPE = 2;
export const ARP_HLEN = 4;
export const ARP_PLEN = 5;
export const ARP_OP = 6;
export const ARP_SHA = 8;
export const ARP_SPA = 14;
export const ARP_THA = 18;
export const ARP_TPA = 24;
export const ARP_LEN = 28;

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** An ARP packet about IPv4 over Ethernet lies in frame[at, end). Ask before any getter below. */
export function isArp(frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= ARP_LEN && be32(frame, at) === 0x00010800 && be16(frame, at + ARP_HLEN) === 0x0604;
}

export function arpOperation(frame: Uint8Array, at: number): number {
  return be16(frame, at + ARP_OP);
}

export function arpSenderIp(frame: Uint8Array, at: number): number {
  return be32(frame, at + ARP_SPA);
}

export function arpTargetIp(frame: Uint8Array, at: number): number {
  return be32(frame, at + ARP_TPA);
}

export function arpSenderMacHigh(frame: Uint8Array, at: number): number {
  return be32(frame, at + ARP_SHA);
}

export function arpSenderMacLow(frame: Uint8Array, at: number): number {
  return be16(frame, at + ARP_SHA + 4);
}

export function arpTargetMacHigh(frame: Uint8Array, at: number): number {
  return be32(frame, at + ARP_THA);
}

export function arpTargetMacLow(frame: Uint8Array, at: number): number {
  return be16(frame, at + ARP_THA + 4);
}

/** Writes a whole ARP packet. */
export function writeArp(
  frame: Uint8Array,
  at: number,
  operation: number,
  shaHigh: number,
  shaLow: number,
  spa: number,
  thaHigh: number,
  thaLow: number,
  tpa: number,
): void {
  put32(frame, at, 0x00010800);
  put16(frame, at + ARP_HLEN, 0x0604);
  put16(frame, at + ARP_OP, operation);
  putMac(frame, at + ARP_SHA, shaHigh, shaLow);
  put32(frame, at + ARP_SPA, spa);
  putMac(frame, at + ARP_THA, thaHigh, thaLow);
  put32(frame, at + ARP_TPA, tpa);
}
