/**
 * Datapath actions in the spelling of `ovs-appctl dpctl/dump-flows --names` and ofproto/trace (OVS: format_odp_actions,
 * lib/odp-util.c).
 */
import type { OdpAction, SetHeader, TunnelHeader } from "../action/odp-action.ts";
import {
  W_ETH0,
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
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TYPE,
} from "../flow/flow-key.ts";
import { ipv6Text } from "../openflow/field-text.ts";
import { ipv4ToText, macTextAt, macToText } from "../wire/addresses.ts";
import { be16, be32 } from "../wire/bytes.ts";
import { hex, macAt } from "./flow-text.ts";

export type PortName = (port: number) => string;

/** The actions, "drop" when there are none. */
export function formatActions(actions: readonly OdpAction[], portName: PortName): string {
  return actions.length === 0 ? "drop" : actions.map((action) => formatAction(action, portName)).join(",");
}

function formatAction(action: OdpAction, portName: PortName): string {
  switch (action.kind) {
    case "output":
      return portName(action.port);
    case "push_vlan": {
      const tpid = action.tpid === 0x8100 ? "" : `tpid=0x${action.tpid.toString(16).padStart(4, "0")},`;
      return `push_vlan(${tpid}vid=${action.tci & 0xfff},pcp=${action.tci >>> 13})`;
    }
    case "pop_vlan":
      return "pop_vlan";
    case "push_mpls":
      return `push_mpls(${labelText(action.lse, -1)},eth_type=0x${action.ethertype.toString(16)})`;
    case "pop_mpls":
      return `pop_mpls(eth_type=0x${action.ethertype.toString(16)})`;
    case "push_eth": {
      const words = Int32Array.from(action.words);
      return `push_eth(src=${macToText(...macAt(words, 0, true))},dst=${macToText(...macAt(words, 0, false))})`;
    }
    case "pop_eth":
      return "pop_eth";
    case "set":
      return `set(${setText(action.header, action.words)})`;
    case "tnl_push":
      return `tnl_push(tnl_port(${portName(action.tunnelPort)}),header(${headerText(action.header)}),out_port(${portName(action.outPort)}))`;
    case "tnl_pop":
      return `tnl_pop(${portName(action.port)})`;
    case "clone":
      return `clone(${formatActions(action.actions, portName)})`;
    case "recirc":
      return `recirc(${hex(action.id)})`;
    case "hash":
      return `hash(${action.symmetric === false ? "l4" : "sym_l4"}(${action.basis >>> 0}))`;
    case "trunc":
      return `trunc(${action.maxLength})`;
    case "check_pkt_len":
      return `check_pkt_len(size=${action.size},gt(${formatActions(action.greater, portName)}),le(${formatActions(action.lesser, portName)}))`;
    case "sample":
      return `sample(sample=${((action.probability / 0xffffffff) * 100).toFixed(1)}%,actions(${formatActions(action.actions, portName)}))`;
    case "userspace":
      return `userspace(pid=0,${action.reason})`;
    case "drop":
      return "drop";
  }
}

function labelText(lse: number, mask: number): string {
  const parts: string[] = [];
  const part = (name: string, shift: number, bits: number): void => {
    const own = (mask >>> shift) & bits;
    if (own !== 0) parts.push(`${name}=${(lse >>> shift) & bits}${own === bits ? "" : `/${hex(own)}`}`);
  };
  part("label", 12, 0xfffff);
  part("tc", 9, 7);
  part("ttl", 0, 0xff);
  part("bos", 8, 1);
  return parts.join(",");
}

