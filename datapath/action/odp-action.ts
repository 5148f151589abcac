/**
 * Datapath actions: what translation gives and the executor compiles (action/program.ts), printed as Open vSwitch does by
 * ovs/. The nouns are those of OVS_ACTION_ATTR_* (include/linux/openvswitch.h of Open vSwitch).
 */

/** A tunnel header to be put in front of a frame, made once at translation. */
export interface TunnelHeader {
  readonly type: "gre" | "vxlan" | "geneve";
  /** Outer Ethernet, IPv4 and tunnel header with lengths, checksum and UDP source port left 0. */
  readonly bytes: Uint8Array;
  /** Offset of the outer IPv4 header in `bytes`; the UDP header, if any, is 20 bytes behind it. */
  readonly ipAt: number;
  /** UDP checksum wanted in the outer header (csum=true). GRE: checksum flag set. */
  readonly checksum: boolean;
}

/** The headers a `set` can touch; `words` are [word of flow-key.ts, value, mask]. */
export type SetHeader =
  | "eth"
  | "ipv4"
  | "ipv6"
  | "tcp"
  | "udp"
  | "sctp"
  | "icmp"
  | "icmpv6"
  | "arp"
  | "nd"
  | "mpls"
  | "tunnel"
  | "skb_priority"
  | "skb_mark";

export type OdpAction =
  | { readonly kind: "output"; readonly port: number }
  | { readonly kind: "push_vlan"; readonly tpid: number; readonly tci: number }
  | { readonly kind: "pop_vlan" }
  | { readonly kind: "push_mpls"; readonly ethertype: number; readonly lse: number }
  | { readonly kind: "pop_mpls"; readonly ethertype: number }
  | { readonly kind: "push_eth"; readonly words: readonly number[] }
  | { readonly kind: "pop_eth" }
  | { readonly kind: "set"; readonly header: SetHeader; readonly words: readonly (readonly [number, number, number])[] }
  /** Push `header` and continue as a frame of the underlay bridge: the actions after it act on the outer frame. */
  | { readonly kind: "tnl_push"; readonly tunnelPort: number; readonly outPort: number; readonly header: TunnelHeader }
  /** Take the outer headers off and start again with the tunnel fields in the key, in_port = `port`. */
  | { readonly kind: "tnl_pop"; readonly port: number }
  /** The actions act on a copy. */
  | { readonly kind: "clone"; readonly actions: readonly OdpAction[] }
  | { readonly kind: "recirc"; readonly id: number }
  /** `symmetric`: wanted equal for both directions (it always is here). */
  | { readonly kind: "hash"; readonly basis: number; readonly symmetric?: boolean }
  | { readonly kind: "trunc"; readonly maxLength: number }
  | {
      readonly kind: "check_pkt_len";
      readonly size: number;
      readonly greater: readonly OdpAction[];
      readonly lesser: readonly OdpAction[];
    }
  | { readonly kind: "sample"; readonly probability: number; readonly actions: readonly OdpAction[] }
  /** To a controller or the slow path; consumed by nobody here, counted. */
  | { readonly kind: "userspace"; readonly reason: string; readonly maxLength: number }
  | { readonly kind: "drop" };
