/**
 * MPLS label stack entry (RFC 3032, 2.1; the TC field by RFC 5462).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------------------------------+-----+-+---------------+
 *    |                Label                  | TC  |S|      TTL      |
 *    +---------------------------------------+-----+-+---------------+
 */
import { be32, put32 } from "./bytes.ts";

export const MPLS_ENTRY_LEN = 4;

/** A label stack entry lies in frame[at, end). Ask before any getter below. */
export function isMpls(_frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= MPLS_ENTRY_LEN;
}

/** The whole entry. */
export function mplsEntry(frame: Uint8Array, at: number): number {
  return be32(frame, at);
}

/** 20 bits. */
export function mplsLabel(entry: number): number {
  return entry >>> 12;
}

export function mplsTrafficClass(entry: number): number {
  return (entry >>> 9) & 7;
}

/** Bottom of stack: 1 on the last entry. */
export function mplsBottom(entry: number): number {
  return (entry >>> 8) & 1;
}

export function mplsTtl(entry: number): number {
  return entry & 0xff;
}

/** An entry of its four fields. */
export function makeMplsEntry(label: number, trafficClass: number, bottom: number, ttl: number): number {
  return (label << 12) | (trafficClass << 9) | (bottom << 8) | ttl;
}

export function putMplsEntry(frame: Uint8Array, at: number, entry: number): void {
  put32(frame, at, entry);
}
