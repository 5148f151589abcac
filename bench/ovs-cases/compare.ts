/**
 * When two megaflows, two lists of datapath actions, two sets of frames mean the same. Megaflows may be written in either
 * of Open vSwitch's two ways, OpenFlow's ("tcp,nw_dst=10.0.0.0/8") and the datapath's
 * ("eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,proto=6)"); both become a map from field to value and mask. Actions become
 * the list of outputs with what the packet is by then, so neither the order of a flood (a hash table's in Open vSwitch) nor
 * tags taken off and put back count.
 */
import type { CaseResult, ExpectedResult } from "./case.ts";

/** A value and a mask; `undefined` mask: a text to be equal as a whole. */
export interface FieldMatch {
  readonly value: bigint | string;
  readonly mask: bigint | undefined;
}
export type Fields = Map<string, FieldMatch>;

const KEYWORDS: Readonly<Record<string, readonly number[]>> = {
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
const WIDTHS: Readonly<Record<string, number>> = {
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
  metadata: 64,
};
const ALIASES: Record<string, string> = {
  icmp_type: "tp_src",
  icmp_code: "tp_dst",
  icmpv6_type: "tp_src",
  icmpv6_code: "tp_dst",
  arp_spa: "nw_src",
  arp_tpa: "nw_dst",
  arp_op: "nw_proto",
  nd_sll: "arp_sha",
  nd_tll: "arp_tha",
};
for (const protocol of ["tcp", "udp", "sctp"]) {
  for (const end of ["src", "dst"]) ALIASES[`${protocol}_${end}`] = `tp_${end}`;
}
const FRAGMENTS: Readonly<Record<string, readonly [number, number]>> = {
  no: [0, 3],
  first: [1, 3],
  later: [3, 3],
  yes: [1, 1],
  not_later: [0, 2],
};
const TCP_FLAGS = "fin syn rst psh ack urg ece cwr ns [200] [400] [800]".split(" ");
const TUNNEL_FLAGS = ["df", "csum", "key", "oam"];
const ports = { src: "tp_src", dst: "tp_dst" };
const types = { type: "tp_src", code: "tp_dst" };
const DATAPATH: Readonly<Record<string, Readonly<Record<string, string>>>> = {
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
  icmp: types,
  icmpv6: types,
  nd: { target: "nd_target", sll: "arp_sha", tll: "arp_tha" },
  nd_ext: {},
  tunnel: {
    tun_id: "tun_id",
    src: "tun_src",
    dst: "tun_dst",
    tos: "tun_tos",
    ttl: "tun_ttl",
    tp_src: "tun_tp_src",
    tp_dst: "tun_tp_dst",
  },
  tcp: ports,
  udp: ports,
  sctp: ports,
};
/** In every megaflow, or not expressible in one of the spellings. */
const IGNORED = new Set(
  "recirc_id packet_type eth vlan_tpid dp_hash skb_priority skb_mark pkt_mark ct_state ct_zone ct_mark ct_label".split(
    " ",
  ),
);

/** Splits at the commas outside parentheses. */
export function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i] ?? ",";
    if (c === "(") depth++;
    else if (c === ")") depth--;
    else if (c === "," && (depth === 0 || i === text.length)) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return parts.filter((part) => part !== "");
}

/** "kind(body)" taken apart. */
function call(text: string): readonly [string, string] {
  const open = text.indexOf("(");
  if (open < 0) return [text, ""];
  const body = text.slice(open + 1);
  return [text.slice(0, open), body.endsWith(")") ? body.slice(0, -1) : body];
}

const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

