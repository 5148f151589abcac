/**
 * Keys of IPv6 packets, their extension headers, ICMPv6 and neighbour discovery: the part of Open vSwitch's
 * miniflow_extract() (lib/flow.c) that few frames need. Where the frame ends was checked by extract.ts.
 */

import { PROTOCOL_ICMP, PROTOCOL_IGMP, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.ts";
import {
  NEXT_AUTH,
  NEXT_DESTINATION,
  NEXT_FRAGMENT,
  NEXT_HOP_BY_HOP,
  NEXT_ICMPV6,
  NEXT_ROUTING,
} from "../wire/ipv6.ts";
import {
  FRAG_ANY,
  FRAG_LATER,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_ND_TARGET,
  W_PORTS,
  W_TOSTTL,
  W_TYPE,
} from "./flow-key.ts";
import { SHAPE_IPV6, SHAPE_MACS, SHAPE_ND_TARGET, SHAPE_PORTS, SHAPE_TOSTTL } from "./shapes.ts";

/** Where the transport header of the last IPv6 packet lies: the other result of `extractIpv6`. */
export let ipv6L4 = 0;

/**
 * IPv6 (RFC 8200) with its extension headers. Returns the shape's groups, writes their words and the low half of the type
 * word (fragment bits and protocol) and ipv6L4 (0 where the header or an extension lies: no field at all then, except that
 * OVS has pushed the addresses before it reads the extensions).
 */
export function extractIpv6(view: DataView, keys: Int32Array, k: number, net: number, stop: number): number {
  ipv6L4 = 0;
  keys[k + W_TYPE] = 0;
  const size = stop - net;
  if (size < 40) return 0;
  const length = view.getUint16(net + 4);
  if (length + 40 > size) return 0;
  for (let w = 0; w < 4; w++) {
    keys[k + W_IPV6_SRC + w] = view.getInt32(net + 8 + 4 * w);
    keys[k + W_IPV6_DST + w] = view.getInt32(net + 24 + 4 * w);
  }
  keys[k + W_IPV6_LABEL] = 0;
  const flow = view.getInt32(net);
  let proto = view.getUint8(net + 6);
  let fragment = 0;
  let at = net + 40;
  let left = length;
  // OVS: parse_ipv6_ext_hdrs__(). Every extension header has at least 8 bytes.
  while (
    proto === NEXT_HOP_BY_HOP ||
    proto === NEXT_ROUTING ||
    proto === NEXT_DESTINATION ||
    proto === NEXT_AUTH ||
    proto === NEXT_FRAGMENT
  ) {
    if (left < 8) return SHAPE_IPV6;
    const next = view.getUint8(at);
    if (proto === NEXT_FRAGMENT) {
      const offsetFlags = view.getUint16(at + 2);
      proto = next;
      at += 8;
      left -= 8;
      if (offsetFlags !== 0) {
        fragment = FRAG_ANY;
        if ((offsetFlags & 0xfff8) !== 0) {
          fragment |= FRAG_LATER;
          proto = NEXT_FRAGMENT;
          break;
        }
      }
    } else {
      const words = view.getUint8(at + 1);
      const bytes = proto === NEXT_AUTH ? (words + 2) * 4 : (words + 1) * 8;
      proto = next;
      if (bytes > left) return SHAPE_IPV6;
      at += bytes;
      left -= bytes;
    }
  }
  keys[k + W_IPV6_LABEL] = flow & 0xfffff;
  let tosTtl = ((flow << 4) & -0x1000000) | (view.getUint8(net + 7) << 16);
  let has = SHAPE_IPV6 | SHAPE_TOSTTL;
  keys[k + W_TYPE] = (fragment << 8) | proto;
  ipv6L4 = at;
  if ((fragment & FRAG_LATER) === 0) {
    if (proto === PROTOCOL_TCP) {
      if (left >= 20) {
        const offsetFlags = view.getUint16(at + 12);
        const data = (offsetFlags >>> 10) & 0x3c;
        if (data >= 20 && data <= left) {
          tosTtl |= offsetFlags & 0x0fff;
          keys[k + W_PORTS] = view.getInt32(at);
          has |= SHAPE_PORTS;
        }
      }
    } else if ((proto === PROTOCOL_UDP && left >= 8) || (proto === PROTOCOL_SCTP && left >= 12)) {
      keys[k + W_PORTS] = view.getInt32(at);
      has |= SHAPE_PORTS;
    } else if (proto === NEXT_ICMPV6 && left >= 8) {
      has |= extractIcmpv6(view, keys, k, at, left);
    } else if ((proto === PROTOCOL_ICMP || proto === PROTOCOL_IGMP) && left >= 8) {
      const typeCode = view.getUint16(at);
      keys[k + W_PORTS] = ((typeCode & 0xff00) << 8) | (typeCode & 0xff);
      has |= SHAPE_PORTS;
    }
  }
  keys[k + W_TOSTTL] = tosTtl;
  return has;
}

/** ICMPv6 (RFC 4443), which OVS reads over IPv4 too. Returns the groups of words that it wrote. */
export function extractIcmpv6(view: DataView, keys: Int32Array, k: number, at: number, size: number): number {
  const typeCode = view.getUint16(at);
  keys[k + W_PORTS] = ((typeCode & 0xff00) << 8) | (typeCode & 0xff);
  if (typeCode !== 0x8700 && typeCode !== 0x8800) return SHAPE_PORTS;
  neighbourDiscovery(view, keys, k, at + 8, size - 8);
  return SHAPE_PORTS | SHAPE_ND_TARGET | SHAPE_MACS;
}

/**
 * Target and link-layer options of a neighbour solicitation or advertisement (RFC 4861 4.3, 4.4, 4.6.1; OVS:
 * parse_icmpv6()). The same option twice is an error that takes target and addresses away.
 */
function neighbourDiscovery(view: DataView, keys: Int32Array, k: number, from: number, size: number): void {
  for (let w = 0; w < 4; w++) keys[k + W_ND_TARGET + w] = 0;
  let source0 = 0;
  let source1 = 0;
  let target0 = 0;
  let target1 = 0;
  let valid = size >= 16;
  if (valid) {
    let at = from + 16;
    let left = size - 16;
    while (left >= 8) {
      const type = view.getUint8(at);
      const bytes = view.getUint8(at + 1) * 8;
      if (bytes === 0 || bytes > left) break;
      if (bytes === 8 && (type === 1 || type === 2)) {
        if (type === 1 ? (source0 | source1) !== 0 : (target0 | target1) !== 0) {
          valid = false;
          break;
        }
        if (type === 1) {
          source0 = view.getInt32(at + 2);
          source1 = view.getUint16(at + 6);
        } else {
          target0 = view.getInt32(at + 2);
          target1 = view.getUint16(at + 6);
        }
      }
      at += bytes;
      left -= bytes;
    }
    if (valid) {
      for (let w = 0; w < 4; w++) keys[k + W_ND_TARGET + w] = view.getInt32(from + 4 * w);
    } else {
      source0 = source1 = target0 = target1 = 0;
    }
  }
  keys[k + W_MACS0] = source0;
  keys[k + W_MACS0 + 1] = (source1 << 16) | (target0 >>> 16);
  keys[k + W_MACS0 + 2] = (target0 << 16) | target1;
}
