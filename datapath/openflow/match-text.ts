/**
 * Matches as text, both ways (OVS: parse_ofp_str__ in lib/ofp-flow.c, mf_set in lib/meta-flow.c, match_format in
 * lib/match.c), and what a match is once it has crossed the wire: fields whose prerequisites are not met are gone
 * (ofputil_normalize_match, nx_put_raw), and OpenFlow 1.2+ carries a VLAN in its own way.
 *
 * Over 400 lines: reading, what the wire does, and printing share one table of the same fields.
 */
import {
  FLOW_WORDS,
  VLAN_PRESENT,
  W_ETH0,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_METADATA,
  W_METADATA_HI,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_PORTS,
  W_TOSTTL,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import type { OpenFlowVersion } from "./action.ts";
import { bitsMask, type Field, fieldOr } from "./field.ts";
import { integer, isExact, isFull, type MaskedValue, parseFieldValue, parseSubfield } from "./field-text.ts";
import { findField, refusedField } from "./fields.ts";
import type { Match } from "./match.ts";
import type { PortNumbers } from "./port-name.ts";
import { bigOf, type KeyValue, wordsOf } from "./syntax.ts";
import { isFixed } from "./wire-format.ts";

/** Shorthands: dl_type and nw_proto (0 = none). */
export const PROTOCOLS: Readonly<Record<string, readonly [number, number]>> = {
  ip: [0x0800, 0],
  ipv4: [0x0800, 0],
  ip4: [0x0800, 0],
  arp: [0x0806, 0],
  icmp: [0x0800, 1],
  tcp: [0x0800, 6],
  udp: [0x0800, 17],
  sctp: [0x0800, 132],
  ipv6: [0x86dd, 0],
  ip6: [0x86dd, 0],
  icmp6: [0x86dd, 58],
  tcp6: [0x86dd, 6],
  udp6: [0x86dd, 17],
  sctp6: [0x86dd, 132],
  rarp: [0x8035, 0],
  mpls: [0x8847, 0],
  mplsm: [0x8848, 0],
};

/** Fields without a wire format, or that the switch keeps to itself: a flow to be traced may have them, a rule may not. */
const INTERNAL: ReadonlySet<string> = new Set(["tun_ttl", "tun_tos", "skb_priority", "dp_hash", "recirc_id"]);

export interface MatchContext {
  readonly ports: PortNumbers | undefined;
  /** Also take fields that only flows have, not rules. */
  readonly internal?: boolean;
  /** Take no masks. */
  readonly exact?: boolean;
  /** Called for what the fixed match of OpenFlow 1.0 cannot say. */
  readonly onNxm?: () => void;
}

/** How a match is written on the wire. */
export interface WireForm {
  readonly version: OpenFlowVersion;
  /** OpenFlow 1.0 only: as NXM, not as the fixed match. */
  readonly nxm: boolean;
}

const NOTHING_SAID: ReadonlySet<string> = new Set(["decimal", "hexadecimal", "tcp-flags", "tunnel-flags"]);

/** Takes one key of a match; false when it is no field and no protocol. */
export function applyMatchKey(match: Match, { key, value }: KeyValue, context: MatchContext): boolean {
  const protocol = Object.hasOwn(PROTOCOLS, key.text) ? PROTOCOLS[key.text] : undefined;
  if (protocol !== undefined) {
    match.setBits(W_TYPE, protocol[0] << 16, 0xffff0000 | 0);
    if (protocol[1] !== 0) match.setBits(W_TYPE, protocol[1], 0xff);
    if (protocol[0] === 0x86dd) context.onNxm?.();
    needEthernet(match);
    return true;
  }
  if (key.text === "eth") {
    match.setBits(W_PACKET_TYPE, 0, -1);
    return true;
  }
  const field = findField(key.text);
  if (field !== undefined) {
    const harmless = field.name === "recirc_id" && value.text === "0"; // every packet that a rule sees first
    if (INTERNAL.has(field.name) && context.internal !== true && !harmless) {
      key.fail(`field ${key.text} is not for rules`, "another field");
    }
    const parsed =
      value.text === "" && NOTHING_SAID.has(field.format)
        ? { value: wordsOf(0n), mask: wordsOf(0n) } // "field" alone: its existence, which says nothing
        : parseFieldValue(field, value, context.ports);
    if (field.name === "ipv6_label" && bigOf(parsed.value) > 0xfffffn) {
      value.fail(`ipv6_label ${value.text}`, "a number of at most 20 bits");
    }
    if (context.exact === true && !isExact(field, parsed.mask)) {
      value.fail(`${field.name}=${value.text} ${value.text === "" ? "has no value" : "leaves bits open"}`, "a value");
    }
    if (!isFixed(field, parsed.mask, value.text.includes("/"))) context.onNxm?.();
    applyField(match, field, parsed);
    return true;
  }
  if (key.text.includes("[")) {
    const subfield = parseSubfield(key);
    const number = bigOf(integer(subfield.field, value, "value"));
    if (number >> BigInt(subfield.width) !== 0n) {
      value.fail(`${value.text} does not fit`, `a number of at most ${subfield.width} bits`);
    }
    const { field, at, width } = subfield;
    const bits = bitsMask(at, width);
    if (!isFixed(field, bits, false)) context.onNxm?.();
    if (field.maskable) applySubfield(match, field, wordsOf(number << BigInt(at)), bits);
    else if (isFull(field, bits)) applyField(match, field, { value: wordsOf(number), mask: bits });
    else key.fail(`${key.text}: field ${field.name} takes no mask`, `${field.name}=VALUE`);
    return true;
  }
  const refused = refusedField(key.text);
  if (refused !== undefined) key.fail(`field ${key.text}: ${refused}`, "");
  return false;
}

/** A field of Ethernet frames is one on Ethernet packets (match_add_ethernet_prereq). */
export function needEthernet(match: Match): void {
  if (match.mask[W_PACKET_TYPE] === 0) match.setBits(W_PACKET_TYPE, 0, -1);
}

/** Matches on a field, instead of what the match said of it before (mf_set). */
export function applyField(match: Match, field: Field, { value, mask }: MaskedValue): void {
  const low = value[3];
  const all = bigOf(mask) !== 0n;
  switch (field.name) {
    case "dl_vlan":
      match.clearBits(W_VLAN0, low === 0xffff ? 0xffff : 0x1fff);
      if (all)
        match.setBits(W_VLAN0, low === 0xffff ? 0 : (low & 0xfff) | VLAN_PRESENT, low === 0xffff ? 0xffff : 0x1fff);
      break;
    case "dl_vlan_pcp":
    case "vlan_pcp":
      match.clearBits(W_VLAN0, all ? 0xe000 : 0xf000);
      if (all) match.setBits(W_VLAN0, ((low & 7) << 13) | VLAN_PRESENT, 0xf000);
      break;
    case "icmp_type":
    case "icmpv6_type":
      match.clearBits(W_PORTS, 0xffff0000 | 0);
      if (all) match.setBits(W_PORTS, (low & 0xff) << 16, 0xffff0000 | 0);
      break;
    case "icmp_code":
    case "icmpv6_code":
      match.clearBits(W_PORTS, 0xffff);
      if (all) match.setBits(W_PORTS, low & 0xff, 0xffff);
      break;
    default:
      scratchMask.fill(0);
      fieldOr(field, scratchMask, ALL);
      for (let w = 0; w < FLOW_WORDS; w++) if (scratchMask[w] !== 0) match.clearBits(w, scratchMask[w]);
      applySubfield(match, field, value, mask);
  }
  if (field.prerequisite !== "none") needEthernet(match);
}

const ALL = Int32Array.of(-1, -1, -1, -1);
const scratchMask = new Int32Array(FLOW_WORDS);
const scratchValue = new Int32Array(FLOW_WORDS);

/** Matches on these bits of a field too. */
function applySubfield(match: Match, field: Field, value: Int32Array, mask: Int32Array): void {
  scratchMask.fill(0);
  scratchValue.fill(0);
  fieldOr(field, scratchMask, mask);
  fieldOr(field, scratchValue, value);
  for (let w = 0; w < FLOW_WORDS; w++) if (scratchMask[w] !== 0) match.setBits(w, scratchValue[w], scratchMask[w]);
  if (field.prerequisite !== "none") needEthernet(match);
}

/**
 * What of the match arrives at the switch. Returns names of what went missing because the fields it needs are not
 * matched, for a warning; Open vSwitch says "normalization changed ofp_match".
 *
 * Whether packets must be Ethernet is part of a rule's identity and not printed: `priority=1,tp_dst=80` sent as NXM is another
 * rule than `priority=1`, though both match every packet. The fixed matches of OpenFlow 1.0 and 1.1 do not carry it; the switch
 * adds it there where a field but the port is matched, in 1.0 before what lacks its prerequisite is gone.
 */
export function sendMatch(match: Match, { version, nxm }: WireForm): readonly string[] {
  const { value, mask } = match;
  const fixed = version === 2 || (version === 1 && !nxm);
  if (fixed) match.clearBits(W_PACKET_TYPE, -1);
  if (fixed && version === 1 && matchesBeyond(match, PORT_ONLY)) needEthernet(match);
  const packetType = value[W_PACKET_TYPE] >>> 0;
  const ethernet = packetType === 0;
  const type = ethernet ? value[W_TYPE] >>> 16 : packetType >>> 16 === 1 ? packetType & 0xffff : -1;
  const proto = value[W_TYPE] & 0xff;
  const ip = type === 0x0800 || type === 0x86dd;
  const arp = type === 0x0806 || type === 0x8035;
  const ports = ip && (proto === 6 || proto === 17 || proto === 132 || proto === (type === 0x0800 ? 1 : 58));
  const icmp6 = type === 0x86dd && proto === 58;
  const solicit = icmp6 && value[W_PORTS] >>> 16 === 135;
  const advert = icmp6 && value[W_PORTS] >>> 16 === 136;
  const dropped: string[] = [];
  const keep = (may: boolean, name: string, word: number, bits = -1): void => {
    if (may || (mask[word] & bits) === 0) return;
    match.clearBits(word, bits);
    if (dropped.at(-1) !== name) dropped.push(name);
  };
  const keepWords = (may: boolean, name: string, first: number, count: number): void => {
    for (let i = 0; i < count; i++) keep(may, name, first + i);
  };
  keep(type === 0x0800 || arp, "nw_src", W_NW_SRC);
  keep(type === 0x0800 || arp, "nw_dst", W_NW_DST);
  keep(ip || arp, "nw_proto", W_TYPE, 0xff);
  keep(ip, "nw_frag", W_TYPE, 0xff00);
  keep(ip, "nw_tos", W_TOSTTL, 0xff000000 | 0);
  keep(ip, "nw_ttl", W_TOSTTL, 0x00ff0000);
  keep(ip && proto === 6, "tcp_flags", W_TOSTTL, 0xffff);
  keep(ports, "tp_src, tp_dst", W_PORTS);
  keepWords(type === 0x86dd, "ipv6_src", W_IPV6_SRC, 4);
  keepWords(type === 0x86dd, "ipv6_dst", W_IPV6_DST, 4);
  keep(type === 0x86dd, "ipv6_label", W_IPV6_LABEL);
  keepWords(solicit || advert, "nd_target", W_ND_TARGET, 4);
  keep(arp || solicit, "arp_sha, nd_sll", W_MACS0);
  keep(arp || solicit, "arp_sha, nd_sll", W_MACS0 + 1, 0xffff0000 | 0);
  keep(arp || advert, "arp_tha, nd_tll", W_MACS0 + 1, 0xffff);
  keep(arp || advert, "arp_tha, nd_tll", W_MACS0 + 2);
  keepWords(type === 0x8847 || type === 0x8848, "mpls fields", W_MPLS0, 3);
  if (!ethernet) {
    keepWords(false, "dl_src, dl_dst", W_ETH0, 3);
    keep(false, "vlan_tci", W_VLAN0);
    keep(false, "dl_type", W_TYPE, 0xffff0000 | 0);
  }
  if (version === 2 && matchesBeyond(match, PORT_OR_METADATA)) needEthernet(match);
  if (version >= 3) sendVlan(match);
  else if (fixed) sendOldVlan(match);
  return dropped;
}

/** OpenFlow 1.0 and 1.1 know no VLAN ID without a tag: that is "no tag" in their fixed matches. */
function sendOldVlan(match: Match): void {
  const mask = match.mask[W_VLAN0] & 0xffff;
  if ((mask & 0x1fff) !== 0x1fff || (match.value[W_VLAN0] & VLAN_PRESENT) !== 0) return;
  match.clearBits(W_VLAN0, 0xffff);
  match.setBits(W_VLAN0, 0, 0xffff);
}

const PORT_ONLY: ReadonlySet<number> = new Set([W_IN_PORT]);
const PORT_OR_METADATA: ReadonlySet<number> = new Set([W_IN_PORT, W_METADATA_HI, W_METADATA]);

/** Some word is matched that is not one of `words`. */
const matchesBeyond = ({ mask }: Match, words: ReadonlySet<number>): boolean =>
  mask.some((bits, word) => bits !== 0 && !words.has(word));

/** True for a match on transport fields of fragments that cannot have them. */
export function portsOfLaterFragment({ value, mask }: Match): boolean {
  const type = value[W_TYPE] >>> 16;
  const ip = type === 0x0800 || type === 0x86dd;
  return ip && (value[W_TYPE] & 0x200) !== 0 && (mask[W_PORTS] !== 0 || (mask[W_TOSTTL] & 0xfff) !== 0);
}

/** Ethernet fields beside a packet type that has none (OFPBMC_BAD_PREREQ). */
export function isMixed({ value, mask }: Match): boolean {
  if (value[W_PACKET_TYPE] === 0) return false;
  return mask[W_TYPE] >>> 16 !== 0 || [W_ETH0, W_ETH0 + 1, W_ETH0 + 2, W_VLAN0].some((word) => mask[word] !== 0);
}

/** True when OpenFlow 1.2+ cannot carry the match: a priority needs a match on the tag. */
export function needsVlanTag(match: Match): boolean {
  const value = match.value[W_VLAN0];
  const mask = match.mask[W_VLAN0];
  return (value & mask & 0x1fff) !== 0 && (mask & 0xe000) !== 0 && (value & mask & VLAN_PRESENT) === 0;
}

/** OXM has the VLAN ID with "present" in one field and the priority, exact and only of a tag, in another. */
function sendVlan(match: Match): void {
  const tci = match.value[W_VLAN0] & 0xffff;
  const mask = match.mask[W_VLAN0] & 0xffff;
  if (mask === 0) return;
  const pcp = (tci & 0x1fff) !== 0 && (mask & 0xe000) !== 0;
  match.clearBits(W_VLAN0, 0xffff);
  match.setBits(W_VLAN0, tci & 0x1fff, mask & 0x1fff);
  if (pcp) match.setBits(W_VLAN0, tci & 0xe000, 0xe000);
}