function ipv6Number(text: string): bigint {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain =
    dotted === null
      ? text
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [left, right] = plain.split("::");
  const groups = (part: string | undefined): string[] => (part === undefined || part === "" ? [] : part.split(":"));
  const before = groups(left);
  const after = groups(right);
  const all = [...before, ...new Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** A number, MAC, IPv4 or IPv6 address, and its width where the text tells. */
function number(text: string): readonly [bigint, number | undefined] {
  if (text.split(":").length === 6 && !text.includes("::")) return [BigInt(`0x${text.replaceAll(":", "")}`), 48];
  if (text.includes(":")) return [ipv6Number(text), 128];
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) {
    return [text.split(".").reduce((value, byte) => (value << 8n) | BigInt(byte), 0n), 32];
  }
  return [BigInt(text), undefined];
}

function valueMask(text: string, bits?: number): readonly [bigint, bigint] {
  const [valueText, maskText] = text.split("/");
  const [value, width] = number(valueText);
  const all = width ?? bits ?? 32;
  let mask = ones(all);
  if (maskText !== undefined) {
    const prefix = /^\d+$/.test(maskText) && (all === 32 || all === 128) && /[.:]/.test(text);
    mask = prefix ? ones(all) ^ ones(all - Number(maskText)) : number(maskText)[0];
  }
  return [value & mask, mask];
}

function flags(text: string, names: readonly string[]): readonly [bigint, bigint] {
  if (/^[-+]/.test(text)) {
    let value = 0n;
    let mask = 0n;
    for (const [, sign, name] of text.matchAll(/([-+])([^-+]+)/g)) {
      const bit = 1n << BigInt(names.indexOf(name));
      mask |= bit;
      if (sign === "+") value |= bit;
    }
    return [value, mask];
  }
  if (/^(0x)?[0-9a-f]+(\/.*)?$/.test(text)) return valueMask(text, 12);
  const value = text
    .split("|")
    .reduce((sum, name) => (name === "" ? sum : sum | (1n << BigInt(names.indexOf(name)))), 0n);
  return [value, ones(names.length)];
}

function add(fields: Fields, name: string, [value, mask]: readonly [bigint, bigint]): void {
  const old = fields.get(name);
  const oldValue = typeof old?.value === "bigint" ? old.value : 0n;
  fields.set(name, { value: oldValue | value, mask: (old?.mask ?? 0n) | mask });
}

function fromOpenFlow(text: string): Fields {
  const fields: Fields = new Map();
  for (const token of splitList(text)) {
    const equals = token.indexOf("=");
    if (equals < 0) {
      (KEYWORDS[token] ?? []).forEach((value, i) => {
        const field = i === 0 ? "dl_type" : "nw_proto";
        add(fields, field, [BigInt(value), ones(WIDTHS[field])]);
      });
      continue;
    }
    const name = token.slice(0, equals);
    const value = token.slice(equals + 1);
    const vlan = /^(dl_vlan|dl_vlan_pcp|vlan_tci)(1?)$/.exec(name);
    if (vlan !== null) {
      let [bits, mask] = valueMask(value, 16);
      if (vlan[1] === "dl_vlan_pcp") [bits, mask] = [(bits << 13n) | 0x1000n, 0xf000n];
      else if (vlan[1] === "dl_vlan") [bits, mask] = [bits | 0x1000n, 0x1fffn];
      add(fields, `vlan_tci${vlan[2]}`, [bits, mask]);
    } else if (name === "in_port") fields.set(name, { value, mask: undefined });
    else if (name === "nw_frag") add(fields, name, [BigInt(FRAGMENTS[value][0]), BigInt(FRAGMENTS[value][1])]);
    else if (name === "nw_ecn") add(fields, "nw_tos", [BigInt(value), 3n]);
    else if (name === "nw_tos") add(fields, "nw_tos", [BigInt(value) & 0xfcn, 0xfcn]);
    else if (name === "tcp_flags") add(fields, name, flags(value, TCP_FLAGS));
    else if (name === "tun_flags") add(fields, name, flags(value, TUNNEL_FLAGS));
    else {
      // Type and code of ICMP are the low bytes of the two 16-bit port fields.
      const alias = ALIASES[name] ?? name;
      const [bits, mask] = valueMask(value, WIDTHS[alias]);
      const low = name.startsWith("icmp") ? 0xffn : -1n;
      add(fields, alias, [bits & low, mask & low]);
    }
  }
  return fields;
}

function fromDatapath(text: string): Fields {
  const fields: Fields = new Map([["dl_type", { value: 0x05ffn, mask: 0xffffn }]]);
  for (const token of splitList(text)) {
    const [kind, body] = call(token);
    if (kind === "encap") {
      fields.delete("dl_type");
      const inner = fromDatapath(body);
      const tci = inner.get("vlan_tci");
      if (tci !== undefined) {
        inner.delete("vlan_tci");
        inner.set("vlan_tci1", tci);
      }
      for (const [name, field] of inner) fields.set(name, field);
    } else if (kind === "in_port") fields.set(kind, { value: body, mask: undefined });
    else if (kind === "eth_type") {
      if (!body.startsWith("0/")) {
        const [value, mask] = valueMask(body, 16);
        fields.set("dl_type", { value, mask });
      }
    } else if (kind === "vlan") {
      add(fields, "vlan_tci", [0x1000n, 0x1000n]);
      for (const part of splitList(body)) {
        const [name, value] = part.split("=");
        const [bits, mask] = valueMask(value, name === "pcp" ? 3 : 12);
        const shift = name === "pcp" ? 13n : 0n;
        add(fields, "vlan_tci", [bits << shift, mask << shift]);
      }
    } else if (kind === "tcp_flags") {
      const [value, mask] = flags(body, TCP_FLAGS);
      fields.set(kind, { value, mask });
    } else if (DATAPATH[kind] !== undefined) {
      for (const part of splitList(body)) {
        if (part.startsWith("flags(")) {
          const [value, mask] = flags(part.slice(6, -1), TUNNEL_FLAGS);
          fields.set("tun_flags", { value, mask });
          continue;
        }
        const equals = part.indexOf("=");
        const field = DATAPATH[kind][part.slice(0, equals)];
        if (field === undefined) continue;
        const value = part.slice(equals + 1);
        const [bits, mask] =
          field === "nw_frag"
            ? [BigInt(FRAGMENTS[value][0]), BigInt(FRAGMENTS[value][1])]
            : valueMask(value, kind.startsWith("icmp") ? 8 : (WIDTHS[field] ?? 8));
        fields.set(field, { value: bits, mask });
      }
    } else if (!IGNORED.has(kind)) fields.set(kind, { value: body, mask: undefined });
  }
  return fields;
}

/** What `text` matches on. What cannot be read is a field named after the text. */
export function megaflowFields(text: string): Fields {
  let fields: Fields;
  try {
    fields = text.includes("in_port(") ? fromDatapath(text) : fromOpenFlow(text);
  } catch {
    fields = new Map([[text, { value: text, mask: undefined }]]);
  }
  for (const [name, { mask }] of fields) if (IGNORED.has(name) || mask === 0n) fields.delete(name);
  return fields;
}

export type Relation = "equal" | "narrower" | "wider" | "different";

/** How `actual` stands to `expected`: it matches the same, on more than needed, on less (unsafe), or something else. */
export function relation(expected: Fields, actual: Fields): Relation {
  let missing = false;
  let extra = false;
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    const a = expected.get(name) ?? { value: 0n, mask: 0n };
    const b = actual.get(name) ?? { value: 0n, mask: 0n };
    if (a.mask === undefined || b.mask === undefined) {
      if (a.mask !== b.mask || a.value !== b.value) return "different";
      continue;
    }
    if ((((a.value as bigint) ^ (b.value as bigint)) & a.mask & b.mask) !== 0n) return "different";
    missing ||= (a.mask & ~b.mask) !== 0n;
    extra ||= (b.mask & ~a.mask) !== 0n;
  }
  return missing && extra ? "different" : missing ? "wider" : extra ? "narrower" : "equal";
}

