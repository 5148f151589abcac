/**
 * IPv6 at a namespace: it is not forwarded (Neutron's and the lab's routers set only net.ipv4.ip_forward), but the
 * interfaces have link-local addresses and Linux answers for them: neighbour solicitations, echo requests, and errors for
 * what nobody takes. Fragments and TCP end here without an answer.
 */
import { Drop } from "../packet/drop.ts";
import { be16, be32, put16, put32 } from "../wire/bytes.ts";
import { transportChecksumIpv6 } from "../wire/checksum.ts";
import { putMac } from "../wire/ethernet.ts";
import {
  ICMPV6_CHECKSUM,
  ICMPV6_ECHO_LEN,
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_FLAGS,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_UNREACHABLE,
  isIcmpv6,
  isNeighbourMessage,
  NA_OVERRIDE,
  NA_SOLICITED,
  ND_LEN,
  ND_NEIGHBOUR_ADVERTISEMENT,
  ND_NEIGHBOUR_SOLICITATION,
  ND_OPTION_SOURCE_LL,
  ND_OPTION_TARGET_LL,
  ND_OPTIONS,
  ND_TARGET,
  ndOption,
} from "../wire/icmpv6.ts";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.ts";
import {
  IPV6_DST,
  IPV6_HEADER_LEN,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_SRC,
  Ipv6Walk,
  ipv6PayloadLength,
  ipv6TrafficClass,
  isIpv6,
  NEXT_ICMPV6,
  NEXT_NONE,
  writeIpv6,
} from "../wire/ipv6.ts";
import { isUdp } from "../wire/udp.ts";
import { sendIcmpv6Error } from "./icmpv6-error.ts";
import type { RouterInterface } from "./interface.ts";
import { Nud } from "./neighbours.ts";
import { flushWaiting, outputIpv6 } from "./output.ts";
import type { Stack } from "./stack.ts";

const walk = new Ipv6Walk();
const addresses = new Int32Array(8);
/** RFC 4443: codes of destination unreachable and parameter problem. */
const PORT_UNREACHABLE = 4;
const UNKNOWN_NEXT_HEADER = 1;
const LONGEST_HOP_LIMIT = 255;

/** Takes in the IPv6 packet at `l3` of the frame that came by `dev` and ends at `frameEnd`. */
export function inputIpv6(stack: Stack, slot: number, l3: number, frameEnd: number, dev: number): void {
  const { bytes, view } = stack.pool;
  const link = stack.interfaces[dev];
  if (!isIpv6(bytes, l3, frameEnd) || bytes[l3 + IPV6_SRC] === 0xff) {
    stack.drop(slot, Drop.BadIpHeader);
    return;
  }
  const end = l3 + IPV6_HEADER_LEN + ipv6PayloadLength(bytes, l3);
  const group = bytes[l3 + IPV6_DST] === 0xff;
  if (group ? !isJoined(view, l3 + IPV6_DST, link) : !link.hasIpv6(view, l3 + IPV6_DST)) {
    stack.drop(slot, Drop.Unhandled);
    return;
  }
  const good = walk.walk(bytes, l3, end) && !walk.isFragment;
  const l4 = walk.at;
  if (good && walk.protocol !== NEXT_ICMPV6) {
    if (!group && stack.givesUp(slot)) return;
    if (!group) refuse(stack, l3, l4, end, dev);
    stack.drop(slot, Drop.Unhandled);
    return;
  }
  if (!good || !isIcmpv6(bytes, l4, end) || transportChecksumIpv6(bytes, l3, NEXT_ICMPV6, l4, end) !== 0) {
    stack.drop(slot, Drop.Unhandled);
    return;
  }
  if (stack.givesUp(slot)) return;
  const type = bytes[l4];
  if (type === ICMPV6_ECHO_REQUEST && end - l4 >= ICMPV6_ECHO_LEN) answerEcho(stack, slot, l3, l4, end, dev);
  else if (bytes[l3 + IPV6_HOP_LIMIT] !== LONGEST_HOP_LIMIT || !isNeighbourMessage(bytes, l4, end)) {
    stack.drop(slot, Drop.Unhandled);
  } else if (type === ND_NEIGHBOUR_SOLICITATION) solicitation(stack, slot, l3, l4, end, dev);
  else advertisement(stack, slot, l4, end, dev);
}