/** "eth(src=…)": the fields that are written, with a mask where not all of their bits are. */
function setText(header: SetHeader, words: readonly (readonly [number, number, number])[]): string {
  const value = new Int32Array(72);
  const mask = new Int32Array(72);
  for (const [word, bits, examined] of words) {
    value[word] = bits;
    mask[word] = examined;
  }
  const parts: string[] = [];
  const mac = (name: string, at: number, second: boolean): void => {
    const [maskHigh, maskLow] = macAt(mask, at, second);
    if (maskHigh === 0 && maskLow === 0) return;
    const text = macToText(...macAt(value, at, second));
    parts.push(`${name}=${text}${maskHigh === -1 && maskLow === 0xffff ? "" : `/${macToText(maskHigh, maskLow)}`}`);
  };
  const ipv4 = (name: string, word: number): void => {
    if (mask[word] !== 0) {
      parts.push(`${name}=${ipv4ToText(value[word])}${mask[word] === -1 ? "" : `/${ipv4ToText(mask[word])}`}`);
    }
  };
  const ipv6 = (name: string, word: number): void => {
    const bits = mask.subarray(word, word + 4);
    if (bits.every((part) => part === 0)) return;
    parts.push(
      `${name}=${ipv6Text(value.subarray(word, word + 4))}${bits.every((part) => part === -1) ? "" : `/${ipv6Text(mask.subarray(word, word + 4))}`}`,
    );
  };
  /** A field of up to 20 bits. */
  const number = (name: string, word: number, shift: number, bits: number, inHex: boolean): void => {
    const own = (mask[word] >>> shift) & bits;
    if (own === 0) return;
    const part = (value[word] >>> shift) & bits;
    const text = inHex ? hex(part) : String(part);
    // Open vSwitch writes every mask in hexadecimal.
    parts.push(`${name}=${text}${own === bits ? "" : `/${hex(own)}`}`);
  };
  switch (header) {
    case "eth":
      mac("src", W_ETH0, true);
      mac("dst", W_ETH0, false);
      break;
    case "ipv4":
      ipv4("src", W_NW_SRC);
      ipv4("dst", W_NW_DST);
      number("tos", W_TOSTTL, 24, 0xff, true);
      number("ttl", W_TOSTTL, 16, 0xff, false);
      break;
    case "ipv6":
      ipv6("src", W_IPV6_SRC);
      ipv6("dst", W_IPV6_DST);
      number("label", W_IPV6_LABEL, 0, 0xfffff, true);
      number("tclass", W_TOSTTL, 24, 0xff, true);
      number("hlimit", W_TOSTTL, 16, 0xff, false);
      break;
    case "tcp":
    case "udp":
    case "sctp":
      number("src", W_PORTS, 16, 0xffff, false);
      number("dst", W_PORTS, 0, 0xffff, false);
      break;
    case "icmp":
    case "icmpv6":
      number("type", W_PORTS, 16, 0xff, false);
      number("code", W_PORTS, 0, 0xff, false);
      break;
    case "arp":
      ipv4("sip", W_NW_SRC);
      ipv4("tip", W_NW_DST);
      number("op", W_TYPE, 0, 0xff, false);
      mac("sha", W_MACS0, false);
      mac("tha", W_MACS0, true);
      break;
    case "nd":
      ipv6("target", W_ND_TARGET);
      mac("sll", W_MACS0, false);
      mac("tll", W_MACS0, true);
      break;
    case "mpls":
      return `mpls(${labelText(value[W_MPLS0], mask[W_MPLS0])})`;
    case "skb_priority":
      return `skb_priority(${hex(value[W_SKB_PRIORITY])})`;
    case "skb_mark":
      return `skb_mark(${hex(value[W_PKT_MARK])}${mask[W_PKT_MARK] === -1 ? "" : `/${hex(mask[W_PKT_MARK])}`})`;
    case "tunnel":
      break;
  }
  return `${header}(${parts.join(",")})`;
}

/** OVS_VPORT_TYPE_* */
const VPORT_TYPES = { gre: 3, vxlan: 4, geneve: 5 } as const;

function headerText(header: TunnelHeader): string {
  const { bytes, ipAt } = header;
  const protocol = bytes[ipAt + 9];
  const parts = [
    `size=${bytes.length}`,
    `type=${VPORT_TYPES[header.type]}`,
    `eth(dst=${macTextAt(bytes, 0)},src=${macTextAt(bytes, 6)},dl_type=0x${be16(bytes, 12).toString(16).padStart(4, "0")})`,
    `ipv4(src=${ipv4ToText(be32(bytes, ipAt + 12))},dst=${ipv4ToText(be32(bytes, ipAt + 16))},proto=${protocol},tos=${hex(bytes[ipAt + 1])},ttl=${bytes[ipAt + 8]},frag=0x${be16(bytes, ipAt + 6).toString(16)})`,
  ];
  const at = ipAt + 20;
  if (header.type === "gre") {
    const flags = be16(bytes, at);
    let option = at + 4;
    let text = `gre((flags=0x${flags.toString(16)},proto=0x${be16(bytes, at + 2).toString(16)})`;
    if ((flags & 0x8000) !== 0) {
      text += ",csum=0x0";
      option += 4;
    }
    if ((flags & 0x2000) !== 0) text += `,key=0x${(be32(bytes, option) >>> 0).toString(16)}`;
    parts.push(`${text})`);
  } else {
    parts.push(`udp(src=0,dst=${be16(bytes, at + 2)},csum=0x${header.checksum ? "ffff" : "0"})`);
    const tunnel = at + 8;
    const vni = (be32(bytes, tunnel + 4) >>> 8).toString(16);
    if (header.type === "vxlan") parts.push(`vxlan(flags=0x${be32(bytes, tunnel).toString(16)},vni=0x${vni})`);
    else parts.push(`geneve(${(bytes[tunnel + 1] & 0x80) === 0 ? "" : "oam,"}vni=0x${vni})`);
  }
  return parts.join(",");
}
