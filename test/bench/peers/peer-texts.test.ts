import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTimed } from "../../../bench/peers/ours.ts";
import { countMasks } from "../../../bench/peers/ovs-side.ts";
import { requirePackages } from "../../../bench/peers/packages.ts";
import { parseTestpmd } from "../../../bench/peers/testpmd.ts";
import { REPLAY_FORMAT, REPLAY_VERSION } from "../../../bench/replay/result.ts";
import { recorded } from "./recorded.ts";

test("testpmd's cycles a packet", () => {
  const run = parseTestpmd(recorded("testpmd.txt"));
  assert.equal(run.packets, 244799872);
  assert.equal(run.clockMHz, 2600);
  assert.equal(run.cyclesPerPacket.toFixed(2), "27.36"); // as it prints itself
  assert.equal(run.nsPerPacket.toFixed(2), "10.52");
  assert.throws(() => parseTestpmd("EAL: Error - exiting with code: 1\n  Cause: Cannot init EAL\n"), /Cannot init EAL/);
  assert.throws(
    () => parseTestpmd("CPU cycles/packet=0.00 (total cycles=5 / total macswap packets=0) at 2600 MHz"),
    /no packet/,
  );
});

test("masks among datapath flows as OVS prints them", () => {
  const one = recorded("megaflows-1-mask.txt").trimEnd().split("\n");
  const eight = recorded("megaflows-8-masks.txt").trimEnd().split("\n");
  assert.equal(one.length, 8);
  assert.equal(eight.length, 8);
  assert.equal(countMasks(one), 1);
  assert.equal(countMasks(eight), 8);
  assert.equal(countMasks([]), 0);
});

test("what replay prints is read: the timed passes, rules by cookie", () => {
  const cache = { exactHits: 990, megaflowHits: 9, upcalls: 1, lookupsPerHit: 1.5, masks: 2 };
  const json = {
    format: REPLAY_FORMAT,
    version: REPLAY_VERSION,
    nsPerPacket: 50,
    times: { packets: 1000, seconds: 5e-5, waitedShare: 0.25, cache },
    rules: [
      { cookie: "0x1", packets: 1, timedPackets: 900 },
      { cookie: "0x0", packets: 1, timedPackets: 60 },
      { cookie: "0x0", packets: 1, timedPackets: 40 },
    ],
  };
  const run = parseTimed(JSON.stringify(json));
  assert.equal(run.packets, 1000);
  assert.equal(run.seconds, 5e-5);
  assert.equal(run.waitedShare, 0.25);
  assert.deepEqual(run.hits, { exact: 990, megaflow: 9, upcalls: 1 });
  assert.deepEqual(
    [...run.rules],
    [
      ["0x1", 900],
      ["0x0", 100],
    ],
  );
  assert.throws(
    () => parseTimed(JSON.stringify({ ...json, times: null, nsPerPacket: null })),
    /no packet was measured/,
  );
  assert.throws(() => parseTimed(JSON.stringify({ ...json, version: 0 })), /expected eastwest replay result/);
  assert.throws(() => parseTimed("ready\n"), /no JSON/);
});

test("a package that is not there is named with the command that brings it", {
  skip: process.platform !== "linux" && "Linux only",
}, () => {
  const needs = [
    { package: "librte-net-pcap23", found: () => false },
    { package: "iproute2", found: () => true },
    { package: "openvswitch-switch-dpdk", found: () => false },
  ];
  assert.throws(
    () => requirePackages("ovs-dpdk", needs),
    /^InputError: peer ovs-dpdk is not installed: apt-get install --no-install-recommends librte-net-pcap23 openvswitch-switch-dpdk$/,
  );
});
