/**
 * Choices by hash are this program's own, but each must be a valid one, stable for a flow, and spread as weighted
 * (ovs-actions(7), "multipath" and "bundle"; OpenFlow 1.5 section 5.10.1 for groups).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FLOW_WORDS, W_DP_HASH, W_ETH2, W_NW_SRC, W_TYPE } from "../../datapath/flow/flow-key.ts";
import { parseGroup } from "../../datapath/openflow/group-text.ts";
import { parseFlow } from "../../datapath/openflow/rule-text.ts";
import { chooseBucket, chooseLink, chooseMember, DP_HASH } from "../../datapath/translate/select.ts";

const ignore = (): void => undefined;

const FLOWS = 8000;
const alive = (): boolean => true;

function flow(i: number): Int32Array {
  const words = new Int32Array(FLOW_WORDS);
  words[W_TYPE] = (0x0800 << 16) | 6;
  words[W_ETH2] = Math.imul(i, 0x10001);
  words[W_NW_SRC] = 0x0a000000 + i;
  return words;
}

function spread(choose: (words: Int32Array) => number): Map<number, number> {
  const counts = new Map<number, number>();
  for (let i = 0; i < FLOWS; i++) {
    const choice = choose(flow(i));
    assert.equal(choose(flow(i)), choice, "stable");
    counts.set(choice, (counts.get(choice) ?? 0) + 1);
  }
  return counts;
}

/** Each choice has its share, within five standard deviations of a fair draw. */
function assertShares(counts: Map<number, number>, shares: readonly (readonly [number, number])[]): void {
  assert.deepEqual([...counts.keys()].sort(), shares.map(([choice]) => choice).sort());
  for (const [choice, share] of shares) {
    const slack = 5 * Math.sqrt(FLOWS * share * (1 - share));
    const count = counts.get(choice)!;
    assert.ok(Math.abs(count - FLOWS * share) < slack, `choice ${choice}: ${count} of ${FLOWS}, share ${share}`);
  }
}

for (const algorithm of ["modulo_n", "hash_threshold", "hrw", "iter_hash"]) {
  for (const fields of ["eth_src", "symmetric_l4", "nw_src"]) {
    test(`multipath ${algorithm} over ${fields} spreads over its links`, () => {
      const mod = parseFlow(`actions=multipath(${fields},50,${algorithm},5,0,NXM_NX_REG0[])`);
      const [action] = mod.actions;
      assert.equal(action.kind, "multipath");
      if (action.kind !== "multipath") return;
      const counts = spread((words) => chooseLink(action, words, new Int32Array(FLOW_WORDS)));
      assertShares(
        counts,
        [0, 1, 2, 3, 4].map((link) => [link, 0.2] as const),
      );
    });
  }
}

test("bundle hrw spreads over the ports that are up, and only theirs move when one goes down", () => {
  const [action] = parseFlow("actions=bundle(nw_src,0,hrw,ofport,members:4,8,6)").actions;
  assert.equal(action.kind, "bundle");
  if (action.kind !== "bundle") return;
  const choose = (words: Int32Array, up: (port: number) => boolean): number =>
    chooseMember(action, words, new Int32Array(FLOW_WORDS), up);
  assertShares(
    spread((words) => choose(words, alive)),
    [
      [4, 1 / 3],
      [6, 1 / 3],
      [8, 1 / 3],
    ],
  );
  for (let i = 0; i < 500; i++) {
    const before = choose(flow(i), alive);
    const after = choose(flow(i), (port) => port !== 8);
    if (before !== 8) assert.equal(after, before);
    else assert.notEqual(after, 8);
  }
  assert.equal(
    choose(flow(0), () => false),
    0xffff,
  );
});

test("a select group by hash follows its weights and passes dead buckets over", () => {
  const { group } = parseGroup(
    "group_id=1,type=select,selection_method=hash,fields(ip_src),bucket=weight:1,actions=1,bucket=weight:0,actions=2,bucket=weight:1,actions=3",
    "add",
    { version: 6 },
  );
  const choose = (words: Int32Array, dead: number): number => {
    const bucket = chooseBucket(group, words, new Int32Array(FLOW_WORDS), ({ id }) => id !== dead, ignore);
    return typeof bucket === "object" ? bucket.id : -1;
  };
  assertShares(
    spread((words) => choose(words, -1)),
    [
      [group.buckets[0].id, 0.5],
      [group.buckets[2].id, 0.5],
    ],
  );
  assert.deepEqual([...spread((words) => choose(words, group.buckets[0].id)).keys()], [group.buckets[2].id]);
});

test("a select group by the datapath's hash asks for it, then gives each bucket its share of the values", () => {
  const { group } = parseGroup("group_id=1,type=select,bucket=weight:3,actions=1,bucket=weight:1,actions=2", "add", {
    version: 6,
  });
  const words = flow(1);
  const mask = new Int32Array(FLOW_WORDS);
  assert.equal(chooseBucket(group, words, mask, alive, ignore), DP_HASH);
  assert.equal(mask[W_DP_HASH], 0);
  const counts = new Map<number, number>();
  for (let hash = 1; hash <= 64; hash++) {
    words[W_DP_HASH] = hash;
    const bucket = chooseBucket(group, words, mask, alive, ignore);
    assert.ok(typeof bucket === "object");
    counts.set(bucket.id, (counts.get(bucket.id) ?? 0) + 1);
  }
  assert.deepEqual(
    group.buckets.map(({ id }) => counts.get(id)),
    [48, 16],
  );
  assert.notEqual(mask[W_DP_HASH], 0);
});
