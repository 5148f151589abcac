/**
 * A frame as `tcpdump -nn -t -S` prints it, to the letter for the headers that this project moves:
 *
 *   IP 10.11.1.115 > 10.11.1.116: GREv0, key=0x2, length 106: IP 192.168.1.11 > 192.168.2.11: ICMP echo request, id 1, ...
 *
 * and with `link`, as with -e. Like tcpdump it prints the frame inside VXLAN on a line of its own. Judged by tcpdump 4.99
 * (test/golden/describe.json). What lies in UDP and TCP (DNS, HTTP, ...) is not looked into. For output only: it allocates.
 */
import { ipv4ToText, ipv6TextAt, macTextAt } from "./addresses.ts";
import {
  ARP_LEN,
  ARP_REPLY,
  ARP_REQUEST,
  ARP_SHA,
  ARP_THA,
  arpOperation,
  arpSenderIp,
  arpTargetIp,
  isArp,
} from "./arp.ts";
import { be16, be32 } from "./bytes.ts";
import { describeIcmp, describeIcmpv6 } from "./describe-icmp.ts";
import { describeTcp } from "./describe-tcp.ts";
import {
  ETH_DST,
  ETH_SRC,
  ETHERNET_HEADER_LEN,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MIN,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_QINQ,
  ETHERTYPE_RARP,
  ETHERTYPE_TEB,
  ETHERTYPE_VLAN,
  ethernetType,
  isEthernet,
  isSnap,
  LLC_SNAP_LEN,
  snapType,
} from "./ethernet.ts";
import {
  GENEVE_FLAG_CRITICAL,
  GENEVE_FLAG_OAM,
  GENEVE_FLAGS,
  GENEVE_HEADER_LEN,
  GENEVE_UDP_PORT,
  geneveHeaderLength,
  geneveProtocol,
  geneveVni,
  isGeneve,
} from "./geneve.ts";
import { GRE_C, GRE_K, GRE_S, greFlags, greHeaderLength, greKey, greProtocol, greSequence, isGre } from "./gre.ts";
import {
  IPV4_HEADER_LEN,
  ipv4Dst,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Src,
  ipv4TotalLength,
  isIpv4Fragment,
  PROTOCOL_GRE,
  PROTOCOL_ICMP,
  PROTOCOL_IPIP,
  PROTOCOL_IPV6,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "./ipv4.ts";
import {
  IPV6_DST,
  IPV6_FRAGMENT_LEN,
  IPV6_HEADER_LEN,
  IPV6_NEXT_HEADER,
  IPV6_SRC,
  ipv6PayloadLength,
  NEXT_DESTINATION,
  NEXT_FRAGMENT,
  NEXT_HOP_BY_HOP,
  NEXT_ICMPV6,
  NEXT_NONE,
  NEXT_ROUTING,
} from "./ipv6.ts";
import { MPLS_ENTRY_LEN, mplsBottom, mplsEntry, mplsLabel, mplsTrafficClass, mplsTtl } from "./mpls.ts";
import { isSctp } from "./sctp.ts";
import { isUdp, UDP_HEADER_LEN, udpDstPort, udpLength, udpSrcPort } from "./udp.ts";
import { isVlanType, VLAN_TAG_LEN, vlanDei, vlanPcp, vlanVid } from "./vlan.ts";
import { isVxlan, VXLAN_HEADER_LEN, VXLAN_UDP_PORT, vxlanVni } from "./vxlan.ts";

const TYPE_NAMES = new Map<number, string>([
  [ETHERTYPE_IPV4, "IPv4"],
  [ETHERTYPE_ARP, "ARP"],
  [ETHERTYPE_RARP, "Reverse ARP"],
  [ETHERTYPE_IPV6, "IPv6"],
  [ETHERTYPE_VLAN, "802.1Q"],
  [ETHERTYPE_QINQ, "802.1Q-QinQ"],
  [ETHERTYPE_MPLS, "MPLS unicast"],
  [ETHERTYPE_MPLS_MULTICAST, "MPLS multicast"],
  [ETHERTYPE_TEB, "TEB"],
  [0x88cc, "LLDP"],
]);

const typeText = (type: number): string =>
  `${TYPE_NAMES.get(type) ?? "Unknown"} (0x${type.toString(16).padStart(4, "0")})`;

const protocolText = (type: number): string => typeText(type).replace("Unknown", "unknown");

/**
 * The frame [at, end) in one line (two and more with VXLAN). With `link`, MAC addresses, type and VLAN tags come first.
 * `wire` is where the frame ended on the wire, behind `end` in a snapped capture.
 */
export function describe(frame: Uint8Array, at: number, end: number, link = false, wire = end): string {
  if (!isEthernet(frame, at, end)) return "[|ether]";
  let type = ethernetType(frame, at);
  let next = at + ETHERNET_HEADER_LEN;
  const addresses = `${macTextAt(frame, at + ETH_SRC)} > ${macTextAt(frame, at + ETH_DST)}`;
  let text = "";
  if (link) {
    const kind = type < ETHERTYPE_MIN ? "802.3" : `ethertype ${typeText(type)}`;
    text = `${addresses}, ${kind}, length ${wire - at}: `;
  }
  while (isVlanType(type) && end - next >= VLAN_TAG_LEN) {
    // `next` is behind the TPID; the getters want the TPID's place.
    const tag = next - 2;
    if (link) {
      const dei = vlanDei(frame, tag) ? ", DEI" : "";
      text += `vlan ${vlanVid(frame, tag)}, p ${vlanPcp(frame, tag)}${dei}, `;
    }
    type = be16(frame, next + 2);
    next += VLAN_TAG_LEN;
    if (link && type >= ETHERTYPE_MIN) text += `ethertype ${typeText(type)}, `;
  }
  if (type < ETHERTYPE_MIN && isSnap(frame, next, end)) {
    type = snapType(frame, next);
    if (link) {
      text = text.replace(/length \d+: $/, `length ${wire - next}: `);
      text += "LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ";
      text += `ethertype ${typeText(type)}, length ${wire - next - LLC_SNAP_LEN}: `;
    }
    next += LLC_SNAP_LEN;
  }
  const inside = describeType(frame, type, next, end, link, wire);
  if (inside !== undefined) return text + inside;
  // What tcpdump has no printer for is shown with its link header in any case.
  if (!link) text = `${addresses}, ethertype ${typeText(type)}, length ${wire - at}: `;
  return text.trimEnd();
}

function describeType(
  frame: Uint8Array,
  type: number,
  at: number,
  end: number,
  link: boolean,
  wire: number,
): string | undefined {
  switch (type) {
    case ETHERTYPE_IPV4:
      return describeIpv4(frame, at, end, link, wire);
    case ETHERTYPE_IPV6:
      return describeIpv6(frame, at, end, link, wire);
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
      return describeArp(frame, at, end, link, wire);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      return describeMpls(frame, at, end, link, wire);
    case ETHERTYPE_TEB:
      return describe(frame, at, end, link, wire);
    default:
      return undefined;
  }
}

function describeArp(frame: Uint8Array, at: number, end: number, link: boolean, wire: number): string {
  if (end - at < ARP_LEN) return " [|arp]";
  const text = link ? "" : "ARP, ";
  const length = `, length ${wire - at}`;
  if (!isArp(frame, at, end)) return `${text}Unknown Hardware or protocol${length}`;
  const sender = ipv4ToText(arpSenderIp(frame, at));
  const target = ipv4ToText(arpTargetIp(frame, at));
  const sha = macTextAt(frame, at + ARP_SHA);
  const tha = macTextAt(frame, at + ARP_THA);
  const operation = arpOperation(frame, at);
  switch (operation) {
    case ARP_REQUEST: {
      const asked = (be32(frame, at + ARP_THA) | be16(frame, at + ARP_THA + 4)) !== 0;
      return `${text}Request who-has ${target}${asked ? ` (${tha})` : ""} tell ${sender}${length}`;
    }
    case ARP_REPLY:
      return `${text}Reply ${sender} is-at ${sha}${length}`;
    case 3:
      return `${text}Reverse Request who-is ${tha} tell ${sha}${length}`;
    case 4:
      return `${text}Reverse Reply ${tha} at ${target}${length}`;
    default:
      return `${text}Unknown (${operation})${length}`;
  }
}

function describeIpv4(frame: Uint8Array, at: number, end: number, link: boolean, wire: number): string {
  const name = link ? "" : "IP ";
  if (end - at < IPV4_HEADER_LEN) return `${name}truncated-ip ${wire - at}`;
  const version = frame[at] >>> 4;
  if (version !== 4) return `IP${version} (invalid)`;
  const header = ipv4HeaderLength(frame, at);
  if (header < IPV4_HEADER_LEN) return `${name}bad-hlen ${header}`;
  const total = ipv4TotalLength(frame, at);
  if (total < header) return `${name}bad-len ${total}`;
  const missing = total - (wire - at);
  const text = missing > 0 ? `${name}truncated-ip - ${missing} bytes missing! ` : name;
  const src = ipv4ToText(ipv4Src(frame, at));
  const dst = ipv4ToText(ipv4Dst(frame, at));
  const protocol = ipv4Protocol(frame, at);
  if (ipv4FragmentOffset(frame, at) !== 0) return `${text}${src} > ${dst}: ip-proto-${protocol}`;
  const last = Math.min(at + total, end);
  const fragment = isIpv4Fragment(frame, at);
  return (
    text + describePayload(frame, protocol, at + header, last, `${src} > ${dst}: `, false, fragment, link, at + total)
  );
}

function describeIpv6(frame: Uint8Array, at: number, end: number, link: boolean, wire: number): string {
  const name = link ? "" : "IP6 ";
  if (end - at < IPV6_HEADER_LEN) return `${name}truncated-ip6 ${wire - at}`;
  if (frame[at] >>> 4 !== 6) return `IP${frame[at] >>> 4} (invalid)`;
  const told = at + IPV6_HEADER_LEN + ipv6PayloadLength(frame, at);
  const text = told > wire ? `${name}truncated-ip6 - ${told - wire} bytes missing!` : name;
  const last = Math.min(told, end);
  let hosts = `${ipv6TextAt(frame, at + IPV6_SRC)} > ${ipv6TextAt(frame, at + IPV6_DST)}: `;
  let protocol = frame[at + IPV6_NEXT_HEADER];
  let next = at + IPV6_HEADER_LEN;
  let fragment = false;
  let behind = false;
  while (last - next >= 8) {
    if (protocol === NEXT_HOP_BY_HOP) hosts += "HBH ";
    else if (protocol === NEXT_DESTINATION) hosts += "DSTOPT ";
    else if (protocol === NEXT_ROUTING) {
      hosts += `srcrt (len=${frame[next + 1]}, type=${frame[next + 2]}, segleft=${frame[next + 3]}) `;
    } else if (protocol === NEXT_FRAGMENT) {
      const offset = be16(frame, next + 2) & 0xfff8;
      hosts += `frag (${offset}|${told - next - IPV6_FRAGMENT_LEN}) `;
      if (offset !== 0) return (text + hosts).trimEnd();
      fragment = true;
    } else break;
    const length = protocol === NEXT_FRAGMENT ? IPV6_FRAGMENT_LEN : (frame[next + 1] + 1) << 3;
    protocol = frame[next];
    next = Math.min(next + length, last);
    behind = true;
  }
  return text + describePayload(frame, protocol, next, last, hosts, behind, fragment, link, told);
}

/** `hosts` is "A > B: "; `behind` extension headers tcpdump prints ports without addresses. */
function describePayload(
  frame: Uint8Array,
  protocol: number,
  at: number,
  end: number,
  hosts: string,
  behind: boolean,
  fragment: boolean,
  link: boolean,
  wire: number,
): string {
  switch (protocol) {
    case PROTOCOL_TCP:
      if (end - at < 4) return `${hosts} [|tcp]`;
      return withPorts(frame, at, hosts, behind) + describeTcp(frame, at, end, wire);
    case PROTOCOL_UDP:
      if (!isUdp(frame, at, end)) return `${hosts} [|udp]`;
      return withPorts(frame, at, hosts, behind) + describeUdp(frame, at, end, fragment, link, wire);
    case PROTOCOL_SCTP:
      if (!isSctp(frame, at, end)) return `${hosts} [|sctp]`;
      return `${withPorts(frame, at, hosts, behind)}sctp`;
    case PROTOCOL_ICMP:
      return hosts + describeIcmp(frame, at, end, wire);
    case NEXT_ICMPV6:
      return hosts + describeIcmpv6(frame, at, end, wire);
    case PROTOCOL_GRE:
      return hosts + describeGre(frame, at, end, link, wire);
    case PROTOCOL_IPIP:
      return hosts + describeIpv4(frame, at, end, link, wire);
    case PROTOCOL_IPV6:
      return hosts + describeIpv6(frame, at, end, link, wire);
    case NEXT_NONE:
      return `${hosts}no next header`;
    default:
      return `${hosts} ip-proto-${protocol} ${wire - at}`;
  }
}

/** "A.1 > B.2: " of "A > B: " and the ports at `at`. */
function withPorts(frame: Uint8Array, at: number, hosts: string, behind: boolean): string {
  const src = be16(frame, at);
  const dst = be16(frame, at + 2);
  if (behind) return `${hosts}${src} > ${dst}: `;
  const [from, to] = hosts.slice(0, -2).split(" > ");
  return `${from}.${src} > ${to}.${dst}: `;
}

function describeUdp(
  frame: Uint8Array,
  at: number,
  end: number,
  fragment: boolean,
  link: boolean,
  wire: number,
): string {
  const told = udpLength(frame, at);
  if (told < UDP_HEADER_LEN) return `truncated-udplength ${told}`;
  const next = at + UDP_HEADER_LEN;
  const last = Math.min(end, at + told);
  const lastOnWire = Math.min(wire, at + told);
  const src = udpSrcPort(frame, at);
  const dst = udpDstPort(frame, at);
  if ((src === VXLAN_UDP_PORT || dst === VXLAN_UDP_PORT) && isVxlan(frame, next, last)) {
    const inner = describe(frame, next + VXLAN_HEADER_LEN, last, link, lastOnWire);
    const flags = frame[next].toString(16).padStart(2, "0");
    return `VXLAN, flags [I] (0x${flags}), vni ${vxlanVni(frame, next)}\n${inner}`;
  }
  if ((src === GENEVE_UDP_PORT || dst === GENEVE_UDP_PORT) && isGeneve(frame, next, last)) {
    return describeGeneve(frame, next, last, link, lastOnWire);
  }
  if (at + told > wire && !fragment) return `UDP, bad length ${told - UDP_HEADER_LEN} > ${wire - next}`;
  return `UDP, length ${told - UDP_HEADER_LEN}`;
}

function describeGeneve(frame: Uint8Array, at: number, end: number, link: boolean, wire: number): string {
  const bits = frame[at + GENEVE_FLAGS];
  const flags = `${bits & GENEVE_FLAG_OAM ? "O" : ""}${bits & GENEVE_FLAG_CRITICAL ? "C" : ""}` || "none";
  const header = geneveHeaderLength(frame, at);
  const protocol = geneveProtocol(frame, at);
  let text = `Geneve, Flags [${flags}], vni 0x${geneveVni(frame, at).toString(16)}`;
  if (link) text += `, proto ${protocolText(protocol)}`;
  if (header > GENEVE_HEADER_LEN) text += `, options [${header - GENEVE_HEADER_LEN} bytes]`;
  const inner = describeType(frame, protocol, at + header, end, link, wire);
  return `${text}: ${inner ?? `geneve-proto-0x${protocol.toString(16)}`}`;
}

function describeGre(frame: Uint8Array, at: number, end: number, link: boolean, wire: number): string {
  if (!isGre(frame, at, end)) return `GREv${end - at >= 2 ? frame[at + 1] & 7 : 0} [|gre]`;
  const flags = greFlags(frame, at);
  const protocol = greProtocol(frame, at);
  let text = "GREv0";
  if (flags & GRE_C) text += `, off 0x${be16(frame, at + 6).toString(16)}`;
  if (flags & GRE_K) text += `, key=0x${(greKey(frame, at) >>> 0).toString(16)}`;
  if (flags & GRE_S) text += `, seq ${greSequence(frame, at) >>> 0}`;
  if (link) text += `, proto ${protocolText(protocol)}`;
  const inner = describeType(frame, protocol, at + greHeaderLength(flags), end, link, wire);
  return `${text}, length ${wire - at}: ${inner ?? `gre-proto-0x${protocol.toString(16)}`}`;
}

function describeMpls(frame: Uint8Array, at: number, end: number, link: boolean, wire: number): string {
  let text = "MPLS";
  while (end - at >= MPLS_ENTRY_LEN) {
    const entry = mplsEntry(frame, at);
    const bottom = mplsBottom(entry) === 1;
    text += ` (label ${mplsLabel(entry)}, tc ${mplsTrafficClass(entry)}${bottom ? ", [S]" : ""}, ttl ${mplsTtl(entry)})`;
    at += MPLS_ENTRY_LEN;
    if (!bottom) continue;
    // There is no type behind the stack: the first four bits tell.
    if (end > at && frame[at] >>> 4 === 4) return `${text} ${describeIpv4(frame, at, end, link, wire)}`;
    if (end > at && frame[at] >>> 4 === 6) return `${text} ${describeIpv6(frame, at, end, link, wire)}`;
    return text;
  }
  return text;
}
