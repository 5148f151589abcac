/**
 * Receive-side scaling: which frames belong together. A network card hashes the addresses and ports of a frame and gives
 * equal hashes to one core, so that a flow keeps its order. Here the hash is the same for both directions of a connection
 * (the smaller end goes first; cards get there with a Toeplitz key that repeats every 16 bits: Woo and Park, "Scalable TCP
 * Session Monitoring with Symmetric Receive-side Scaling", 2012), and it is taken from the inner frame where a GRE, VXLAN or
 * Geneve header is in front, so that a tunnel between two hosts is not one flow.
 *
 *   TCP, UDP, SCTP         addresses, ports, protocol
 *   other IP, fragments    addresses (a later fragment has no ports)
 *   ARP                    sender's and target's IP address
 *   anything else          MAC addresses
 *
 * A card keeps the order of a datagram's fragments among each other, but not between them and the whole packets of the
 * same flow. Here the trace is known before the run: pairs of addresses with a fragment anywhere (`scan`) are hashed by
 * addresses alone. All of this happens outside the clock, as a card does it beside the processor.
 */
import { hashAdd, hashFinish } from "../datapath/flow/hash.ts";
import type { Trace } from "../datapath/packet/trace.ts";

const ARP = 0x0806;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ETHERNET_IN_GRE = 0x6558;
const TCP = 6;
const UDP = 17;
const GRE = 47;
const SCTP = 132;
const IPV6_HOP_BY_HOP = 0;
const IPV6_ROUTING = 43;
const IPV6_FRAGMENT = 44;
const IPV6_DESTINATION = 60;
/** UDP ports of VXLAN (IANA's, and Linux's of old) and Geneve. */
const VXLAN_PORTS = [4789, 8472];
const GENEVE_PORT = 6081;
/** Tunnels in tunnels that are looked through. */
const DEEPEST = 3;

export class FlowHasher {
  /** Pairs of addresses with fragments, by their hash. */
  readonly #fragmented = new Set<number>();
  #scanning = false;

  /** Notes the fragments of the frames; all traces of a run before the first `hash`. */
  scan(trace: Trace, frames: Int32Array): void {
    this.#scanning = true;
    this.#hashes(trace, frames, null);
    this.#scanning = false;
  }

  /** The hash of each frame, in the order of `frames`. */
  hash(trace: Trace, frames: Int32Array): Int32Array {
    const hashes = new Int32Array(frames.length);
    this.#hashes(trace, frames, hashes);
    return hashes;
  }

