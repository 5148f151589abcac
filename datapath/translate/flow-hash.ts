/**
 * Choosing by a hash of the packet: `multipath`, `bundle` and select groups. Which value the hash has is this program's own
 * (Open vSwitch's differs); which header fields it depends on, and so are examined, is Open vSwitch's
 * (flow_mask_hash_fields, lib/flow.c).
 */
import {
  VLAN_PRESENT,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IPV6_DST,
  W_IPV6_SRC,
  W_NW_DST,
  W_NW_SRC,
  W_PORTS,
  W_TYPE,
  W_VLAN0,
  W_VLAN1,
} from "../flow/flow-key.ts";
import { hashAdd, hashFinish } from "../flow/hash.ts";
import type { HashFields } from "../openflow/action.ts";
import { isIp, isIpv4, isIpv6, nwProto, PROTO_BITS } from "./flow-field.ts";

const FRAGMENT_BITS = 0x300;
const VLAN_BITS = VLAN_PRESENT | 0xfff;

function examineAddresses(flow: Int32Array, mask: Int32Array): void {
  if (isIpv4(flow)) {
    mask[W_NW_SRC] = -1;
    mask[W_NW_DST] = -1;
  } else if (isIpv6(flow)) {
    for (let i = 0; i < 4; i++) {
      mask[W_IPV6_SRC + i] = -1;
      mask[W_IPV6_DST + i] = -1;
    }
  }
}

/** Marks what the hash over `fields` depends on. */
export function examineHashFields(fields: HashFields, flow: Int32Array, mask: Int32Array): void {
  switch (fields) {
    case "eth_src":
      mask[W_ETH1] |= 0xffff;
      mask[W_ETH2] = -1;
      break;
    case "symmetric_l4":
      mask[W_ETH0] = -1;
      mask[W_ETH1] = -1;
      mask[W_ETH2] = -1;
      examineAddresses(flow, mask);
      if (isIp(flow)) {
        mask[W_TYPE] |= PROTO_BITS;
        // UDP ports are no part of the hash: fragments of a datagram must go the same way.
        const protocol = nwProto(flow);
        if (protocol === 1 || (protocol === 58 && isIpv6(flow))) mask[W_PORTS] |= 0x00ff00ff;
        else if (protocol !== 17) mask[W_PORTS] = -1;
      }
      mask[W_VLAN0] |= VLAN_BITS;
      mask[W_VLAN1] |= VLAN_BITS;
      break;
    case "symmetric_l3l4":
    case "symmetric_l3l4+udp":
      if (!isIp(flow)) break;
      examineAddresses(flow, mask);
      mask[W_TYPE] |= PROTO_BITS;
      if (hasHashedPorts(fields, flow)) mask[W_PORTS] = -1;
      break;
    case "nw_src":
      if (isIpv4(flow)) mask[W_NW_SRC] = -1;
      else if (isIpv6(flow)) for (let i = 0; i < 4; i++) mask[W_IPV6_SRC + i] = -1;
      break;
    case "nw_dst":
      if (isIpv4(flow)) mask[W_NW_DST] = -1;
      else if (isIpv6(flow)) for (let i = 0; i < 4; i++) mask[W_IPV6_DST + i] = -1;
      break;
    case "symmetric_l3":
      examineAddresses(flow, mask);
      break;
  }
}

function hasHashedPorts(fields: HashFields, flow: Int32Array): boolean {
  // Fragments of a packet must go the same way, and only the first has ports.
  if ((flow[W_TYPE] & FRAGMENT_BITS) !== 0) return false;
  const protocol = nwProto(flow);
  return protocol === 6 || protocol === 132 || (protocol === 17 && fields === "symmetric_l3l4+udp");
}

const foldAddress = (flow: Int32Array, at: number): number => flow[at] ^ flow[at + 1] ^ flow[at + 2] ^ flow[at + 3];

/** An int32 hash of the packet over `fields`, the same for both directions where the name says so. */
export function hashFlow(fields: HashFields, flow: Int32Array, basis: number): number {
  let hash = hashAdd(0, basis);
  const addresses = (source: boolean, target: boolean): void => {
    if (isIpv4(flow)) hash = hashAdd(hash, (source ? flow[W_NW_SRC] : 0) ^ (target ? flow[W_NW_DST] : 0));
    else if (isIpv6(flow)) {
      hash = hashAdd(hash, (source ? foldAddress(flow, W_IPV6_SRC) : 0) ^ (target ? foldAddress(flow, W_IPV6_DST) : 0));
    }
  };
  switch (fields) {
    case "eth_src":
      hash = hashAdd(hashAdd(hash, flow[W_ETH1] & 0xffff), flow[W_ETH2]);
      break;
    case "symmetric_l4": {
      const targetHigh = flow[W_ETH0];
      const sourceHigh = (flow[W_ETH1] << 16) | (flow[W_ETH2] >>> 16);
      hash = hashAdd(hash, targetHigh ^ sourceHigh);
      hash = hashAdd(hash, ((flow[W_ETH1] >>> 16) ^ flow[W_ETH2]) & 0xffff);
      hash = hashAdd(hash, flow[W_TYPE] >>> 16);
      hash = hashAdd(hash, (flow[W_VLAN0] & VLAN_BITS) ^ ((flow[W_VLAN1] & VLAN_BITS) << 16));
      addresses(true, true);
      if (isIp(flow)) {
        const protocol = nwProto(flow);
        hash = hashAdd(hash, protocol);
        if (protocol === 6 || protocol === 132) hash = hashAdd(hash, (flow[W_PORTS] >>> 16) ^ (flow[W_PORTS] & 0xffff));
      }
      break;
    }
    case "symmetric_l3l4":
    case "symmetric_l3l4+udp":
      if (!isIp(flow)) break;
      addresses(true, true);
      hash = hashAdd(hash, nwProto(flow));
      if (hasHashedPorts(fields, flow)) hash = hashAdd(hash, (flow[W_PORTS] >>> 16) ^ (flow[W_PORTS] & 0xffff));
      break;
    case "nw_src":
      addresses(true, false);
      break;
    case "nw_dst":
      addresses(false, true);
      break;
    case "symmetric_l3":
      addresses(true, true);
      break;
  }
  return hashFinish(hash);
}

/** A hash of a number that a choice was already hashed to, and a candidate's: for highest random weight (RFC 2992 names it). */
export const mixHash = (hash: number, candidate: number): number => hashFinish(hashAdd(hashAdd(0, hash), candidate));
