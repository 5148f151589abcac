/**
 * Makes the frames of a plan, one after the other in one buffer: `next()`, then `frame[0, length)`, `time`, `flow`. All
 * lengths and checksums are right. Nothing depends on the clock or the machine: same plan, same bytes.
 *
 * Flow f goes from VM f mod n to another one in turn; when all pairs are used up, to the next ports. Which ports they are
 * is shuffled by the seed: k -> (k * step + shift) mod 64512 with a step that has no factor in common with 64512, so no
 * two flows of a pair meet. The payload begins with flow and frame number within it (4 bytes each, big endian), so that
 * loss and reordering can be told from the bytes.
 */
import type { Mac } from "../../datapath/wire/addresses.ts";
import { put16, put32 } from "../../datapath/wire/bytes.ts";
import { transportChecksumIpv4, transportChecksumIpv6 } from "../../datapath/wire/checksum.ts";
import {
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_QINQ,
  ETHERTYPE_TEB,
  ETHERTYPE_VLAN,
  writeEthernet,
} from "../../datapath/wire/ethernet.ts";
import { GENEVE_HEADER_LEN, GENEVE_UDP_PORT, writeGeneve } from "../../datapath/wire/geneve.ts";
import { GRE_K, writeGre } from "../../datapath/wire/gre.ts";
import { ICMP_ECHO_REQUEST, putIcmpChecksum, writeIcmp } from "../../datapath/wire/icmp.ts";
import { ICMPV6_ECHO_REQUEST, putIcmpv6Checksum } from "../../datapath/wire/icmpv6.ts";
import {
  IPV4_DF,
  PROTOCOL_GRE,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  writeIpv4,
} from "../../datapath/wire/ipv4.ts";
import { NEXT_ICMPV6, writeIpv6 } from "../../datapath/wire/ipv6.ts";
import {
  TCP_ACK,
  TCP_ACKNOWLEDGMENT,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_HEADER_LEN,
  TCP_PSH,
  TCP_SEQUENCE,
  TCP_URGENT,
  TCP_WINDOW,
} from "../../datapath/wire/tcp.ts";
import { UDP_CHECKSUM, UDP_HEADER_LEN, writeUdp } from "../../datapath/wire/udp.ts";
import { VXLAN_HEADER_LEN, VXLAN_UDP_PORT, writeVxlan } from "../../datapath/wire/vxlan.ts";
import { headerBytes, type Plan, type Protocol, RECEIVER_PORTS, SENDER_PORTS } from "./plan.ts";
import { Popularity } from "./popularity.ts";
import { mix, Random } from "./random.ts";
import { type Side, tunnelEnds } from "./scenario.ts";

const ETHERNET = 14;
const FIRST_SENDER_PORT = 1024;
const FIRST_RECEIVER_PORT = 5001;
const SIX = 0x80;
const LONGEST_OUTER = 64;

export class FrameGenerator {
  readonly plan: Plan;
  readonly frame: Uint8Array;
  /** Bytes of the frame that `next` made. */
  length = 0;
  /** ns since the plan's start. */
  time = 0;
  /** Flow of the frame. */
  flow = 0;
  /** Frames made so far. */
  made = 0;
  readonly #random: Random;
  readonly #popularity: Popularity;
  /** Per flow: index into `protocols` of the plan, plus SIX. */
  readonly #kind: Uint8Array;
  /** Frames of the flow so far. */
  readonly #count: Int32Array;
  /** TCP sequence number of the flow. */
  readonly #sequence: Int32Array;
  readonly #step: number;
  readonly #shift: number;
  readonly #tags: number;
  readonly #outer: number;
  #clock = 0;

  constructor(plan: Plan) {
    this.plan = plan;
    const random = new Random(plan.seed);
    this.#random = random;
    this.#shift = random.below(SENDER_PORTS);
    this.#step = coprime(random.below(SENDER_PORTS), SENDER_PORTS);
    this.#kind = kinds(plan, random);
    this.#count = new Int32Array(plan.flows);
    this.#sequence = Int32Array.from({ length: plan.flows }, () => random.next());
    this.#popularity = new Popularity(plan.popularity, plan.flows, plan.alpha, random);
    const { encapsulation } = plan;
    this.#tags = encapsulation === "vlan" ? 1 : encapsulation === "qinq" ? 2 : 0;
    this.#outer = outerLength(encapsulation);
    const longest = plan.sizes.sequence.reduce((most, size) => Math.max(most, size), 74);
    this.frame = new Uint8Array(LONGEST_OUTER + 8 + longest);
    for (let i = 0; i < this.frame.length; i++) this.frame[i] = i;
  }

