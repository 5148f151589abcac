/**
 * What a namespace does with IPv4 packets for itself: it answers echo requests with their own bytes, and tells the sender of
 * anything else that nobody listens: a TCP reset, "port unreachable", "protocol unreachable". There are no sockets here.
 * Fragments are put together first.
 */
import { Drop } from "../packet/drop.ts";
import { be16, put16, put32 } from "../wire/bytes.ts";
import { checksum, transportChecksumIpv4 } from "../wire/checksum.ts";

import {
  ICMP_CHECKSUM,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LEN,
  ICMP_PORT_UNREACHABLE,
  ICMP_PROTOCOL_UNREACHABLE,
  ICMP_UNREACHABLE,
} from "../wire/icmp.ts";
import {
  IPV4_DF,
  IPV4_DST,
  IPV4_FRAGMENT,
  IPV4_HEADER_LEN,
  IPV4_ID,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL,
  IPV4_SRC,
  IPV4_TOS,
  PROTOCOL_ICMP,
  PROTOCOL_IGMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  putIpv4Checksum,
  putIpv4Options,
  writeIpv4,
} from "../wire/ipv4.ts";
import {
  isTcp,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT,
  TCP_CHECKSUM,
  TCP_FIN,
  TCP_FLAGS,
  TCP_HEADER_LEN,
  TCP_RST,
  TCP_SEQUENCE,
  TCP_SYN,
  TCP_WINDOW,
  tcpAcknowledgment,
  tcpDstPort,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpSrcPort,
} from "../wire/tcp.ts";
import { isUdp, UDP_HEADER_LEN, udpChecksum, udpLength } from "../wire/udp.ts";
import { fragmentIpv4 } from "./fragment.ts";
import { sendIcmpError } from "./icmp-error.ts";
import { outputIpv4 } from "./output.ts";
import { PAYLOAD } from "./reassembly.ts";
import type { Stack } from "./stack.ts";

/** Takes in the packet [l3, end), whose header is checked, for an own address (or, with `group`, for a broadcast one). */
export function deliverIpv4(stack: Stack, slot: number, l3: number, end: number, from: number, group: boolean): void {
  const { bytes, view } = stack.pool;
  const fragment = be16(bytes, l3 + IPV4_FRAGMENT);
  if ((fragment & (IPV4_MF | IPV4_OFFSET_MASK)) === 0) {
    if (!answer(stack, slot, bytes, view, l3, end, group)) stack.drop(slot, Drop.Unhandled);
    return;
  }
  const { reassembly } = stack;
  const header = (bytes[l3] & 15) << 2;
  reassembly.key.fill(0);
  reassembly.key[0] = view.getInt32(l3 + IPV4_SRC);
  reassembly.key[4] = view.getInt32(l3 + IPV4_DST);
  reassembly.key[8] = be16(bytes, l3 + IPV4_ID);
  reassembly.key[9] = bytes[l3 + IPV4_PROTOCOL];
  const offset = (fragment & IPV4_OFFSET_MASK) << 3;
  const more = (fragment & IPV4_MF) !== 0;
  const at = l3 + header;
  const whole = reassembly.add(view, l3, header, at, end - at, offset, more, from);
  stack.drop(slot, Drop.Consumed);
  if (whole === null) {
    stack.wakeAt(reassembly.nextDue());
    return;
  }
  // The header of the first fragment lies before the payload: together they are the packet that was sent.
  stack.options.clear(); // a route is recorded by each fragment for itself
  const ip = PAYLOAD - whole.headerLength;
  const total = whole.headerLength + whole.total;
  put16(whole.bytes, ip + IPV4_LENGTH, total);
  put16(whole.bytes, ip + IPV4_FRAGMENT, 0);
  putIpv4Checksum(whole.bytes, ip);
  answer(stack, -1, whole.bytes, whole.view, ip, ip + total, group);
  reassembly.release(whole);
}

/**
 * Answers a whole packet. `slot` is that of the packet, -1 when it lies in a reassembly buffer; true: the slot was used up
 * (and counted), false: it is still the caller's.
 */
function answer(
  stack: Stack,
  slot: number,
  bytes: Uint8Array,
  view: DataView,
  l3: number,
  end: number,
  group: boolean,
): boolean {
  const l4 = l3 + ((bytes[l3] & 15) << 2);
  switch (bytes[l3 + IPV4_PROTOCOL]) {
    case PROTOCOL_ICMP:
      return answerEcho(stack, slot, bytes, view, l3, l4, end, group);
    case PROTOCOL_TCP:
      return !group && slot >= 0 && answerTcp(stack, slot, l3, l4, end);
    case PROTOCOL_UDP: {
      if (group || !isUdp(bytes, l4, end)) return false;
      const length = udpLength(bytes, l4);
      if (length < UDP_HEADER_LEN || length > end - l4) return false;
      if (udpChecksum(bytes, l4) !== 0 && transportChecksumIpv4(bytes, l3, l4, l4 + length) !== 0) return false;
      sendIcmpError(stack, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, view, l3, end);
      return false;
    }
    case PROTOCOL_IGMP:
      return false;
    default:
      if (!group) sendIcmpError(stack, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0, view, l3, end);
      return false;
  }
}

