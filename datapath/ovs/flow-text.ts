/**
 * A flow or a megaflow in OpenFlow syntax, as ofproto/trace prints it: "recirc_id=0,eth,ip,in_port=p1,nw_dst=10.0.0.0/8"
 * (OVS: match_format, lib/match.c). Values are written the way that Open vSwitch writes them; order too.
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
  W_ETH1,
  W_ETH2,
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
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_REG0,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_GBP,
  W_TUN_ID,
  W_TUN_ID_HI,
  W_TUN_IPV6_DST,
  W_TUN_IPV6_SRC,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import { ipv4ToText, ipv6ToText, macToText } from "../wire/addresses.ts";

const TYPE_NAMES: Readonly<Record<number, string>> = {
  2048: "ip",
  34525: "ipv6",
  2054: "arp",
  32821: "rarp",
  34887: "mpls",
  34888: "mplsm",
};
const PROTOCOLS: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 132: "sctp" };
const PROTOCOLS6: Readonly<Record<number, string>> = { 58: "icmp6", 6: "tcp6", 17: "udp6", 132: "sctp6" };

export const TCP_FLAG_NAMES: readonly string[] = "fin syn rst psh ack urg ece cwr ns [200] [400] [800]".split(" ");
export const TUNNEL_FLAG_NAMES: readonly (readonly [number, string])[] = [
  [TUN_FLAG_DF, "df"],
  [TUN_FLAG_CSUM, "csum"],
  [TUN_FLAG_KEY, "key"],
  [TUN_FLAG_OAM, "oam"],
];

/** C's "%#x": no prefix on 0. */
export const hex = (value: number): string => (value === 0 ? "0" : `0x${(value >>> 0).toString(16)}`);

/** 64 bits in hexadecimal with "0x", 0 included, from two words. */
export function hex64(high: number, low: number): string {
  if (high === 0) return `0x${(low >>> 0).toString(16)}`;
  return `0x${(high >>> 0).toString(16)}${(low >>> 0).toString(16).padStart(8, "0")}`;
}