/** The set() and push_vlan() actions that give a packet of `flow` what it has anyway. */
function unchanged(flow: string | undefined): Set<string> {
  const fields = new Map<string, string>();
  for (const token of splitList(flow ?? "")) {
    const equals = token.indexOf("=");
    if (equals >= 0) fields.set(ALIASES[token.slice(0, equals)] ?? token.slice(0, equals), token.slice(equals + 1));
  }
  const same = new Set([`push_vlan(vid=${fields.get("dl_vlan")},pcp=${fields.get("dl_vlan_pcp")})`]);
  for (const [header, names] of Object.entries(DATAPATH)) {
    for (const [name, field] of Object.entries(names)) {
      if (fields.has(field)) same.add(`${header}.${name}=${fields.get(field)}`);
    }
  }
  return same;
}

/** What the actions do to a packet of `flow`: a sorted list of ports with tags, headers and fields. */
export function actionsMeaning(text: string, flow: string | undefined): string[] {
  return outputs(text, [], unchanged(flow)).sort();
}

function outputs(text: string, before: readonly string[], same: ReadonlySet<string>): string[] {
  let changes = [...before];
  const out: string[] = [];
  for (const action of splitList(text)) {
    const [kind, rawBody] = call(action);
    const body = rawBody.replaceAll(/\s/g, "");
    if (kind === "clone") out.push(...outputs(body, changes, same));
    else if (kind === "set") {
      const [header, inner] = call(body);
      const parts = splitList(inner);
      const names = header === "tunnel" ? ["tunnel."] : parts.map((part) => `${header}.${part.split("=")[0]}=`);
      changes = changes.filter((change) => !names.some((name) => change.startsWith(name)));
      changes.push(...parts.map((part) => `${header}.${part}`).filter((change) => !same.has(change)));
    } else if (kind === "pop_vlan" && changes.some((change) => change.startsWith("push_vlan"))) {
      changes.splice(
        changes.findLastIndex((change) => change.startsWith("push_vlan")),
        1,
      );
    } else if (
      kind === "push_vlan" &&
      changes.includes("pop_vlan()") &&
      same.has(action.replace(/tpid=0x[0-9a-f]*,/, ""))
    ) {
      changes.splice(changes.indexOf("pop_vlan()"), 1);
    } else if (kind === "push_vlan" || kind === "pop_vlan" || kind === "tnl_push") changes.push(`${kind}(${body})`);
    else if (kind !== "userspace" && kind !== "drop") {
      const isField = (change: string): boolean => /^\w+\./.test(change);
      const headers = changes.filter((change) => !isField(change));
      const fields = changes.filter(isField).sort();
      out.push(JSON.stringify([kind === "recirc" ? "recirc" : action, headers, fields]));
    }
  }
  return out;
}

