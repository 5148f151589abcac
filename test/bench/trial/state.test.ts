/** What `--save` writes is enough to make the switch again: every setting of bridges and ports, rules, what was learned. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { switchOfState } from "../../../bench/ovs-cases/saved-switch.ts";
import { clusterState, STATE_FORMAT, STATE_VERSION } from "../../../bench/trial/state.ts";
import { Fabric } from "../../../datapath/fabric.ts";
import { formatRule } from "../../../datapath/openflow/rule-text.ts";
import type { BridgeConfig, Topology } from "../../../datapath/topology.ts";
import type { OvsSwitch } from "../../../datapath/translate/switch.ts";

const BRIDGES: readonly BridgeConfig[] = [
  {
    name: "br0",
    failMode: "secure",
    openflow: "OpenFlow13",
    mac: "02:00:00:00:00:01",
    prefixes: { "0": ["nw_dst"] },
    macTableSize: 20,
    macAgeing: 60,
    floodVlans: [7, 9],
    forwardBpdu: true,
    flows:
      "table=1,priority=7,cookie=0x5,idle_timeout=10,hard_timeout=30,tcp,nw_dst=10.1.0.0/16,tp_dst=80 actions=output:2,NORMAL\n" +
      "priority=0 actions=resubmit(,1)\n",
    flowsFile: "test",
    ports: [
      { name: "all", ofport: 1, type: "dummy" },
      { name: "access", ofport: 2, type: "dummy", tag: 4, protected: true },
      { name: "trunk", ofport: 3, type: "dummy", trunks: [4, 5], config: ["no-flood", "no-receive"] },
      { name: "native", ofport: 4, type: "dummy", tag: 6, vlanMode: "native-untagged", trunks: [6, 8] },
      { name: "tagged", ofport: 5, type: "dummy", tag: 0, vlanMode: "native-tagged", config: ["down"] },
      { name: "qinq", ofport: 6, type: "dummy", tag: 100, vlanMode: "dot1q-tunnel", config: ["no-forward"] },
      { name: "up", ofport: 7, type: "patch", options: { peer: "low" } },
    ],
  },
  {
    name: "br1",
    failMode: "standalone",
    mac: "02:00:00:00:00:02",
    address: "10.11.1.115/24",
    neighbours: { "10.11.1.116": "02:00:00:00:00:16" },
    flows: "priority=0 actions=NORMAL\n",
    flowsFile: "test",
    ports: [
      { name: "low", ofport: 1, type: "patch", options: { peer: "up" } },
      { name: "gre", ofport: 2, type: "gre", options: { local_ip: "10.11.1.115", remote_ip: "10.11.1.116", key: "5" } },
    ],
  },
];
const TOPOLOGY: Topology = {
  name: "everything",
  mode: "other",
  network: "none",
  hosts: [{ name: "h", role: "compute", bridges: BRIDGES, namespaces: [] }],
  vms: [],
  wires: [],
  vlanLimit: 2,
};

/** All that translation sees of a switch's bridges, as plain data. */
const seen = ({ bridges, rules }: { bridges: OvsSwitch["bridges"]; rules: (bridge: string) => string[] }) =>
  bridges.map((bridge) => ({
    name: bridge.name,
    openflow: bridge.openflow,
    mac: bridge.mac,
    address: bridge.address,
    netmask: bridge.netmask,
    floodVlans: bridge.floodVlans,
    settings: [bridge.config.prefixes, bridge.config.macTableSize, bridge.config.macAgeing, bridge.config.forwardBpdu],
    neighbours: bridge.config.neighbours,
    ports: bridge.ports.map(
      ({
        name,
        ofport,
        type,
        vlanMode,
        vlan,
        trunks,
        up,
        noFlood,
        noForward,
        noReceive,
        protected: apart,
        tunnel,
      }) => ({
        ...{ name, ofport, type, vlanMode, vlan, trunks, up, noFlood, noForward, noReceive, apart, tunnel },
      }),
    ),
    rules: rules(bridge.name),
    macs: [...bridge.macs.entries()].map(({ port, vlan, high, low, seen: at }) => ({ port, vlan, high, low, at })),
  }));

const viewOf = (made: OvsSwitch) =>
  seen({ bridges: made.bridges, rules: (name) => made.rules(name).map((rule) => formatRule(rule, 0)) });

test("a switch made of a saved state is the one that was saved", () => {
  const fabric = new Fabric(TOPOLOGY, { poolSlots: 1 });
  const before = fabric.hosts[0].switch;
  before.bridge("br0")!.macs.learn(4, 0x02aa0000, 0x0001, 2, 3e9);
  const now = 5e9 + 0.53125;
  const state = clusterState(fabric, now);
  const text = JSON.stringify({ format: STATE_FORMAT, version: STATE_VERSION, modes: { other: state } });
  const after = switchOfState(text, "state.json", "other", "h");
  assert.equal(after.now, 5e9, "whole nanoseconds");
  assert.deepEqual(viewOf(after.switch), viewOf(before));
  assert.equal(viewOf(before)[0].macs.length, 1);
  assert.equal(after.switch.vlanLimit, 2);
  // Each key stands in the text once an object.
  assert.equal(text.match(/"mac":"02:00:00:00:00:01"/g)?.length, 1);
});
