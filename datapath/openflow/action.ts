/**
 * What a rule does: OpenFlow actions and instructions in one union, modelled on Open vSwitch's "ofpacts"
 * (lib/ofp-actions.c), which also keeps instructions in the same list. Text becomes this in action-text.ts.
 *
 * The list is what the *switch* holds after the rule has crossed the wire in a given OpenFlow version, so the losses and
 * translations of that crossing have already happened (a masked set_field to nw_src in 1.0 has lost its mask, mod_vlan_vid
 * in 1.1+ without a VLAN match has become push_vlan and a set). The translator never asks for the version.
 *
 * Port numbers are OVS's 16-bit ones in every version. An empty list drops.
 */
import type { FieldValue, Subfield } from "./field.ts";

/** Reserved port numbers (OVS: ofp_port_t OFPP_*). */
export const OFPP_MAX = 0xff00;
export const OFPP_UNSET = 0xfff7;
export const OFPP_IN_PORT = 0xfff8;
export const OFPP_TABLE = 0xfff9;
export const OFPP_NORMAL = 0xfffa;
export const OFPP_FLOOD = 0xfffb;
export const OFPP_ALL = 0xfffc;
export const OFPP_CONTROLLER = 0xfffd;
export const OFPP_LOCAL = 0xfffe;
export const OFPP_NONE = 0xffff;

/** Which header fields `multipath` and `bundle` hash (OVS: enum nx_hash_fields). */
export type HashFields =
  | "eth_src"
  | "symmetric_l4"
  | "symmetric_l3l4"
  | "symmetric_l3l4+udp"
  | "nw_src"
  | "nw_dst"
  | "symmetric_l3";

/** One `src -> dst` of a learn action (OVS: struct ofpact_learn_spec). */
export interface LearnSpec {
  readonly kind: "match" | "load" | "output";
  readonly bits: number;
  /** Where the bits come from: the packet's flow, or a constant (right-aligned in `value`). */
  readonly source: Subfield | undefined;
  readonly value: FieldValue | undefined;
  /** Field of the new rule's match (`match`) or of its set_field (`load`); undefined for `output`. */
  readonly destination: Subfield | undefined;
}

export interface LearnAction {
  readonly kind: "learn";
  /** Seconds, 0 = never. */
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly priority: number;
  readonly cookie: bigint;
  readonly table: number;
  readonly finIdleTimeout: number;
  readonly finHardTimeout: number;
  readonly sendFlowRemoved: boolean;
  readonly deleteLearned: boolean;
  /** At most so many rules with this cookie in the table; 0 = no limit. */
  readonly limit: number;
  /** Takes 1 where the rule was made or refreshed, 0 where the limit forbade it. */
  readonly result: Subfield | undefined;
  readonly specs: readonly LearnSpec[];
}

