/**
 * A flow in the datapath's syntax read, as `dpctl/dump-flows` prints it and `ofproto/trace` takes it: "in_port(p1),
 * eth(src=…,dst=…),eth_type(0x0800),ipv4(src=…,dst=…,proto=6,…),tcp(src=1,dst=2)" (OVS: odp_flow_from_string and
 * odp_flow_key_to_flow, lib/odp-util.c). Masks may stand there and say nothing: the values are the packet. A header that does
 * not go with the type and protocol before it says nothing either.
 */
import {
  FLOW_WORDS,
  W_IN_PORT,
  W_MPLS0,
  W_PACKET_TYPE,
  W_PORTS,
  W_RECIRC,
  W_TUN_DST,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import { Match } from "../openflow/match.ts";
import { Span, shown } from "../openflow/syntax.ts";
import type { Bridge } from "../translate/bridge.ts";
import type { OvsSwitch } from "../translate/switch.ts";
import {
  closed,
  collect,
  type Headers,
  PLAIN,
  readHeader,
  readLabels,
  readPacketType,
  readTag,
  readType,
  setField,
} from "./datapath-headers.ts";

/** Headers by IP protocol. */
const TRANSPORT: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp" };
/** A packet whose Ethernet type is a length (OVS: FLOW_DL_TYPE_NONE). */
const DL_TYPE_NONE = 0x05ff;
/** The bit of W_TYPE that says that no transport header is there. */
const FRAG_LATER = 0x200;

/** A flow of the datapath, with the bridge that it comes in at. */
export interface DatapathFlow {
  readonly bridge: Bridge;
  /** FLOW_WORDS words; in_port is the OpenFlow number at that bridge. */
  readonly flow: Int32Array;
}

/** Whether `text` has the datapath's syntax: it says eth(…), eth_type(…) or recirc_id(…), which flows of OpenFlow do not. */
export const isDatapathFlow = (text: string): boolean =>
  /(^|[,\s])(eth|eth_type|recirc_id|packet_type|ipv4|ipv6)\(\S/.test(text);

/** The flow that `text` says at a port of `host`, by name or datapath number. Throws a FlowSyntaxError that says what is wrong, and where. */
export function parseDatapathFlow(text: string, host: OvsSwitch): DatapathFlow {
  return new Reader(host).read(new Span(text, 0, "flow", 1));
}

class Reader {
  private readonly match = new Match();
  private readonly host: OvsSwitch;
  private packet = 0;

  constructor(host: OvsSwitch) {
    this.host = host;
  }

  read(span: Span): DatapathFlow {
    closed(span);
    const headers = collect(span);
    const { text } = headers;
    const { value } = this.match;
    for (const [name, field] of Object.entries(PLAIN)) if (text.has(name)) setField(this.match, field, text.get(name)!);
    for (const name of ["tunnel", "eth"]) this.header(name, headers);
    this.packet = packetType(headers);
    this.payload(headers, 0);
    value[W_PACKET_TYPE] = this.packet;
    const inPort = text.get("in_port");
    if (inPort === undefined) return span.fail("a flow without in_port", "in_port(PORT)");
    const flow = new Int32Array(FLOW_WORDS);
    flow.set(value);
    flow[W_IN_PORT] = this.host.portNumber(inPort.text) ?? (/^\d+$/.test(inPort.text) ? Number(inPort.text) : -1);
    const port = this.host.inputPort(flow, 0);
    if (port === undefined || (flow[W_TUN_DST] !== 0 && port.tunnel === undefined))
      return inPort.fail(`no bridge has a port ${shown(inPort.text)} for it`, "a port of the datapath");
    if (flow[W_RECIRC] !== 0 && !this.host.thaws(flow[W_RECIRC]))
      return text
        .get("recirc_id")!
        .fail("nothing waits for this recirculation id", "recirc_id(0), or one given before");
    flow[W_IN_PORT] = port.ofport;
    return { bridge: port.bridge, flow };
  }

  private header(name: string, { text }: Headers): void {
    if (text.has(name)) readHeader(this.match, name, text.get(name)!);
  }

  /** What follows the addresses, `tags` tags (OVS: parse_8021q_onward). What does not go with the type says nothing. */
  private payload(headers: Headers, tags: number): void {
    const { value } = this.match;
    const type = ethernetType(headers, this.packet);
    if (this.packet === 0 && isTagged(type) && tags < this.host.vlanLimit) {
      const text = headers.text.get("vlan");
      const tci = text === undefined ? 0 : readTag(text);
      // All 0, cfi too: a frame that ends within its tag, and nothing follows.
      value[W_VLAN0 + tags] = (type << 16) | tci;
      if (tci !== 0 && headers.inner !== undefined) this.payload(headers.inner, tags + 1);
      return;
    }
    value[W_TYPE] |= type << 16;
    if (type === 0x8847 || type === 0x8848) {
      const text = headers.text.get("mpls");
      if (text !== undefined) value.set(readLabels(text), W_MPLS0);
    } else if (type === 0x0806 || type === 0x8035) this.header("arp", headers);
    else if (type === 0x0800 || type === 0x86dd) {
      this.header(type === 0x0800 ? "ipv4" : "ipv6", headers);
      if ((value[W_TYPE] & FRAG_LATER) === 0) this.transport(headers, type === 0x86dd);
    }
  }

  private transport(headers: Headers, ipv6: boolean): void {
    const { value } = this.match;
    const protocol = value[W_TYPE] & 0xff;
    const name = protocol === 1 && ipv6 ? undefined : protocol === 58 && !ipv6 ? undefined : TRANSPORT[protocol];
    if (name === undefined) return;
    this.header(name, headers);
    if (name === "tcp") this.header("tcp_flags", headers);
    const ports = value[W_PORTS];
    if (name === "icmpv6" && (ports === 135 << 16 || ports === 136 << 16)) this.header("nd", headers);
  }
}

const isTagged = (type: number): boolean => type === 0x8100 || type === 0x88a8;

/** Without eth(…) it is a packet without an Ethernet header where a type is said, whatever packet_type says. */
function packetType({ text }: Headers): number {
  if (text.has("eth")) return 0;
  if (text.has("eth_type")) return (1 << 16) | readType(text.get("eth_type")!);
  return text.has("packet_type") ? readPacketType(text.get("packet_type")!) : 0;
}

/** What eth_type says, or the packet's type, or the header that is there. */
function ethernetType({ text }: Headers, packet: number): number {
  if (text.has("eth_type")) return readType(text.get("eth_type")!);
  if (packet >>> 16 === 1) return packet & 0xffff;
  return text.has("ipv4") ? 0x0800 : text.has("ipv6") ? 0x86dd : text.has("mpls") ? 0x8847 : DL_TYPE_NONE;
}
