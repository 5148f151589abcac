/**
 * Datapath actions are written lazily: OpenFlow actions only change the flow, and just before an output needs it the
 * difference between the packet as it is (`base`) and as it should be (`flow`) becomes `set`, push and pop actions. Changes
 * that cancel out vanish so. Order: Ethernet, L3, L4, MPLS, VLAN, priority and mark (OVS: commit_odp_actions, lib/odp-util.c).
 *
 * A `set` carries the fields that differ, each under the bits of it that the translation has looked at or written
 * (`mask`); fields are compared whole (OVS: keycmp_mask).
 */
import type { OdpAction, SetHeader } from "../action/odp-action.ts";
import {
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_PKT_MARK,
  W_PORTS,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import { isMplsType, mplsCommon, mplsCount, popMpls, pushMpls } from "./flow-mpls.ts";
import { vlanCount } from "./flow-vlan.ts";

/** A field of a header: pairs of word and bits of it. */
type KeyField = readonly (readonly [word: number, bits: number])[];

const HIGH16 = 0xffff0000 | 0;
const LOW16 = 0xffff;

const ETH_SRC: KeyField = [
  [W_ETH1, LOW16],
  [W_ETH2, -1],
];
const ETH_DST: KeyField = [
  [W_ETH0, -1],
  [W_ETH1, HIGH16],
];
const NW_SRC: KeyField = [[W_NW_SRC, -1]];
const NW_DST: KeyField = [[W_NW_DST, -1]];
const TOS: KeyField = [[W_TOSTTL, 0xff000000 | 0]];
const TTL: KeyField = [[W_TOSTTL, 0x00ff0000]];
const quad = (word: number): KeyField => [0, 1, 2, 3].map((i) => [word + i, -1] as const);
const IPV6_SRC = quad(W_IPV6_SRC);
const IPV6_DST = quad(W_IPV6_DST);
const IPV6_LABEL: KeyField = [[W_IPV6_LABEL, 0xfffff]];
const TP_SRC: KeyField = [[W_PORTS, HIGH16]];
const TP_DST: KeyField = [[W_PORTS, LOW16]];
/** On the wire type and code have 8 bits, whatever was written into the 16 of the flow. */
const ICMP_TYPE: KeyField = [[W_PORTS, 0x00ff0000]];
const ICMP_CODE: KeyField = [[W_PORTS, 0xff]];
const ARP_OP: KeyField = [[W_TYPE, 0xff]];
const SHA: KeyField = [
  [W_MACS0, -1],
  [W_MACS0 + 1, HIGH16],
];
const THA: KeyField = [
  [W_MACS0 + 1, LOW16],
  [W_MACS0 + 2, -1],
];
const ND_TARGET = quad(W_ND_TARGET);

const ETHERNET = [ETH_SRC, ETH_DST];
const IPV4 = [NW_SRC, NW_DST, TOS, TTL];
const IPV6 = [IPV6_SRC, IPV6_DST, IPV6_LABEL, TOS, TTL];
const PORTS = [TP_SRC, TP_DST];
const ICMP = [ICMP_TYPE, ICMP_CODE];
const ARP = [NW_SRC, NW_DST, ARP_OP, SHA, THA];
const ND = [ND_TARGET, SHA, THA];
const PRIORITY: readonly KeyField[] = [[[W_SKB_PRIORITY, -1]]];
const MARK: readonly KeyField[] = [[[W_PKT_MARK, -1]]];

const ETH_TYPE_IPV4 = 0x0800;
const ETH_TYPE_ARP = 0x0806;
const ETH_TYPE_IPV6 = 0x86dd;

/** Bits of the tos byte left out of a `set`, when the outer header of a tunnel had the last word on them. */
const ECN = 0x03000000;

/**
 * Writes the `set` of one header if a field of it differs, and brings `base` up to it. `masked` false: all the fields of
 * the header are written whole and count as examined.
 */
function commitHeader(
  header: SetHeader,
  fields: readonly KeyField[],
  masked: boolean,
  flow: Int32Array,
  base: Int32Array,
  mask: Int32Array,
  out: OdpAction[],
  leaveOut = 0,
): boolean {
  let differ = false;
  const words: [number, number, number][] = [];
  const write = (field: KeyField): void => {
    for (const [word, bits] of field) {
      const examined = masked ? mask[word] & bits & (word === W_TOSTTL ? ~leaveOut : -1) : bits;
      const known = words.find((w) => w[0] === word);
      if (known !== undefined) {
        known[1] |= flow[word] & examined;
        known[2] |= examined;
      } else if (examined !== 0) {
        words.push([word, flow[word] & examined, examined]);
      }
    }
  };
  for (const field of fields) {
    let same = true;
    for (const [word, bits] of field) if (((flow[word] ^ base[word]) & bits) !== 0) same = false;
    if (same) continue;
    differ = true;
    if (masked) write(field);
  }
  if (!differ) return false;
  for (const field of fields) {
    if (!masked) write(field);
    for (const [word, bits] of field) {
      base[word] = (base[word] & ~bits) | (flow[word] & bits);
      if (!masked) mask[word] |= bits;
    }
  }
  out.push({ kind: "set", header, words });
  return true;
}

/**
 * Appends to `out` what makes the packet `base` into `flow`, and brings `base` up to it. Adds to `mask` what the new
 * actions depend on. Returns true when the datapath cannot do the change itself (a changed ARP, ICMP or ND header):
 * the flow then belongs on the slow path.
 */
export function commitActions(flow: Int32Array, base: Int32Array, mask: Int32Array, out: OdpAction[]): boolean {
  commitPacketType(flow, base, out);
  if (flow[W_PACKET_TYPE] === 0 && base[W_PACKET_TYPE] === 0) {
    commitHeader("eth", ETHERNET, true, flow, base, mask, out);
  }
  const leavesMpls = isMplsType(base[W_TYPE] >>> 16) && !isMplsType(flow[W_TYPE] >>> 16);
  // Before L3 and L4, which would do nothing to a packet that still has labels.
  if (leavesMpls) commitMpls(flow, base, out);
  let slow = commitNetwork(flow, base, mask, out);
  commitPorts(flow, base, mask, out);
  if (commitIcmp(flow, base, mask, out)) slow = true;
  if (!leavesMpls) commitMpls(flow, base, out);
  commitVlan(flow, base, mask, out);
  commitHeader("skb_priority", PRIORITY, true, flow, base, mask, out);
  commitHeader("skb_mark", MARK, true, flow, base, mask, out);
  return slow;
}

function commitPacketType(flow: Int32Array, base: Int32Array, out: OdpAction[]): void {
  if (flow[W_PACKET_TYPE] === base[W_PACKET_TYPE]) return;
  if (flow[W_PACKET_TYPE] === 0) {
    out.push({ kind: "push_eth", words: [flow[W_ETH0], flow[W_ETH1], flow[W_ETH2]] });
    base[W_ETH0] = flow[W_ETH0];
    base[W_ETH1] = flow[W_ETH1];
    base[W_ETH2] = flow[W_ETH2];
  } else {
    out.push({ kind: "pop_eth" });
    base[W_ETH0] = 0;
    base[W_ETH1] = 0;
    base[W_ETH2] = 0;
  }
  base[W_PACKET_TYPE] = flow[W_PACKET_TYPE];
}

/** A packet without nw_proto (also IP protocol 0) is left alone: there may be no header behind it. */
function commitNetwork(flow: Int32Array, base: Int32Array, mask: Int32Array, out: OdpAction[]): boolean {
  if ((flow[W_TYPE] & 0xff) === 0) return false;
  switch (base[W_TYPE] >>> 16) {
    case ETH_TYPE_IPV4:
    case ETH_TYPE_IPV6: {
      const ecnSame = ((flow[W_TOSTTL] ^ base[W_TOSTTL]) & ECN) === 0;
      const leaveOut = base[W_TUN_DST] !== 0 && ecnSame ? ECN : 0;
      if (base[W_TYPE] >>> 16 === ETH_TYPE_IPV4) {
        commitHeader("ipv4", IPV4, true, flow, base, mask, out, leaveOut);
        return false;
      }
      commitHeader("ipv6", IPV6, true, flow, base, mask, out, leaveOut);
      return commitHeader("nd", ND, true, flow, base, mask, out);
    }
    case ETH_TYPE_ARP:
      return commitHeader("arp", ARP, true, flow, base, mask, out);
    default:
      return false;
  }
}

const isIp = (type: number): boolean => type === ETH_TYPE_IPV4 || type === ETH_TYPE_IPV6;

function commitPorts(flow: Int32Array, base: Int32Array, mask: Int32Array, out: OdpAction[]): void {
  if (!isIp(base[W_TYPE] >>> 16)) return;
  const protocol = flow[W_TYPE] & 0xff;
  const header = protocol === 6 ? "tcp" : protocol === 17 ? "udp" : protocol === 132 ? "sctp" : undefined;
  if (header !== undefined) commitHeader(header, PORTS, true, flow, base, mask, out);
}

function commitIcmp(flow: Int32Array, base: Int32Array, mask: Int32Array, out: OdpAction[]): boolean {
  const type = flow[W_TYPE] >>> 16;
  const protocol = flow[W_TYPE] & 0xff;
  if (type === ETH_TYPE_IPV4 && protocol === 1) return commitHeader("icmp", ICMP, false, flow, base, mask, out);
  if (type === ETH_TYPE_IPV6 && protocol === 58) return commitHeader("icmpv6", ICMP, false, flow, base, mask, out);
  return false;
}

function commitMpls(flow: Int32Array, base: Int32Array, out: OdpAction[]): void {
  let baseCount = mplsCount(base, undefined);
  const flowCount = mplsCount(flow, undefined);
  let common = mplsCommon(flow, flowCount, base, baseCount);
  const type = flow[W_TYPE] >>> 16;
  while (baseCount > common) {
    if (baseCount - 1 === common && flowCount > common) {
      const entry = flow[W_MPLS0 + flowCount - baseCount];
      out.push({ kind: "set", header: "mpls", words: [[W_MPLS0, entry, -1]] });
      base[W_MPLS0] = entry;
      common++;
    } else {
      out.push({ kind: "pop_mpls", ethertype: baseCount !== 1 && !isMplsType(type) ? 0x8847 : type });
      popMpls(base, baseCount, type, undefined);
      baseCount--;
    }
  }
  while (baseCount < flowCount) {
    const entry = flow[W_MPLS0 + flowCount - baseCount - 1];
    out.push({ kind: "push_mpls", ethertype: type, lse: entry });
    pushMpls(base, baseCount, type, undefined, false);
    base[W_MPLS0] = entry;
    baseCount++;
  }
}

/** Pops the tags of `base` down to what both have innermost, then pushes those of `flow`. A popped tag was examined whole. */
function commitVlan(flow: Int32Array, base: Int32Array, mask: Int32Array, out: OdpAction[]): void {
  let baseTop = vlanCount(base) - 1;
  let flowTop = vlanCount(flow) - 1;
  while (baseTop >= 0 && flowTop >= 0 && base[W_VLAN0 + baseTop] === flow[W_VLAN0 + flowTop]) {
    baseTop--;
    flowTop--;
  }
  for (; baseTop >= 0; baseTop--) {
    out.push({ kind: "pop_vlan" });
    mask[W_VLAN0 + baseTop] = -1;
  }
  for (; flowTop >= 0; flowTop--) {
    const word = flow[W_VLAN0 + flowTop];
    out.push({ kind: "push_vlan", tpid: word >>> 16, tci: word & 0xffff });
  }
  base[W_VLAN0] = flow[W_VLAN0];
  base[W_VLAN0 + 1] = flow[W_VLAN0 + 1];
}
