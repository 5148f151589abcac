/**
 * How long datapath actions are as Open vSwitch keeps them, in netlink attributes (lib/odp-netlink.h): 4 bytes of header each,
 * padded to 4. Translation stops following resubmits when they pass 64 kB (xlate_resubmit_resource_check).
 */
import type { OdpAction, SetHeader } from "../action/odp-action.ts";

/** UINT16_MAX: the longest that an attribute may be. */
export const MAX_ACTION_BYTES = 65535;

/** Bytes of struct ovs_key_*. */
const KEY_BYTES: Readonly<Record<SetHeader, number>> = {
  eth: 12,
  ipv4: 12,
  ipv6: 40,
  tcp: 4,
  udp: 4,
  sctp: 4,
  icmp: 2,
  icmpv6: 2,
  arp: 24,
  nd: 28,
  mpls: 4,
  tunnel: 48,
  skb_priority: 4,
  skb_mark: 4,
};

/** struct ovs_action_push_tnl: its header is a buffer of 512 bytes. */
const PUSH_TUNNEL_BYTES = 4 + 4 + 4 + 4 + 4 + 512;

const padded = (bytes: number): number => (bytes + 3) & ~3;

function bytesOf(action: OdpAction): number {
  switch (action.kind) {
    case "pop_vlan":
    case "pop_eth":
      return 4;
    case "set":
      // Value and mask in an attribute of the header, in one of the action.
      return 8 + padded(2 * KEY_BYTES[action.header]);
    case "push_mpls":
    case "hash":
      return 12;
    case "push_eth":
      return 16;
    case "tnl_push":
      return 4 + PUSH_TUNNEL_BYTES;
    case "clone":
      return 4 + actionBytes(action.actions);
    case "sample":
      return 16 + actionBytes(action.actions);
    case "check_pkt_len":
      return 20 + actionBytes(action.greater) + actionBytes(action.lesser);
    case "userspace":
      return 56;
    case "drop":
      return 0;
    default:
      return 8;
  }
}

/** Bytes of the actions from number `from` on. */
export function actionBytes(actions: readonly OdpAction[], from = 0): number {
  let sum = 0;
  for (let i = from; i < actions.length; i++) sum += bytesOf(actions[i]);
  return sum;
}
