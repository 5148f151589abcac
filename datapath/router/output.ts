/**
 * From an IP packet to a frame on an interface: the neighbour's MAC address, or a request for it while the packet waits
 * (RFC 826, RFC 4861 7.2; Linux: net/core/neighbour.c). Of a packet only `l3` and `end` count: its Ethernet header is
 * written into the 14 bytes before `l3`.
 */
import { Drop } from "../packet/drop.ts";
import { ARP_LEN, ARP_REQUEST, writeArp } from "../wire/arp.ts";
import { checksumAdd, checksumFold, pseudoIpv6 } from "../wire/checksum.ts";
import {
  ETHERNET_HEADER_LEN,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  putMac,
  writeEthernet,
} from "../wire/ethernet.ts";
import { ND_LEN, ND_NEIGHBOUR_SOLICITATION, ND_OPTION_SOURCE_LL, ND_TARGET } from "../wire/icmpv6.ts";
import { IPV4_SRC } from "../wire/ipv4.ts";
import { IPV6_DST, IPV6_HEADER_LEN, IPV6_SRC, NEXT_ICMPV6, writeIpv6 } from "../wire/ipv6.ts";
import { MAPPED, Nud } from "./neighbours.ts";
import { AddressKind, selectSource } from "./routes.ts";
import type { Stack } from "./stack.ts";
import { WAITING_PER_NEIGHBOUR } from "./waiting.ts";

/** Linux: base_reachable_time (each entry's own time lies between half and one and a half of it), delay_first_probe_time. */
const REACHABLE_NS = 30e9;
const DELAY_NS = 5e9;
/** Linux: retrans_time, and mcast_solicit and ucast_solicit. */
export const RETRANS_NS = 1e9;
export const SOLICITATIONS = 3;

/**
 * Sends the IPv4 packet [l3, end) to `nextHop` on `dev`, at the time `stack.frameTime`. `from`: the interface it came in by,
 * -1 = made here.
 */
export function outputIpv4(
  stack: Stack,
  slot: number,
  l3: number,
  end: number,
  dev: number,
  nextHop: number,
  from: number,
): void {
  const { neighbours } = stack;
  let n = neighbours.findIpv4(dev, nextHop);
  if (n < 0) {
    if (stack.givesUp(slot)) return;
    n = neighbours.create(dev, 0, 0, MAPPED, nextHop);
  }
  outputTo(stack, n, slot, l3, end, dev, from, ETHERTYPE_IPV4);
}

/** Sends the IPv6 packet [l3, end) on `dev`; its destination is on the link. */
export function outputIpv6(stack: Stack, slot: number, l3: number, end: number, dev: number): void {
  const { neighbours, pool } = stack;
  const { view } = pool;
  const at = l3 + IPV6_DST;
  const w0 = view.getInt32(at);
  const w3 = view.getInt32(at + 12);
  if (w0 >>> 24 === 0xff) {
    const link = stack.interfaces[dev];
    const start = l3 - ETHERNET_HEADER_LEN;
    // 33:33 and the last four bytes of the group (RFC 2464, 7).
    const high = 0x33330000 | (w3 >>> 16);
    writeEthernet(pool.bytes, start, high, w3 & 0xffff, link.macHigh, link.macLow, ETHERTYPE_IPV6);
    stack.transmit(dev, slot, start, end);
    return;
  }
  const w1 = view.getInt32(at + 4);
  const w2 = view.getInt32(at + 8);
  let n = neighbours.find(dev, w0, w1, w2, w3);
  if (n < 0) {
    if (stack.givesUp(slot)) return;
    n = neighbours.create(dev, w0, w1, w2, w3);
  }
  outputTo(stack, n, slot, l3, end, dev, -1, ETHERTYPE_IPV6);
}