/** A frame without the UDP source port of an outer VXLAN or Geneve header, which is a hash of the inner packet. */
function frameMeaning(hex: string): string {
  return hex.replace(/^(.{24}080045.{16}11.{20})....(12b5|17c1)/, "$1----$2");
}

function framesMeaning(out: Readonly<Record<string, readonly string[]>>): string {
  const ports = Object.entries(out).filter(([, sent]) => sent.length > 0);
  return JSON.stringify(ports.map(([port, sent]) => [port, sent.map(frameMeaning).sort()]).sort());
}

export const ASPECTS = ["out", "actions", "megaflow", "upcall"] as const;
export type Aspect = (typeof ASPECTS)[number];
export type Verdict = Relation | "missing";

/** The verdict on each aspect that the record has. */
export function judge(expected: ExpectedResult, actual: CaseResult): [Aspect, Verdict][] {
  const verdicts: [Aspect, Verdict][] = [];
  const installed = expected.installed ?? [];
  for (const aspect of ASPECTS) {
    if (expected[aspect] === undefined) continue;
    if (actual[aspect] === undefined) {
      verdicts.push([aspect, "missing"]);
      continue;
    }
    if (aspect === "out") {
      verdicts.push([aspect, framesMeaning(expected.out!) === framesMeaning(actual.out!) ? "equal" : "different"]);
    } else if (aspect === "actions") {
      const right = [expected.actions, expected.actions_set_tunnel, ...installed.map((flow) => flow.actions)];
      const meaning = actionsMeaning(actual.actions!, expected.flow).join();
      const equal = right.some((text) => text !== undefined && actionsMeaning(text, expected.flow).join() === meaning);
      verdicts.push([aspect, equal ? "equal" : "different"]);
    } else if (aspect === "megaflow") {
      // The datapath's own megaflow also matches on the VLAN ID, which translation may leave open.
      const right = [expected.megaflow!, ...installed.map((flow) => flow.match)];
      const relations = right.map((text) => relation(megaflowFields(text), megaflowFields(actual.megaflow!)));
      verdicts.push([aspect, relations.includes("equal") ? "equal" : relations[0]]);
    } else {
      verdicts.push([aspect, expected.upcall === actual.upcall ? "equal" : "different"]);
    }
  }
  return verdicts;
}
