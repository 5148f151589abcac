/**
 * Matches, flows and megaflows in OpenFlow syntax: "recirc_id=0,eth,ip,in_port=p1,nw_dst=10.0.0.0/8" (OVS: match_format,
 * lib/match.c). One printer for all, as there: a flow is a match on all of its fields, a megaflow one on those looked at.
 */
import {
  TUN_FLAG_CSUM,
  TUN_FLAG_DF,
  TUN_FLAG_KEY,
  TUN_FLAG_OAM,
  VLAN_PRESENT,
  W_ACTSET_OUTPUT,
  W_CONJ_ID,
  W_DP_HASH,
  W_ETH0,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_METADATA_HI,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_REG0,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ERSPAN,
  W_TUN_GBP,
  W_TUN_GTPU,
  W_TUN_ID_HI,
  W_TUN_IPV6_DST,
  W_TUN_IPV6_SRC,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
  W_VLAN1,
} from "../flow/flow-key.ts";
import { macToText } from "../wire/addresses.ts";
import { formatFrag, formatIpv4, formatIpv6, formatTcpFlags } from "./field-text.ts";
import { PROTOCOLS } from "./match-text.ts";
import { type PortNames, portToText } from "./port-name.ts";
import { alternateHex, bigOf, hex } from "./syntax.ts";

/** Value and mask in the words of ../flow/flow-key.ts, FLOW_WORDS of each; no bit of the value is outside the mask. */
export interface WordsMatch {
  readonly value: Int32Array;
  readonly mask: Int32Array;
}

const u16At = (word: number, high: boolean): number => (high ? word >>> 16 : word & 0xffff);

