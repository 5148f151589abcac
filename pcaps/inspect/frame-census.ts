/**
 * Looks into every frame once and counts what is in it, from the outermost Ethernet header through tags and tunnels to the
 * innermost transport header. Nothing here throws on a frame: a header that is short or lies is counted, and the walk ends.
 *
 * A flow is one direction: protocol, addresses, and ports (of ICMP echo: the identifier); of all fragments of a datagram, the first too,
 * without ports, so that they are one flow; what is not IP by type and MAC addresses.
 */
import type { Trace } from "../../datapath/packet/trace.ts";
import { be16, be32 } from "../../datapath/wire/bytes.ts";
import { checksumAdd, checksumFold, pseudoIpv4, pseudoIpv6 } from "../../datapath/wire/checksum.ts";
import {
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MIN,
  ETHERTYPE_TEB,
  isSnap,
  LLC_SNAP_LEN,
  snapType,
} from "../../datapath/wire/ethernet.ts";
import {
  GENEVE_UDP_PORT,
  geneveHeaderLength,
  geneveProtocol,
  geneveVni,
  isGeneve,
} from "../../datapath/wire/geneve.ts";
import { GRE_K, greFlags, greHeaderLength, greKey, greProtocol, isGre } from "../../datapath/wire/gre.ts";
import {
  IPV4_MF,
  IPV4_OFFSET_MASK,
  ipv4ChecksumIsGood,
  PROTOCOL_GRE,
  PROTOCOL_ICMP,
  PROTOCOL_IPIP,
  PROTOCOL_IPV6,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../datapath/wire/ipv4.ts";
import { IPV6_HEADER_LEN, Ipv6Walk, NEXT_ICMPV6 } from "../../datapath/wire/ipv6.ts";
import { isVlanType } from "../../datapath/wire/vlan.ts";
import { isVxlan, VXLAN_HEADER_LEN, VXLAN_UDP_PORT, vxlanVni } from "../../datapath/wire/vxlan.ts";
import { KeyTable } from "./key-table.ts";

/** Kinds of tunnels, by the code in word 0 of a tunnel's key. */
export const tunnelKinds = ["gre", "gre with key", "vxlan", "geneve", "ipip", "6in4"] as const;
const GRE = 0;
const GRE_WITH_KEY = 1;
const VXLAN = 2;
const GENEVE = 3;
const IPIP = 4;
const SIX_IN_FOUR = 5;

/** Tunnels in tunnels that are followed. */
const MOST_LEVELS = 4;
/** Words of a flow: type, protocol, ports, source (4), destination (4). */
export const FLOW_WORDS = 11;
/** Words of a tunnel: kind, key, type, source (4), destination (4). */
export const TUNNEL_WORDS = 11;
/** Longest wire length with a counter of its own; longer ones share the last. */
const LONGEST = 65549;

/** Frames that were odd, by what was odd; a frame may count in several. */
export interface Oddities {
  /** Less than an Ethernet header captured. */
  short: number;
  /** A tag, IP or transport header that is cut off, has a wrong version, or lengths that do not fit. */
  badIpv4: number;
  badIpv6: number;
  badTransport: number;
  badTunnel: number;
  badIpv4Checksum: number;
  badTransportChecksum: number;
  /** Checksum that holds the pseudo header's sum alone: left to the sender's network card. */
  offloadedChecksum: number;
  /** Transport checksums that could not be checked: snapped frames and fragments. */
  unchecked: number;
}

export interface Tally {
  frames: number;
  bytes: number;
}

export class FrameCensus {
  frames = 0;
  /** On the wire, without FCS. */
  bytes = 0;
  capturedBytes = 0;
  snapped = 0;
  ipv4Fragments = 0;
  ipv6Fragments = 0;
  tagged = 0;
  tunnelled = 0;
  readonly lengths = new Float64Array(LONGEST + 1);
  longest = 0;
  /** By Ethertype of the outermost frame, behind its tags; below 0x600: 802.3. */
  readonly ethertypes = new Map<number, Tally>();
  /** By Ethertype * 256 + protocol of the innermost packet. */
  readonly protocols = new Map<number, Tally>();
  /** By number of tags * 2^24 + first VLAN * 2^12 + second. */
  readonly tags = new Map<number, Tally>();
  readonly outerFlows = new KeyTable(FLOW_WORDS);
  /** Flows inside tunnels. */
  readonly innerFlows = new KeyTable(FLOW_WORDS);
  /** Innermost flows of all frames, for talkers. */
  readonly flows = new KeyTable(FLOW_WORDS);
  readonly tunnels = new KeyTable(TUNNEL_WORDS, 1 << 16);
  readonly odd: Oddities = {
    short: 0,
    badIpv4: 0,
    badIpv6: 0,
    badTransport: 0,
    badTunnel: 0,
    badIpv4Checksum: 0,
    badTransportChecksum: 0,
    offloadedChecksum: 0,
    unchecked: 0,
  };
  readonly #key = new Int32Array(FLOW_WORDS);
  readonly #tunnel = new Int32Array(TUNNEL_WORDS);
  readonly #walk = new Ipv6Walk();

  // What the walk found at the level it is at.
  #type = 0;
  #protocol = 0;
  #next = 0;
  #nextEnd = 0;
  #nextType = -1;

  /** Counts all frames of a trace, or of one window of it. */
  add(trace: Trace): void {
    for (let i = 0; i < trace.count; i++) {
      this.#frame(trace.bytes, trace.start[i], trace.length[i], trace.wireLength[i]);
    }
  }

  #frame(bytes: Uint8Array, start: number, length: number, wire: number): void {
    this.frames++;
    this.bytes += wire;
    this.capturedBytes += length;
    if (wire > length) this.snapped++;
    this.lengths[wire < LONGEST ? wire : LONGEST]++;
    if (wire > this.longest) this.longest = wire;
    const end = start + length;
    let at = start;
    let wireEnd = start + wire;
    let type = ETHERTYPE_TEB; // the frame itself, as a tunnel carries one
    let level = 0;
    for (; ; level++) {
      const captured = end < wireEnd ? end : wireEnd;
      if (type === ETHERTYPE_TEB) {
        at = this.#ethernet(bytes, at, captured, wire, level);
        if (at < 0) return;
        type = this.#type;
      }
      this.#type = type;
      this.#protocol = 0;
      this.#nextType = -1;
      if (type === ETHERTYPE_IPV4) this.#ipv4(bytes, at, captured, wireEnd);
      else if (type === ETHERTYPE_IPV6) this.#ipv6(bytes, at, captured, wireEnd);
      if (level === 0) this.outerFlows.add(this.#key, 1, wire);
      if (this.#nextType < 0 || level === MOST_LEVELS) break;
      this.tunnels.add(this.#tunnel, 1, wire);
      at = this.#next;
      wireEnd = this.#nextEnd;
      type = this.#nextType;
    }
    if (level > 0) {
      this.tunnelled++;
      this.innerFlows.add(this.#key, 1, wire);
    }
    this.flows.add(this.#key, 1, wire);
    tally(this.protocols, this.#type * 256 + this.#protocol, wire);
  }

  /** From a destination address to behind the type; the flow key becomes that of a frame that is not IP. -1: too short. */
  #ethernet(bytes: Uint8Array, at: number, end: number, wire: number, level: number): number {
    if (end - at < 14) {
      if (level === 0) this.odd.short++;
      else this.odd.badTunnel++;
      return -1;
    }
    const key = this.#key.fill(0);
    key[3] = be16(bytes, at + 6);
    key[4] = be32(bytes, at + 8);
    key[7] = be16(bytes, at);
    key[8] = be32(bytes, at + 2);
    at += 12;
    let tags = 0;
    let vlans = 0;
    while (end - at >= 6 && tags < 2 && isVlanType(be16(bytes, at))) {
      vlans = vlans * 4096 + (be16(bytes, at + 2) & 0xfff);
      tags++;
      at += 4;
    }
    let type = be16(bytes, at);
    at += 2;
    if (type < ETHERTYPE_MIN && isSnap(bytes, at, end)) {
      type = snapType(bytes, at);
      at += LLC_SNAP_LEN;
    }
    this.#type = type;
    key[0] = type;
    if (level === 0) {
      tally(this.ethertypes, type < ETHERTYPE_MIN ? 0 : type, wire);
      if (tags > 0) {
        this.tagged++;
        tally(this.tags, tags * 16777216 + vlans, wire);
      }
    }
    return at;
  }

  #ipv4(bytes: Uint8Array, at: number, end: number, wireEnd: number): void {
    if (end - at < 20 && end < wireEnd) return; // cut by the capture, not by its sender
    const header = (bytes[at] & 15) << 2;
    if (end - at < 20 || bytes[at] >>> 4 !== 4 || header < 20 || end - at < header) {
      this.odd.badIpv4++;
      return;
    }
    const total = be16(bytes, at + 2);
    if (total < header || total > wireEnd - at) {
      this.odd.badIpv4++;
      return;
    }
    if (!ipv4ChecksumIsGood(bytes, at)) this.odd.badIpv4Checksum++;
    const key = this.#key.fill(0);
    key[0] = ETHERTYPE_IPV4;
    key[1] = this.#protocol = bytes[at + 9];
    key[3] = be32(bytes, at + 12);
    key[7] = be32(bytes, at + 16);
    const fragment = (be16(bytes, at + 6) & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0;
    if (fragment) {
      this.ipv4Fragments++;
      this.odd.unchecked++;
      return;
    }
    const packetEnd = at + total;
    const pseudo = pseudoIpv4(key[3], key[7], this.#protocol, total - header);
    this.#transport(bytes, at + header, end < packetEnd ? end : packetEnd, packetEnd, pseudo);
  }

  #ipv6(bytes: Uint8Array, at: number, end: number, wireEnd: number): void {
    if (end - at < IPV6_HEADER_LEN && end < wireEnd) return;
    if (end - at < IPV6_HEADER_LEN || bytes[at] >>> 4 !== 6) {
      this.odd.badIpv6++;
      return;
    }
    const packetEnd = at + IPV6_HEADER_LEN + be16(bytes, at + 4);
    if (packetEnd > wireEnd) {
      this.odd.badIpv6++;
      return;
    }
    const captured = end < packetEnd ? end : packetEnd;
    const key = this.#key.fill(0);
    key[0] = ETHERTYPE_IPV6;
    for (let w = 0; w < 8; w++) key[3 + w] = be32(bytes, at + 8 + 4 * w);
    const walk = this.#walk;
    const whole = walk.walk(bytes, at, captured);
    key[1] = this.#protocol = walk.protocol;
    if (!whole) {
      if (captured === packetEnd) this.odd.badIpv6++;
      return;
    }
    if (walk.isFragment) {
      this.ipv6Fragments++;
      this.odd.unchecked++;
      return;
    }
    const pseudo = pseudoIpv6(bytes, at + 8, at + 24, walk.protocol, packetEnd - walk.at);
    this.#transport(bytes, walk.at, captured, packetEnd, pseudo);
  }

  /** The transport header at `at`, captured up to `end`, on the wire up to `wireEnd`; `pseudo`: the pseudo header's sum. */
  #transport(bytes: Uint8Array, at: number, end: number, wireEnd: number, pseudo: number): void {
    const protocol = this.#protocol;
    const key = this.#key;
    const room = end - at;
    const least = protocol === PROTOCOL_TCP ? 20 : protocol === PROTOCOL_SCTP ? 12 : protocol === NEXT_ICMPV6 ? 4 : 8;
    if (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP || protocol === PROTOCOL_SCTP) {
      if (room < least) {
        if (end === wireEnd) this.odd.badTransport++;
        return;
      }
      key[2] = be32(bytes, at);
      if (protocol === PROTOCOL_SCTP) return;
      if (protocol === PROTOCOL_TCP) {
        const header = (bytes[at + 12] >>> 4) << 2;
        if (header < 20 || header > wireEnd - at) this.odd.badTransport++;
        this.#sum(bytes, at, end, wireEnd, pseudo, be16(bytes, at + 16));
        return;
      }
      const length = be16(bytes, at + 4);
      if (length < 8 || length > wireEnd - at) this.odd.badTransport++;
      const check = be16(bytes, at + 6);
      if (check !== 0) this.#sum(bytes, at, end, wireEnd, pseudo, check);
      this.#udpTunnel(bytes, at, end, wireEnd);
    } else if (protocol === PROTOCOL_ICMP || protocol === NEXT_ICMPV6) {
      if (room < least) {
        if (end === wireEnd) this.odd.badTransport++;
        return;
      }
      const six = protocol === NEXT_ICMPV6;
      const type = bytes[at];
      const echo = six ? type === 128 || type === 129 : type === 8 || type === 0;
      key[2] = (type << 24) | (bytes[at + 1] << 16) | (echo && room >= 8 ? be16(bytes, at + 4) : 0);
      this.#sum(bytes, at, end, wireEnd, six ? pseudo : 0, -1);
    } else if (protocol === PROTOCOL_GRE) {
      this.#gre(bytes, at, end, wireEnd);
    } else if (protocol === PROTOCOL_IPIP) {
      this.#enter(IPIP, 0, at, wireEnd, ETHERTYPE_IPV4);
    } else if (protocol === PROTOCOL_IPV6) {
      this.#enter(SIX_IN_FOUR, 0, at, wireEnd, ETHERTYPE_IPV6);
    }
  }

  /** `field`: the checksum as it lies there, to tell one that was left to the card; -1 where there is no such thing. */
  #sum(bytes: Uint8Array, at: number, end: number, wireEnd: number, pseudo: number, field: number): void {
    if (end < wireEnd) this.odd.unchecked++;
    else if (checksumFold(checksumAdd(bytes, at, end, pseudo)) !== 0) {
      if (field === (~checksumFold(pseudo) & 0xffff)) this.odd.offloadedChecksum++;
      else this.odd.badTransportChecksum++;
    }
  }

  #gre(bytes: Uint8Array, at: number, end: number, wireEnd: number): void {
    if (!isGre(bytes, at, end)) {
      if (end === wireEnd) this.odd.badTunnel++;
      return;
    }
    const flags = greFlags(bytes, at);
    const keyed = (flags & GRE_K) !== 0;
    const payload = at + greHeaderLength(flags);
    this.#enter(keyed ? GRE_WITH_KEY : GRE, keyed ? greKey(bytes, at) : 0, payload, wireEnd, greProtocol(bytes, at));
  }

  #udpTunnel(bytes: Uint8Array, udp: number, end: number, wireEnd: number): void {
    const port = be16(bytes, udp + 2);
    const at = udp + 8;
    if (port === VXLAN_UDP_PORT) {
      if (isVxlan(bytes, at, end))
        this.#enter(VXLAN, vxlanVni(bytes, at), at + VXLAN_HEADER_LEN, wireEnd, ETHERTYPE_TEB);
      else if (end === wireEnd) this.odd.badTunnel++;
    } else if (port === GENEVE_UDP_PORT) {
      if (isGeneve(bytes, at, end)) {
        this.#enter(
          GENEVE,
          geneveVni(bytes, at),
          at + geneveHeaderLength(bytes, at),
          wireEnd,
          geneveProtocol(bytes, at),
        );
      } else if (end === wireEnd) this.odd.badTunnel++;
    }
  }

  /** Goes on behind a tunnel header: with a frame, or with a packet of Ethertype `type`. */
  #enter(kind: number, id: number, at: number, wireEnd: number, type: number): void {
    const tunnel = this.#tunnel;
    tunnel[0] = kind;
    tunnel[1] = id;
    tunnel[2] = this.#type;
    for (let w = 3; w < TUNNEL_WORDS; w++) tunnel[w] = this.#key[w];
    this.#next = at;
    this.#nextEnd = wireEnd;
    this.#nextType = type;
  }
}

function tally(counts: Map<number, Tally>, key: number, bytes: number): void {
  const one = counts.get(key);
  if (one === undefined) counts.set(key, { frames: 1, bytes });
  else {
    one.frames++;
    one.bytes += bytes;
  }
}