/** All nodes of the link or the interface, or the solicited-node group of an own address. */
function isJoined(view: DataView, at: number, link: RouterInterface): boolean {
  const w0 = view.getInt32(at);
  const w3 = view.getInt32(at + 12);
  if (view.getInt32(at + 4) !== 0) return false;
  if (view.getInt32(at + 8) === 0) return w3 === 1 && (w0 === (0xff020000 | 0) || w0 === (0xff010000 | 0));
  if (view.getInt32(at + 8) !== 1 || w0 !== (0xff020000 | 0)) return false;
  for (let i = 3; i < link.ipv6.length; i += 4) {
    if (w3 === (0xff000000 | (link.ipv6[i] & 0xffffff))) return true;
  }
  return false;
}

/** RFC 4861 7.2.3 and 7.2.4 (Linux: ndisc_recv_ns). */
function solicitation(stack: Stack, slot: number, l3: number, l4: number, end: number, dev: number): void {
  const { bytes, view } = stack.pool;
  const { neighbours, counters } = stack;
  const link = stack.interfaces[dev];
  const src = l3 + IPV6_SRC;
  const fromNobody = isUnspecified(view, src);
  const group = bytes[l3 + IPV6_DST] === 0xff;
  const option = ndOption(bytes, l4 + ND_OPTIONS, end, ND_OPTION_SOURCE_LL);
  const mine = bytes[l4 + ND_TARGET] !== 0xff && link.hasIpv6(view, l4 + ND_TARGET);
  if (!mine || option < 0 || (fromNobody && (option > 0 || !group))) {
    stack.drop(slot, Drop.Unhandled);
    return;
  }
  let goes = -1;
  if (!fromNobody && option > 0) {
    const w0 = view.getInt32(src);
    const w1 = view.getInt32(src + 4);
    const w2 = view.getInt32(src + 8);
    const w3 = view.getInt32(src + 12);
    let n = neighbours.find(dev, w0, w1, w2, w3);
    if (n < 0) n = neighbours.create(dev, w0, w1, w2, w3);
    const high = be32(bytes, option + 2);
    const low = be16(bytes, option + 6);
    if (n >= 0 && neighbours.update(n, high, low, Nud.Stale, true)) goes = n;
  }
  counters.drops[Drop.Consumed]++;
  counters.countGenerated();
  // The answer overwrites the question: the target stays where it is, and is the answer's source.
  const ip = l4 - IPV6_HEADER_LEN;
  // Linux adds its MAC address only when it was asked through the group; who asked by unicast knows it.
  const length = group ? ND_LEN + 8 : ND_LEN;
  for (let i = 0; i < 16; i += 4) {
    // fromNobody: to all nodes, ff02::1.
    const to = fromNobody ? (i === 0 ? 0xff020000 | 0 : i === 12 ? 1 : 0) : view.getInt32(src + i);
    view.setInt32(ip + IPV6_DST + i, to);
  }
  for (let i = 0; i < 16; i += 4) view.setInt32(ip + IPV6_SRC + i, view.getInt32(l4 + ND_TARGET + i));
  writeIpv6(bytes, ip, 0, 0, length, NEXT_ICMPV6, LONGEST_HOP_LIMIT);
  put32(bytes, l4, ND_NEIGHBOUR_ADVERTISEMENT << 24);
  put32(bytes, l4 + ICMPV6_FLAGS, 0);
  bytes[l4 + ICMPV6_FLAGS] = (fromNobody ? 0 : NA_SOLICITED) | (group ? NA_OVERRIDE : 0);
  if (group) {
    bytes[l4 + ND_LEN] = ND_OPTION_TARGET_LL;
    bytes[l4 + ND_LEN + 1] = 1;
    putMac(bytes, l4 + ND_LEN + 2, link.macHigh, link.macLow);
  }
  put16(bytes, l4 + ICMPV6_CHECKSUM, transportChecksumIpv6(bytes, ip, NEXT_ICMPV6, l4, l4 + length));
  outputIpv6(stack, slot, ip, l4 + length, dev);
  if (goes >= 0) flushWaiting(stack, goes);
}

