/** The order of a flood is read from what Open vSwitch answered, and ours then floods so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Case } from "./case.ts";
import { inOrderOf, mergedOrder } from "./flood-order.ts";
import { ours } from "./subject.ts";

const INNER =
  "86dd6001234500222c4020010db8000000000000000000000001ff0200000000000000000001ff0000013a0000010000000901008a9800";
const CASE: Case = {
  name: "two tags",
  vlan_limit: 2,
  bridges: [
    {
      name: "br0",
      ports: [
        { name: "p1", ofport: 1, tag: 100 },
        { name: "p2", ofport: 2 },
        { name: "p3", ofport: 3, tag: 100 },
        { name: "p4", ofport: 4, tag: 100 },
      ],
      flows: ["priority=0,actions=NORMAL"],
    },
  ],
  packets: [{ bridge: "br0", in_port: 1, hex: `fa163e112233fa163e0000048100a0008100a064${INNER}` }],
};

test("orders of several answers become one", () => {
  const names = ["a", "b", "c", "d"];
  assert.deepEqual(mergedOrder(names, []), names);
  assert.deepEqual(
    mergedOrder(names, [
      ["d", "b"],
      ["b", "a"],
      ["c", "d"],
    ]),
    ["c", "d", "b", "a"],
  );
  // The longer answer counts where two contradict each other.
  assert.deepEqual(
    mergedOrder(names, [
      ["a", "d"],
      ["d", "c", "a"],
    ]),
    ["b", "d", "c", "a"],
  );
});

test("ours floods as Open vSwitch did, with its masks", () => {
  // Three answers of Open vSwitch 3.1 to the same frame, in three runs.
  for (const [actions, inner] of [
    ["pop_vlan,p2,br0,pop_vlan,p3,p4", false],
    ["pop_vlan,br0,pop_vlan,p4,p3,push_vlan(vid=100,pcp=5),p2", false],
    ["pop_vlan,pop_vlan,p4,push_vlan(vid=100,pcp=5),br0,pop_vlan,p3,push_vlan(vid=100,pcp=5),p2", true],
  ] as const) {
    const [result] = ours(inOrderOf([{ actions }], CASE));
    assert.equal(result!.actions, actions);
    assert.equal(/dl_vlan1=100,dl_vlan_pcp1=5/.test(result!.megaflow!), inner, result!.megaflow);
  }
});
