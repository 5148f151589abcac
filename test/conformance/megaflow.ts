/**
 * What a megaflow means, whatever its spelling.
 *
 * A megaflow becomes a map from field name to value and mask, from either of the two ways in which Open vSwitch writes
 * one: OpenFlow's ("tcp,nw_dst=10.0.0.0/8") and the datapath's ("eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,proto=6)").
 * BigInt and strings: this is a judge, not a path.
 */

/** Bits of `value` that `mask` leaves out are 0. A field that is no number has its text and is compared as a whole. */
export interface MatchedField {
  readonly value: bigint;
  readonly mask: bigint;
  readonly text?: string;
}
export type Megaflow = Map<string, MatchedField>;
export type Relation = "equal" | "narrower" | "wider" | "different";

/** Values of dl_type and nw_proto that a bare word of a match stands for. */
const KEYWORDS: Readonly<Record<string, readonly [number, number?]>> = {
  ip: [0x0800],
  icmp: [0x0800, 1],
  tcp: [0x0800, 6],
  udp: [0x0800, 17],
  sctp: [0x0800, 132],
  ipv6: [0x86dd],
  icmp6: [0x86dd, 58],
  tcp6: [0x86dd, 6],
  udp6: [0x86dd, 17],
  sctp6: [0x86dd, 132],
  arp: [0x0806],
  rarp: [0x8035],
  mpls: [0x8847],
  mplsm: [0x8848],
};
const BITS: Readonly<Record<string, number>> = {
  dl_type: 16,
  vlan_tci: 16,
  vlan_tci1: 16,
  nw_proto: 8,
  nw_tos: 8,
  nw_ttl: 8,
  tp_src: 16,
  tp_dst: 16,
  tcp_flags: 12,
  ipv6_label: 20,
  tun_id: 64,
  tun_tos: 8,
  tun_ttl: 8,
  metadata: 64,
  mpls_label: 20,
  mpls_tc: 3,
  mpls_bos: 1,
  mpls_ttl: 8,
};
export const ALIASES: Readonly<Record<string, string>> = {
  icmp_type: "tp_src",
  icmp_code: "tp_dst",
  icmpv6_type: "tp_src",
  icmpv6_code: "tp_dst",
  arp_spa: "nw_src",
  arp_tpa: "nw_dst",
  arp_op: "nw_proto",
  nd_sll: "arp_sha",
  nd_tll: "arp_tha",
  tcp_src: "tp_src",
  tcp_dst: "tp_dst",
  udp_src: "tp_src",
  udp_dst: "tp_dst",
  sctp_src: "tp_src",
  sctp_dst: "tp_dst",
};
const FRAGMENT: Readonly<Record<string, readonly [bigint, bigint]>> = {
  no: [0n, 3n],
  first: [1n, 3n],
  later: [3n, 3n],
  yes: [1n, 1n],
  not_later: [0n, 2n],
};
type FlagNames = Readonly<Record<string, bigint>>;
const TCP_FLAGS: FlagNames = Object.fromEntries(
  "fin syn rst psh ack urg ece cwr ns [200] [400] [800]".split(" ").map((name, bit) => [name, 1n << BigInt(bit)]),
);
const TUNNEL_FLAGS: FlagNames = { df: 1n, csum: 2n, key: 4n, oam: 8n };
const PORT_FIELDS = { src: "tp_src", dst: "tp_dst" };
const ICMP_FIELDS = { type: "tp_src", code: "tp_dst" };
/** Field names of OpenFlow by header and name of the datapath's spelling. */
export const DATAPATH_FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  eth: { src: "dl_src", dst: "dl_dst" },
  arp: { sip: "nw_src", tip: "nw_dst", op: "nw_proto", sha: "arp_sha", tha: "arp_tha" },
  ipv4: { src: "nw_src", dst: "nw_dst", proto: "nw_proto", tos: "nw_tos", ttl: "nw_ttl", frag: "nw_frag" },
  ipv6: {
    src: "ipv6_src",
    dst: "ipv6_dst",
    label: "ipv6_label",
    proto: "nw_proto",
    tclass: "nw_tos",
    hlimit: "nw_ttl",
    frag: "nw_frag",
  },
  icmp: ICMP_FIELDS,
  icmpv6: ICMP_FIELDS,
  nd: { target: "nd_target", sll: "arp_sha", tll: "arp_tha" },
  nd_ext: {},
  tunnel: {
    tun_id: "tun_id",
    src: "tun_src",
    dst: "tun_dst",
    ipv6_src: "tun_ipv6_src",
    ipv6_dst: "tun_ipv6_dst",
    tos: "tun_tos",
    ttl: "tun_ttl",
    tp_src: "tun_tp_src",
    tp_dst: "tun_tp_dst",
    flags: "tun_flags",
  },
  tcp: PORT_FIELDS,
  udp: PORT_FIELDS,
  sctp: PORT_FIELDS,
};
/** In every megaflow, or not expressible in one of the two spellings. */
const NOT_COMPARED = new Set(
  "recirc_id packet_type eth vlan_tpid dp_hash ct_state ct_zone ct_mark ct_label ufid".split(" "),
);

