/**
 * A network namespace: a qrouter copy, or the one that a DHCP port lives in. It takes a burst that came in by one of its
 * interfaces and does to each packet what Linux does (ip_rcv, ip_route_input, ip_forward, ip_finish_output, in this order):
 *
 *   frame for another MAC address               -> OtherHost, silently: flooded copies end here
 *   ARP, IPv6                                   -> arp-input, ipv6-input
 *   IPv4: header, checksum, martian source      -> BadIpHeader, Martian
 *   IPv4 options: broken, source route          -> ICMP 12/0, BadIpHeader
 *   own or broadcast address                    -> local: echo replies, resets, "unreachable"
 *   not forwarding                              -> NoRoute, silently
 *   no route                                    -> ICMP 3/0
 *   TTL 1                                       -> ICMP 11/0, quoting the packet as it came
 *   longer than the MTU with "don't fragment"   -> ICMP 3/4 with that MTU
 *   otherwise: TTL less one (RFC 1624), fragments if it must be, the neighbour's MAC address, out (or waiting for ARP)
 *
 * Nothing is allocated for a packet that is forwarded. The bridge port of each interface is its other end: what is in
 * `tx[i]` goes into the switch there. Time is the caller's: virtual, in ns.
 */
import { Drop } from "../packet/drop.ts";
import type { PacketBatch } from "../packet/packet-batch.ts";
import type { PacketPool } from "../packet/packet-pool.ts";
import type { PacketQueue } from "../packet/packet-queue.ts";
import type { NamespaceConfig } from "../topology.ts";
import { ETHERNET_HEADER_LEN, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../wire/ethernet.ts";
import {
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_NET_UNREACHABLE,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
} from "../wire/icmp.ts";
import {
  IPV4_DF,
  IPV4_DST,
  IPV4_FRAGMENT,
  IPV4_HEADER_LEN,
  IPV4_SRC,
  IPV4_TTL,
  putIpv4Checksum,
} from "../wire/ipv4.ts";
import { inputArp } from "./arp-input.ts";
import type { RouterCounters } from "./counters.ts";
import { fragmentIpv4 } from "./fragment.ts";
import { sendIcmpError } from "./icmp-error.ts";
import { inputIpv6 } from "./ipv6-input.ts";
import { deliverIpv4 } from "./local.ts";
import { outputIpv4 } from "./output.ts";
import { AddressKind, isMartianSource } from "./routes.ts";
import { type NamespaceOptions, Stack } from "./stack.ts";
import { runTimers } from "./timers.ts";

export class Namespace {
  readonly config: NamespaceConfig;
  readonly name: string;
  /** Frames to be sent, by interface: the owner of the namespace takes them out. */
  readonly tx: readonly PacketQueue[];
  readonly counters: RouterCounters;
  /** For `processAtClock` and `tickAtClock`, ns of virtual time. */
  readonly clock = new Float64Array(1);
  readonly #stack: Stack;

  /** Throws an Error that names the namespace and what is wrong: an address, a route's interface, an MTU. */
  constructor(config: NamespaceConfig, pool: PacketPool, options: NamespaceOptions = {}) {
    this.config = config;
    this.name = config.name;
    this.#stack = new Stack(config, pool, options);
    this.tx = this.#stack.tx;
    this.counters = this.#stack.counters;
  }

  /** Packets that wait for a neighbour's answer. */
  get held(): number {
    return this.#stack.waiting.count;
  }

  /** The neighbour table as `ip neigh` prints it: "192.168.1.11 dev qr-c669122c-11 lladdr fa:16:3e:17:6b:a7 PERMANENT". */
  neighbours(): string[] {
    return this.#stack.neighbours.lines(this.#stack.interfaces.map((link) => link.name));
  }

  /** Virtual time goes on to `now` (ns) without a packet: repeated ARP requests, neighbours that fail. */
  tick(now: number): void {
    this.clock[0] = now;
    this.tickAtClock();
  }

  /** `tick` at the time that `clock` holds. */
  tickAtClock(): void {
    const stack = this.#stack;
    if (this.clock[0] > stack.clock[0]) stack.clock[0] = this.clock[0];
    if (stack.clock[0] < stack.nextDue) return;
    stack.speculation.failed = true;
    if (!stack.speculation.active) runTimers(stack);
  }

  /** Keeps the namespace's clock, ns of virtual time, in `to[at]`, to undo a speculative stretch. */
  keepClock(to: Float64Array, at: number): void {
    to[at] = this.#stack.clock[0];
  }

  /** Turns it back to `from[at]`. */
  resetClock(from: Float64Array, at: number): void {
    this.#stack.clock[0] = from[at];
  }

  /**
   * Takes the burst that came in by interface `dev` at `now` (ns). Every slot of the batch is the namespace's from here on:
   * it is in `tx`, waits for a neighbour, or is free again; the batch is empty afterwards.
   */
  process(batch: PacketBatch, dev: number, now: number): void {
    this.clock[0] = now;
    this.processAtClock(batch, dev);
  }

  /** `process` at the time that `clock` holds. */
  processAtClock(batch: PacketBatch, dev: number): void {
    this.tickAtClock();
    const stack = this.#stack;
    const link = stack.interfaces[dev];
    const { macHigh, macLow } = link;
    const { view } = stack.pool;
    const { slot, start, end, time, count } = batch;
    stack.counters.countReceived(count);
    for (let i = 0; i < count; i++) {
      const at = start[i];
      if (end[i] - at < ETHERNET_HEADER_LEN) {
        stack.drop(slot[i], Drop.Truncated);
        continue;
      }
      const high = view.getInt32(at);
      const unicast = high === macHigh && view.getUint16(at + 4) === macLow;
      if (!unicast && (high & 0x01000000) === 0) {
        stack.drop(slot[i], Drop.OtherHost);
        continue;
      }
      const type = view.getUint16(at + 12);
      stack.frameTime[0] = time[i];
      if (type === ETHERTYPE_IPV4) inputIpv4(stack, slot[i], at + ETHERNET_HEADER_LEN, end[i], dev, unicast);
      else if (type === ETHERTYPE_ARP) inputArp(stack, slot[i], at, end[i], dev, unicast);
      else if (type === ETHERTYPE_IPV6) inputIpv6(stack, slot[i], at + ETHERNET_HEADER_LEN, end[i], dev);
      else stack.drop(slot[i], Drop.Unhandled);
    }
    batch.count = 0;
  }
}

/** The packet at `l3` of a frame that ends at `frameEnd`: taken in, forwarded or dropped. */
function inputIpv4(stack: Stack, slot: number, l3: number, frameEnd: number, from: number, unicast: boolean): void {
  const { view } = stack.pool;
  const { routes } = stack;
  if (frameEnd - l3 < IPV4_HEADER_LEN) {
    stack.drop(slot, Drop.BadIpHeader);
    return;
  }
  const word0 = view.getInt32(l3);
  const header = (word0 >>> 22) & 0x3c;
  const total = word0 & 0xffff;
  const end = l3 + total; // what lies behind is padding, and is not forwarded
  if (
    word0 >>> 28 !== 4 ||
    header < IPV4_HEADER_LEN ||
    total < header ||
    end > frameEnd ||
    !sumIsGood(view, l3, header)
  ) {
    stack.drop(slot, Drop.BadIpHeader);
    return;
  }
  const src = view.getInt32(l3 + IPV4_SRC);
  const dst = view.getInt32(l3 + IPV4_DST);
  if (isMartianSource(src) || routes.kindOf(src) === AddressKind.Own) {
    stack.drop(slot, Drop.Martian);
    return;
  }
  const { options } = stack;
  if (header === IPV4_HEADER_LEN) options.recordRoute = 0;
  else if (stack.givesUp(slot)) return;
  else if (!optionsAreGood(stack, l3, header, end, src, dst, unicast)) {
    stack.drop(slot, Drop.BadIpHeader);
    return;
  }
  const kind = routes.kindOf(dst);
  if (kind !== AddressKind.Other) {
    if (stack.givesUp(slot)) return;
    deliverIpv4(stack, slot, l3, end, from, kind === AddressKind.Broadcast);
    return;
  }
  const group = dst >>> 28 === 0xe; // multicast: there is no receiver, and no multicast routing
  if (group || dst >>> 24 === 127 || dst === 0) {
    stack.drop(slot, group ? Drop.Unhandled : Drop.Martian);
    return;
  }
  if (!stack.forwarding) {
    stack.drop(slot, Drop.NoRoute);
    return;
  }
  const route = routes.lookup(dst);
  if (route < 0) {
    const { limit } = stack;
    if (unicast && stack.givesUp(slot)) return;
    if (unicast && (limit === null || limit.allowNoRoute(src))) {
      sendIcmpError(stack, ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, 0, view, l3, end);
    }
    stack.drop(slot, Drop.NoRoute);
    return;
  }
  if (!unicast) {
    stack.drop(slot, Drop.OtherHost); // a group frame with another's address in it is not forwarded
    return;
  }
  const word2 = view.getInt32(l3 + IPV4_TTL);
  if (word2 >>> 24 <= 1) {
    if (stack.givesUp(slot)) return;
    sendIcmpError(stack, ICMP_TIME_EXCEEDED, 0, 0, view, l3, end);
    stack.drop(slot, Drop.TtlExceeded);
    return;
  }
  const dev = routes.dev[route];
  const { mtu } = stack.interfaces[dev];
  if (total > mtu && (view.getUint16(l3 + IPV4_FRAGMENT) & IPV4_DF) !== 0) {
    if (stack.givesUp(slot)) return;
    sendIcmpError(stack, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu, view, l3, end);
    stack.drop(slot, Drop.TooBig);
    return;
  }
  // RFC 1624 for a TTL less one: the checksum grows by 0x0100, with the carry added in.
  const sum = (word2 & 0xffff) + 0x0100;
  view.setInt32(l3 + IPV4_TTL, ((word2 & 0xffff0000) - 0x01000000) | ((sum + (sum >= 0xffff ? 1 : 0)) & 0xffff));
  stack.counters.countForwarded();
  if (header > IPV4_HEADER_LEN && options.changed) {
    options.leave(stack.pool.bytes, l3, routes.source[route]);
    putIpv4Checksum(stack.pool.bytes, l3);
  }
  const nextHop = routes.via[route] || dst;
  if (total <= mtu) outputIpv4(stack, slot, l3, end, dev, nextHop, from);
  else {
    fragmentIpv4(stack, view, l3, mtu, dev, nextHop, from);
    stack.drop(slot, Drop.Replaced);
  }
}

/** Looks at the options of a header that has some; a broken list is answered with a parameter problem. */
function optionsAreGood(
  stack: Stack,
  l3: number,
  header: number,
  end: number,
  src: number,
  dst: number,
  unicast: boolean,
): boolean {
  const { options, routes, pool } = stack;
  const back = routes.lookup(src);
  const own = routes.kindOf(dst) === AddressKind.Own ? dst : back < 0 ? 0 : routes.source[back];
  const pointer = options.read(pool.bytes, l3, header, own);
  if (pointer === 0) return !options.refused;
  options.clear();
  if (unicast) sendIcmpError(stack, ICMP_PARAMETER_PROBLEM, 0, pointer << 24, pool.view, l3, end);
  return false;
}

/** The one's complement sum over the header is 0. */
function sumIsGood(view: DataView, at: number, length: number): boolean {
  let sum = 0;
  for (let i = at; i < at + length; i += 4) {
    const word = view.getInt32(i);
    sum += (word >>> 16) + (word & 0xffff);
  }
  sum = (sum & 0xffff) + (sum >>> 16);
  return ((sum + (sum >>> 16)) & 0xffff) === 0xffff;
}
