/**
 * A flow as Open vSwitch prints it (`ofproto/trace`, OpenFlow syntax) -> key words: an own small reader, so that the
 * expectation does not come through the product's parser.
 */
import { isIPv6 } from "node:net";
import {
  KEY_WORDS,
  W_ETH0,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PORTS,
  W_TOSTTL,
  W_TYPE,
  W_VLAN0,
  W_VLAN1,
} from "../../datapath/flow/flow-key.ts";

/** Name -> Ethernet type, protocol. */
const PROTOCOLS: Readonly<Record<string, readonly [number, number]>> = {
  ip: [0x0800, 0],
  icmp: [0x0800, 1],
  igmp: [0x0800, 2],
  tcp: [0x0800, 6],
  udp: [0x0800, 17],
  sctp: [0x0800, 132],
  ipv6: [0x86dd, 0],
  tcp6: [0x86dd, 6],
  udp6: [0x86dd, 17],
  sctp6: [0x86dd, 132],
  icmp6: [0x86dd, 58],
  arp: [0x0806, 0],
  rarp: [0x8035, 0],
  mpls: [0x8847, 0],
  mplsm: [0x8848, 0],
};

const TCP_FLAG_BITS: Readonly<Record<string, number>> = {
  fin: 1,
  syn: 2,
  rst: 4,
  psh: 8,
  ack: 16,
  urg: 32,
  ece: 64,
  cwr: 128,
  ns: 256,
  "[200]": 0x200,
  "[400]": 0x400,
  "[800]": 0x800,
};

function ip4(text: string): number {
  return text.split(".").reduce((sum, byte) => (sum << 8) | Number(byte), 0);
}

function ip6(text: string): number[] {
  if (!isIPv6(text)) throw new Error(`not an IPv6 address: ${text}`);
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const v4 = ip4(dotted[1]) >>> 0;
    text = `${text.slice(0, dotted.index)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
  }
  const [head, tail] = text.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...front, ...new Array(tail === undefined ? 0 : 8 - front.length - back.length).fill("0"), ...back];
  const h = groups.map((g) => Number.parseInt(g, 16));
  return [0, 2, 4, 6].map((n) => (h[n] << 16) | h[n + 1]);
}

const mac = (text: string): number[] => text.split(":").map((byte) => Number.parseInt(byte, 16));

/** Twelve bytes of two addresses, over three words. */
function macWords(first: number[], second: number[]): number[] {
  const bytes = [...first, ...second];
  return [0, 4, 8].map((n) => (bytes[n] << 24) | (bytes[n + 1] << 16) | (bytes[n + 2] << 8) | bytes[n + 3]);
}

/** Words of the flow. TPIDs are not in the text: the high halves of the VLAN words are 0. */
export function flowWords(text: string): Int32Array {
  const key = new Int32Array(KEY_WORDS);
  const fields = new Map<string, string>();
  let type = -1;
  let proto = 0;
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    if (equals < 0) {
      const known = PROTOCOLS[part];
      if (known === undefined) throw new Error(`unknown protocol "${part}" in ${text}`);
      [type, proto] = known;
    } else {
      fields.set(part.slice(0, equals), part.slice(equals + 1));
    }
  }
  const number = (name: string): number => {
    const value = fields.get(name);
    fields.delete(name);
    return value === undefined ? 0 : Number(value);
  };
  const string = (name: string, otherwise: string): string => {
    const value = fields.get(name) ?? otherwise;
    fields.delete(name);
    return value;
  };
  const zero = "00:00:00:00:00:00";
  if (type < 0) type = number("dl_type");
  if (fields.has("nw_proto")) proto = number("nw_proto");
  if (fields.has("arp_op")) proto = number("arp_op");
  const frag = { no: 0, first: 1, later: 3, yes: 1 }[string("nw_frag", "no")];
  if (frag === undefined) throw new Error(`nw_frag in ${text}`);
  key.set(macWords(mac(string("dl_dst", zero)), mac(string("dl_src", zero))), W_ETH0);
  key[W_TYPE] = (type << 16) | (frag << 8) | proto;
  for (const [w, suffix] of [
    [W_VLAN0, ""],
    [W_VLAN1, "1"],
  ] as const) {
    const tci = fields.has(`vlan_tci${suffix}`) ? number(`vlan_tci${suffix}`) : -1;
    if (tci > 0) key[w] = tci;
    else if (fields.has(`dl_vlan${suffix}`)) {
      key[w] = 0x1000 | number(`dl_vlan${suffix}`) | (number(`dl_vlan_pcp${suffix}`) << 13);
    }
  }
  key[W_NW_SRC] = ip4(string("nw_src", string("arp_spa", "0.0.0.0")));
  key[W_NW_DST] = ip4(string("nw_dst", string("arp_tpa", "0.0.0.0")));
  const tos = number("nw_tos") | number("nw_ecn");
  const flags = string("tcp_flags", "0");
  const bits = /^\d/.test(flags)
    ? Number(flags)
    : flags.split("|").reduce((sum, flag) => {
        const bit = TCP_FLAG_BITS[flag];
        if (bit === undefined) throw new Error(`TCP flag "${flag}" in ${text}`);
        return sum | bit;
      }, 0);
  key[W_TOSTTL] = (tos << 24) | (number("nw_ttl") << 16) | bits;
  key[W_PORTS] = fields.has("icmp_type")
    ? (number("icmp_type") << 16) | number("icmp_code")
    : (number("tp_src") << 16) | number("tp_dst");
  key.set(ip6(string("ipv6_src", "::")), W_IPV6_SRC);
  key.set(ip6(string("ipv6_dst", "::")), W_IPV6_DST);
  key[W_IPV6_LABEL] = number("ipv6_label");
  key.set(ip6(string("nd_target", "::")), W_ND_TARGET);
  const first = string("arp_sha", string("nd_sll", zero));
  const second = string("arp_tha", string("nd_tll", zero));
  key.set(macWords(mac(first), mac(second)), W_MACS0);
  key[W_MPLS0] =
    (number("mpls_label") << 12) | (number("mpls_tc") << 9) | (number("mpls_bos") << 8) | number("mpls_ttl");
  if (fields.size > 0) throw new Error(`fields not understood: ${[...fields.keys()].join(", ")} in ${text}`);
  return key;
}
