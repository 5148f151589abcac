/**
 * The Internet checksum: the one's complement of the one's complement sum of 16-bit words (RFC 1071), and its update when a
 * field changes (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')). Equation 3 and not 4, because it is the one that never
 * turns a header that summed to "all zero" into -0.
 *
 * A sum is carried unfolded between calls: 32768 words of 0xffff stay below 2^31, so one packet of 64 KB never overflows
 * an int32, and folding happens once.
 */
import { be16, be32 } from "./bytes.ts";

/** Adds the bytes [at, end) to `sum` as 16-bit words; an odd last byte counts as the high byte (RFC 1071, 4.1). */
export function checksumAdd(frame: Uint8Array, at: number, end: number, sum: number): number {
  const even = end - ((end - at) & 1);
  let i = at;
  for (; i < even; i += 2) sum += (frame[i] << 8) | frame[i + 1];
  if (i < end) sum += frame[i] << 8;
  return sum;
}

/** Carries folded in, and complemented: what goes into the header. */
export function checksumFold(sum: number): number {
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** RFC 1071 over [at, end). Over a header that holds its own right checksum it is 0. */
export function checksum(frame: Uint8Array, at: number, end: number): number {
  return checksumFold(checksumAdd(frame, at, end, 0));
}

/** RFC 1624: the checksum `check` after a 16-bit field went from `from` to `to`. */
export function checksumUpdate16(check: number, from: number, to: number): number {
  return checksumFold((~check & 0xffff) + (~from & 0xffff) + (to & 0xffff));
}

/** RFC 1624 for a 32-bit field; signs do not matter. */
export function checksumUpdate32(check: number, from: number, to: number): number {
  return checksumFold(
    (~check & 0xffff) + (~from & 0xffff) + ((~from >>> 16) & 0xffff) + (to & 0xffff) + ((to >>> 16) & 0xffff),
  );
}

/** The sum of the IPv4 pseudo header (RFC 768, RFC 9293 3.1); `length` is that of the transport header and its data. */
export function pseudoIpv4(src: number, dst: number, protocol: number, length: number): number {
  return (src >>> 16) + (src & 0xffff) + (dst >>> 16) + (dst & 0xffff) + protocol + length;
}

/** The sum of the IPv6 pseudo header (RFC 8200, 8.1): addresses at `srcAt` and `dstAt` of the frame. */
export function pseudoIpv6(frame: Uint8Array, srcAt: number, dstAt: number, protocol: number, length: number): number {
  let sum = protocol + (length >>> 16) + (length & 0xffff);
  for (let i = 0; i < 16; i += 2) sum += be16(frame, srcAt + i) + be16(frame, dstAt + i);
  return sum;
}

/** Checksum of a transport segment at [at, end) of an IPv4 packet whose header starts at `ip`; its own field must be 0. */
export function transportChecksumIpv4(frame: Uint8Array, ip: number, at: number, end: number): number {
  const pseudo = pseudoIpv4(be32(frame, ip + 12), be32(frame, ip + 16), frame[ip + 9], end - at);
  return checksumFold(checksumAdd(frame, at, end, pseudo));
}

/** As above for IPv6; `protocol` is given because extension headers may lie between. */
export function transportChecksumIpv6(
  frame: Uint8Array,
  ip: number,
  protocol: number,
  at: number,
  end: number,
): number {
  return checksumFold(checksumAdd(frame, at, end, pseudoIpv6(frame, ip + 8, ip + 24, protocol, end - at)));
}
