import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReplay } from "../../../bench/peers/ours.ts";
import { countMasks } from "../../../bench/peers/ovs-side.ts";
import { requirePackages } from "../../../bench/peers/packages.ts";
import { parseTestpmd } from "../../../bench/peers/testpmd.ts";
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

test("what replay prints is read, and a missing key is named", () => {
  const json = {
    packets: 1000,
    packetsPerSecond: 2e7,
    nsPerPacket: 50,
    hits: { exact: 990, megaflow: 9, upcalls: 1 },
    lookupsPerHit: 1.5,
    masks: 2,
    rules: [
      { cookie: "0x1", packets: 900 },
      { cookie: "0x0", packets: 60 },
      { cookie: "0x0", packets: 40 },
    ],
  };
  const run = parseReplay(JSON.stringify(json));
  assert.equal(run.seconds, 5e-5);
  assert.deepEqual(run.hits, json.hits);
  assert.deepEqual(
    [...run.rules],
    [
      ["0x1", 900],
      ["0x0", 100],
    ],
  );
  for (const key of ["packets", "nsPerPacket", "hits", "lookupsPerHit", "masks", "rules"]) {
    const without = JSON.stringify({ ...json, [key]: undefined });
    assert.throws(() => parseReplay(without), /^Error: eastwest replay --json: /, key);
  }
  assert.throws(() => parseReplay("ready\n"), /no JSON/);
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
