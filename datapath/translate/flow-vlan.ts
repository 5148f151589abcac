/**
 * The VLAN tags of a flow inside translation: counting, pushing and popping on the two words W_VLAN0, W_VLAN1, each
 * tpid << 16 | tci with bit 12 of the tci meaning "there is a tag" (OVS: flow_count_vlan_headers, flow_push_vlan_uninit,
 * flow_pop_vlan in lib/flow.c).
 */
import { VLAN_PRESENT, W_VLAN0, W_VLAN1 } from "../flow/flow-key.ts";

/** FLOW_MAX_VLAN_HEADERS: a third tag pushed makes the innermost disappear from the flow. */
export const MAX_VLANS = 2;

/** The Ethernet types of a VLAN tag: 802.1Q and 802.1ad. */
export const isVlanType = (type: number): boolean => type === 0x8100 || type === 0x88a8;

/** How many tags the flow has, 0 to 2. */
export function vlanCount(flow: Int32Array): number {
  if ((flow[W_VLAN0] & VLAN_PRESENT) === 0) return 0;
  return (flow[W_VLAN1] & VLAN_PRESENT) === 0 ? 1 : MAX_VLANS;
}

/** Takes the outer tag off. Only tags that move are examined; that of the popped one shows when the change is committed. */
export function popVlan(flow: Int32Array, mask: Int32Array): void {
  const count = vlanCount(flow);
  if (count === 0) return;
  if (count > 1) {
    mask[W_VLAN1] = -1;
    flow[W_VLAN0] = flow[W_VLAN1];
    flow[W_VLAN1] = 0;
  } else {
    flow[W_VLAN0] = 0;
  }
}

/** Puts a tag in front: VLAN 0, priority 0, of Ethernet type `tpid`. The tags that move inwards are examined. */
export function pushVlan(flow: Int32Array, mask: Int32Array, tpid: number): void {
  const count = vlanCount(flow);
  if (count > 0) mask[W_VLAN0] = -1;
  if (count > 1) mask[W_VLAN1] = -1;
  flow[W_VLAN1] = flow[W_VLAN0];
  flow[W_VLAN0] = (tpid << 16) | VLAN_PRESENT;
}

/** A tag that was written on an untagged packet gets a type; a type stays when the tag is written away (OVS: flow_fix_vlan_tpid). */
export function fixVlanType(flow: Int32Array): void {
  if (flow[W_VLAN0] >>> 16 === 0 && (flow[W_VLAN0] & 0xffff) !== 0) flow[W_VLAN0] |= 0x8100 << 16;
}
