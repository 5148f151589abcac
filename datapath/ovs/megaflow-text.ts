/**
 * A megaflow in the spelling of `ovs-appctl dpctl/dump-flows --names` (OVS: odp_flow_format, lib/odp-util.c):
 * "recirc_id(0),in_port(p1),packet_type(ns=0,id=0),eth(dst=…),eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,frag=no)".
 * `more` is its -m: fields that are not matched are written too, with the value of the packet that made the flow and mask 0.
 */

import type { MegaflowView } from "../datapath.ts";
import {
  TUN_FLAG_KEY,
  VLAN_PRESENT,
  W_DP_HASH,
  W_ETH0,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_ID_HI,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import { ipv6Text } from "../openflow/field-text.ts";
import { flagsText, TUNNEL_FLAG_NAMES } from "../openflow/match-format.ts";
import { ipv4ToText, macToText } from "../wire/addresses.ts";
import { formatActions, type PortName } from "./actions-text.ts";
import { hex, hex64, macAt, TCP_FLAGS } from "./flow-text.ts";

const FRAGMENTS = ["no", "first", "<error>", "later"];

/** Writes the parts of one header: those that are matched, or all of them. */
class Header {
  private readonly parts: string[] = [];
  private readonly key: Int32Array;
  private readonly mask: Int32Array;
  private readonly more: boolean;

  constructor(key: Int32Array, mask: Int32Array, more: boolean) {
    this.key = key;
    this.mask = mask;
    this.more = more;
  }

  private add(name: string, value: string, own: boolean, whole: boolean, mask: string): this {
    if (own || this.more) this.parts.push(`${name}=${value}${whole ? "" : `/${mask}`}`);
    return this;
  }

  /** `base` 10 or 16; a mask is always in hexadecimal. */
  number(name: string, word: number, shift: number, bits: number, base: 10 | 16): this {
    const own = (this.mask[word] >>> shift) & bits;
    const value = (this.key[word] >>> shift) & bits;
    return this.add(name, base === 16 ? hex(value) : String(value), own !== 0, own === bits, hex(own));
  }

  ipv4(name: string, word: number): this {
    const own = this.mask[word];
    return this.add(name, ipv4ToText(this.key[word]), own !== 0, own === -1, ipv4ToText(own));
  }

  ipv6(name: string, word: number): this {
    const own = this.mask.subarray(word, word + 4);
    const none = own.every((bits) => bits === 0);
    return this.add(
      name,
      ipv6Text(this.key.subarray(word, word + 4)),
      !none,
      own.every((bits) => bits === -1),
      ipv6Text(this.mask.subarray(word, word + 4)),
    );
  }

  mac(name: string, at: number, second: boolean): this {
    const [high, low] = macAt(this.mask, at, second);
    const value = macToText(...macAt(this.key, at, second));
    return this.add(name, value, high !== 0 || low !== 0, high === -1 && low === 0xffff, macToText(high, low));
  }

  text(part: string): this {
    this.parts.push(part);
    return this;
  }

  /** "name(parts)", or nothing when no part was written. */
  in(name: string): string[] {
    return this.parts.length === 0 ? [] : [`${name}(${this.parts.join(",")})`];
  }
}

/** The match of a megaflow; `key` and `mask` have KEY_WORDS words, `portName` names datapath ports. */
export function formatMegaflow(key: Int32Array, mask: Int32Array, portName: PortName, more = false): string {
  const out: string[] = [];
  const header = (): Header => new Header(key, mask, more);
  /** "name(value/mask)", left out where it is not matched unless all is shown. */
  const metadata = (name: string, word: number): void => {
    if (mask[word] === 0 && !more) return;
    out.push(`${name}(${hex(key[word] & (more ? -1 : mask[word]))}${mask[word] === -1 ? "" : `/${hex(mask[word])}`})`);
  };
  metadata("skb_priority", W_SKB_PRIORITY);
  if (key[W_TUN_DST] !== 0) {
    const hasOptions = portName(key[W_IN_PORT]).startsWith("genev_sys"); // none of them are known
    out.push(...tunnelText(key, mask, header(), hasOptions));
  }
  metadata("skb_mark", W_PKT_MARK);
  // Connection tracking is not done; Open vSwitch shows its fields all the same.
  if (more) out.push("ct_state(0/0)", "ct_zone(0/0)", "ct_mark(0/0)", "ct_label(0/0)");
  out.push(`recirc_id(${hex(key[W_RECIRC])})`);
  metadata("dp_hash", W_DP_HASH);
  out.push(`in_port(${portName(key[W_IN_PORT])})`, "packet_type(ns=0,id=0)");
  out.push(...header().mac("src", W_ETH0, true).mac("dst", W_ETH0, false).in("eth"));
  out.push(...afterEthernet(key, mask, more, 0));
  return out.join(",");
}

function tunnelText(key: Int32Array, mask: Int32Array, header: Header, hasOptions: boolean): string[] {
  // That there is no key shows by tun_id not being there.
  const keyless = (key[W_TUN_META] & TUN_FLAG_KEY) === 0;
  const flags = mask[W_TUN_META] & 0xffff & (keyless ? ~TUN_FLAG_KEY : -1);
  if (mask[W_TUN_ID] !== 0 && !keyless) header.text(`tun_id=${hex64(key[W_TUN_ID_HI], key[W_TUN_ID])}`);
  header.ipv4("src", W_TUN_SRC).ipv4("dst", W_TUN_DST);
  if (key[W_TUN_META] >>> 24 !== 0) header.number("tos", W_TUN_META, 24, 0xff, 16);
  header.number("ttl", W_TUN_META, 16, 0xff, 10);
  if (hasOptions) header.text("geneve()");
  if (flags !== 0) header.text(`flags(${flagsText(key[W_TUN_META] & 0xffff, flags, TUNNEL_FLAG_NAMES, 0xf)})`);
  return header.in("tunnel");
}

/** VLAN tags, each around what follows, then the network layer. */
function afterEthernet(key: Int32Array, mask: Int32Array, more: boolean, tag: number): string[] {
  const word = W_VLAN0 + tag;
  if (tag < 2 && (key[word] & VLAN_PRESENT) !== 0) {
    // Of a tag, a part that is not 0 is shown even if it is not matched (format_vlan_tci).
    const part = (name: string, shift: number, bits: number): string[] => {
      const own = (mask[word] >>> shift) & bits;
      const value = (key[word] >>> shift) & bits;
      return more || own !== 0 || value !== 0
        ? [`${name}=${value}${own === bits ? "" : `/0x${own.toString(16)}`}`]
        : [];
    };
    const open = (mask[word] & 0xffff) === 0 && !more;
    const tags = open ? "" : `vlan(${[...part("vid", 0, 0xfff), ...part("pcp", 13, 7)].join(",")}),`;
    const inner = afterEthernet(key, mask, more, tag + 1).join(",");
    return [`eth_type(0x${(key[word] >>> 16).toString(16).padStart(4, "0")})`, `${tags}encap(${inner})`];
  }
  const type = key[W_TYPE] >>> 16;
  const out =
    type === 0x05ff
      ? more || tag === 0
        ? ["eth_type(0/0xffff)"]
        : []
      : [`eth_type(0x${type.toString(16).padStart(4, "0")})`];
  const header = (): Header => new Header(key, mask, more);
  const fragments = (mask[W_TYPE] & 0x300) !== 0;
  const fragment = `frag=${FRAGMENTS[(key[W_TYPE] >>> 8) & 3]}`;
  switch (type) {
    case 0x0800: {
      const ip = header().ipv4("src", W_NW_SRC).ipv4("dst", W_NW_DST).number("proto", W_TYPE, 0, 0xff, 10);
      ip.number("tos", W_TOSTTL, 24, 0xff, 16).number("ttl", W_TOSTTL, 16, 0xff, 10);
      out.push(...(fragments ? ip.text(fragment) : ip).in("ipv4"));
      break;
    }
    case 0x86dd: {
      const ip = header().ipv6("src", W_IPV6_SRC).ipv6("dst", W_IPV6_DST).number("label", W_IPV6_LABEL, 0, 0xfffff, 16);
      ip.number("proto", W_TYPE, 0, 0xff, 10);
      ip.number("tclass", W_TOSTTL, 24, 0xff, 16).number("hlimit", W_TOSTTL, 16, 0xff, 10);
      out.push(...(fragments ? ip.text(fragment) : ip).in("ipv6"));
      break;
    }
    case 0x0806:
    case 0x8035: {
      const arp = header().ipv4("sip", W_NW_SRC).ipv4("tip", W_NW_DST).number("op", W_TYPE, 0, 0xff, 10);
      return [...out, ...arp.mac("sha", W_MACS0, false).mac("tha", W_MACS0, true).in("arp")];
    }
    case 0x8847:
    case 0x8848:
      return [...out, ...mplsText(key, mask, more)];
    default:
      return out;
  }
  if ((key[W_TYPE] & 0x200) !== 0) return out;
  return [...out, ...transportText(key, mask, more, type)];
}

/** The labels one after the other (format_mpls); what is not matched is written as well, with the mask 0. */
function mplsText(key: Int32Array, mask: Int32Array, more: boolean): string[] {
  let count = 1;
  while (count < 3 && (key[W_MPLS0 + count - 1] & 0x100) === 0) count++;
  const masks = mask.subarray(W_MPLS0, W_MPLS0 + count);
  if (!more && masks.every((bits) => bits === 0)) return [];
  const exact = masks.every((bits) => bits === -1);
  const parts: string[] = [];
  masks.forEach((bits, i) => {
    const part = (name: string, shift: number, all: number, prefix: string): void => {
      const own = `/${prefix}${((bits >>> shift) & all).toString(16)}`;
      parts.push(`${name}=${(key[W_MPLS0 + i] >>> shift) & all}${exact ? "" : own}`);
    };
    part("label", 12, 0xfffff, "0x");
    part("tc", 9, 7, "");
    part("ttl", 0, 0xff, "0x");
    part("bos", 8, 1, "");
  });
  return [`mpls(${parts.join(",")})`];
}

function transportText(key: Int32Array, mask: Int32Array, more: boolean, type: number): string[] {
  const header = (): Header => new Header(key, mask, more);
  const ports = (name: string): string[] =>
    header().number("src", W_PORTS, 16, 0xffff, 10).number("dst", W_PORTS, 0, 0xffff, 10).in(name);
  const icmp = (name: string): string[] =>
    header().number("type", W_PORTS, 16, 0xff, 10).number("code", W_PORTS, 0, 0xff, 10).in(name);
  switch (key[W_TYPE] & 0xff) {
    case 6: {
      const own = mask[W_TOSTTL] & 0xfff;
      const flags = key[W_TOSTTL] & 0xfff;
      const text = own !== 0 ? flagsText(flags, own, TCP_FLAGS, 0xfff) : `${hex(flags)}/0`;
      return [...ports("tcp"), ...(own !== 0 || more ? [`tcp_flags(${text})`] : [])];
    }
    case 17:
      return ports("udp");
    case 132:
      return ports("sctp");
    case 1:
      return type === 0x0800 ? icmp("icmp") : [];
    case 58: {
      if (type !== 0x86dd) return [];
      const kind = key[W_PORTS] >>> 16;
      if ((key[W_PORTS] & 0xffff) !== 0 || (kind !== 135 && kind !== 136)) return icmp("icmpv6");
      const nd = header().ipv6("target", W_ND_TARGET).mac("sll", W_MACS0, false).mac("tll", W_MACS0, true);
      // They are shown only with a whole type and code (odp_flow_key_from_flow__).
      return (mask[W_PORTS] & 0x00ff00ff) === 0x00ff00ff || more ? [...icmp("icmpv6"), ...nd.in("nd")] : icmp("icmpv6");
    }
    default:
      return [];
  }
}

/** One line of `dpctl/dump-flows` for a megaflow; `now` is the virtual time in ns. */
export function formatMegaflowLine(flow: MegaflowView, now: number, portName: PortName, more = false): string {
  const used = flow.used === undefined ? "never" : `${((now - flow.used) / 1e9).toFixed(3)}s`;
  const match = formatMegaflow(flow.key, flow.mask, portName, more);
  return `${match}, packets:${flow.packets}, bytes:${flow.bytes}, used:${used}, actions:${formatActions(flow.actions, portName)}`;
}
