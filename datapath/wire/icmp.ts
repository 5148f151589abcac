/**
 * ICMP (RFC 792).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------+---------------+-------------------------------+
 *    |     Type      |     Code      |          Checksum             |
 *    +---------------+---------------+-------------------------------+
 *    | echo: identifier              | echo: sequence number         |
 *    | too big: unused               | too big: next-hop MTU         |
 *    +-------------------------------+-------------------------------+
 *    | echo: data; errors: the IP header and the first bytes of the packet they are about
 *    +---------------------------------------------------------------
 */
import { be16, put16, put32 } from "./bytes.ts";
import { checksum } from "./checksum.ts";

export const ICMP_TYPE = 0;
export const ICMP_CODE = 1;
export const ICMP_CHECKSUM = 2;
export const ICMP_ID = 4;
export const ICMP_SEQUENCE = 6;
/** Next-hop MTU of "fragmentation needed" (RFC 1191). */
export const ICMP_MTU = 6;
export const ICMP_HEADER_LEN = 8;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;

export const ICMP_NET_UNREACHABLE = 0;
export const ICMP_HOST_UNREACHABLE = 1;
export const ICMP_PROTOCOL_UNREACHABLE = 2;
export const ICMP_PORT_UNREACHABLE = 3;
export const ICMP_FRAGMENTATION_NEEDED = 4;

/** An ICMP header lies in frame[at, end). Ask before any getter below. */
export function isIcmp(_frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= ICMP_HEADER_LEN;
}

export function icmpType(frame: Uint8Array, at: number): number {
  return frame[at + ICMP_TYPE];
}

export function icmpCode(frame: Uint8Array, at: number): number {
  return frame[at + ICMP_CODE];
}

export function icmpId(frame: Uint8Array, at: number): number {
  return be16(frame, at + ICMP_ID);
}

export function icmpSequence(frame: Uint8Array, at: number): number {
  return be16(frame, at + ICMP_SEQUENCE);
}

/** A message about another packet: no ICMP error may answer it (RFC 1122, 3.2.2). Unknown types count as errors, as in Linux. */
export function isIcmpError(type: number): boolean {
  return !(
    type === ICMP_ECHO_REPLY ||
    type === ICMP_ECHO_REQUEST ||
    type === 9 || // router advertisement
    type === 10 || // router solicitation
    (type >= 13 && type <= 18) // timestamp, information, address mask
  );
}

/** Writes the eight bytes of the header with checksum 0; `rest` is what bytes 4..7 hold. */
export function writeIcmp(frame: Uint8Array, at: number, type: number, code: number, rest: number): void {
  frame[at + ICMP_TYPE] = type;
  frame[at + ICMP_CODE] = code;
  put16(frame, at + ICMP_CHECKSUM, 0);
  put32(frame, at + 4, rest);
}

/** Computes and writes the checksum of the message [at, end). */
export function putIcmpChecksum(frame: Uint8Array, at: number, end: number): void {
  put16(frame, at + ICMP_CHECKSUM, 0);
  put16(frame, at + ICMP_CHECKSUM, checksum(frame, at, end));
}
