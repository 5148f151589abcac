/**
 * Groups: named sets of buckets, each a list of actions (OpenFlow 1.1+; OVS: struct ofputil_group_mod). Choosing a bucket
 * needs the packet and the ports, so it is the translator's work; here is what a group is. Text: group-text.ts.
 */
import type { OfAction } from "./action.ts";
import type { Field, FieldValue } from "./field.ts";

export interface Bucket {
  readonly id: number;
  /** Share of a select group; 0 = never chosen. */
  readonly weight: number;
  /** Fast failover: the bucket lives while that port is up; OFPP_NONE (65535) = not watched. */
  readonly watchPort: number;
  /** … or while that group has a live bucket; OFPG_ANY (0xffffffff) = not watched. */
  readonly watchGroup: number;
  readonly actions: readonly OfAction[];
}

export const OFPG_MAX = 0xffffff00;
export const OFPG_ALL = 0xfffffffc;
export const OFPG_ANY = 0xffffffff;

export interface Group {
  readonly id: number;
  readonly type: "all" | "select" | "indirect" | "fast_failover";
  readonly buckets: readonly Bucket[];
  /** "" (OVS chooses: dp_hash for a select group), "hash" or "dp_hash". */
  readonly selectionMethod: string;
  readonly selectionParam: bigint;
  /** What `hash` hashes: fields with masks, in the order of the registry. */
  readonly fields: readonly { readonly field: Field; readonly mask: FieldValue }[];
}

export interface GroupMod {
  readonly command: "add" | "modify" | "add_or_mod" | "delete";
  /** For delete: OFPG_ALL. */
  readonly id: number;
  readonly group: Group;
  /** Where it stands in its text, from 1. */
  readonly line?: number;
}