/** Splits at the commas that are outside parentheses. */
export function splitOutside(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === "(") depth++;
    else if (c === ")") depth--;
    else if ((c === "," && depth === 0) || c === undefined) {
      const part = text.slice(start, i).trim();
      if (part) parts.push(part);
      start = i + 1;
    }
  }
  return parts;
}

/** The text before the first `mark` and the text after it; without `mark` all is before. */
export function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}

const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** The integer that a text stands for, and its width where the text tells: a MAC, an IP address, a plain number. */
function numberOf(text: string): [bigint, number | undefined] {
  if (/^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(text)) return [BigInt(`0x${text.replaceAll(":", "")}`), 48];
  if (text.includes(":")) return [ipv6Number(text), 128];
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) return [text.split(".").reduce((n, part) => (n << 8n) | BigInt(part), 0n), 32];
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new Error(`not a number: ${text}`);
  return [BigInt(text), undefined];
}

function ipv6Number(text: string): bigint {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const [, front, a, b, c, d] = dotted ?? [];
  const words = dotted ? `${front}${((+a! << 8) | +b!).toString(16)}:${((+c! << 8) | +d!).toString(16)}` : text;
  const [head, tail] = words.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = tail === undefined ? 0 : 8 - head!.length - tail.length;
  const all = [...head!, ...new Array<string>(Math.max(0, zeros)).fill("0"), ...(tail ?? [])];
  if (all.length !== 8) throw new Error(`not an IPv6 address: ${text}`);
  return all.reduce((n, word) => (n << 16n) | BigInt(`0x${word}`), 0n);
}

/** "value" or "value/mask"; a mask of plain digits after an address is a prefix length. */
function valueMask(text: string, bits?: number): [bigint, bigint] {
  const [valueText, maskText] = cut(text, "/");
  const [value, known] = numberOf(valueText);
  const width = known ?? bits ?? 32;
  let mask = ones(width);
  if (maskText) {
    const prefix = /^\d+$/.test(maskText) && known !== undefined && known !== 48;
    mask = prefix ? mask ^ ones(width - Number(maskText)) : numberOf(maskText)[0];
  }
  return [value & mask, mask];
}

function flagBits(text: string, names: FlagNames): [bigint, bigint] {
  const bit = (name: string): bigint => {
    const found = names[name];
    if (found === undefined) throw new Error(`unknown flag ${name}`);
    return found;
  };
  if (/^[-+]/.test(text)) {
    let value = 0n;
    let mask = 0n;
    for (const [, sign, name] of text.matchAll(/([-+])([^-+]+)/g)) {
      mask |= bit(name!);
      if (sign === "+") value |= bit(name!);
    }
    return [value, mask];
  }
  if (/^(0x)?[0-9a-f]+(\/.*)?$/.test(text)) return valueMask(text, 12);
  const all = Object.values(names).reduce((sum, one) => sum | one, 0n);
  return [
    text
      .split("|")
      .filter(Boolean)
      .reduce((sum, name) => sum | bit(name), 0n),
    all,
  ];
}

function put(fields: Megaflow, name: string, [value, mask]: readonly [bigint, bigint]): void {
  fields.set(name, { value, mask });
}

function add(fields: Megaflow, name: string, [value, mask]: readonly [bigint, bigint]): void {
  const old = fields.get(name);
  put(fields, name, [value | (old?.value ?? 0n), mask | (old?.mask ?? 0n)]);
}

function known<T>(table: Readonly<Record<string, T>>, name: string): T {
  const found = table[name];
  if (found === undefined) throw new Error(`unknown word ${name}`);
  return found;
}

function fromOpenflow(text: string): Megaflow {
  const fields: Megaflow = new Map();
  for (const token of splitOutside(text)) {
    const [name, value] = cut(token, "=");
    if (!token.includes("=")) {
      const words = KEYWORDS[name];
      if (words) add(fields, "dl_type", [BigInt(words[0]), 0xffffn]);
      if (words?.[1] !== undefined) add(fields, "nw_proto", [BigInt(words[1]), 0xffn]);
      continue;
    }
    const vlan = /^(dl_vlan|dl_vlan_pcp|vlan_tci)(1?)$/.exec(name);
    if (vlan) {
      let [tci, mask] = valueMask(value, 16);
      if (vlan[1] === "dl_vlan_pcp") [tci, mask] = [(tci << 13n) | 0x1000n, 0xf000n];
      else if (vlan[1] === "dl_vlan") [tci, mask] = [tci | 0x1000n, 0x1fffn];
      add(fields, `vlan_tci${vlan[2]}`, [tci, mask]);
    } else if (name === "in_port") fields.set(name, { value: 0n, mask: 0n, text: value });
    else if (name === "nw_frag") put(fields, name, known(FRAGMENT, value));
    else if (name === "nw_ecn") add(fields, "nw_tos", [BigInt(value), 3n]);
    else if (name === "nw_tos") add(fields, "nw_tos", [BigInt(value) & 0xfcn, 0xfcn]);
    else if (name === "tcp_flags") put(fields, name, flagBits(value, TCP_FLAGS));
    else if (name === "tun_flags") put(fields, name, flagBits(value, TUNNEL_FLAGS));
    else {
      // Type and code of ICMP are the low bytes of the two 16-bit port fields.
      const field = ALIASES[name] ?? name;
      const [number, mask] = valueMask(value, BITS[field]);
      const bits = name.startsWith("icmp") ? 0xffn : -1n;
      add(fields, field, [number & bits, mask & bits]);
    }
  }
  return fields;
}