  #hashes(trace: Trace, frames: Int32Array, out: Int32Array | null): void {
    const view = new DataView(trace.bytes.buffer, trace.bytes.byteOffset, trace.bytes.byteLength);
    for (let n = 0; n < frames.length; n++) {
      const at = trace.start[frames[n]];
      const hash = this.#ethernet(view, at, at + trace.length[frames[n]], 0);
      if (out !== null) out[n] = hash;
    }
  }

  /** The hash of the Ethernet frame [at, end) of `view`. */
  #ethernet(view: DataView, at: number, end: number, depth: number): number {
    if (end - at < 14) return 0;
    let type = view.getUint16(at + 12);
    let l3 = at + 14;
    while ((type === 0x8100 || type === 0x88a8 || type === 0x9100) && l3 + 4 <= end) {
      type = view.getUint16(l3 + 2);
      l3 += 4;
    }
    if (type === IPV4 && l3 + 20 <= end) return this.#ipv4(view, l3, end, depth);
    if (type === IPV6 && l3 + 40 <= end) return this.#ipv6(view, l3, end, depth);
    if (type === ARP && l3 + 28 <= end) return pair(view.getInt32(l3 + 14), view.getInt32(l3 + 24));
    // The destination may be a group, the source not: frames to a group are not those back from it.
    const from = hashAdd(view.getInt32(at + 6), view.getUint16(at + 10));
    return pair(from, hashAdd(view.getInt32(at), view.getUint16(at + 4)));
  }

  #ipv4(view: DataView, l3: number, end: number, depth: number): number {
    const source = view.getInt32(l3 + 12);
    const destination = view.getInt32(l3 + 16);
    const addresses = pair(source, destination);
    if ((view.getUint16(l3 + 6) & 0x3fff) !== 0) return this.#fragment(addresses);
    if (this.#fragmented.has(addresses)) return addresses;
    const l4 = l3 + ((view.getUint8(l3) & 15) << 2);
    return this.#transport(view, l4, end, view.getUint8(l3 + 9), source, destination, addresses, depth);
  }

  #ipv6(view: DataView, l3: number, end: number, depth: number): number {
    const source = address(view, l3 + 8);
    const destination = address(view, l3 + 24);
    const addresses = pair(source, destination);
    let next = view.getUint8(l3 + 6);
    let at = l3 + 40;
    while (next === IPV6_HOP_BY_HOP || next === IPV6_ROUTING || next === IPV6_DESTINATION) {
      if (at + 8 > end) return addresses;
      next = view.getUint8(at);
      at += (view.getUint8(at + 1) + 1) << 3;
    }
    if (next === IPV6_FRAGMENT) return this.#fragment(addresses);
    if (this.#fragmented.has(addresses)) return addresses;
    return this.#transport(view, at, end, next, source, destination, addresses, depth);
  }

  #fragment(addresses: number): number {
    if (this.#scanning) this.#fragmented.add(addresses);
    return addresses;
  }

  #transport(
    view: DataView,
    l4: number,
    end: number,
    protocol: number,
    source: number,
    destination: number,
    addresses: number,
    depth: number,
  ): number {
    if (depth < DEEPEST) {
      const inner = innerFrame(view, l4, end, protocol);
      if (inner >= 0) return this.#ethernet(view, inner, end, depth + 1);
    }
    if ((protocol !== TCP && protocol !== UDP && protocol !== SCTP) || l4 + 4 > end) return addresses;
    const from = view.getUint16(l4);
    const to = view.getUint16(l4 + 2);
    // By the address first, then by the port: the same end comes first in both directions.
    const forward = source === destination ? from <= to : source < destination;
    const ports = forward ? (from << 16) | to : (to << 16) | from;
    return hashFinish(hashAdd(hashAdd(addresses, ports), protocol));
  }
}

/** Where the inner Ethernet frame of a tunnel packet begins, or -1. */
function innerFrame(view: DataView, l4: number, end: number, protocol: number): number {
  if (protocol === GRE && l4 + 4 <= end && view.getUint16(l4 + 2) === ETHERNET_IN_GRE) {
    const flags = view.getUint16(l4);
    let at = l4 + 4;
    for (const bit of [0x8000, 0x2000, 0x1000]) if ((flags & bit) !== 0) at += 4;
    return at + 14 <= end ? at : -1;
  }
  if (protocol !== UDP || l4 + 16 > end) return -1;
  const port = view.getUint16(l4 + 2);
  if (VXLAN_PORTS.includes(port)) return l4 + 30 <= end ? l4 + 16 : -1;
  if (port !== GENEVE_PORT || view.getUint16(l4 + 10) !== ETHERNET_IN_GRE) return -1;
  const at = l4 + 16 + ((view.getUint8(l4 + 8) & 0x3f) << 2);
  return at + 14 <= end ? at : -1;
}

/** The same for (a, b) and (b, a). */
function pair(a: number, b: number): number {
  return hashFinish(a < b ? hashAdd(hashAdd(0, a), b) : hashAdd(hashAdd(0, b), a));
}

/** An IPv6 address as one word. */
function address(view: DataView, at: number): number {
  let hash = view.getInt32(at);
  for (let word = 4; word < 16; word += 4) hash = hashAdd(hash, view.getInt32(at + word));
  return hash;
}