/** A match as ovs-ofctl prints it; "" matches everything. */
export function formatMatch(match: WordsMatch, ports: PortNames = portToText): string {
  const { value: v, mask: m } = match;
  const out: string[] = [];
  const word = (name: string, w: number): void => {
    if (m[w] === 0) return;
    out.push(`${name}=${alternateHex(v[w] >>> 0)}${m[w] === -1 ? "" : `/${alternateHex(m[w] >>> 0)}`}`);
  };
  const long = (name: string, high: number): void => {
    const mask = bigOf([0, 0, m[high], m[high + 1]]);
    if (mask === 0n) return;
    const value = alternateHex(bigOf([0, 0, v[high], v[high + 1]]));
    out.push(`${name}=${value}${mask === 0xffffffffffffffffn ? "" : `/${alternateHex(mask)}`}`);
  };
  const address = (name: string, w: number): void => {
    if (m[w] !== 0) out.push(`${name}=${formatIpv4(v[w], m[w])}`);
  };
  const address6 = (name: string, w: number): void => {
    const mask = m.subarray(w, w + 4);
    if (mask.some((bits) => bits !== 0)) out.push(`${name}=${formatIpv6(v.subarray(w, w + 4), mask)}`);
  };
  const half = (name: string, w: number, high: boolean): void => {
    const mask = u16At(m[w], high);
    if (mask === 0) return;
    const value = u16At(v[w], high);
    out.push(`${name}=${mask === 0xffff ? value : `${hex(value)}/${hex(mask)}`}`);
  };
  const bits = (name: string, w: number, shift: number, width: number, base: 10 | 16 = 10): void => {
    const all = (1 << width) - 1;
    const mask = (m[w] >>> shift) & all;
    if (mask === 0) return;
    const value = (v[w] >>> shift) & all;
    const text = base === 10 ? String(value) : alternateHex(value);
    out.push(`${name}=${mask === all ? text : `${alternateHex(value)}/${alternateHex(mask)}`}`);
  };
  const mac = (name: string, high: number, low: number, maskHigh: number, maskLow: number): void => {
    if (maskHigh === 0 && (maskLow & 0xffff) === 0) return;
    const full = maskHigh === -1 && (maskLow & 0xffff) === 0xffff;
    out.push(`${name}=${macToText(high, low & 0xffff)}${full ? "" : `/${macToText(maskHigh, maskLow & 0xffff)}`}`);
  };
  /** The first or the second MAC address of the three words at `w`. */
  const macAt = (name: string, w: number, second: boolean): void => {
    if (!second) mac(name, v[w], v[w + 1] >>> 16, m[w], m[w + 1] >>> 16);
    else mac(name, (v[w + 1] << 16) | (v[w + 2] >>> 16), v[w + 2], (m[w + 1] << 16) | (m[w + 2] >>> 16), m[w + 2]);
  };

  const packetType = v[W_PACKET_TYPE] >>> 0;
  const typeMatched = m[W_TYPE] >>> 16 !== 0;
  const protoMatched = (m[W_TYPE] & 0xff) !== 0;
  const proto = v[W_TYPE] & 0xff;
  const dlType = packetType >>> 16 === 1 ? packetType & 0xffff : v[W_TYPE] >>> 16;
  word("pkt_mark", W_PKT_MARK);
  word("recirc_id", W_RECIRC);
  word("dp_hash", W_DP_HASH);
  if (m[W_CONJ_ID] !== 0) out.push(`conj_id=${v[W_CONJ_ID] >>> 0}`);
  if (m[W_SKB_PRIORITY] !== 0) out.push(`skb_priority=${alternateHex(v[W_SKB_PRIORITY] >>> 0)}`);
  if (m[W_ACTSET_OUTPUT] !== 0) out.push(`actset_output=${ports(v[W_ACTSET_OUTPUT] & 0xffff)}`);
  let skipProto = false;
  let skipType = false;
  if (m[W_PACKET_TYPE] !== 0 && packetType !== 0) {
    const type = packetType & 0xffff;
    out.push(`packet_type=(${packetType >>> 16},${type < 10 ? type : alternateHex(type)})`);
  } else if (m[W_PACKET_TYPE] !== 0 && m[W_RECIRC] !== 0) {
    out.push("eth"); // of a megaflow, which always says so
  }
  if (typeMatched) {
    const keyword = protocolKeyword(dlType, protoMatched ? proto : -1);
    if (keyword !== undefined) {
      out.push(keyword.name);
      skipType = true;
      skipProto = keyword.proto;
    }
  }
  for (let i = 0; i < 16; i++) word(`reg${i}`, W_REG0 + i);
  long("tun_id", W_TUN_ID_HI);
  address("tun_src", W_TUN_SRC);
  address("tun_dst", W_TUN_DST);
  address6("tun_ipv6_src", W_TUN_IPV6_SRC);
  address6("tun_ipv6_dst", W_TUN_IPV6_DST);
  half("tun_gbp_id", W_TUN_GBP, true);
  if ((m[W_TUN_GBP] & 0xff00) !== 0) out.push(`tun_gbp_flags=${alternateHex((v[W_TUN_GBP] >>> 8) & 0xff)}`);
  if ((m[W_TUN_META] & 0xff000000) !== 0) out.push(`tun_tos=${(v[W_TUN_META] >>> 24).toString(16)}`);
  bits("tun_ttl", W_TUN_META, 16, 8);
  if ((m[W_TUN_ERSPAN] & 0xf0000000) !== 0) out.push(`tun_erspan_ver=${v[W_TUN_ERSPAN] >>> 28}`);
  const erspan = v[W_TUN_ERSPAN] >>> 28; // version 1 has an index, version 2 a direction and a hardware ID
  if (erspan === 1) bits("tun_erspan_idx", W_TUN_ERSPAN, 0, 20, 16);
  if (erspan === 2) bits("tun_erspan_dir", W_TUN_ERSPAN, 27, 1);
  if (erspan === 2) bits("tun_erspan_hwid", W_TUN_ERSPAN, 21, 6, 16);
  if ((m[W_TUN_GTPU] & 0xff00) !== 0) out.push(`gtpu_flags=${alternateHex((v[W_TUN_GTPU] >>> 8) & 0xff)}`);
  if ((m[W_TUN_GTPU] & 0xff) !== 0) out.push(`gtpu_msgtype=${v[W_TUN_GTPU] & 0xff}`);
  const tunnelFlags = m[W_TUN_META] & ALL_TUNNEL_FLAGS;
  if (tunnelFlags !== 0) {
    out.push(`tun_flags=${flagsText(v[W_TUN_META], tunnelFlags, TUNNEL_FLAG_NAMES, ALL_TUNNEL_FLAGS)}`);
  }
  long("metadata", W_METADATA_HI);
  if (m[W_IN_PORT] !== 0) out.push(`in_port=${ports(v[W_IN_PORT] & 0xffff)}`);
  // Of an inner tag nothing is said when the outer one is open.
  if (formatVlan(v[W_VLAN0] & 0xffff, m[W_VLAN0] & 0xffff, "", out)) {
    formatVlan(v[W_VLAN1] & 0xffff, m[W_VLAN1] & 0xffff, "1", out);
  }
  macAt("dl_src", W_ETH0, true);
  macAt("dl_dst", W_ETH0, false);
  if (!skipType && typeMatched) out.push(`dl_type=${hexDigits(v[W_TYPE] >>> 16, 4)}`);
  const arp = dlType === 0x0806 || dlType === 0x8035;
  if (dlType === 0x86dd) {
    address6("ipv6_src", W_IPV6_SRC);
    address6("ipv6_dst", W_IPV6_DST);
    const mask = m[W_IPV6_LABEL] & 0xfffff;
    const label = hexDigits(v[W_IPV6_LABEL] & 0xfffff, 5);
    if (mask !== 0) out.push(`ipv6_label=${label}${mask === 0xfffff ? "" : `/${hexDigits(mask, 5)}`}`);
  } else {
    address(arp ? "arp_spa" : "nw_src", W_NW_SRC);
    address(arp ? "arp_tpa" : "nw_dst", W_NW_DST);
  }
  if (!skipProto && protoMatched) out.push(`${arp ? "arp_op" : "nw_proto"}=${proto}`);
  if (arp) {
    macAt("arp_sha", W_MACS0, false);
    macAt("arp_tha", W_MACS0, true);
  }
  if ((m[W_TOSTTL] & 0xfc000000) !== 0) out.push(`nw_tos=${(v[W_TOSTTL] >>> 24) & 0xfc}`);
  if ((m[W_TOSTTL] & 0x03000000) !== 0) out.push(`nw_ecn=${(v[W_TOSTTL] >>> 24) & 3}`);
  if ((m[W_TOSTTL] & 0x00ff0000) !== 0) out.push(`nw_ttl=${(v[W_TOSTTL] >>> 16) & 0xff}`);
  if ((m[W_MPLS0] & 0xfffff000) !== 0) out.push(`mpls_label=${v[W_MPLS0] >>> 12}`);
  if ((m[W_MPLS0] & 0xe00) !== 0) out.push(`mpls_tc=${(v[W_MPLS0] >>> 9) & 7}`);
  if ((m[W_MPLS0] & 0xff) !== 0) out.push(`mpls_ttl=${v[W_MPLS0] & 0xff}`);
  if ((m[W_MPLS0] & 0x100) !== 0) out.push(`mpls_bos=${(v[W_MPLS0] >>> 8) & 1}`);
  for (const i of [1, 2]) {
    const mask = m[W_MPLS0 + i];
    if (mask === -1) out.push(`mpls_lse${i}=${v[W_MPLS0 + i] >>> 0}`);
    else if (mask !== 0) out.push(`mpls_lse${i}=${hexDigits(v[W_MPLS0 + i], 8)}/${hexDigits(mask, 8)}`);
  }
  const frag = (m[W_TYPE] >>> 8) & 3;
  if (frag !== 0) out.push(`nw_frag=${formatFrag((v[W_TYPE] >>> 8) & frag, frag)}`);
  if ((dlType === 0x0800 && proto === 1) || (dlType === 0x86dd && proto === 58)) {
    half("icmp_type", W_PORTS, true);
    half("icmp_code", W_PORTS, false);
    if (proto === 58) {
      address6("nd_target", W_ND_TARGET);
      macAt("nd_sll", W_MACS0, false);
      macAt("nd_tll", W_MACS0, true);
    }
  } else {
    half("tp_src", W_PORTS, true);
    half("tp_dst", W_PORTS, false);
  }
  const flags = m[W_TOSTTL] & 0xfff;
  if (flags !== 0 && proto === 6 && (dlType === 0x0800 || dlType === 0x86dd)) {
    out.push(`tcp_flags=${formatTcpFlags(v[W_TOSTTL] & flags, flags)}`);
  }
  return out.join(",");
}

