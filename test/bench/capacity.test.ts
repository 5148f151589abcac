/** The capacity model against its own arithmetic by hand: unit costs, N compute nodes, one network node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { capacityOf } from "../../bench/trial/capacity.ts";
import type { NodeCost } from "../../bench/trial/node-cost.ts";

/** A node that costs `ns` a delivered packet and has `frames` of 1000 bytes in each direction at its card. */
function node(
  name: string,
  role: "compute" | "network",
  ns: number | null,
  rxFrames: number,
  txFrames: number,
): NodeCost {
  const spread = ns === null ? null : { samples: 1, median: ns, low: ns, high: ns, min: ns, max: ns };
  const underlay = { rxFrames, txFrames, rxBytes: 1000 * rxFrames, txBytes: 1000 * txFrames };
  return { name, role, nsPerPacket: spread, underlay } as unknown as NodeCost;
}

const FAST = 1e18; // a card that never limits

test("speed-up with unit costs is 5/6 of the number of compute nodes for one network node", () => {
  // Pass, routing, encapsulation and decapsulation cost 1 each. Legacy: 2+1+1 at compute nodes, 2+1+1+1 at the network
  // node. DVR: 3+1+1+1 at compute nodes. So T_L = min(N/4, 1/5), T_D = N/6, and their ratio is 5N/6.
  const legacy = capacityOf(
    [node("n", "network", 5, 1, 1), node("a", "compute", 2, 0, 1), node("b", "compute", 2, 1, 0)],
    1,
    1000,
    FAST,
  );
  const dvr = capacityOf(
    [node("n", "network", 0, 0, 0), node("a", "compute", 4, 0, 1), node("b", "compute", 2, 1, 0)],
    1,
    1000,
    FAST,
  );
  const ratios = dvr.scale.map(({ computeNodes, packetsPerSecond }, i) => [
    computeNodes,
    (packetsPerSecond ?? 0) / (legacy.scale[i].packetsPerSecond ?? 1),
  ]);
  for (const [n, ratio] of ratios) assert.ok(Math.abs(ratio - (5 / 6) * n) < 1e-9, `N ${n}: ${ratio}`);
  assert.deepEqual(
    ratios.map(([, ratio]) => ratio.toFixed(1)),
    ["1.7", "2.5", "4.2", "8.3", "41.7", "83.3"],
  );
});

test("the busiest node sets the capacity and is named", () => {
  const of = capacityOf(
    [node("net", "network", 400, 1, 1), node("a", "compute", 150, 0, 1), node("b", "compute", 250, 1, 0)],
    1,
    1000,
    FAST,
  );
  assert.deepEqual(of.cpu, { packetsPerSecond: 2.5e6, node: "net" });
  assert.equal(of.limitedBy, "cpu");
  assert.equal(of.packetsPerSecond, 2.5e6);
  assert.equal(of.bitsPerSecond, 2.5e6 * 8000);
});

test("a card counts its busier direction, with 24 octets a frame on the wire", () => {
  // 2 frames of 1000 bytes in and 1 out for one delivered packet: 2 * (1000 + 24) * 8 bits at 10 Gbit/s.
  const of = capacityOf([node("net", "network", 1, 2, 1), node("a", "compute", 1, 0, 1)], 1, 1000, 10e9);
  assert.equal(of.nic?.node, "net");
  assert.ok(Math.abs((of.nic?.packetsPerSecond ?? 0) - 10e9 / (2 * 1024 * 8)) < 1e-3);
  assert.equal(of.limitedBy, "nic");
});

test("without times only the card limits, without frames nothing does", () => {
  const untimed = capacityOf([node("a", "compute", null, 1, 1)], 1, 1000, 10e9);
  assert.equal(untimed.cpu, null);
  assert.equal(untimed.limitedBy, "nic");
  assert.doesNotMatch(untimed.model, /CPU as measured/);
  assert.deepEqual([...new Set(untimed.scale.map(({ packetsPerSecond }) => packetsPerSecond))], [null]);
  const nothing = capacityOf([node("a", "compute", null, 0, 0)], 0, 0, 10e9);
  assert.deepEqual([nothing.packetsPerSecond, nothing.bitsPerSecond, nothing.limitedBy], [null, null, null]);
});
