/**
 * ICMP errors as Linux sends them (net/ipv4/icmp.c, icmp_send): about unicast packets only, never about an ICMP error or a
 * later fragment (RFC 1122, 3.2.2), quoting the packet as far as 576 bytes of the whole message allow (RFC 1812, 4.3.2.3), with
 * precedence "internetwork control" and the TOS bits of the packet. The source address is that of the route back to
 * the sender, or the address that the packet was sent to when it was an own one. A route that the packet recorded is
 * carried on in the answer.
 */
import { copyBytes } from "../packet/copy.ts";
import { ETHERNET_HEADER_LEN } from "../wire/ethernet.ts";
import {
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_HEADER_LEN,
  ICMP_UNREACHABLE,
  isIcmpError,
  putIcmpChecksum,
  writeIcmp,
} from "../wire/icmp.ts";
import {
  IPV4_DST,
  IPV4_FRAGMENT,
  IPV4_HEADER_LEN,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL,
  IPV4_SRC,
  IPV4_TOS,
  PROTOCOL_ICMP,
  putIpv4Options,
  writeIpv4,
} from "../wire/ipv4.ts";
import { outputIpv4 } from "./output.ts";
import { AddressKind } from "./routes.ts";
import type { Stack } from "./stack.ts";

/** The whole message, IP header included: what every host must accept. */
const LONGEST = 576;

/**
 * Answers the IPv4 packet [l3, end) of `source` with an error; `rest` are bytes 4..7 of its header. The packet stays the
 * caller's. Says nothing where the RFCs forbid it, the rate limit is reached or no route leads back.
 */
export function sendIcmpError(
  stack: Stack,
  type: number,
  code: number,
  rest: number,
  source: DataView,
  l3: number,
  end: number,
): void {
  const { routes, pool } = stack;
  const { bytes } = pool;
  if ((source.getUint16(l3 + IPV4_FRAGMENT) & IPV4_OFFSET_MASK) !== 0) return;
  if (source.getUint8(l3 + IPV4_PROTOCOL) === PROTOCOL_ICMP) {
    const l4 = l3 + ((source.getUint8(l3) & 15) << 2);
    if (l4 >= end || isIcmpError(source.getUint8(l4))) return;
  }
  const to = source.getInt32(l3 + IPV4_SRC);
  const about = source.getInt32(l3 + IPV4_DST);
  const route = routes.lookup(to);
  if (route < 0) return;
  const pmtu = type === ICMP_UNREACHABLE && code === ICMP_FRAGMENTATION_NEEDED;
  if (!pmtu && stack.limit !== null && !stack.limit.allow(to)) return;

  const dev = routes.dev[route];
  const { mtu } = stack.interfaces[dev];
  const from = routes.kindOf(about) === AddressKind.Own ? about : routes.source[route];
  const added = stack.options.recordRoute === 0 ? 0 : stack.options.echoInto(bytes, l3, from);
  const header = IPV4_HEADER_LEN + added;
  const room = (mtu < LONGEST ? mtu : LONGEST) - header - ICMP_HEADER_LEN;
  if (room <= IPV4_HEADER_LEN) return;
  const quoted = end - l3 < room ? end - l3 : room;
  const total = header + ICMP_HEADER_LEN + quoted;
  const slot = stack.make(ETHERNET_HEADER_LEN + total);
  if (slot < 0) return;
  const ip = pool.home(slot) + ETHERNET_HEADER_LEN;
  const icmp = ip + header;
  const tos = (source.getUint8(l3 + IPV4_TOS) & 0x1e) | 0xc0;
  writeIpv4(bytes, ip, tos, total, stack.ipId(), 0, 64, PROTOCOL_ICMP, from, to);
  if (added > 0) putIpv4Options(bytes, ip, stack.options.answer, added);
  writeIcmp(bytes, icmp, type, code, rest);
  copyBytes(source, l3, pool.view, icmp + ICMP_HEADER_LEN, quoted);
  putIcmpChecksum(bytes, icmp, ip + total);
  outputIpv4(stack, slot, ip, ip + total, dev, routes.via[route] || to, -1);
}
