/**
 * Reading and writing OpenFlow fields in a flow during translation, and what that adds to the wildcards: prerequisites are
 * themselves looked at (OVS: mf_are_prereqs_ok), a changed field counts as examined under the bits changed
 * (mf_mask_field_masked), and a change of an L3 field looks at nw_proto, as one to protocol 0 would not be made
 * (mf_set_mask_l3_prereqs, the fix of CVE-2023-1668).
 */
import { FRAG_LATER, VLAN_PRESENT, W_PACKET_TYPE, W_PORTS, W_TYPE, W_VLAN0 } from "../flow/flow-key.ts";
import {
  bitsMask,
  type Field,
  type FieldValue,
  fieldGet,
  fieldOr,
  fieldSetMasked,
  orBits,
  type Subfield,
  takeBits,
} from "../openflow/field.ts";
import { isMplsType } from "./flow-mpls.ts";
import { fixVlanType } from "./flow-vlan.ts";

const ETH_TYPE_IPV4 = 0x0800;
const ETH_TYPE_ARP = 0x0806;
const ETH_TYPE_RARP = 0x8035;
const ETH_TYPE_IPV6 = 0x86dd;

export const dlType = (flow: Int32Array): number => flow[W_TYPE] >>> 16;
export const nwProto = (flow: Int32Array): number => flow[W_TYPE] & 0xff;
export const isIpv4 = (flow: Int32Array): boolean => flow[W_TYPE] >>> 16 === ETH_TYPE_IPV4;
export const isIpv6 = (flow: Int32Array): boolean => flow[W_TYPE] >>> 16 === ETH_TYPE_IPV6;
export const isIp = (flow: Int32Array): boolean => isIpv4(flow) || isIpv6(flow);
export const isArp = (flow: Int32Array): boolean => flow[W_TYPE] >>> 16 === ETH_TYPE_ARP;
/** Bits of W_TYPE. */
export const PROTO_BITS = 0xff;
/** A fragment other than the first: it has no transport header. */
export const isLaterFragment = (flow: Int32Array): boolean => (flow[W_TYPE] & (FRAG_LATER << 8)) !== 0;

function hasProtocol(flow: Int32Array, mask: Int32Array, protocol: number): boolean {
  if (!isIp(flow)) return false;
  mask[W_TYPE] |= PROTO_BITS;
  return nwProto(flow) === protocol;
}

function isNeighbourDiscovery(flow: Int32Array, mask: Int32Array): boolean {
  if (!isIpv6(flow) || !hasProtocol(flow, mask, 58)) return false;
  mask[W_PORTS] |= 0xffff;
  if ((flow[W_PORTS] & 0xffff) !== 0) return false;
  mask[W_PORTS] = -1;
  const type = flow[W_PORTS] >>> 16;
  return type === 135 || type === 136;
}

/** The packet has the field; what was looked at to know that goes into `mask`. */
export function hasField(field: Field, flow: Int32Array, mask: Int32Array): boolean {
  switch (field.prerequisite) {
    case "none":
      return true;
    case "ethernet":
      mask[W_PACKET_TYPE] = -1;
      return flow[W_PACKET_TYPE] === 0;
    case "arp":
      return isArp(flow) || dlType(flow) === ETH_TYPE_RARP;
    case "vlan":
      mask[W_VLAN0] |= VLAN_PRESENT;
      return (flow[W_VLAN0] & VLAN_PRESENT) !== 0;
    case "ipv4":
      return isIpv4(flow);
    case "ipv6":
      return isIpv6(flow);
    case "ip":
      return isIp(flow);
    case "mpls":
      return isMplsType(dlType(flow));
    case "tcp":
      return hasProtocol(flow, mask, 6) && !isLaterFragment(flow);
    case "udp":
      return hasProtocol(flow, mask, 17) && !isLaterFragment(flow);
    case "sctp":
      return hasProtocol(flow, mask, 132) && !isLaterFragment(flow);
    case "icmpv4":
      return isIpv4(flow) && hasProtocol(flow, mask, 1);
    case "icmpv6":
      return isIpv6(flow) && hasProtocol(flow, mask, 58);
    case "nd":
      return isNeighbourDiscovery(flow, mask);
    case "nd-solicit":
      return isNeighbourDiscovery(flow, mask) && flow[W_PORTS] >>> 16 === 135;
    case "nd-advert":
      return isNeighbourDiscovery(flow, mask) && flow[W_PORTS] >>> 16 === 136;
  }
}

