/**
 * What OpenFlow 1.0 writes a rule as: its fixed match of 40 bytes where that can say everything, else NXM (OVS: the
 * "usable protocols" of lib/ofp-flow.c and lib/meta-flow.c). ovs-ofctl chooses one form for all rules of a file, and which it
 * is shows in the switch: see sendMatch in match-text.ts.
 */
import type { Field } from "./field.ts";
import { isFull } from "./field-text.ts";
import { findField } from "./fields.ts";
import { bigOf } from "./syntax.ts";

/** Fields of the fixed match. */
const FIXED: ReadonlySet<string> = new Set(
  (
    "in_port eth_src eth_dst eth_type vlan_tci dl_vlan vlan_vid dl_vlan_pcp vlan_pcp nw_tos ip_dscp nw_proto nw_src nw_dst " +
    "arp_op arp_spa arp_tpa tcp_src tcp_dst udp_src udp_dst sctp_src sctp_dst icmp_type icmp_code"
  ).split(" "),
);
/** Those with a mask that is a prefix. */
const PREFIXES: ReadonlySet<string> = new Set(["nw_src", "nw_dst", "arp_spa", "arp_tpa"]);

/** The fixed match can say this of `field`, or nothing is said of it. `slash`: the text had a mask. */
export function isFixed(field: Field, mask: Int32Array, slash: boolean): boolean {
  const bits = bigOf(mask);
  if (bits === 0n) return true;
  if (!FIXED.has(field.name)) return false;
  if (field.name === "vlan_vid") return !slash;
  if (isFull(field, mask) || !field.maskable || field.bits < field.bytes * 8) return true;
  const open = ~mask[3];
  return PREFIXES.has(field.name) && (open & (open + 1)) === 0;
}

/** An action that only NXM and OpenFlow 1.1+ have, as written: `text` is all that stands after "actions=". */
export function needsNxm(text: string): boolean {
  if (/\bwrite_metadata\s*:/.test(text)) return true;
  return [...text.matchAll(/\bset_field:[^>]*->\s*(\w+)/g)].some(([, name]) => {
    const field = findField(name);
    return field !== undefined && !FIXED.has(field.name);
  });
}
