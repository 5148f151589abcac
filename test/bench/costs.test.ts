/**
 * What one routed packet between two hosts costs in the steady state, counted by hand on the rule files: passes, routings,
 * header pushes and pops, frames on the underlay, and OpenFlow table lookups when nothing is cached.
 *
 * Lookups, tunnels, legacy: source br-int 0, br-tun 0 2 20 | network node br-tun 0 3 10, br-int 0 | br-int 0, br-tun 0 2 20 |
 * destination br-tun 0 3 10, br-int 0 = 16; and br-ex, which holds the tunnel's address, once for each frame that leaves or
 * comes in = 4. Distributed: br-int 0 | br-int 0, br-tun 0 1 2 20 | br-tun 0 3 9, br-int 0 1 = 11; br-ex 2; and the copy that
 * br-int floods to br-eth1, since the other host's router copy is never learned: 0 1 2 = 3.
 * VLANs, legacy: br-int 0, br-eth1 0 on each way out, br-eth1 0, br-int 0 on each way in, twice = 8. Distributed:
 * br-int 0 | br-int 0, br-eth1 0 1 2 | br-eth1 0 3, br-int 0 2 = 9.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarioFile } from "../../bench/paths.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import { Fabric } from "../../datapath/fabric.ts";
import { arpRequest, echo, traceOf, VM1, VM2 } from "../cluster/cluster.ts";

/** By host, in the order test114 (network node), test115 (source), test116 (destination). */
interface Cost {
  readonly passes: readonly number[];
  readonly routings: readonly number[];
  readonly encapsulations: readonly number[];
  readonly decapsulations: readonly number[];
  readonly tableLookups: number;
  readonly underlayFrames: number;
}

const tunnelLegacy: Cost = {
  passes: [2, 1, 1],
  routings: [1, 0, 0],
  encapsulations: [1, 1, 0],
  decapsulations: [1, 0, 1],
  tableLookups: 16 + 4,
  underlayFrames: 2,
};
const tunnelDvr: Cost = {
  passes: [0, 2, 1],
  routings: [0, 1, 0],
  encapsulations: [0, 1, 0],
  decapsulations: [0, 0, 1],
  tableLookups: 11 + 2 + 3,
  underlayFrames: 1,
};
const none = { encapsulations: [0, 0, 0], decapsulations: [0, 0, 0] };
const costs = {
  gre: { legacy: tunnelLegacy, dvr: tunnelDvr },
  vxlan: { legacy: tunnelLegacy, dvr: tunnelDvr },
  vlan: {
    legacy: { ...tunnelLegacy, ...none, tableLookups: 8 },
    dvr: { ...tunnelDvr, ...none, tableLookups: 9 },
  },
} as const;

for (const network of ["gre", "vxlan", "vlan"] as const) {
  for (const mode of ["legacy", "dvr"] as const) {
    test(`${network} ${mode}: a routed packet between two hosts`, () => {
      const fabric = new Fabric(loadTopology(scenarioFile(network, mode)), { megaflow: false });
      let now = 0;
      const send = (entry: string, frame: Uint8Array): void => {
        now += 1e6;
        fabric.advance(now);
        assert.ok(fabric.offer(fabric.entry(entry), traceOf([frame]), 0, now));
        fabric.settle();
      };
      // Both ask for their gateway, which tells the router their addresses, and both ways are used: bridges have learned.
      send("vm1", arpRequest(VM1, VM1.router));
      send("vm2", arpRequest(VM2, VM2.router));
      for (let sequence = 1; sequence <= 3; sequence++) {
        send("vm1", echo(VM1, VM1.gateway, VM2.ip, { sequence }));
        send("vm2", echo(VM2, VM2.gateway, VM1.ip, { type: 0, sequence }));
      }
      const before = fabric.snapshot();
      send("vm1", echo(VM1, VM1.gateway, VM2.ip, { sequence: 4 }));
      const after = fabric.snapshot();
      assert.equal(after.vms[1].delivered - before.vms[1].delivered, 1);
      const wanted = costs[network][mode];
      const grown = (name: "passes" | "routings" | "encapsulations" | "decapsulations" | "tableLookups"): number[] =>
        after.nodes.map((node, n) => node[name] - before.nodes[n][name]);
      for (const name of ["passes", "routings", "encapsulations", "decapsulations"] as const) {
        assert.deepEqual(grown(name), wanted[name], name);
      }
      const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
      assert.equal(sum(grown("tableLookups")), wanted.tableLookups, "tableLookups");
      const frames = (of: typeof after): number => sum(of.wires.map((wire) => wire.frames));
      assert.equal(frames(after) - frames(before), wanted.underlayFrames, "underlayFrames");
      assert.deepEqual(fabric.check(), []);
    });
  }
}