function outputTo(
  stack: Stack,
  n: number,
  slot: number,
  l3: number,
  end: number,
  dev: number,
  from: number,
  type: number,
): void {
  if (n < 0) {
    stack.drop(slot, Drop.NoNeighbour); // the table is full
    return;
  }
  const { neighbours } = stack;
  const state = neighbours.state[n];
  if (state < Nud.Stale) {
    if (stack.givesUp(slot)) return;
    wait(stack, n, slot, l3, end, from);
    return;
  }
  if (state < Nud.Permanent) {
    if (turns(stack, n, state)) {
      if (stack.givesUp(slot)) return;
      turn(stack, n);
    }
    neighbours.used[n] = stack.clock[0];
  }
  const { view } = stack.pool;
  const link = stack.interfaces[dev];
  const start = l3 - ETHERNET_HEADER_LEN;
  view.setInt32(start, neighbours.macHigh[n]);
  view.setInt32(start + 4, (neighbours.macLow[n] << 16) | (link.macHigh >>> 16));
  view.setInt32(start + 8, (link.macHigh << 16) | link.macLow);
  view.setInt16(start + 12, type);
  stack.transmit(dev, slot, start, end);
}

/** Using this entry with a MAC address changes its state: see `turn`. */
function turns(stack: Stack, n: number, state: number): boolean {
  return (
    (state === Nud.Reachable && stack.clock[0] > stack.neighbours.confirmed[n] + REACHABLE_NS) ||
    (state === Nud.Stale && stack.probing)
  );
}

/** Reachable entries turn stale after their time; stale ones are probed when they are used, if that is on. */
function turn(stack: Stack, n: number): void {
  const { neighbours } = stack;
  const now = stack.clock[0];
  if (neighbours.state[n] === Nud.Reachable && now > neighbours.confirmed[n] + REACHABLE_NS) {
    neighbours.state[n] = Nud.Stale;
    neighbours.updated[n] = now;
  }
  if (stack.probing && neighbours.state[n] === Nud.Stale) {
    neighbours.state[n] = Nud.Delay;
    neighbours.updated[n] = now;
    neighbours.due[n] = now + DELAY_NS;
    stack.wakeAt(now + DELAY_NS);
  }
}

/** The packet waits for neighbour `n`, which is asked if it was not yet. */
function wait(stack: Stack, n: number, slot: number, l3: number, end: number, from: number): void {
  const { neighbours, waiting } = stack;
  const now = stack.clock[0];
  if (neighbours.waitingCount[n] === WAITING_PER_NEIGHBOUR) {
    stack.drop(waiting.slot[waiting.shift(neighbours, n)], Drop.NoNeighbour);
  }
  const queued = waiting.push(neighbours, n, slot, l3, end, stack.frameTime[0], from);
  if (neighbours.state[n] !== Nud.Incomplete) {
    neighbours.state[n] = Nud.Incomplete;
    neighbours.updated[n] = now;
    neighbours.probes[n] = 1;
    neighbours.due[n] = now + RETRANS_NS;
    stack.wakeAt(now + RETRANS_NS);
    solicit(stack, n, false);
  }
  if (!queued) stack.drop(slot, Drop.NoNeighbour);
}

/** Everything that waits for neighbour `n` goes: its MAC address is known now. */
export function flushWaiting(stack: Stack, n: number): void {
  const { neighbours, waiting } = stack;
  const dev = neighbours.dev[n];
  const type = neighbours.isIpv4(n) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
  const inHand = stack.frameTime[0];
  for (let node = waiting.shift(neighbours, n); node >= 0; node = waiting.shift(neighbours, n)) {
    const { slot, l3, end, time, from } = waiting;
    // It waited: it leaves now, not when it came.
    const leaves = time[node] > stack.clock[0] ? time[node] : stack.clock[0];
    stack.frameTime[0] = leaves;
    outputTo(stack, n, slot[node], l3[node], end[node], dev, from[node], type);
  }
  stack.frameTime[0] = inHand;
}

/** Asks for neighbour `n`: an ARP request or a neighbour solicitation, to all or (probing) to its known MAC address. */
export function solicit(stack: Stack, n: number, unicast: boolean): void {
  const inHand = stack.frameTime[0];
  stack.frameTime[0] = stack.clock[0];
  if (stack.neighbours.isIpv4(n)) solicitIpv4(stack, n, unicast);
  else solicitIpv6(stack, n, unicast);
  stack.frameTime[0] = inHand;
}