/** Echo (RFC 792; Linux: icmp_echo). Requests to a broadcast address are ignored (icmp_echo_ignore_broadcasts). */
function answerEcho(
  stack: Stack,
  slot: number,
  bytes: Uint8Array,
  view: DataView,
  l3: number,
  l4: number,
  end: number,
  group: boolean,
): boolean {
  if (end - l4 < ICMP_HEADER_LEN || checksum(bytes, l4, end) !== 0) return false;
  if (group || bytes[l4] !== ICMP_ECHO_REQUEST) return false;
  const { routes, interfaces, counters } = stack;
  const src = view.getInt32(l3 + IPV4_SRC);
  const own = view.getInt32(l3 + IPV4_DST);
  const tos = bytes[l3 + IPV4_TOS];
  const route = routes.lookup(src);
  if (route < 0) return false;
  const dev = routes.dev[route];
  const nextHop = routes.via[route] || src;
  // The reply's header lies directly before the message, in the request's own bytes; of options it has at most as many.
  const added = stack.options.recordRoute === 0 ? 0 : stack.options.echoInto(bytes, l3, own);
  const ip = l4 - IPV4_HEADER_LEN - added;
  const total = end - ip;
  bytes[l4] = ICMP_ECHO_REPLY;
  put16(bytes, l4 + ICMP_CHECKSUM, 0);
  put16(bytes, l4 + ICMP_CHECKSUM, checksum(bytes, l4, end));
  writeIpv4(bytes, ip, tos, total, stack.ipId(), 0, 64, PROTOCOL_ICMP, own, src);
  if (added > 0) putIpv4Options(bytes, ip, stack.options.answer, added);
  const { mtu } = interfaces[dev];
  if (slot >= 0 && total <= mtu) {
    counters.drops[Drop.Consumed]++;
    counters.countGenerated();
    outputIpv4(stack, slot, ip, end, dev, nextHop, -1);
    return true;
  }
  fragmentIpv4(stack, view, ip, mtu, dev, nextHop, -1);
  if (slot >= 0) stack.drop(slot, Drop.Consumed);
  return true;
}

/** A segment for a port that nobody listens on gets a reset (RFC 9293, 3.10.7.1), "don't fragment", identification 0. */
function answerTcp(stack: Stack, slot: number, l3: number, l4: number, end: number): boolean {
  const { bytes, view } = stack.pool;
  const { routes, counters } = stack;
  if (!isTcp(bytes, l4, end)) return false;
  const header = tcpHeaderLength(bytes, l4);
  if (header < TCP_HEADER_LEN || header > end - l4 || transportChecksumIpv4(bytes, l3, l4, end) !== 0) return false;
  const flags = tcpFlags(bytes, l4);
  if ((flags & TCP_RST) !== 0) return false;
  const src = view.getInt32(l3 + IPV4_SRC);
  const own = view.getInt32(l3 + IPV4_DST);
  const route = routes.lookup(src);
  if (route < 0) return false;
  const tos = bytes[l3 + IPV4_TOS];
  const taken = end - l4 - header + ((flags & TCP_SYN) !== 0 ? 1 : 0) + ((flags & TCP_FIN) !== 0 ? 1 : 0);
  const next = (tcpSequence(bytes, l4) + taken) | 0;
  const acked = tcpAcknowledgment(bytes, l4);
  const srcPort = tcpSrcPort(bytes, l4);
  const dstPort = tcpDstPort(bytes, l4);
  const ip = l3;
  const tcp = ip + IPV4_HEADER_LEN;
  const last = tcp + TCP_HEADER_LEN;
  writeIpv4(bytes, ip, tos, last - ip, 0, IPV4_DF, 64, PROTOCOL_TCP, own, src);
  put16(bytes, tcp, dstPort);
  put16(bytes, tcp + 2, srcPort);
  const hasAck = (flags & TCP_ACK) !== 0;
  put32(bytes, tcp + TCP_SEQUENCE, hasAck ? acked : 0);
  put32(bytes, tcp + TCP_ACKNOWLEDGMENT, hasAck ? 0 : next);
  put16(bytes, tcp + TCP_FLAGS, 0x5000 | TCP_RST | (hasAck ? 0 : TCP_ACK));
  put16(bytes, tcp + TCP_WINDOW, 0);
  put32(bytes, tcp + TCP_CHECKSUM, 0);
  put16(bytes, tcp + TCP_CHECKSUM, transportChecksumIpv4(bytes, ip, tcp, last));
  counters.drops[Drop.Consumed]++;
  counters.countGenerated();
  outputIpv4(stack, slot, ip, last, routes.dev[route], routes.via[route] || src, -1);
  return true;
}
