/**
 * The headers of a flow in the datapath's syntax, each read for itself (OVS: parse_odp_key_mask_attr, lib/odp-util.c). Each part is
 * one field of OpenFlow under another name, so that values are read where those of rules are, with their place.
 */
import { TUN_FLAG_KEY, VLAN_PRESENT, W_TOSTTL, W_TUN_META } from "../flow/flow-key.ts";
import { Match } from "../openflow/match.ts";
import { TUNNEL_FLAG_NAMES } from "../openflow/match-format.ts";
import { applyMatchKey } from "../openflow/match-text.ts";
import { keyValues, Span, shown, u8, u16, unsigned } from "../openflow/syntax.ts";
import { TCP_FLAGS } from "./flow-text.ts";

/** Fields of OpenFlow by header and part. */
const PARTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  eth: { src: "dl_src", dst: "dl_dst" },
  ipv4: { src: "nw_src", dst: "nw_dst", proto: "nw_proto", ttl: "nw_ttl", frag: "nw_frag" },
  ipv6: {
    src: "ipv6_src",
    dst: "ipv6_dst",
    label: "ipv6_label",
    proto: "nw_proto",
    hlimit: "nw_ttl",
    frag: "nw_frag",
  },
  tcp: { src: "tcp_src", dst: "tcp_dst" },
  udp: { src: "udp_src", dst: "udp_dst" },
  sctp: { src: "sctp_src", dst: "sctp_dst" },
  icmp: { type: "icmp_type", code: "icmp_code" },
  icmpv6: { type: "icmpv6_type", code: "icmpv6_code" },
  nd: { target: "nd_target", sll: "nd_sll", tll: "nd_tll" },
  arp: { sip: "arp_spa", tip: "arp_tpa", op: "arp_op", sha: "arp_sha", tha: "arp_tha" },
  tunnel: { tun_id: "tun_id", src: "tun_src", dst: "tun_dst", tos: "tun_tos", ttl: "tun_ttl" },
};
/** Keys with one value. */
export const PLAIN: Readonly<Record<string, string>> = {
  skb_priority: "skb_priority",
  skb_mark: "pkt_mark",
  recirc_id: "recirc_id",
  dp_hash: "dp_hash",
};
/** Shift and bits of the parts of a label stack entry (RFC 3032). */
const LABEL_PARTS: Readonly<Record<string, readonly [number, number]>> = {
  label: [12, 20],
  tc: [9, 3],
  bos: [8, 1],
  ttl: [0, 8],
};
const KEYS = ["in_port", "eth_type", "packet_type", "vlan", "encap", "mpls", "tcp_flags"];

/** encap(…) in one another, as many as Open vSwitch takes. */
const MAX_ENCAPS = 32;

/** Headers by name, with what stands in their parentheses; `inner`: of encap(…). */
export interface Headers {
  readonly text: ReadonlyMap<string, Span>;
  readonly inner: Headers | undefined;
}

/** Parentheses that do not close would end the flow before its end. */
export function closed(span: Span): void {
  let level = 0;
  for (let n = 0; n < span.text.length; n++) {
    if (span.text[n] === "(") level++;
    else if (span.text[n] === ")" && --level < 0) span.slice(n).fail("a ) too many", "as many ( as )");
  }
  if (level > 0) span.slice(span.text.length).fail(`${level} ( without )`, "as many ( as )");
}

/** All headers, each of which is read once to say what is wrong in it, also where it does not go with the others. */
export function collect(span: Span, depth = 0): Headers {
  const text = new Map<string, Span>();
  let inner: Headers | undefined;
  for (const { key, value, delimiter } of keyValues(span)) {
    const name = key.text;
    if (delimiter !== "(") key.fail(`${shown(name)} without a value`, "KEY(VALUE)");
    if (text.has(name)) key.fail(`${name} is already set`, "each header once");
    text.set(name, value);
    const scratch = new Match();
    if (Object.hasOwn(PLAIN, name)) setField(scratch, PLAIN[name], value);
    else if (Object.hasOwn(PARTS, name) || name === "tcp_flags") readHeader(scratch, name, value);
    else if (name === "eth_type") readType(value);
    else if (name === "packet_type") readPacketType(value);
    else if (name === "vlan") readTag(value);
    else if (name === "mpls") readLabels(value);
    else if (name === "encap")
      inner =
        depth < MAX_ENCAPS ? collect(value, depth + 1) : key.fail("too many encap in encap", `${MAX_ENCAPS} at most`);
    else if (name !== "in_port" && (!/^ct_\w+$/.test(name) || !/^0(x0)?(\/.*)?$/.test(value.text))) {
      const known = [...Object.keys(PLAIN), ...KEYS, ...Object.keys(PARTS)].sort().join(", ");
      key.fail(`${shown(`${name}(${value.text})`)} is not known`, `one of ${known}`);
    }
  }
  return { text, inner };
}

