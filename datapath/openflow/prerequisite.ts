/**
 * What is known of the packets that a rule's actions will meet, from its match and from the actions before (OVS:
 * ofpacts_check, mf_are_prereqs_ok). It decides which actions may stand there, and some of what they become on the wire.
 */
import { FRAG_LATER, VLAN_PRESENT, W_PACKET_TYPE, W_PORTS, W_TYPE, W_VLAN0, W_VLAN1 } from "../flow/flow-key.ts";
import type { Prerequisite } from "./field.ts";
import type { Match } from "./match.ts";

export interface Known {
  /** Of a packet with an Ethernet header; of others packetType says it (typeOf). */
  dlType: number;
  nwProto: number;
  nwFrag: number;
  tpSrc: number;
  tpDst: number;
  packetType: number;
  /** TCI of the outer and inner tag; 0 = none known. */
  tci: number;
  innerTci: number;
}

export function knownFrom(match: Match): Known {
  const { value } = match;
  const packetType = value[W_PACKET_TYPE] >>> 0;
  return {
    dlType: packetType >>> 16 === 1 ? 0 : value[W_TYPE] >>> 16,
    nwProto: value[W_TYPE] & 0xff,
    nwFrag: (value[W_TYPE] >>> 8) & 3,
    tpSrc: value[W_PORTS] >>> 16,
    tpDst: value[W_PORTS] & 0xffff,
    packetType,
    tci: value[W_VLAN0] & 0xffff,
    innerTci: value[W_VLAN1] & 0xffff,
  };
}

/** OVS: get_dl_type. */
export const typeOf = (k: Known): number => (k.packetType >>> 16 === 1 ? k.packetType & 0xffff : k.dlType);
export const isIp = (k: Known): boolean => typeOf(k) === 0x0800 || typeOf(k) === 0x86dd;
export const isMpls = (k: Known): boolean => typeOf(k) === 0x8847 || typeOf(k) === 0x8848;
export const hasVlan = (k: Known): boolean => (k.tci & VLAN_PRESENT) !== 0;
const isTransport = (k: Known, proto: number): boolean =>
  isIp(k) && k.nwProto === proto && (k.nwFrag & FRAG_LATER) === 0;
const isIcmpv6 = (k: Known): boolean => typeOf(k) === 0x86dd && k.nwProto === 58 && (k.nwFrag & FRAG_LATER) === 0;

export function isMet(prerequisite: Prerequisite, k: Known): boolean {
  switch (prerequisite) {
    case "none":
      return true;
    case "ethernet":
      return k.packetType === 0;
    case "vlan":
      return hasVlan(k);
    case "arp":
      return typeOf(k) === 0x0806 || typeOf(k) === 0x8035;
    case "ipv4":
      return typeOf(k) === 0x0800;
    case "ipv6":
      return typeOf(k) === 0x86dd;
    case "ip":
      return isIp(k);
    case "mpls":
      return isMpls(k);
    case "tcp":
      return isTransport(k, 6);
    case "udp":
      return isTransport(k, 17);
    case "sctp":
      return isTransport(k, 132);
    case "icmpv4":
      return typeOf(k) === 0x0800 && isTransport(k, 1);
    case "icmpv6":
      return isIcmpv6(k);
    case "nd":
      return isIcmpv6(k) && k.tpDst === 0 && (k.tpSrc === 135 || k.tpSrc === 136);
    case "nd-solicit":
      return isIcmpv6(k) && k.tpDst === 0 && k.tpSrc === 135;
    case "nd-advert":
      return isIcmpv6(k) && k.tpDst === 0 && k.tpSrc === 136;
  }
}