// Not ip_dscp, which Open vSwitch has as another field than nw_tos and does not name there.
const IP_FIELDS = new Set(["ip_src", "ip_dst", "ipv6_src", "ipv6_dst", "ipv6_label", "nw_tos", "nw_ecn", "nw_ttl"]);
const ARP_FIELDS = new Set(["arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha"]);

/** Setting an L3 field depends on nw_proto (`move` and `pop` have no such rule). */
export function maskNetworkPrerequisite(field: Field, flow: Int32Array, mask: Int32Array): void {
  if (isIp(flow) ? IP_FIELDS.has(field.name) : isArp(flow) && ARP_FIELDS.has(field.name)) mask[W_TYPE] |= PROTO_BITS;
}

/** The bits of `value` of the field count as examined. */
export function examine(field: Field, mask: Int32Array, bits: FieldValue): void {
  fieldOr(field, mask, bits);
  fixExaminedVlan(field, mask);
}

/**
 * Open vSwitch marks a field by writing ones into it as if the mask were a packet, which gives a tag without a type the type
 * 0x8100: so those two bits of the type are matched too (mf_mask_field, flow_fix_vlan_tpid).
 */
function fixExaminedVlan(field: Field, mask: Int32Array): void {
  if (
    field.name === "vlan_tci" ||
    field.name === "vlan_vid" ||
    field.name === "dl_vlan_pcp" ||
    field.name === "vlan_pcp"
  )
    fixVlanType(mask);
}

/** The bits of the subfield count as examined. */
export function examineSubfield(subfield: Subfield, mask: Int32Array): void {
  fieldOr(subfield.field, mask, bitsMask(subfield.at, subfield.width));
  fixExaminedVlan(subfield.field, mask);
}

/** Writes the bits of `value` under `bits`, with the side effects on VLAN presence that Open vSwitch has. */
export function writeField(field: Field, flow: Int32Array, value: FieldValue, bits: FieldValue): void {
  fieldSetMasked(field, flow, value, bits);
  switch (field.name) {
    case "vlan_tci":
    case "vlan_vid":
      fixVlanType(flow);
      break;
    case "dl_vlan":
    case "dl_vlan_pcp":
    case "vlan_pcp":
      flow[W_VLAN0] |= VLAN_PRESENT;
      fixVlanType(flow);
      break;
  }
}

// Scratch of the two below.
const shiftedValue: FieldValue = new Int32Array(4);
const wholeValue: FieldValue = new Int32Array(4);
const movedValue: FieldValue = new Int32Array(4);

/** Writes right-aligned `value` into the subfield. */
export function writeSubfield(subfield: Subfield, flow: Int32Array, value: FieldValue): void {
  const shifted = shiftedValue;
  shifted.fill(0);
  for (let done = 0; done < subfield.width; done += 32) {
    const width = Math.min(32, subfield.width - done);
    orBits(shifted, subfield.at + done, width, takeBits(value, done, width));
  }
  writeField(subfield.field, flow, shifted, bitsMask(subfield.at, subfield.width));
}

/** `move`: copies source to destination if the packet has both (OVS: mf_subfield_copy). */
export function copySubfield(source: Subfield, destination: Subfield, flow: Int32Array, mask: Int32Array): void {
  if (!hasField(destination.field, flow, mask) || !hasField(source.field, flow, mask)) return;
  examineSubfield(source, mask);
  examineSubfield(destination, mask);
  const whole = fieldGet(source.field, flow, wholeValue);
  const value = movedValue;
  value.fill(0);
  for (let done = 0; done < source.width; done += 32) {
    const width = Math.min(32, source.width - done);
    orBits(value, done, width, takeBits(whole, source.at + done, width));
  }
  writeSubfield(destination, flow, value);
}
