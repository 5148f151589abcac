/**
 * ICMPv6 errors about packets for the namespace itself (RFC 4443 3): never about an error, to a group or from nobody, quoting
 * as much as the least IPv6 MTU allows.
 */
import { copyBytes } from "../packet/copy.ts";
import { put16 } from "../wire/bytes.ts";
import { transportChecksumIpv6 } from "../wire/checksum.ts";
import { ETHERNET_HEADER_LEN } from "../wire/ethernet.ts";
import { ICMPV6_CHECKSUM } from "../wire/icmpv6.ts";
import { IPV6_DST, IPV6_HEADER_LEN, IPV6_SRC, NEXT_ICMPV6, writeIpv6 } from "../wire/ipv6.ts";
import { outputIpv6 } from "./output.ts";
import type { Stack } from "./stack.ts";

/** RFC 8200, 5. */
const LEAST_MTU = 1280;
const ERROR_HEADER_LEN = 8;

/** Answers the packet [l3, end), sent to an own unicast address by `dev`; `rest` are bytes 4..7. The packet stays the caller's. */
export function sendIcmpv6Error(
  stack: Stack,
  type: number,
  code: number,
  rest: number,
  l3: number,
  end: number,
  dev: number,
): void {
  const { bytes, view } = stack.pool;
  const src = l3 + IPV6_SRC;
  const hash = view.getInt32(src + 8) ^ view.getInt32(src + 12);
  if (stack.limit !== null && !stack.limit.allow(hash)) return;
  const room = LEAST_MTU - IPV6_HEADER_LEN - ERROR_HEADER_LEN;
  const quoted = end - l3 < room ? end - l3 : room;
  const length = ERROR_HEADER_LEN + quoted;
  const slot = stack.make(ETHERNET_HEADER_LEN + IPV6_HEADER_LEN + length);
  if (slot < 0) return;
  const ip = stack.pool.home(slot) + ETHERNET_HEADER_LEN;
  const icmp = ip + IPV6_HEADER_LEN;
  writeIpv6(bytes, ip, 0, 0, length, NEXT_ICMPV6, 64);
  for (let i = 0; i < 16; i += 4) {
    view.setInt32(ip + IPV6_SRC + i, view.getInt32(l3 + IPV6_DST + i));
    view.setInt32(ip + IPV6_DST + i, view.getInt32(src + i));
  }
  view.setInt32(icmp, (type << 24) | (code << 16));
  view.setInt32(icmp + 4, rest);
  copyBytes(view, l3, view, icmp + ERROR_HEADER_LEN, quoted);
  put16(bytes, icmp + ICMPV6_CHECKSUM, transportChecksumIpv6(bytes, ip, NEXT_ICMPV6, icmp, icmp + length));
  outputIpv6(stack, slot, ip, icmp + length, dev);
}