/** "0xff00" with leading zeros to `digits`. */
const padded = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`;

/** Leading ones of an IPv4 mask, or -1 if it is no prefix. */
function prefixLength(mask: number): number {
  const bits = Math.clz32(~mask);
  return mask === (bits === 0 ? 0 : -1 << (32 - bits)) ? bits : -1;
}

/** "10.0.0.0/8", "10.0.0.1", "10.0.0.1/255.0.0.255". */
export function ipv4Text(value: number, mask: number): string {
  if (mask === -1) return ipv4ToText(value);
  const bits = prefixLength(mask);
  return `${ipv4ToText(value)}/${bits >= 0 ? bits : ipv4ToText(mask)}`;
}

function ipv6PrefixLength(words: Int32Array, at: number): number {
  let bits = 0;
  for (let i = 0; i < 4; i++) {
    const length = prefixLength(words[at + i]);
    if (length < 0 || (length > 0 && bits < 32 * i)) return -1;
    bits += length;
  }
  return bits;
}

/** An IPv6 address with its mask at word `at`. */
export function ipv6Text(flow: Int32Array, mask: Int32Array, at: number): string {
  const bits = ipv6PrefixLength(mask, at);
  const value = Int32Array.from({ length: 4 }, (_, i) => flow[at + i] & mask[at + i]);
  if (bits === 128) return ipv6ToText(value);
  return `${ipv6ToText(value)}/${bits >= 0 ? bits : ipv6ToText(mask, at)}`;
}

const anyWord = (words: Int32Array, at: number, count: number): boolean => {
  for (let i = 0; i < count; i++) if (words[at + i] !== 0) return true;
  return false;
};

/** First MAC address at `at` (4 + 2 bytes) or the second (2 + 4), of the three words there. */
export function macAt(words: Int32Array, at: number, second: boolean): readonly [number, number] {
  if (!second) return [words[at], words[at + 1] >>> 16];
  return [(words[at + 1] << 16) | (words[at + 2] >>> 16), words[at + 2] & 0xffff];
}

function macMasked(flow: Int32Array, mask: Int32Array, at: number, second: boolean): string | undefined {
  const [maskHigh, maskLow] = macAt(mask, at, second);
  if (maskHigh === 0 && maskLow === 0) return undefined;
  const [high, low] = macAt(flow, at, second);
  const value = macToText(high & maskHigh, low & maskLow);
  return maskHigh === -1 && maskLow === 0xffff ? value : `${value}/${macToText(maskHigh, maskLow)}`;
}

/** "+syn-ack" for flags under a partial mask; "syn|ack" for all of them. */
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

export const TCP_FLAGS: readonly (readonly [number, string])[] = TCP_FLAG_NAMES.map((name, i) => [1 << i, name]);

/**
 * The match of `packet` under `mask` (both FLOW_WORDS or KEY_WORDS long). `portName` names the in_port of the flow.
 */
export function formatMatch(packet: Int32Array, mask: Int32Array, portName: (port: number) => string): string {
  const flow = packet.map((word, w) => word & mask[w]);
  const out: string[] = [];
  const add = (name: string, value: string): void => {
    out.push(`${name}=${value}`);
  };
  /** A 32-bit field in hexadecimal. */
  const addHex = (name: string, word: number): void => {
    if (!mask[word]) return;
    const value = flow[word] & mask[word];
    add(name, mask[word] === -1 ? hex(value) : `${hex(value)}/${hex(mask[word])}`);
  };
  const addHex64 = (name: string, high: number, low: number): void => {
    if (!mask[high] && !mask[low]) return;
    const value = hex64(flow[high] & mask[high], flow[low] & mask[low]);
    add(name, mask[high] === -1 && mask[low] === -1 ? value : `${value}/${hex64(mask[high], mask[low])}`);
  };
  /** A 16-bit field in decimal, in hexadecimal under a mask. */
  const add16 = (name: string, word: number, shift: number): void => {
    const bits = (mask[word] >>> shift) & 0xffff;
    if (bits === 0) return;
    const value = (flow[word] >>> shift) & bits;
    add(name, bits === 0xffff ? String(value) : `0x${value.toString(16)}/0x${bits.toString(16)}`);
  };
  const addMac = (name: string, at: number, second: boolean): void => {
    const text = macMasked(flow, mask, at, second);
    if (text !== undefined) add(name, text);
  };
  const addIpv4 = (name: string, word: number): void => {
    if (mask[word]) add(name, ipv4Text(flow[word] & mask[word], mask[word]));
  };
  const addIpv6 = (name: string, word: number): void => {
    if (anyWord(mask, word, 4)) add(name, ipv6Text(flow, mask, word));
  };

  addHex("pkt_mark", W_PKT_MARK);
  addHex("recirc_id", W_RECIRC);
  addHex("dp_hash", W_DP_HASH);
  if (mask[W_CONJ_ID]) add("conj_id", String(flow[W_CONJ_ID] >>> 0));
  if (mask[W_SKB_PRIORITY]) add("skb_priority", hex(flow[W_SKB_PRIORITY]));
  if (mask[W_ACTSET_OUTPUT]) add("actset_output", portName(flow[W_ACTSET_OUTPUT]));

  const type = flow[W_TYPE] >>> 16;
  const typeMask = mask[W_TYPE] >>> 16;
  const protocol = flow[W_TYPE] & 0xff;
  const protocolMask = mask[W_TYPE] & 0xff;
  let typeSaid = false;
  let protocolSaid = false;
  if (mask[W_PACKET_TYPE]) {
    const packetType = flow[W_PACKET_TYPE];
    if (packetType === 0) out.push("eth");
    else add("packet_type", `(${packetType >>> 16},${hex(packetType & 0xffff)})`);
  }
  if (typeMask !== 0) {
    const name = TYPE_NAMES[type];
    const word =
      protocolMask === 0
        ? undefined
        : type === 0x0800
          ? PROTOCOLS[protocol]
          : type === 0x86dd
            ? PROTOCOLS6[protocol]
            : undefined;
    if (name !== undefined) {
      typeSaid = true;
      protocolSaid = word !== undefined;
      out.push(word ?? name);
    }
  }
  for (let i = 0; i < 16; i++) addHex(`reg${i}`, W_REG0 + i);
  addHex64("tun_id", W_TUN_ID_HI, W_TUN_ID);
  addIpv4("tun_src", W_TUN_SRC);
  addIpv4("tun_dst", W_TUN_DST);
  addIpv6("tun_ipv6_src", W_TUN_IPV6_SRC);
  addIpv6("tun_ipv6_dst", W_TUN_IPV6_DST);
  add16("tun_gbp_id", W_TUN_GBP, 16);
  if ((mask[W_TUN_META] & 0xff000000) !== 0) add("tun_tos", (flow[W_TUN_META] >>> 24).toString(16));
  if ((mask[W_TUN_META] & 0x00ff0000) !== 0) add("tun_ttl", String((flow[W_TUN_META] >>> 16) & 0xff));
  const tunnelFlags = mask[W_TUN_META] & 0xffff;
  if (tunnelFlags !== 0) add("tun_flags", flagsText(flow[W_TUN_META] & 0xffff, tunnelFlags, TUNNEL_FLAG_NAMES, 0xf));
  addHex64("metadata", W_METADATA_HI, W_METADATA);
  if (mask[W_IN_PORT]) add("in_port", portName(flow[W_IN_PORT]));

  for (let i = 0; i < 2; i++) {
    const tciMask = mask[W_VLAN0 + i] & 0xffff;
    // Of an inner tag Open vSwitch says nothing when the outer one is open.
    if (tciMask === 0) break;
    const tci = flow[W_VLAN0 + i] & 0xffff;
    const suffix = i === 0 ? "" : "1";
    const vid = tciMask & 0xfff;
    const pcp = tciMask & 0xe000;
    const present = (tciMask & tci & VLAN_PRESENT) !== 0;
    if (present && (vid === 0 || vid === 0xfff) && (pcp === 0 || pcp === 0xe000) && (vid !== 0 || pcp !== 0)) {
      if (vid !== 0) add(`dl_vlan${suffix}`, String(tci & 0xfff));
      if (pcp !== 0) add(`dl_vlan_pcp${suffix}`, String(tci >>> 13));
    } else {
      const value = padded(tci & tciMask, 4);
      add(`vlan_tci${suffix}`, tciMask === 0xffff ? value : `${value}/${padded(tciMask, 4)}`);
    }
  }
  addMac("dl_src", W_ETH0, true);
  addMac("dl_dst", W_ETH0, false);
  if (!typeSaid && typeMask !== 0) add("dl_type", padded(type, 4));

  const isArp = type === 0x0806 || type === 0x8035;
  if (type === 0x86dd) {
    addIpv6("ipv6_src", W_IPV6_SRC);
    addIpv6("ipv6_dst", W_IPV6_DST);
    const label = mask[W_IPV6_LABEL] & 0xfffff;
    if (label !== 0) {
      const value = padded(flow[W_IPV6_LABEL] & label, 5);
      add("ipv6_label", label === 0xfffff ? value : `${value}/${padded(label, 5)}`);
    }
  } else {
    addIpv4(isArp ? "arp_spa" : "nw_src", W_NW_SRC);
    addIpv4(isArp ? "arp_tpa" : "nw_dst", W_NW_DST);
  }
  if (!protocolSaid && protocolMask !== 0) add(isArp ? "arp_op" : "nw_proto", String(protocol));
  if (isArp) {
    addMac("arp_sha", W_MACS0, false);
    addMac("arp_tha", W_MACS0, true);
  }
  const tosMask = mask[W_TOSTTL] >>> 24;
  const tos = flow[W_TOSTTL] >>> 24;
  if ((tosMask & 0xfc) !== 0) add("nw_tos", String(tos & 0xfc));
  if ((tosMask & 3) !== 0) add("nw_ecn", String(tos & 3));
  if ((mask[W_TOSTTL] & 0x00ff0000) !== 0) add("nw_ttl", String((flow[W_TOSTTL] >>> 16) & 0xff));

  const lse = flow[W_MPLS0];
  const lseMask = mask[W_MPLS0];
  if ((lseMask & 0xfffff000) !== 0) add("mpls_label", String(lse >>> 12));
  if ((lseMask & 0xe00) !== 0) add("mpls_tc", String((lse >>> 9) & 7));
  if ((lseMask & 0xff) !== 0) add("mpls_ttl", String(lse & 0xff));
  if ((lseMask & 0x100) !== 0) add("mpls_bos", String((lse >>> 8) & 1));
  addHex("mpls_lse1", W_MPLS0 + 1);
  addHex("mpls_lse2", W_MPLS0 + 2);

  const frag = (flow[W_TYPE] >>> 8) & 3;
  const fragMask = (mask[W_TYPE] >>> 8) & 3;
  if (fragMask === 3) add("nw_frag", frag === 0 ? "no" : frag === 1 ? "first" : frag === 3 ? "later" : "<error>");
  else if (fragMask === 1) add("nw_frag", (frag & 1) !== 0 ? "yes" : "no");
  else if (fragMask === 2) add("nw_frag", (frag & 2) !== 0 ? "later" : "not_later");

  const isIcmp = (type === 0x0800 && protocol === 1) || (type === 0x86dd && protocol === 58);
  add16(isIcmp ? "icmp_type" : "tp_src", W_PORTS, 16);
  add16(isIcmp ? "icmp_code" : "tp_dst", W_PORTS, 0);
  if (type === 0x86dd && protocol === 58) {
    addIpv6("nd_target", W_ND_TARGET);
    addMac("nd_sll", W_MACS0, false);
    addMac("nd_tll", W_MACS0, true);
  }
  const tcpMask = mask[W_TOSTTL] & 0xfff;
  if (tcpMask !== 0 && protocol === 6) add("tcp_flags", flagsText(flow[W_TOSTTL] & 0xfff, tcpMask, TCP_FLAGS, 0xfff));
  return out.join(",");
}

/** The words of a flow that a packet of its kind has, all of their bits (OVS: flow_wildcards_init_for_packet). */
export function packetMask(flow: Int32Array): Int32Array {
  const mask = new Int32Array(flow.length);
  for (const word of [W_PKT_MARK, W_RECIRC, W_DP_HASH, W_SKB_PRIORITY, W_METADATA, W_METADATA_HI]) {
    if (flow[word]) mask[word] = -1;
  }
  for (let i = 0; i < 16; i++) if (flow[W_REG0 + i]) mask[W_REG0 + i] = -1;
  if (flow[W_TUN_DST] !== 0) {
    for (const word of [W_TUN_ID_HI, W_TUN_ID, W_TUN_SRC, W_TUN_DST]) mask[word] = -1;
    mask[W_TUN_META] = 0xffff0007 | 0;
  }
  mask[W_IN_PORT] = -1;
  for (const word of [W_ETH0, W_ETH1, W_ETH2]) mask[word] = -1;
  mask[W_TYPE] = 0xffff0000 | 0;
  for (let i = 0; i < 2; i++) {
    mask[W_VLAN0 + i] = -1;
    if ((flow[W_VLAN0 + i] & VLAN_PRESENT) === 0) break;
  }
  const type = flow[W_TYPE] >>> 16;
  const protocol = flow[W_TYPE] & 0xff;
  if (type === 0x0800 || type === 0x0806 || type === 0x8035) {
    mask[W_NW_SRC] = -1;
    mask[W_NW_DST] = -1;
  } else if (type === 0x86dd) {
    for (let i = 0; i < 8; i++) mask[W_IPV6_SRC + i] = -1;
    mask[W_IPV6_LABEL] = 0xfffff;
  } else if (type === 0x8847 || type === 0x8848) {
    for (let i = 0; i < 3; i++) {
      mask[W_MPLS0 + i] = -1;
      if ((flow[W_MPLS0 + i] & 0x100) !== 0) break;
    }
    return mask;
  } else {
    return mask;
  }
  mask[W_TYPE] |= 0xff;
  if (type === 0x0806 || type === 0x8035) {
    for (let i = 0; i < 3; i++) mask[W_MACS0 + i] = -1;
    return mask;
  }
  mask[W_TYPE] |= 0x300;
  mask[W_TOSTTL] = 0xffff0000 | 0;
  if ((flow[W_TYPE] & 0x200) !== 0) return mask;
  if ([1, 2, 6, 17, 132].includes(protocol) || (type === 0x86dd && protocol === 58)) mask[W_PORTS] = -1;
  if (protocol === 6) mask[W_TOSTTL] |= 0xfff;
  const kind = flow[W_PORTS] >>> 16;
  if (type === 0x86dd && protocol === 58 && (flow[W_PORTS] & 0xffff) === 0 && (kind === 135 || kind === 136)) {
    for (let i = 0; i < 4; i++) mask[W_ND_TARGET + i] = -1;
    for (let i = 0; i < 3; i++) mask[W_MACS0 + i] = -1;
  }
  return mask;
}
