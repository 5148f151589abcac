/**
 * Choices by hash: the bucket of a select group, the link of `multipath`, the member of `bundle` (OVS: pick_select_group in
 * ofproto-dpif-xlate.c, lib/multipath.c, lib/bundle.c). The hash values are this program's own, so is the choice; that a flow
 * keeps its choice, that shares are as weighted, and which fields it depends on, is as in Open vSwitch.
 */
import { W_DP_HASH } from "../flow/flow-key.ts";
import { hashAdd, hashFinish } from "../flow/hash.ts";
import { OFPP_NONE, type OfAction } from "../openflow/action.ts";
import { fieldGet } from "../openflow/field.ts";
import type { Bucket, Group } from "../openflow/group.ts";
import { examine, hasField } from "./flow-field.ts";
import { examineHashFields, hashFlow, mixHash } from "./flow-hash.ts";

type Multipath = Extract<OfAction, { kind: "multipath" }>;
type Bundle = Extract<OfAction, { kind: "bundle" }>;

/** The bucket depends on a hash that the datapath has not made yet. */
export const DP_HASH = Symbol("dp_hash");

/** Hash values that a select group without a method is spread over at most (OVS: group_setup_dp_hash_table(group, 64)). */
const MAX_HASHES = 64;

/** The link that `multipath` writes: 0 to maxLink. */
export function chooseLink(action: Multipath, flow: Int32Array, mask: Int32Array): number {
  examineHashFields(action.fields, flow, mask);
  const hash = hashFlow(action.fields, flow, action.basis) >>> 0;
  const links = action.maxLink + 1;
  switch (action.algorithm) {
    case "modulo_n":
      return hash % links;
    case "hash_threshold":
      return links === 1 ? 0 : Math.floor(hash / (Math.floor(0xffffffff / links) + 1));
    case "hrw":
      return bestLink(hash, links);
    case "iter_hash": {
      const bits = 32 - Math.clz32(links - 1);
      let value = hash;
      for (let round = 0; round < 3 + links; round++) {
        const candidate = bits === 0 ? 0 : value >>> (32 - bits);
        if (candidate < links) return candidate;
        value = mixHash(value, action.argument + round) >>> 0;
      }
      return value % links;
    }
  }
}

function bestLink(hash: number, links: number): number {
  let best = 0;
  let bestScore = -1;
  for (let link = 0; link < links; link++) {
    const score = mixHash(hash, link) >>> 0;
    if (score > bestScore) {
      bestScore = score;
      best = link;
    }
  }
  return best;
}

/** The port that `bundle` sends to: the first that is up, or the best by hash of those; OFPP_NONE when none is. */
export function chooseMember(
  action: Bundle,
  flow: Int32Array,
  mask: Int32Array,
  alive: (port: number) => boolean,
): number {
  if (action.algorithm === "active_backup") return action.members.find(alive) ?? OFPP_NONE;
  if (action.members.length > 1) examineHashFields(action.fields, flow, mask);
  const hash = hashFlow(action.fields, flow, action.basis);
  let best = OFPP_NONE;
  let bestScore = -1;
  action.members.forEach((port, i) => {
    const score = mixHash(hash, i) >>> 0;
    if (alive(port) && score > bestScore) {
      bestScore = score;
      best = port;
    }
  });
  return best;
}

/** The best living bucket for a hash: highest random weight, scaled by the bucket's weight (group_best_live_bucket). */
function bestBucket(
  group: Group,
  hash: number,
  alive: (bucket: Bucket) => boolean,
  report: (bucket: Bucket, score: number) => void,
): Bucket | undefined {
  let best: Bucket | undefined;
  let bestScore = -1;
  for (const bucket of group.buckets) {
    if (!alive(bucket) || bucket.weight === 0) continue;
    const score = (mixHash(bucket.id, hash) & 0xffff) * bucket.weight;
    report(bucket, score);
    if (score >= bestScore) {
      bestScore = score;
      best = bucket;
    }
  }
  return best;
}

/**
 * Hash value -> bucket for a group that selects by the datapath's hash, each bucket as often as its weight says (Webster's
 * method, as group_setup_dp_hash_table); undefined when that would take too many values.
 */
function hashTable(group: Group, limit: number): readonly Bucket[] | undefined {
  const weighted = group.buckets.filter((bucket) => bucket.weight > 0);
  if (weighted.length === 0) return undefined;
  const total = weighted.reduce((sum, bucket) => sum + bucket.weight, 0);
  const least = weighted.reduce((weight, bucket) => Math.min(weight, bucket.weight), Number.POSITIVE_INFINITY);
  let size = 16;
  while (size < Math.ceil(total / least)) size *= 2;
  if (size > limit) return undefined;
  const seats = new Array<number>(weighted.length).fill(0);
  const table: Bucket[] = [];
  for (let i = 0; i < size; i++) {
    let best = 0;
    for (let b = 1; b < weighted.length; b++) {
      if (weighted[b].weight / (2 * seats[b] + 1) > weighted[best].weight / (2 * seats[best] + 1)) best = b;
    }
    seats[best]++;
    table.push(weighted[best]);
  }
  return table;
}

/**
 * The bucket of a select group for this packet, DP_HASH when the datapath must hash first, undefined when none lives.
 * `report` is told what decided.
 */
export function chooseBucket(
  group: Group,
  flow: Int32Array,
  mask: Int32Array,
  alive: (bucket: Bucket) => boolean,
  report: (bucket: Bucket, score: number) => void,
): Bucket | typeof DP_HASH | undefined {
  if (group.selectionMethod === "hash" && group.fields.length > 0) {
    let hash = hashAdd(0, Number(group.selectionParam & 0xffffffffn) | 0);
    for (const { field, mask: bits } of group.fields) {
      if (!hasField(field, flow, mask)) continue;
      const value = fieldGet(field, flow, new Int32Array(4));
      for (let i = 0; i < 4; i++) hash = hashAdd(hash, value[i] & bits[i]);
      examine(field, mask, bits);
    }
    return bestBucket(group, hashFinish(hash), alive, report);
  }
  const table =
    group.selectionMethod === "hash" ? undefined : hashTable(group, group.selectionMethod === "" ? MAX_HASHES : 256);
  if (table === undefined) {
    examineHashFields("symmetric_l4", flow, mask);
    return bestBucket(group, hashFlow("symmetric_l4", flow, 0), alive, report);
  }
  const hash = flow[W_DP_HASH];
  if (hash === 0) return DP_HASH;
  const bits = table.length - 1;
  mask[W_DP_HASH] |= bits;
  for (let i = 0; i < table.length; i++) {
    const bucket = table[(hash + i) & bits];
    if (alive(bucket)) return bucket;
  }
  return undefined;
}
