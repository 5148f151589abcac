/**
 * An action set, or a group's bucket, in the order in which it is done, whatever the order in which it was written
 * (OpenFlow 1.5 section 5.6; OVS: ofpacts_execute_action_set, lib/ofp-actions.c). Of most kinds only the last counts; without
 * anything that sends the packet somewhere the whole set does nothing.
 */
import type { OfAction } from "../openflow/action.ts";

type Kind = OfAction["kind"];

const BEFORE: readonly Kind[] = [
  "strip_vlan",
  "pop_mpls",
  "decap",
  "encap",
  "push_mpls",
  "push_vlan",
  "dec_ttl",
  "dec_mpls_ttl",
];

/** All of them are done, in the order written. */
const SETS: ReadonlySet<Kind> = new Set<Kind>([
  "set_field",
  "move",
  "set_eth_src",
  "set_eth_dst",
  "set_ipv4_src",
  "set_ipv4_dst",
  "set_ip_dscp",
  "set_ip_ecn",
  "set_ip_ttl",
  "set_l4_src_port",
  "set_l4_dst_port",
  "set_mpls_label",
  "set_mpls_tc",
  "set_mpls_ttl",
  "set_tunnel",
  "set_vlan_vid",
  "set_vlan_pcp",
]);

/** The first of these kinds that is there is done, and no other. */
const FINAL: readonly Kind[] = ["group", "output", "resubmit"];

export function orderedActionSet(set: readonly OfAction[]): OfAction[] {
  const last = (kind: Kind): OfAction | undefined => set.findLast((action) => action.kind === kind);
  const final = FINAL.map(last).find((action) => action !== undefined);
  if (final === undefined) return [];
  const ordered: OfAction[] = [];
  const add = (action: OfAction | undefined): void => {
    if (action !== undefined) ordered.push(action);
  };
  for (const kind of BEFORE) add(last(kind));
  for (const action of set) if (SETS.has(action.kind)) ordered.push(action);
  add(last("set_queue"));
  ordered.push(final);
  return ordered;
}
