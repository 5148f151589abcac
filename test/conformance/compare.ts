/**
 * Compares megaflows, datapath actions and frames by meaning, not by spelling.
 *
 * A megaflow becomes a map from field name to value and mask, from either of the two ways in which Open vSwitch writes
 * one: OpenFlow's ("tcp,nw_dst=10.0.0.0/8") and the datapath's ("eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,proto=6)").
 * Actions become, for each output, what has been done to the packet by then. BigInt and strings: this is a judge, not a path.
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
const ALIASES: Readonly<Record<string, string>> = {
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
const DATAPATH_FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
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
  "recirc_id packet_type eth vlan_tpid dp_hash skb_priority skb_mark pkt_mark ct_state ct_zone ct_mark ct_label ufid".split(
    " ",
  ),
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
function cut(text: string, mark: string): [string, string] {
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
function inside(token: string): [string, string] {
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

/** The set() and push_vlan() actions that give a packet of `flow` what it has anyway. */
function unchanged(flow: string): Set<string> {
  const fields = new Map<string, string>();
  for (const token of splitOutside(flow)) {
    const [name, value] = cut(token, "=");
    fields.set(ALIASES[name] ?? name, value);
  }
  const same = new Set<string>();
  for (const [header, names] of Object.entries(DATAPATH_FIELDS))
    for (const [name, field] of Object.entries(names))
      if (fields.has(field)) same.add(`${header}.${name}=${fields.get(field)}`);
  same.add(`push_vlan(vid=${fields.get("dl_vlan")},pcp=${fields.get("dl_vlan_pcp")})`);
  return same;
}

/**
 * What datapath actions do to a packet of `flow`: a sorted list with a line for each output: the port, the tags and
 * headers pushed and popped in order, the fields set. So neither the order of a flood, which in Open vSwitch is that
 * of a hash table, nor what is taken off and put back between two outputs matters, nor the numbers of recirculations.
 * What goes to the controller is left out.
 */
export function actions(text: string, flow = ""): string[] {
  const out: string[] = [];
  outputsInto(text, [], unchanged(flow), out);
  return out.sort();
}

const IS_FIELD = /^\w+\./;

function outputsInto(text: string, before: readonly string[], same: ReadonlySet<string>, out: string[]): void {
  let changes = [...before];
  for (const action of splitOutside(text)) {
    const [kind, spaced] = inside(action);
    const body = spaced.replace(/\s/g, "");
    const lastPush = changes.findLastIndex((change) => change.startsWith("push_vlan"));
    if (kind === "clone") outputsInto(body, changes, same, out);
    else if (kind === "set") {
      const [header, text] = inside(body);
      const fields = splitOutside(text).map((field) => `${header}.${field}`);
      const names = header === "tunnel" ? ["tunnel."] : fields.map((field) => `${field.split("=")[0]}=`);
      changes = changes.filter((change) => !names.some((name) => change.startsWith(name)));
      changes.push(...fields.filter((field) => !same.has(field)));
    } else if (kind === "pop_vlan" && lastPush >= 0) changes.splice(lastPush, 1);
    else if (
      kind === "push_vlan" &&
      changes.includes("pop_vlan()") &&
      same.has(action.replace(/tpid=0x[0-9a-f]*,/, ""))
    )
      changes.splice(changes.indexOf("pop_vlan()"), 1);
    else if (/^(push_vlan|pop_vlan|tnl_push|push_mpls|pop_mpls)$/.test(kind)) changes.push(`${kind}(${body})`);
    else if (kind !== "userspace" && kind !== "drop") {
      const headers = changes.filter((change) => !IS_FIELD.test(change));
      const fields = changes.filter((change) => IS_FIELD.test(change)).sort();
      out.push([kind === "recirc" ? kind : action, ...headers, ...fields].join(" "));
    }
  }
}

/**
 * A frame in hex with the UDP source port of an outer VXLAN or Geneve header blanked: it is a hash of the inner packet,
 * Open vSwitch's own.
 */
export function frame(hex: string): string {
  return hex.replace(/^(.{24}080045.{16}11.{20})....(12b5|17c1)/, "$1----$2");
}

export type Frames = Readonly<Record<string, readonly string[]>>;

/** Frames by port in a form that compares: a port without frames is not there, order does not matter. */
export function frames(out: Frames): string {
  const ports = Object.keys(out).filter((port) => out[port]!.length > 0);
  return ports
    .sort()
    .map((port) => `${port}: ${out[port]!.map(frame).sort().join(" ")}`)
    .join("\n");
}

/** What is known of one packet: a result of the oracle, or of the product. */
export interface Result {
  /** The flow as parsed, in OpenFlow syntax. */
  readonly flow?: string;
  readonly megaflow?: string;
  readonly actions?: string;
  /** The same translation with set(tunnel()) in place of tnl_push(). */
  readonly actions_set_tunnel?: string;
  readonly slow?: readonly string[];
  readonly installed?: readonly { readonly match: string; readonly actions: string }[];
  readonly out?: Frames;
  readonly upcall?: boolean;
  readonly hex?: string;
  readonly trace_error?: string;
}

export type Aspect = "out" | "actions" | "megaflow" | "upcall";
export const ASPECTS: readonly Aspect[] = ["out", "actions", "megaflow", "upcall"];
export type Verdict = Relation | "missing";

/** The verdict on each aspect that Open vSwitch's result has. */
export function judge(expected: Result, actual: Result): Partial<Record<Aspect, Verdict>> {
  const verdicts: Partial<Record<Aspect, Verdict>> = {};
  const installed = expected.installed ?? [];
  for (const aspect of ASPECTS)
    if (expected[aspect] !== undefined && actual[aspect] === undefined) verdicts[aspect] = "missing";
  if (expected.out && actual.out) verdicts.out = frames(expected.out) === frames(actual.out) ? "equal" : "different";
  if (expected.actions !== undefined && actual.actions !== undefined) {
    const right = [expected.actions, expected.actions_set_tunnel, ...installed.map((one) => one.actions)];
    const got = actions(actual.actions, expected.flow).join("\n");
    const equal = right.some((text) => text && actions(text, expected.flow).join("\n") === got);
    verdicts.actions = equal ? "equal" : "different";
  }
  if (expected.megaflow !== undefined && actual.megaflow !== undefined) {
    // The datapath's own megaflow also matches on the VLAN ID, which translation may leave open.
    const got = megaflow(actual.megaflow);
    const relations = [expected.megaflow, ...installed.map((one) => one.match)].map((text) =>
      relation(megaflow(text), got),
    );
    verdicts.megaflow = relations.includes("equal") ? "equal" : relations[0]!;
  }
  if (expected.upcall !== undefined && actual.upcall !== undefined)
    verdicts.upcall = expected.upcall === actual.upcall ? "equal" : "different";
  return verdicts;
}
