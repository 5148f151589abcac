/**
 * A flow or a megaflow in OpenFlow syntax, as ofproto/trace prints it: "recirc_id=0,eth,ip,in_port=p1,nw_dst=10.0.0.0/8"
 * (OVS: match_format, lib/match.c). Values are written the way that Open vSwitch writes them; order too.
 */
import {
  TUN_FLAG_KEY,
  VLAN_PRESENT,
  W_DP_HASH,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IN_PORT,
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
  W_TUN_ERSPAN,
  W_TUN_GBP,
  W_TUN_GTPU,
  W_TUN_ID,
  W_TUN_ID_HI,
  W_TUN_IPV6_DST,
  W_TUN_IPV6_SRC,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import { Match } from "../openflow/match.ts";
import { formatMatch as formatWords } from "../openflow/match-format.ts";

export const TCP_FLAG_NAMES: readonly string[] = "fin syn rst psh ack urg ece cwr ns [200] [400] [800]".split(" ");
/** C's "%#x": no prefix on 0. */
export const hex = (value: number): string => (value === 0 ? "0" : `0x${(value >>> 0).toString(16)}`);

/** 64 bits in hexadecimal with "0x", 0 included, from two words. */
export function hex64(high: number, low: number): string {
  if (high === 0) return `0x${(low >>> 0).toString(16)}`;
  return `0x${(high >>> 0).toString(16)}${(low >>> 0).toString(16).padStart(8, "0")}`;
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

export const TCP_FLAGS: readonly (readonly [number, string])[] = TCP_FLAG_NAMES.map((name, i) => [1 << i, name]);

/**
 * The match of `packet` under `mask` (both FLOW_WORDS or KEY_WORDS long). `portName` names the in_port of the flow.
 */
export function formatMatch(packet: Int32Array, mask: Int32Array, portName: (port: number) => string): string {
  const match = new Match();
  for (let w = 0; w < packet.length; w++) match.setBits(w, packet[w], mask[w]);
  return formatWords(match, portName);
}

/** The words of a flow that a packet of its kind has, all of their bits (OVS: flow_wildcards_init_for_packet). */
export function packetMask(flow: Int32Array): Int32Array {
  const mask = new Int32Array(flow.length);
  for (const word of [W_PKT_MARK, W_RECIRC, W_DP_HASH, W_SKB_PRIORITY]) {
    if (flow[word]) mask[word] = -1;
  }
  if (flow[W_METADATA] || flow[W_METADATA_HI]) {
    mask[W_METADATA] = -1;
    mask[W_METADATA_HI] = -1;
  }
  for (let i = 0; i < 16; i++) if (flow[W_REG0 + i]) mask[W_REG0 + i] = -1;
  const fromTunnel = flow[W_TUN_DST] !== 0 || anyWord(flow, W_TUN_IPV6_DST, 4);
  if (fromTunnel) {
    for (let i = 0; i < 4; i++) {
      mask[W_TUN_IPV6_SRC + i] = -1;
      mask[W_TUN_IPV6_DST + i] = -1;
    }
    for (const word of [W_TUN_SRC, W_TUN_DST, W_TUN_GBP, W_TUN_META, W_TUN_ERSPAN, W_TUN_GTPU]) mask[word] = -1;
  }
  if (fromTunnel ? (flow[W_TUN_META] & TUN_FLAG_KEY) !== 0 : flow[W_TUN_ID] || flow[W_TUN_ID_HI]) {
    mask[W_TUN_ID] = -1;
    mask[W_TUN_ID_HI] = -1;
  }
  mask[W_IN_PORT] = -1;
  mask[W_PACKET_TYPE] = -1;
  if (flow[W_PACKET_TYPE] === 0) {
    for (const word of [W_ETH0, W_ETH1, W_ETH2]) mask[word] = -1;
    mask[W_TYPE] = 0xffff0000 | 0;
    for (let i = 0; i < 2; i++) {
      mask[W_VLAN0 + i] = -1;
      if ((flow[W_VLAN0 + i] & VLAN_PRESENT) === 0) break;
    }
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
  if ((flow[W_TYPE] & 0x200) !== 0) {
    // No packet is that: the protocol of a later fragment of IPv6 is read as 44. Of a flow Open vSwitch prints it so.
    if (type === 0x86dd && protocol === 58) mask[W_PORTS] = -1;
    return mask;
  }
  if ([1, 2, 6, 17, 132].includes(protocol) || (type === 0x86dd && protocol === 58)) mask[W_PORTS] = -1;
  if (protocol === 6) mask[W_TOSTTL] |= 0xfff;
  const kind = flow[W_PORTS] >>> 16;
  if (type === 0x86dd && protocol === 58 && (flow[W_PORTS] & 0xffff) === 0 && (kind === 135 || kind === 136)) {
    for (let i = 0; i < 4; i++) mask[W_ND_TARGET + i] = -1;
    for (let i = 0; i < 3; i++) mask[W_MACS0 + i] = -1;
  }
  return mask;
}