export type OfAction =
  // Output.
  /** `port` may be a reserved number; `maxLength` counts for OFPP_CONTROLLER only. */
  | { readonly kind: "output"; readonly port: number; readonly maxLength: number }
  | { readonly kind: "output_reg"; readonly source: Subfield; readonly maxLength: number }
  /** The first `maxLength` bytes of the packet go out. */
  | { readonly kind: "output_trunc"; readonly port: number; readonly maxLength: number }
  | {
      readonly kind: "controller";
      readonly maxLength: number;
      readonly reason: string;
      readonly controller: number;
      readonly userdata: readonly number[];
    }
  | { readonly kind: "enqueue"; readonly port: number; readonly queue: number }
  | { readonly kind: "group"; readonly group: number }
  | {
      readonly kind: "bundle";
      readonly fields: HashFields;
      readonly basis: number;
      readonly algorithm: "active_backup" | "hrw";
      readonly members: readonly number[];
      /** bundle_load: the port number goes there instead of the packet out. */
      readonly destination: Subfield | undefined;
    }
  // Header changes.
  /** `pushIfNeeded`: an untagged packet gets a tag (OpenFlow 1.0); otherwise it is left alone. */
  | { readonly kind: "set_vlan_vid"; readonly vid: number; readonly pushIfNeeded: boolean; readonly hasVlan: boolean }
  | { readonly kind: "set_vlan_pcp"; readonly pcp: number; readonly pushIfNeeded: boolean; readonly hasVlan: boolean }
  /** `pop`: printed as pop_vlan. */
  | { readonly kind: "strip_vlan"; readonly pop?: boolean }
  | { readonly kind: "push_vlan"; readonly ethertype: number }
  | { readonly kind: "set_eth_src"; readonly mac: FieldValue }
  | { readonly kind: "set_eth_dst"; readonly mac: FieldValue }
  /** `address` as int32. */
  | { readonly kind: "set_ipv4_src"; readonly address: number }
  | { readonly kind: "set_ipv4_dst"; readonly address: number }
  /** `tos`: the whole byte, its two low bits 0 and not written. */
  | { readonly kind: "set_ip_dscp"; readonly tos: number }
  | { readonly kind: "set_ip_ecn"; readonly ecn: number }
  | { readonly kind: "set_ip_ttl"; readonly ttl: number }
  | { readonly kind: "set_l4_src_port"; readonly port: number }
  | { readonly kind: "set_l4_dst_port"; readonly port: number }
  /**
   * set_field and load. `value` and `mask` are field-shaped (the subfield of a load already shifted into place).
   * `load`: written as NXAST_REG_LOAD, which matters for printing only. `hasVlan`: the match or an action before it made a
   * VLAN tag certain (OVS: flow_has_vlan).
   */
  | {
      readonly kind: "set_field";
      readonly field: Subfield["field"];
      readonly value: FieldValue;
      readonly mask: FieldValue;
      readonly load: boolean;
      readonly hasVlan: boolean;
    }
  | { readonly kind: "move"; readonly source: Subfield; readonly destination: Subfield }
  | { readonly kind: "push"; readonly subfield: Subfield }
  | { readonly kind: "pop"; readonly subfield: Subfield }
  /** `controllers`: ids that an expired packet is sent to; [0] by default, and then `plain`: printed without them. */
  | { readonly kind: "dec_ttl"; readonly controllers: readonly number[]; readonly plain?: boolean }
  | { readonly kind: "set_mpls_label"; readonly label: number }
  | { readonly kind: "set_mpls_tc"; readonly tc: number }
  | { readonly kind: "set_mpls_ttl"; readonly ttl: number }
  | { readonly kind: "dec_mpls_ttl" }
  | { readonly kind: "push_mpls"; readonly ethertype: number }
  | { readonly kind: "pop_mpls"; readonly ethertype: number }
  /** 64 bits as two words; `wide`: written as set_tunnel64. */
  | { readonly kind: "set_tunnel"; readonly high: number; readonly low: number; readonly wide: boolean }
  | { readonly kind: "set_queue"; readonly queue: number }
  | { readonly kind: "pop_queue" }
  | { readonly kind: "encap" }
  /** `packetType`: what must come out (namespace << 16 | type), or undefined for "whatever is inside". */
  | { readonly kind: "decap"; readonly packetType: number | undefined }
  // Control flow and state.
  /** `port` undefined: the current in_port. `table` 255: the current table. */
  | { readonly kind: "resubmit"; readonly port: number; readonly table: number; readonly ofpact: "port" | "table" }
  | LearnAction
  /** `clause` counts from 0 (the text counts from 1). */
  | { readonly kind: "conjunction"; readonly id: number; readonly clause: number; readonly clauses: number }
  | {
      readonly kind: "multipath";
      readonly fields: HashFields;
      readonly basis: number;
      readonly algorithm: "modulo_n" | "hash_threshold" | "hrw" | "iter_hash";
      /** Number of links less one. */
      readonly maxLink: number;
      readonly argument: number;
      readonly destination: Subfield;
    }
  | { readonly kind: "fin_timeout"; readonly idle: number; readonly hard: number }
  | { readonly kind: "check_pkt_larger"; readonly length: number; readonly destination: Subfield }
  | { readonly kind: "clone"; readonly actions: readonly OfAction[] }
  | { readonly kind: "note"; readonly bytes: readonly number[] }
  | { readonly kind: "exit" }
  // Instructions (OpenFlow 1.1+), last in the list and in this order.
  | { readonly kind: "clear_actions" }
  | { readonly kind: "write_actions"; readonly actions: readonly OfAction[] }
  /** Words: value high, value low, mask high, mask low. */
  | {
      readonly kind: "write_metadata";
      readonly valueHigh: number;
      readonly valueLow: number;
      readonly maskHigh: number;
      readonly maskLow: number;
    }
  | { readonly kind: "goto_table"; readonly table: number };

/** OpenFlow versions by wire number: 1 is 1.0, 6 is 1.5. */
export type OpenFlowVersion = 1 | 2 | 3 | 4 | 5 | 6;

/** "OpenFlow10".."OpenFlow15" to the wire number; throws on anything else. */
export function openFlowVersion(name: string): OpenFlowVersion {
  const version =
    ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"].indexOf(name) + 1;
  if (version === 0) throw new Error(`OpenFlow version ${JSON.stringify(name)}: expected OpenFlow10 to OpenFlow15`);
  return version as OpenFlowVersion;
}