/** RFC 4861 7.2.5 (Linux: ndisc_recv_na): updates an entry that is there. */
function advertisement(stack: Stack, slot: number, l4: number, end: number, dev: number): void {
  const { bytes, view } = stack.pool;
  const { neighbours } = stack;
  const target = l4 + ND_TARGET;
  const option = ndOption(bytes, l4 + ND_OPTIONS, end, ND_OPTION_TARGET_LL);
  const n = neighbours.find(
    dev,
    view.getInt32(target),
    view.getInt32(target + 4),
    view.getInt32(target + 8),
    view.getInt32(target + 12),
  );
  if (n >= 0 && option >= 0) {
    const flags = bytes[l4 + ICMPV6_FLAGS];
    const known = neighbours.state[n] >= Nud.Stale;
    const high = option > 0 ? be32(bytes, option + 2) : neighbours.macHigh[n];
    const low = option > 0 ? be16(bytes, option + 6) : neighbours.macLow[n];
    const state = (flags & NA_SOLICITED) !== 0 ? Nud.Reachable : Nud.Stale;
    if (option > 0 || known) {
      if (neighbours.update(n, high, low, state, (flags & NA_OVERRIDE) !== 0)) flushWaiting(stack, n);
    }
  }
  stack.drop(slot, Drop.Consumed);
}

/** RFC 4443 4.2. The answer has no extension headers, hop limit 64 and the traffic class of the request. */
function answerEcho(stack: Stack, slot: number, l3: number, l4: number, end: number, dev: number): void {
  const { bytes, view } = stack.pool;
  const { counters } = stack;
  const link = stack.interfaces[dev];
  const ip = l4 - IPV6_HEADER_LEN;
  const group = bytes[l3 + IPV6_DST] === 0xff;
  const trafficClass = ipv6TrafficClass(bytes, l3);
  if (isUnspecified(view, l3 + IPV6_SRC) || end - ip > link.mtu) {
    stack.drop(slot, Drop.Unhandled);
    return;
  }
  // Both addresses are kept first: behind extension headers the answer's header overlaps the request's.
  for (let i = 0; i < 4; i++) {
    addresses[i] = view.getInt32(l3 + IPV6_SRC + 4 * i);
    // What was sent to a group is answered from the link-local address.
    addresses[4 + i] = group ? link.ipv6[link.ipv6.length - 4 + i] : view.getInt32(l3 + IPV6_DST + 4 * i);
  }
  for (let i = 0; i < 4; i++) {
    view.setInt32(ip + IPV6_DST + 4 * i, addresses[i]);
    view.setInt32(ip + IPV6_SRC + 4 * i, addresses[4 + i]);
  }
  writeIpv6(bytes, ip, trafficClass, 0, end - l4, NEXT_ICMPV6, 64);
  bytes[l4] = ICMPV6_ECHO_REPLY;
  put16(bytes, l4 + ICMPV6_CHECKSUM, 0);
  put16(bytes, l4 + ICMPV6_CHECKSUM, transportChecksumIpv6(bytes, ip, NEXT_ICMPV6, l4, end));
  counters.drops[Drop.Consumed]++;
  counters.countGenerated();
  outputIpv6(stack, slot, ip, end, dev);
}

/** There is no socket here: UDP is answered with "port unreachable", an unknown header with a parameter problem. */
function refuse(stack: Stack, l3: number, l4: number, end: number, dev: number): void {
  const { bytes, view } = stack.pool;
  const { protocol } = walk;
  if (isUnspecified(view, l3 + IPV6_SRC) || protocol === NEXT_NONE || protocol === PROTOCOL_TCP) return;
  if (protocol !== PROTOCOL_UDP) {
    if (l4 === l3 + IPV6_HEADER_LEN) {
      sendIcmpv6Error(stack, ICMPV6_PARAMETER_PROBLEM, UNKNOWN_NEXT_HEADER, IPV6_NEXT_HEADER, l3, end, dev);
    }
  } else if (isUdp(bytes, l4, end) && transportChecksumIpv6(bytes, l3, PROTOCOL_UDP, l4, end) === 0) {
    sendIcmpv6Error(stack, ICMPV6_UNREACHABLE, PORT_UNREACHABLE, 0, l3, end, dev);
  }
}

function isUnspecified(view: DataView, at: number): boolean {
  return (view.getInt32(at) | view.getInt32(at + 4) | view.getInt32(at + 8) | view.getInt32(at + 12)) === 0;
}
