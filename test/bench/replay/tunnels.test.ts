/** Tunnels of `eastwest replay`: what ports count, and whose frames are taken off. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { BRIDGE } from "../../../bench/replay/bridge.ts";
import { ReplayEngine } from "../../../bench/replay/engine.ts";
import { parsePorts } from "../../../bench/replay/port-spec.ts";
import type { ReplayResult } from "../../../bench/replay/result.ts";
import { generateTrace } from "../../../pcaps/generate/generate.ts";
import { eastwest, withFolder } from "../cli.ts";

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

test("a capture of the underlay is taken off at the MAC address that its frames go to; what is for others is said", () =>
  withFolder((folder) => {
    // As in the help of replay.
    const capture = join(folder, "underlay.pcap");
    const made = eastwest(
      "generate",
      capture,
      "--scenario",
      "underlay",
      "--encap",
      "vxlan",
      "--key",
      "5",
      "--frames",
      "500",
    );
    assert.equal(made.status, 0, made.stderr);
    const replay = (tunnel: string, ...more: readonly string[]): string => {
      const ports = ["--port", "underlay=pcap", "--port", `1=vxlan:${tunnel}`, "--port", "2=null"];
      const ran = eastwest("replay", capture, ...ports, "--no-timing", "--json", join(folder, "r.json"), ...more);
      assert.equal(ran.status, 0, ran.stderr);
      return ran.stdout;
    };
    const off = replay("10.11.1.116:10.11.1.115:5");
    assert.match(off, /tunnels end at 10\.11\.1\.116, MAC 52:54:00:0a:01:74 \(where the capture's frames to it go\)/);
    assert.match(off, /encapsulations, decapsulations +0, 500\n/);
    assert.match(off, /2=null +0 +0 +500 +30,000\n/);
    assert.doesNotMatch(off, /not for a tunnel/);
    const ended = /ended at the underlay's own port: 500, not for a tunnel of this replay/;
    for (const [tunnel, more, said] of [
      ["10.11.1.115:10.11.1.116:5", [], /no frame of the capture is for 10\.11\.1\.115, most are for 10\.11\.1\.116/],
      ["10.11.1.116:10.11.1.115:5", ["--underlay-mac", "02:00:00:00:00:01"], /at another MAC: 500 of 500/],
    ] as const) {
      const out = replay(tunnel, ...more);
      assert.match(out, ended);
      assert.match(out, said);
      assert.match(out, /packets out +0\n/);
    }
    for (const tunnel of ["10.11.1.116:10.11.1.115:6", "10.11.1.116:10.11.1.9:5"]) {
      assert.match(replay(tunnel), /no tunnel of this replay has their ends and key: 500\n/);
    }
    for (const mac of ["01:00:5e:00:00:01", "nonsense"]) {
      const ran = eastwest("replay", capture, "--underlay-mac", mac);
      assert.equal(ran.status, 2);
      assert.match(ran.stderr, /^eastwest: [^\n]*--underlay-mac[^\n]*\n$/);
    }
    const result = eastwest(
      "replay",
      capture,
      "--port",
      "underlay=pcap",
      "--port",
      "1=vxlan:10.11.1.116:10.11.1.115:5",
      "--no-timing",
      "--json",
      "-",
    );
    const { underlay } = JSON.parse(result.stdout) as ReplayResult;
    assert.deepEqual(underlay?.seen, { frames: 500, toAddress: 500, toOtherMac: 0 });
  }));