/** "tcp6" and the like; `proto`: the name says nw_proto too. nwProto -1: not matched. */
function protocolKeyword(
  dlType: number,
  nwProto: number,
): { readonly name: string; readonly proto: boolean } | undefined {
  const entries = Object.entries(PROTOCOLS);
  const exact = entries.find(([, [type, proto]]) => type === dlType && proto !== 0 && proto === nwProto);
  if (exact !== undefined) return { name: exact[0], proto: true };
  const type = entries.find(([, [t]]) => t === dlType);
  return type === undefined ? undefined : { name: type[0], proto: false };
}

/** "0x00ff": with leading zeros to `digits`. */
const hexDigits = (value: number, digits: number): string => `0x${(value >>> 0).toString(16).padStart(digits, "0")}`;

/** Returns true when it said something. */
function formatVlan(tci: number, mask: number, suffix: string, out: string[]): boolean {
  if (mask === 0) return false;
  const vid = mask & 0xfff;
  const pcp = mask & 0xe000;
  const tagged = (mask & VLAN_PRESENT) !== 0 && (tci & VLAN_PRESENT) !== 0;
  if (tagged && (vid === 0 || vid === 0xfff) && (pcp === 0 || pcp === 0xe000) && (vid !== 0 || pcp !== 0)) {
    if (vid !== 0) out.push(`dl_vlan${suffix}=${tci & 0xfff}`);
    if (pcp !== 0) out.push(`dl_vlan_pcp${suffix}=${tci >>> 13}`);
  } else {
    out.push(`vlan_tci${suffix}=${hexDigits(tci, 4)}${mask === 0xffff ? "" : `/${hexDigits(mask, 4)}`}`);
  }
  return true;
}

/** Names of tunnel flags, in the order in which Open vSwitch writes them. */
export const TUNNEL_FLAG_NAMES: readonly (readonly [number, string])[] = [
  [TUN_FLAG_OAM, "oam"],
  [TUN_FLAG_DF, "df"],
  [TUN_FLAG_CSUM, "csum"],
  [TUN_FLAG_KEY, "key"],
];
const ALL_TUNNEL_FLAGS = TUN_FLAG_OAM | TUN_FLAG_DF | TUN_FLAG_CSUM | TUN_FLAG_KEY;

/** "+syn-ack" for flags under a partial mask; "syn|ack" for all of them (OVS: format_flags_masked). */
export function flagsText(
  flags: number,
  mask: number,
  names: readonly (readonly [number, string])[],
  all: number,
): string {
  if ((mask & all) === all) {
    const set = names.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
    return set.length === 0 ? "0" : set.join("|");
  }
  return names
    .filter(([bit]) => (mask & bit) !== 0)
    .map(([bit, name]) => ((flags & bit) === 0 ? "-" : "+") + name)
    .join("");
}
