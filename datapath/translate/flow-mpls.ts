/**
 * The MPLS label stack of a flow inside translation (OVS: flow_count_mpls_labels, flow_push_mpls, flow_pop_mpls in
 * lib/flow.c). Three label stack entries are parsed; layout of one: label 20, traffic class 3, bottom of stack 1, ttl 8
 * (RFC 3032 section 2.1).
 */
import {
  W_DP_HASH,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PORTS,
  W_TOSTTL,
  W_TYPE,
} from "../flow/flow-key.ts";

export const MAX_MPLS_LABELS = 3;
export const MPLS_BOS = 0x100;
export const MPLS_TTL = 0xff;
export const MPLS_TC = 0xe00;
export const MPLS_LABEL = 0xfffff000 | 0;

const ETH_TYPE_IPV4 = 0x0800;
const ETH_TYPE_IPV6 = 0x86dd;

export const isMplsType = (type: number): boolean => type === 0x8847 || type === 0x8848;

const typeOf = (flow: Int32Array): number => flow[W_TYPE] >>> 16;

function setType(flow: Int32Array, type: number): void {
  flow[W_TYPE] = (flow[W_TYPE] & 0xffff) | (type << 16);
}

/** Labels of the flow, 0 to 3; examines the bottom-of-stack bits when `mask` is given. */
export function mplsCount(flow: Int32Array, mask: Int32Array | undefined): number {
  if (!isMplsType(typeOf(flow))) return 0;
  let count = 0;
  for (let i = 0; i < MAX_MPLS_LABELS; i++) {
    if (mask !== undefined) mask[W_MPLS0 + i] |= MPLS_BOS;
    if ((flow[W_MPLS0 + i] & MPLS_BOS) !== 0) return i + 1;
    // Behind a bottom that was popped are no labels, though the type still says so.
    if (flow[W_MPLS0 + i] !== 0) count++;
  }
  return count;
}

/** Labels at the bottom of both stacks that are equal. */
export function mplsCommon(a: Int32Array, aCount: number, b: Int32Array, bCount: number): number {
  const fewer = Math.min(aCount, bCount);
  for (let i = 0; i < fewer; i++) {
    if (a[W_MPLS0 + aCount - 1 - i] !== b[W_MPLS0 + bCount - 1 - i]) return i;
  }
  return fewer;
}

/**
 * Pushes a label on a stack of `count` (< 3). The first takes class and ttl of the IP header, the label is "explicit null"
 * (RFC 3032 section 2.1); the fields of the layers below then are no longer of the packet (`clear`).
 */
export function pushMpls(
  flow: Int32Array,
  count: number,
  type: number,
  mask: Int32Array | undefined,
  clear: boolean,
): void {
  if (count > 0) {
    for (let i = count; i >= 1; i--) {
      if (mask !== undefined) mask[W_MPLS0 + i - 1] = -1;
      flow[W_MPLS0 + i] = flow[W_MPLS0 + i - 1];
    }
    flow[W_MPLS0] = flow[W_MPLS0 + 1] & ~MPLS_BOS;
  } else {
    const inner = typeOf(flow);
    let trafficClass = 0;
    let ttl = 64;
    if (inner === ETH_TYPE_IPV4 || inner === ETH_TYPE_IPV6) {
      trafficClass = (flow[W_TOSTTL] >>> 26) & 7;
      if (mask !== undefined) mask[W_TOSTTL] |= 0xfcff0000 | 0;
      ttl = (flow[W_TOSTTL] >>> 16) & 0xff || 64;
    }
    if (clear) clearLayers(flow);
    flow[W_MPLS0] = ((inner === ETH_TYPE_IPV6 ? 2 : 0) << 12) | (trafficClass << 9) | MPLS_BOS | ttl;
  }
  setType(flow, type);
}

/** Pops the outer label of `count`; false when there is none, or the bottom lies deeper than is parsed. */
export function popMpls(flow: Int32Array, count: number, type: number, mask: Int32Array | undefined): boolean {
  if (count === 0) return false;
  if (count === MAX_MPLS_LABELS) {
    if (mask !== undefined) mask[W_MPLS0 + count - 1] |= MPLS_BOS;
    if ((flow[W_MPLS0 + count - 1] & MPLS_BOS) === 0) return false;
  }
  for (let i = 1; i < count; i++) {
    if (mask !== undefined) mask[W_MPLS0 + i] = -1;
    flow[W_MPLS0 + i - 1] = flow[W_MPLS0 + i];
  }
  flow[W_MPLS0 + count - 1] = 0;
  setType(flow, type);
  return true;
}

/** Zeroes everything above the label stack: L3, L4 and the datapath's hash (OVS: FLOW_SEGMENT_2_ENDS_AT). */
function clearLayers(flow: Int32Array): void {
  flow[W_TYPE] &= 0xffff0000 | 0;
  flow[W_NW_SRC] = 0;
  flow[W_NW_DST] = 0;
  flow[W_TOSTTL] = 0;
  flow[W_PORTS] = 0;
  for (let w = W_IPV6_SRC; w < W_IPV6_DST + 4; w++) flow[w] = 0;
  flow[W_IPV6_LABEL] = 0;
  for (let w = W_ND_TARGET; w < W_ND_TARGET + 4; w++) flow[w] = 0;
  for (let w = W_MACS0; w < W_MACS0 + 3; w++) flow[w] = 0;
  flow[W_DP_HASH] = 0;
}