  /** Makes the next frame; false when all are made. */
  next(): boolean {
    const { plan } = this;
    if (this.made === plan.frames) return false;
    const flow = this.#popularity.next();
    const kind = this.#kind[flow];
    const protocol = plan.protocols[kind & 0x7f][0];
    const six = kind >= SIX;
    const { sequence, mixture } = plan.sizes;
    let size = sequence[this.made % sequence.length];
    if (mixture) size = Math.max(size, headerBytes(protocol, six));
    this.#inner(flow, protocol, six, size);
    const inner = size + this.#tags * 4;
    if (this.#outer > 0) this.#tunnel(flow, inner);
    this.length = this.#outer + inner;
    this.flow = flow;
    this.time = Math.round(this.#clock);
    this.#count[flow] = (this.#count[flow] + 1) | 0;
    this.made++;
    this.#clock =
      plan.gaps === "constant"
        ? (this.made * 1e9) / plan.pps
        : this.#clock - (Math.log(1 - this.#random.unit()) * 1e9) / plan.pps;
    return true;
  }

  #inner(flow: number, protocol: Protocol, six: boolean, size: number): void {
    const { plan, frame } = this;
    const { scenario, vms } = plan;
    const sender = flow % vms;
    const turn = Math.floor(flow / vms);
    const others = scenario.within ? vms - 1 : vms;
    const receiver = scenario.within ? (sender + 1 + (turn % others)) % vms : (sender + turn) % vms;
    const k = Math.floor(turn / others);
    const count = this.#count[flow];

    const at = this.#outer;
    const src = scenario.sender ?? macOf(scenario.from, sender);
    const dst = scenario.nextHop ?? macOf(scenario.to, receiver);
    const type = six ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
    writeEthernet(frame, at, dst.high, dst.low, src.high, src.low, type);
    if (this.#tags > 0) this.#tag(at + 12, type);
    const ip = at + ETHERNET + this.#tags * 4;
    const end = at + size + this.#tags * 4;
    const number =
      protocol === "udp" ? PROTOCOL_UDP : protocol === "tcp" ? PROTOCOL_TCP : six ? NEXT_ICMPV6 : PROTOCOL_ICMP;
    const from = scenario.from;
    const to = scenario.to;
    if (six) {
      writeIpv6(frame, ip, 0, 0, end - ip - 40, number, scenario.ttl);
      putIpv6Address(frame, ip + 8, from.ipv6, sender);
      putIpv6Address(frame, ip + 24, to.ipv6, receiver);
    } else {
      // Identification and "don't fragment" as Linux sets them for its own datagrams.
      writeIpv4(
        frame,
        ip,
        0,
        end - ip,
        (mix(flow) + count) & 0xffff,
        IPV4_DF,
        scenario.ttl,
        number,
        from.ipv4 + sender,
        to.ipv4 + receiver,
      );
    }
    const l4 = ip + (six ? 40 : 20);
    const payload = l4 + (protocol === "tcp" ? TCP_HEADER_LEN : UDP_HEADER_LEN);
    fillPayload(frame, payload, end, flow, count);
    if (protocol === "icmp") this.#echo(ip, l4, end, six, k, count);
    else if (protocol === "udp") this.#udp(ip, l4, end, six, k);
    else this.#tcp(ip, l4, end, six, k, flow, end - payload);
  }

  #tag(at: number, type: number): void {
    const { plan, frame } = this;
    let next = at;
    if (plan.encapsulation === "qinq") {
      put16(frame, next, ETHERTYPE_QINQ);
      put16(frame, next + 2, plan.serviceVlan);
      next += 4;
    }
    put16(frame, next, ETHERTYPE_VLAN);
    put16(frame, next + 2, plan.vlan);
    put16(frame, next + 4, type);
  }

  #ports(l4: number, k: number): void {
    const turn = Math.floor(k / SENDER_PORTS);
    const port = ((k % SENDER_PORTS) * this.#step + this.#shift) % SENDER_PORTS;
    put16(this.frame, l4, FIRST_SENDER_PORT + port);
    put16(this.frame, l4 + 2, FIRST_RECEIVER_PORT + (turn % RECEIVER_PORTS));
  }

  #udp(ip: number, l4: number, end: number, six: boolean, k: number): void {
    const { frame } = this;
    writeUdp(frame, l4, 0, 0, end - l4, 0);
    this.#ports(l4, k);
    const sum = six
      ? transportChecksumIpv6(frame, ip, PROTOCOL_UDP, l4, end)
      : transportChecksumIpv4(frame, ip, l4, end);
    put16(frame, l4 + UDP_CHECKSUM, sum === 0 ? 0xffff : sum); // 0 would mean "none" (RFC 768)
  }