function solicitIpv4(stack: Stack, n: number, unicast: boolean): void {
  const { neighbours, waiting, pool, routes } = stack;
  const dev = neighbours.dev[n];
  const link = stack.interfaces[dev];
  const target = neighbours.words[4 * n + 3];
  // Linux, arp_announce 0: the source of the packet that waits, if it is an own address.
  let source = selectSource(link, target);
  if (neighbours.waitingCount[n] > 0) {
    const from = pool.view.getInt32(waiting.l3[neighbours.waitingTail[n]] + IPV4_SRC);
    if (routes.kindOf(from) === AddressKind.Own) source = from;
  }
  const slot = stack.make(ETHERNET_HEADER_LEN + ARP_LEN);
  if (slot < 0) return;
  const start = pool.home(slot);
  const high = unicast ? neighbours.macHigh[n] : -1;
  const low = unicast ? neighbours.macLow[n] : 0xffff;
  writeEthernet(pool.bytes, start, high, low, link.macHigh, link.macLow, ETHERTYPE_ARP);
  const arp = start + ETHERNET_HEADER_LEN;
  writeArp(pool.bytes, arp, ARP_REQUEST, link.macHigh, link.macLow, source, 0, 0, target);
  stack.transmit(dev, slot, start, arp + ARP_LEN);
}

function solicitIpv6(stack: Stack, n: number, unicast: boolean): void {
  const { neighbours, pool } = stack;
  const { bytes, view } = pool;
  const dev = neighbours.dev[n];
  const link = stack.interfaces[dev];
  const length = ND_LEN + 8;
  const slot = stack.make(ETHERNET_HEADER_LEN + IPV6_HEADER_LEN + length);
  if (slot < 0) return;
  const start = pool.home(slot);
  const l3 = start + ETHERNET_HEADER_LEN;
  const l4 = l3 + IPV6_HEADER_LEN;
  const end = l4 + length;
  const words = neighbours.words;
  const w3 = words[4 * n + 3];
  writeIpv6(bytes, l3, 0, 0, length, NEXT_ICMPV6, 255);
  // The source of the packet that waits is an own address: what the namespace sends over IPv6 it has made itself.
  const waits = neighbours.waitingCount[n] > 0;
  const sourceAt = waits ? stack.waiting.l3[neighbours.waitingTail[n]] + IPV6_SRC : -1;
  for (let i = 0; i < 4; i++) {
    const source = waits ? view.getInt32(sourceAt + 4 * i) : link.ipv6[link.ipv6.length - 4 + i];
    view.setInt32(l3 + IPV6_SRC + 4 * i, source);
    view.setInt32(l3 + IPV6_DST + 4 * i, words[4 * n + i]);
    view.setInt32(l4 + ND_TARGET + 4 * i, words[4 * n + i]);
  }
  let high = neighbours.macHigh[n];
  let low = neighbours.macLow[n];
  if (!unicast) {
    // Solicited-node multicast, ff02::1:ffXX:XXXX (RFC 4291, 2.7.1).
    view.setInt32(l3 + IPV6_DST, 0xff020000 | 0);
    view.setInt32(l3 + IPV6_DST + 4, 0);
    view.setInt32(l3 + IPV6_DST + 8, 1);
    view.setInt32(l3 + IPV6_DST + 12, 0xff000000 | (w3 & 0xffffff));
    high = 0x3333ff00 | ((w3 >>> 16) & 0xff);
    low = w3 & 0xffff;
  }
  view.setInt32(l4, ND_NEIGHBOUR_SOLICITATION << 24);
  view.setInt32(l4 + 4, 0);
  bytes[l4 + ND_LEN] = ND_OPTION_SOURCE_LL;
  bytes[l4 + ND_LEN + 1] = 1;
  putMac(bytes, l4 + ND_LEN + 2, link.macHigh, link.macLow);
  const pseudo = pseudoIpv6(bytes, l3 + IPV6_SRC, l3 + IPV6_DST, NEXT_ICMPV6, length);
  view.setInt16(l4 + 2, checksumFold(checksumAdd(bytes, l4, end, pseudo)));
  writeEthernet(bytes, start, high, low, link.macHigh, link.macLow, ETHERTYPE_IPV6);
  stack.transmit(dev, slot, start, end);
}