/** The text inside the parentheses of a token, as "ipv4(src=...)". */
export function inside(token: string): [string, string] {
  const [kind, body] = cut(token, "(");
  return [kind, body.endsWith(")") ? body.slice(0, -1) : body];
}

function fromDatapath(text: string): Megaflow {
  const fields: Megaflow = new Map();
  put(fields, "dl_type", [0x05ffn, 0xffffn]); // No eth_type() means no Ethernet type, which OpenFlow writes so.
  for (const token of splitOutside(text)) {
    const [kind, body] = inside(token);
    if (kind === "encap") {
      const inner = fromDatapath(body);
      const tag = inner.get("vlan_tci");
      if (tag) {
        inner.delete("vlan_tci");
        inner.set("vlan_tci1", tag);
      }
      fields.delete("dl_type"); // It was the tag's TPID.
      for (const [name, field] of inner) fields.set(name, field);
    } else if (kind === "in_port") fields.set(kind, { value: 0n, mask: 0n, text: body });
    else if (kind === "eth_type") {
      if (!body.startsWith("0/")) put(fields, "dl_type", valueMask(body, 16));
    } else if (kind === "vlan") {
      add(fields, "vlan_tci", [0x1000n, 0x1000n]);
      for (const part of splitOutside(body)) {
        const [name, value] = cut(part, "=");
        const [bits, shift] = name === "pcp" ? [3, 13n] : [12, 0n];
        const [number, mask] = valueMask(value, bits);
        add(fields, "vlan_tci", [number << shift, mask << shift]);
      }
    } else if (kind === "skb_mark" || kind === "skb_priority") {
      put(fields, kind === "skb_mark" ? "pkt_mark" : kind, valueMask(body, 32));
    } else if (kind === "tcp_flags") put(fields, kind, flagBits(body, TCP_FLAGS));
    else if (kind === "mpls") {
      for (const part of splitOutside(body)) {
        const [name, value] = cut(part, "=");
        const field = `mpls_${name}`;
        put(fields, field, valueMask(value, BITS[field]));
      }
    } else if (DATAPATH_FIELDS[kind]) {
      for (const part of splitOutside(body)) {
        const [name, value] = cut(part, "=");
        const field = DATAPATH_FIELDS[kind][name];
        if (name.startsWith("flags(")) put(fields, "tun_flags", flagBits(name.slice(6, -1), TUNNEL_FLAGS));
        else if (field) {
          const bits = kind.startsWith("icmp") ? 8 : (BITS[field] ?? 8);
          put(fields, field, name === "frag" ? known(FRAGMENT, value) : valueMask(value, bits));
        }
      }
    } else if (!NOT_COMPARED.has(kind)) fields.set(kind, { value: 0n, mask: 0n, text: body });
  }
  return fields;
}

/** The fields that a megaflow matches on. What cannot be parsed becomes a field named after the text. */
export function megaflow(text: string): Megaflow {
  let fields: Megaflow;
  try {
    fields = text.includes("in_port(") ? fromDatapath(text) : fromOpenflow(text);
  } catch {
    fields = new Map([[text, { value: 0n, mask: 0n, text }]]);
  }
  for (const [name, field] of fields)
    if (NOT_COMPARED.has(name) || (field.mask === 0n && field.text === undefined)) fields.delete(name);
  return fields;
}

const OPEN: MatchedField = { value: 0n, mask: 0n };

/**
 * How `actual` stands to `expected`: narrower = matches on more than needed, correct but costs upcalls; wider = matches
 * on less, unsafe.
 */
export function relation(expected: Megaflow, actual: Megaflow): Relation {
  let missing = false;
  let extra = false;
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    const a = expected.get(name) ?? OPEN;
    const b = actual.get(name) ?? OPEN;
    if (a.text !== undefined || b.text !== undefined) {
      if (a.text !== b.text) return "different";
      continue;
    }
    if (((a.value ^ b.value) & a.mask & b.mask) !== 0n) return "different";
    missing ||= (a.mask & ~b.mask) !== 0n;
    extra ||= (b.mask & ~a.mask) !== 0n;
  }
  if (missing) return extra ? "different" : "wider";
  return extra ? "narrower" : "equal";
}