export function setField(match: Match, name: string, value: Span): void {
  const pair = { key: new Span(name, value.at, value.file, value.line), value: unmasked(value), delimiter: "=" };
  applyMatchKey(match, pair, { ports: undefined, internal: true, exact: true });
}

export function readHeader(match: Match, name: string, text: Span): void {
  const { value: words } = match;
  if (name === "tcp_flags") {
    words[W_TOSTTL] |= flags(text, TCP_FLAGS, 12);
    return;
  }
  const parts = keyValues(text);
  for (const { key, value } of parts) {
    const field = Object.hasOwn(PARTS[name], key.text) ? PARTS[name][key.text] : undefined;
    if (field !== undefined) setField(match, field, value);
    else if (key.text === (name === "ipv4" ? "tos" : "tclass") && name.startsWith("ipv"))
      words[W_TOSTTL] |= u8(unmasked(value), key.text) << 24;
    else if (name === "tunnel" && key.text === "flags") words[W_TUN_META] |= flags(value, TUNNEL_FLAG_NAMES, 16);
    else if (name === "tunnel" && (key.text === "tp_src" || key.text === "tp_dst")) u16(unmasked(value), key.text);
    else if (name !== "tunnel" || value.text !== "")
      key.fail(`${shown(key.text)} in ${name}(…)`, Object.keys(PARTS[name]).join(", "));
    if (name === "arp" && key.text === "op") u8(unmasked(value), "op");
  }
  if (name !== "tunnel") return;
  const has = (part: string): boolean => parts.some(({ key }) => key.text === part);
  if (!has("ttl")) text.fail("a tunnel without ttl", "ttl=NUMBER");
  // There is a key where one is said, whatever the flags are.
  words[W_TUN_META] = has("tun_id") ? words[W_TUN_META] | TUN_FLAG_KEY : words[W_TUN_META] & ~TUN_FLAG_KEY;
}

export function readType(value: Span): number {
  const type = u16(unmasked(value), "eth_type");
  return type < 0x600 ? value.fail(`eth_type(${value.text})`, "a type from 0x600 on") : type;
}

/** Namespace << 16 | type. */
export function readPacketType(text: Span): number {
  let type = 0;
  for (const { key, value } of keyValues(text)) {
    if (key.text !== "ns" && key.text !== "id") key.fail(`${shown(key.text)} in packet_type(…)`, "ns, id");
    const number = u16(unmasked(value), key.text);
    type |= key.text === "id" ? number : number << 16;
  }
  return type;
}

/** The TCI, with VLAN_PRESENT; 0 for what is all 0, cfi too. */
export function readTag(text: Span): number {
  let vid = 0;
  let pcp = 0;
  let present = VLAN_PRESENT;
  for (const { key, value } of keyValues(text)) {
    const number = u16(unmasked(value), key.text);
    if (key.text === "vid" && number < 4096) vid = number;
    else if (key.text === "pcp" && number < 8) pcp = number;
    else if (key.text === "cfi" && number < 2) present = number * VLAN_PRESENT;
    else key.fail(`${key.text}=${value.text} of a tag`, "vid=0 to 4095, pcp=0 to 7, cfi=0 or 1");
  }
  if (present === 0 && (vid | pcp) !== 0) text.fail("cfi=0 of a tag that is not all 0", "cfi=1");
  return present | (pcp << 13) | vid;
}

export function readLabels(text: Span): number[] {
  const entries = [0, 0, 0];
  let at = 0;
  let seen = new Set<string>();
  for (const { key, value } of keyValues(text)) {
    if (!Object.hasOwn(LABEL_PARTS, key.text)) key.fail(`${shown(key.text)} in mpls(…)`, "label, tc, ttl, bos");
    if (seen.has(key.text)) {
      seen = new Set();
      if (++at > 2) key.fail("a fourth label", "at most three");
    }
    seen.add(key.text);
    const [shift, bits] = LABEL_PARTS[key.text];
    entries[at] |= Number(unsigned(unmasked(value), bits, key.text)) << shift;
  }
  return entries;
}

/** A value without its mask. */
function unmasked(value: Span): Span {
  const at = value.text.indexOf("/");
  return at < 0 ? value : value.slice(0, at);
}

/** Flags by number, as names with | between them, or with + for one that is set and - for one that is not. */
function flags(value: Span, names: readonly (readonly [number, string])[], bits: number): number {
  const text = unmasked(value);
  if (/^\d/.test(text.text)) return bits === 12 ? u16(text, "flags") & 0xfff : u16(text, "flags");
  let set = 0;
  for (const [, sign, name] of text.text.matchAll(/([+-]?)([^|+-]+)/g)) {
    const flag = names.find(([, known]) => known === name);
    if (flag === undefined) return text.fail(`flag ${shown(name)}`, names.map(([, known]) => known).join(", "));
    if (sign !== "-") set |= flag[0];
  }
  return set;
}
