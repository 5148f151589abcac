/**
 * What happens without a packet, in virtual time: requests are repeated each second, a neighbour that did not answer three
 * of them fails and what waited for it is answered with "host unreachable"; unfinished datagrams are given up.
 */
import { Drop } from "../packet/drop.ts";
import { ICMP_HOST_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from "../wire/icmp.ts";
import { IPV4_LENGTH } from "../wire/ipv4.ts";
import { sendIcmpError } from "./icmp-error.ts";
import { Nud } from "./neighbours.ts";
import { RETRANS_NS, SOLICITATIONS, solicit } from "./output.ts";
import { PAYLOAD } from "./reassembly.ts";
import type { Stack } from "./stack.ts";

/** RFC 792: fragment reassembly time exceeded. */
const REASSEMBLY_TIME = 1;

/** Runs everything that is due at `stack.clock`. */
export function runTimers(stack: Stack): void {
  const { neighbours, reassembly } = stack;
  const now = stack.clock[0];
  stack.nextDue = Infinity;
  stack.options.clear();
  stack.frameTime[0] = now;
  for (let n = 0; n < neighbours.capacity; n++) {
    if (neighbours.due[n] <= now) step(stack, n);
    stack.wakeAt(neighbours.due[n]);
  }
  for (let i = 0; i < reassembly.datagrams.length; i++) {
    const datagram = reassembly.datagrams[i];
    if (!datagram.live || datagram.due > now) continue;
    // Only when the first fragment is there can the sender be told about it.
    if (datagram.headerLength > 0 && datagram.view.getUint8(PAYLOAD - datagram.headerLength) >>> 4 === 4) {
      const l3 = PAYLOAD - datagram.headerLength;
      const end = l3 + datagram.view.getUint16(l3 + IPV4_LENGTH);
      sendIcmpError(stack, ICMP_TIME_EXCEEDED, REASSEMBLY_TIME, 0, datagram.view, l3, end);
    }
    reassembly.release(datagram);
  }
  stack.wakeAt(reassembly.nextDue());
}

/** The timer of neighbour `n` (Linux: neigh_timer_handler). */
function step(stack: Stack, n: number): void {
  const { neighbours } = stack;
  const now = stack.clock[0];
  const state = neighbours.state[n];
  neighbours.due[n] = Infinity;
  if (state === Nud.Delay) {
    neighbours.state[n] = Nud.Probe;
    neighbours.updated[n] = now;
    neighbours.probes[n] = 0;
  }
  if (neighbours.state[n] !== Nud.Probe && state !== Nud.Incomplete) return;
  if (neighbours.probes[n] === SOLICITATIONS) {
    fail(stack, n);
    return;
  }
  neighbours.probes[n]++;
  neighbours.due[n] = now + RETRANS_NS;
  solicit(stack, n, neighbours.state[n] === Nud.Probe);
}

/** Nobody has that address: senders of waiting packets are told (Linux: neigh_invalidate, ipv4_link_failure). */
function fail(stack: Stack, n: number): void {
  const { neighbours, waiting } = stack;
  neighbours.state[n] = Nud.Failed;
  neighbours.updated[n] = stack.clock[0];
  const isIpv4 = neighbours.isIpv4(n);
  // An error that has to go to the very neighbour that failed asks for it anew: what is left then waits with it.
  while (neighbours.state[n] === Nud.Failed) {
    const node = waiting.shift(neighbours, n);
    if (node < 0) return;
    const slot = waiting.slot[node];
    if (isIpv4 && waiting.from[node] >= 0) {
      const l3 = waiting.l3[node];
      const end = waiting.end[node];
      sendIcmpError(stack, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0, stack.pool.view, l3, end);
    }
    stack.drop(slot, Drop.NoNeighbour);
  }
}
