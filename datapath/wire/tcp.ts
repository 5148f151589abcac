/**
 * TCP (RFC 9293, 3.1).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+-------------------------------+
 *    |          Source Port          |       Destination Port        |
 *    +-------------------------------+-------------------------------+
 *    |                        Sequence Number                        |
 *    +---------------------------------------------------------------+
 *    |                    Acknowledgment Number                      |
 *    +-------+-------+-+-+-+-+-+-+-+-+-------------------------------+
 *    |  Data |       |C|E|U|A|P|R|S|F|                               |
 *    | Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
 *    |       |       |R|E|G|K|H|T|N|N|                               |
 *    +-------+-------+-+-+-+-+-+-+-+-+-------------------------------+
 *    |           Checksum            |         Urgent Pointer        |
 *    +-------------------------------+-------------------------------+
 *    |                           Options                             |
 *    +---------------------------------------------------------------+
 */
import { be16, be32 } from "./bytes.ts";

export const TCP_SRC = 0;
export const TCP_DST = 2;
export const TCP_SEQUENCE = 4;
export const TCP_ACKNOWLEDGMENT = 8;
export const TCP_FLAGS = 12;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;
export const TCP_URGENT = 18;
export const TCP_OPTIONS = 20;
/** Header without options. */
export const TCP_HEADER_LEN = 20;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

/** A TCP header without its options lies in frame[at, end). Ask before any getter below. */
export function isTcp(_frame: Uint8Array, at: number, end: number): boolean {
  return end - at >= TCP_HEADER_LEN;
}

/** Bytes of the header with its options, as the header says: 0..60. */
export function tcpHeaderLength(frame: Uint8Array, at: number): number {
  return (frame[at + TCP_FLAGS] >>> 4) << 2;
}

export function tcpSrcPort(frame: Uint8Array, at: number): number {
  return be16(frame, at + TCP_SRC);
}

export function tcpDstPort(frame: Uint8Array, at: number): number {
  return be16(frame, at + TCP_DST);
}

/** Flags with the reserved bits: 12 bits, as Open vSwitch matches them. */
export function tcpFlags(frame: Uint8Array, at: number): number {
  return be16(frame, at + TCP_FLAGS) & 0x0fff;
}

export function tcpSequence(frame: Uint8Array, at: number): number {
  return be32(frame, at + TCP_SEQUENCE);
}

export function tcpAcknowledgment(frame: Uint8Array, at: number): number {
  return be32(frame, at + TCP_ACKNOWLEDGMENT);
}

export function tcpWindow(frame: Uint8Array, at: number): number {
  return be16(frame, at + TCP_WINDOW);
}

export function tcpChecksum(frame: Uint8Array, at: number): number {
  return be16(frame, at + TCP_CHECKSUM);
}
