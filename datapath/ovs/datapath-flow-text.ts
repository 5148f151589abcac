/**
 * A flow in the datapath's syntax read, as `dpctl/dump-flows` prints it and `ofproto/trace` takes it: "in_port(p1),
 * eth(src=…,dst=…),eth_type(0x0800),ipv4(src=…,dst=…,proto=6,…),tcp(src=1,dst=2)" (OVS: odp_flow_from_string and
 * odp_flow_key_to_flow, lib/odp-util.c). Masks may stand there and say nothing: the values are the packet.
 *
 * Each part is one field of OpenFlow under another name, so that values are read where those of rules are, with their place.
 */
import {
  FLOW_WORDS,
  VLAN_PRESENT,
  W_IN_PORT,
  W_MPLS0,
  W_PACKET_TYPE,
  W_TOSTTL,
  W_TUN_META,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import { Match } from "../openflow/match.ts";
import { TUNNEL_FLAG_NAMES } from "../openflow/match-format.ts";
import { applyMatchKey } from "../openflow/match-text.ts";
import { type KeyValue, keyValues, Span, shown, u8, u16, unsigned } from "../openflow/syntax.ts";
import type { Bridge } from "../translate/bridge.ts";
import type { OvsSwitch } from "../translate/switch.ts";
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
const PLAIN: Readonly<Record<string, string>> = {
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
/** A packet whose Ethernet type is a length (OVS: FLOW_DL_TYPE_NONE). */
const DL_TYPE_NONE = 0x05ff;
const KEYS = ["in_port", "eth_type", "packet_type", "vlan", "encap", "mpls", "tcp_flags"];

/** A flow of the datapath, with the bridge that it comes in at. */
export interface DatapathFlow {
  readonly bridge: Bridge;
  /** FLOW_WORDS words; in_port is the OpenFlow number at that bridge. */
  readonly flow: Int32Array;
}

/** Whether `text` has the datapath's syntax: it says eth(…), eth_type(…) or recirc_id(…), which flows of OpenFlow do not. */
export const isDatapathFlow = (text: string): boolean => /(^|,)\s*(eth|eth_type|recirc_id|packet_type)\(\S/.test(text);

/** The flow that `text` says at a port of `host`, by name or datapath number. Throws a FlowSyntaxError that says what is wrong, and where. */
export function parseDatapathFlow(text: string, host: OvsSwitch): DatapathFlow {
  return new Reader(host).read(new Span(text, 0, "flow", 1));
}

class Reader {
  private readonly match = new Match();
  private readonly host: OvsSwitch;
  private readonly seen = new Set<string>();
  private inPort: Span | undefined;
  private tags = 0;
  /** What eth_type() said last: of a tag, until encap() says what is in it. */
  private type = 0;

  constructor(host: OvsSwitch) {
    this.host = host;
  }

  read(span: Span): DatapathFlow {
    for (const pair of keyValues(span)) this.take(pair);
    const { value } = this.match;
    if (this.inPort === undefined) span.fail("a flow without in_port", "in_port(PORT)");
    // As there: without eth(…) it is a packet without an Ethernet header, whatever packet_type says.
    if (!this.seen.has("eth")) value[W_PACKET_TYPE] = (1 << 16) | this.type;
    else if (this.type === 0) value[W_TYPE] |= DL_TYPE_NONE << 16;
    const flow = new Int32Array(FLOW_WORDS);
    flow.set(value);
    const name = this.inPort.text;
    const number = this.host.portNumber(name) ?? (/^\d+$/.test(name) ? Number(name) : -1);
    flow[W_IN_PORT] = number;
    const port = this.host.inputPort(flow, 0);
    if (port === undefined)
      return this.inPort.fail(`no bridge has a port ${shown(name)} for it`, "a port of the datapath");
    flow[W_IN_PORT] = port.ofport;
    return { bridge: port.bridge, flow };
  }

  private take(pair: KeyValue): void {
    const { key, value, delimiter } = pair;
    const name = key.text;
    if (delimiter !== "(") key.fail(`${shown(name)} without a value`, "KEY(VALUE)");
    if (name !== "encap" && name !== "eth_type" && name !== "vlan" && this.seen.has(name))
      key.fail(`${name} is already set`, "each header once");
    this.seen.add(name);
    if (Object.hasOwn(PLAIN, name)) this.field(PLAIN[name], value);
    else if (Object.hasOwn(PARTS, name)) this.header(name, value);
    else if (name === "in_port") this.inPort = value;
    else if (name === "eth_type") this.ethernetType(value);
    else if (name === "packet_type")
      for (const { key: part, value: number } of keyValues(value)) u16(number, part.text);
    else if (name === "vlan") this.tag(value);
    else if (name === "encap") for (const inner of keyValues(value)) this.take(inner);
    else if (name === "mpls") this.labels(value);
    else if (name === "tcp_flags") this.match.value[W_TOSTTL] |= flags(value, TCP_FLAGS, 12);
    else if (!/^ct_\w+$/.test(name) || !/^0(x0)?(\/.*)?$/.test(value.text)) {
      const known = [...Object.keys(PLAIN), ...KEYS, ...Object.keys(PARTS)].sort().join(", ");
      key.fail(`${shown(`${name}(${value.text})`)} is not known`, `one of ${known}`);
    }
  }

  private field(name: string, value: Span): void {
    const pair = { key: new Span(name, value.at, value.file, value.line), value: unmasked(value), delimiter: "=" };
    applyMatchKey(this.match, pair, { ports: undefined, internal: true, exact: true });
  }

  private header(name: string, text: Span): void {
    for (const { key, value } of keyValues(text)) {
      const field = Object.hasOwn(PARTS[name], key.text) ? PARTS[name][key.text] : undefined;
      if (field !== undefined) this.field(field, value);
      else if (key.text === (name === "ipv4" ? "tos" : "tclass") && name.startsWith("ipv"))
        this.match.value[W_TOSTTL] |= u8(unmasked(value), key.text) << 24;
      else if (name === "tunnel" && key.text === "flags")
        this.match.value[W_TUN_META] |= flags(value, TUNNEL_FLAG_NAMES, 16);
      else if (name !== "tunnel" || value.text !== "")
        key.fail(`${shown(key.text)} in ${name}(…)`, Object.keys(PARTS[name]).join(", "));
    }
  }

  private ethernetType(value: Span): void {
    const type = u16(unmasked(value), "eth_type");
    this.type = type;
    if (type === 0x8100 || type === 0x88a8) return;
    const word = this.match.value;
    word[W_TYPE] = (word[W_TYPE] & 0xffff) | ((type === 0 ? DL_TYPE_NONE : type) << 16);
  }

  private tag(text: Span): void {
    if (this.tags === this.host.vlanLimit)
      text.fail(`${this.tags + 1} tags`, `at most ${this.host.vlanLimit}, the vlan-limit`);
    let tci = 0;
    for (const { key, value } of keyValues(text)) {
      const number = u16(unmasked(value), key.text);
      if (key.text === "vid" && number < 4096) tci |= number;
      else if (key.text === "pcp" && number < 8) tci |= number << 13;
      else if (key.text !== "cfi") key.fail(`${key.text}=${value.text} of a tag`, "vid=0 to 4095, pcp=0 to 7, cfi=1");
    }
    this.match.value[W_VLAN0 + this.tags++] = (this.type << 16) | VLAN_PRESENT | tci;
  }

  private labels(text: Span): void {
    let label = -1;
    for (const { key, value } of keyValues(text)) {
      if (key.text === "label" && ++label > 2) key.fail("a fourth label", "at most three");
      if (!Object.hasOwn(LABEL_PARTS, key.text) || label < 0)
        key.fail(`${shown(key.text)} in mpls(…)`, "label, tc, ttl, bos");
      const [shift, bits] = LABEL_PARTS[key.text];
      const number = Number(unsigned(unmasked(value), bits, key.text));
      this.match.value[W_MPLS0 + label] |= number << shift;
    }
  }
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
