/** Tunnels of `eastwest replay`: what ports count, and whose frames are taken off. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BRIDGE } from "../../../bench/replay/bridge.ts";
import { ReplayEngine } from "../../../bench/replay/engine.ts";
import { parsePorts } from "../../../bench/replay/port-spec.ts";
import { generateTrace } from "../../../pcaps/generate/generate.ts";

test("a tunnel port counts as Open vSwitch's does, and once for the report", () => {
  const ports = parsePorts(["1=pcap", "2=gre:172.31.1.1:172.31.1.2:7"]);
  const rules = { text: "in_port=1,actions=output:2\nin_port=2,actions=output:1", file: "" };
  const setup = { ports, rules, groups: undefined, vlanLimit: 1, emc: undefined };
  const engine = new ReplayEngine(setup, { longest: 62 });
  const trace = generateTrace({ frames: 10, size: "62", seed: 1 });
  engine.burst(
    engine.entry("1"),
    trace,
    Int32Array.from({ length: 10 }, (_, i) => i),
    0,
    10,
  );
  engine.datapath.flushStats();
  const port = engine.switch.bridge(BRIDGE)?.port(2);
  // ovs-vsctl get interface gre1 statistics of Open vSwitch 3.1.0, userspace datapath, after ten such frames:
  // {rx_bytes=0, rx_packets=0, tx_bytes=1660, tx_packets=20}
  assert.deepEqual([port?.rxPackets, port?.txPackets, port?.txBytes], [0, 20, 1660]);
  assert.deepEqual([port?.sentPackets, port?.sentBytes], [10, 620]);
});
