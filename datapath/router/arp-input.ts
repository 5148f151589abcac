/**
 * ARP as Linux takes it in (net/ipv4/arp.c, arp_process) with its defaults: arp_ignore 0, arp_accept 0, no proxy.
 *
 * - A request for an own address, whichever interface has it, is answered on the interface it came by, and the sender is
 *   learned (created or replaced, as stale).
 * - Everything else only updates an entry that is there: a unicast reply makes it reachable, other messages stale.
 *   Another MAC address wins only a second after the last update, or in a gratuitous message.
 */
import { Drop } from "../packet/drop.ts";
import {
  ARP_LEN,
  ARP_REPLY,
  ARP_REQUEST,
  arpOperation,
  arpSenderIp,
  arpSenderMacHigh,
  arpSenderMacLow,
  arpTargetIp,
  arpTargetMacHigh,
  arpTargetMacLow,
  isArp,
  writeArp,
} from "../wire/arp.ts";
import { ETHERNET_HEADER_LEN, ETHERTYPE_ARP, writeEthernet } from "../wire/ethernet.ts";
import { MAPPED, Nud } from "./neighbours.ts";
import { flushWaiting } from "./output.ts";
import { AddressKind, isMartianSource } from "./routes.ts";
import type { Stack } from "./stack.ts";

/** Takes in the ARP frame [start, end) that came by `dev`; `unicast`: it was sent to the interface's own MAC address. */
export function inputArp(stack: Stack, slot: number, start: number, end: number, dev: number, unicast: boolean): void {
  const { bytes } = stack.pool;
  const { routes, neighbours } = stack;
  const at = start + ETHERNET_HEADER_LEN;
  if (!isArp(bytes, at, end)) {
    stack.drop(slot, Drop.Unhandled);
    return;
  }
  const operation = arpOperation(bytes, at);
  const sender = arpSenderIp(bytes, at);
  const target = arpTargetIp(bytes, at);
  const high = arpSenderMacHigh(bytes, at);
  const low = arpSenderMacLow(bytes, at);
  if ((operation !== ARP_REQUEST && operation !== ARP_REPLY) || target >>> 28 === 0xe || target >>> 24 === 127) {
    stack.drop(slot, Drop.Unhandled);
    return;
  }
  const forUs = operation === ARP_REQUEST && routes.kindOf(target) === AddressKind.Own;
  if (sender === 0) {
    // Somebody asks whether the address is free (RFC 5227): answered, but there is no sender to learn.
    if (forUs) answer(stack, slot, start, dev);
    else stack.drop(slot, Drop.Consumed);
    return;
  }
  if (forUs && !isMartian(stack, sender)) {
    let n = neighbours.findIpv4(dev, sender);
    if ((n < 0 || !neighbours.keeps(n, high, low, Nud.Stale, true)) && stack.givesUp(slot)) return;
    if (n < 0) n = neighbours.create(dev, 0, 0, MAPPED, sender);
    const goes = n >= 0 && neighbours.update(n, high, low, Nud.Stale, true);
    if (goes) flushWaiting(stack, n);
    answer(stack, slot, start, dev);
    return;
  }
  const n = neighbours.findIpv4(dev, sender);
  if (n >= 0) {
    // A gratuitous reply names its sender as target, too.
    const gratuitous =
      sender === target &&
      routes.kindOf(sender) === AddressKind.Other &&
      (operation === ARP_REQUEST || (arpTargetMacHigh(bytes, at) === high && arpTargetMacLow(bytes, at) === low));
    const override = gratuitous || !neighbours.isLocked(n);
    const state = operation === ARP_REPLY && unicast ? Nud.Reachable : Nud.Stale;
    if (!neighbours.keeps(n, high, low, state, override) && stack.givesUp(slot)) return;
    if (neighbours.update(n, high, low, state, override)) flushWaiting(stack, n);
  }
  stack.drop(slot, Drop.Consumed);
}

/** Turns the request at `start` into its answer, in its own buffer. */
function answer(stack: Stack, slot: number, start: number, dev: number): void {
  const { bytes } = stack.pool;
  const link = stack.interfaces[dev];
  const at = start + ETHERNET_HEADER_LEN;
  const high = arpSenderMacHigh(bytes, at);
  const low = arpSenderMacLow(bytes, at);
  const sender = arpSenderIp(bytes, at);
  const own = arpTargetIp(bytes, at);
  stack.counters.drops[Drop.Consumed]++;
  stack.counters.countGenerated();
  writeEthernet(bytes, start, high, low, link.macHigh, link.macLow, ETHERTYPE_ARP);
  writeArp(bytes, at, ARP_REPLY, link.macHigh, link.macLow, own, high, low, sender);
  stack.transmit(dev, slot, start, at + ARP_LEN);
}

/** A source address that no other host can have (Linux: fib_validate_source, ip_route_input_slow). */
function isMartian(stack: Stack, source: number): boolean {
  return isMartianSource(source) || stack.routes.kindOf(source) === AddressKind.Own;
}