  #tcp(ip: number, l4: number, end: number, six: boolean, k: number, flow: number, bytes: number): void {
    const { frame } = this;
    this.#ports(l4, k);
    put32(frame, l4 + TCP_SEQUENCE, this.#sequence[flow]);
    put32(frame, l4 + TCP_ACKNOWLEDGMENT, mix(flow + 1));
    put16(frame, l4 + TCP_FLAGS, (5 << 12) | TCP_ACK | (bytes > 0 ? TCP_PSH : 0));
    put16(frame, l4 + TCP_WINDOW, 501);
    put16(frame, l4 + TCP_CHECKSUM, 0);
    put16(frame, l4 + TCP_URGENT, 0);
    this.#sequence[flow] = (this.#sequence[flow] + bytes) | 0;
    const sum = six
      ? transportChecksumIpv6(frame, ip, PROTOCOL_TCP, l4, end)
      : transportChecksumIpv4(frame, ip, l4, end);
    put16(frame, l4 + TCP_CHECKSUM, sum);
  }

  #echo(ip: number, l4: number, end: number, six: boolean, k: number, count: number): void {
    const { frame } = this;
    const id = (k + this.#shift) & 0xffff;
    writeIcmp(frame, l4, six ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST, 0, (id << 16) | ((count + 1) & 0xffff));
    if (six) putIcmpv6Checksum(frame, ip, l4, end);
    else putIcmpChecksum(frame, l4, end);
  }

  /** The outer headers of a tunnel from test115 to test116, in front of a frame of `inner` bytes. */
  #tunnel(flow: number, inner: number): void {
    const { frame, plan } = this;
    const { encapsulation, key } = plan;
    const { fromMac, toMac, from, to } = tunnelEnds;
    writeEthernet(frame, 0, toMac.high, toMac.low, fromMac.high, fromMac.low, ETHERTYPE_IPV4);
    const gre = encapsulation === "gre";
    const total = this.#outer - ETHERNET + inner;
    writeIpv4(frame, ETHERNET, 0, total, 0, IPV4_DF, 64, gre ? PROTOCOL_GRE : PROTOCOL_UDP, from, to);
    const l4 = ETHERNET + 20;
    if (gre) {
      writeGre(frame, l4, GRE_K, ETHERTYPE_TEB, key, 0);
      return;
    }
    // The source port carries the entropy of the inner flow, from the range of RFC 7348, 5; no checksum (4.3).
    const port = 49152 + (mix(flow ^ plan.seed) & 0x3fff);
    const vxlan = encapsulation === "vxlan";
    writeUdp(frame, l4, port, vxlan ? VXLAN_UDP_PORT : GENEVE_UDP_PORT, total - 20, 0);
    if (vxlan) writeVxlan(frame, l4 + UDP_HEADER_LEN, key);
    else writeGeneve(frame, l4 + UDP_HEADER_LEN, 0, ETHERTYPE_TEB, key);
  }
}

/** Bytes that a tunnel puts in front of a frame. */
export function outerLength(encapsulation: Plan["encapsulation"]): number {
  if (encapsulation === "gre") return ETHERNET + 20 + 8;
  if (encapsulation === "vxlan") return ETHERNET + 20 + UDP_HEADER_LEN + VXLAN_HEADER_LEN;
  if (encapsulation === "geneve") return ETHERNET + 20 + UDP_HEADER_LEN + GENEVE_HEADER_LEN;
  return 0;
}

function kinds(plan: Plan, random: Random): Uint8Array {
  const total = plan.protocols.reduce((sum, [, weight]) => sum + weight, 0);
  return Uint8Array.from({ length: plan.flows }, () => {
    let draw = random.unit() * total;
    let kind = 0;
    while (kind < plan.protocols.length - 1 && draw >= plan.protocols[kind][1]) draw -= plan.protocols[kind++][1];
    return kind | (random.unit() < plan.ipv6 ? SIX : 0);
  });
}

function macOf(side: Side, vm: number): Mac {
  if (vm === 0) return side.firstMac;
  const low = side.otherMacs.low + vm;
  return { high: side.otherMacs.high + (low >>> 16), low: low & 0xffff };
}

function putIpv6Address(frame: Uint8Array, at: number, first: Int32Array, vm: number): void {
  put32(frame, at, first[0]);
  put32(frame, at + 4, first[1]);
  put32(frame, at + 8, first[2]);
  put32(frame, at + 12, first[3] + vm);
}

/** Flow and frame number where there is room for both, then bytes that count up. */
function fillPayload(frame: Uint8Array, at: number, end: number, flow: number, count: number): void {
  let next = at;
  if (end - at >= 8) {
    put32(frame, at, flow);
    put32(frame, at + 4, count);
    next += 8;
  }
  for (; next < end; next++) frame[next] = next - at;
}

/** The first number from `start` on that shares no factor with `n`. */
function coprime(start: number, n: number): number {
  for (let step = Math.max(start, 1); ; step++) {
    let a = step;
    let b = n;
    while (b !== 0) [a, b] = [b, a % b];
    if (a === 1) return step;
  }
}
