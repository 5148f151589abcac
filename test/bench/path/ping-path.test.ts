/**
 * The path of the first ping against the walk that the article and the rules of Neutron's agent give (VM1 of test115 to VM2
 * of test116 over a router): which bridges and namespaces, which rule in which table, what the tunnels carry.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BridgeHop, Hop, PacketPath } from "../../../bench/path/hop.ts";
import { pingPath } from "../../../bench/path/ping-path.ts";
import { type ModeName, type NetworkName, scenarioFile } from "../../../bench/paths.ts";
import { loadTopology } from "../../../bench/scenarios/loader.ts";
import { Captures, loadInputs, recordedSources } from "../../../bench/trial/inputs.ts";
import { coldSchedule } from "../../../bench/trial/schedule.ts";

async function pathOf(network: NetworkName, mode: ModeName): Promise<PacketPath[]> {
  const topology = loadTopology(scenarioFile(network, mode));
  const captures = new Captures({ memory: undefined, libpcap: false, filter: undefined });
  const loaded = await loadInputs(topology, recordedSources(topology), captures);
  return pingPath(topology, loaded, coldSchedule(loaded.inputs, {}), 1800);
}

const place = (hop: Hop): string => {
  if (hop.kind === "vm") return hop.vm;
  if (hop.kind === "wire") return `${hop.from} > ${hop.to}`;
  return `${hop.host} ${hop.kind === "bridge" ? hop.bridge : "qrouter"}`;
};
const bridges = (path: PacketPath): BridgeHop[] => path.hops.filter((hop) => hop.kind === "bridge");
const tables = (path: PacketPath): string[] =>
  bridges(path).map(
    ({ bridge, rules }) => `${bridge} ${rules.map(({ table, priority }) => `${table}p${priority}`).join(" ")}`,
  );

test("DVR over GRE: routed on the sender's node, one frame on the wire", async () => {
  const [request, reply] = await pathOf("gre", "dvr");
  assert.deepEqual(request.hops.map(place), [
    "vm1",
    "test115 br-int",
    "test115 qrouter",
    "test115 br-int",
    "test115 br-tun",
    "test115 br-ex",
    "test115/eth0 > test116/eth0",
    "test116 br-ex",
    "test116 br-tun",
    "test116 br-int",
    "vm2",
  ]);
  assert.deepEqual(tables(request), [
    "br-int 0p1",
    "br-int 0p1",
    "br-tun 0p1 1p1 2p0 20p2",
    "br-ex 0p0",
    "br-ex 0p0",
    "br-tun 0p1 3p1 9p1",
    "br-int 0p2 1p4",
  ]);
  // The article's rules: test115 br-tun tables 1 and 20, test116 br-int table 1.
  const rules = bridges(request).flatMap((hop) => hop.rules.map((rule) => `${rule.match} actions=${rule.actions}`));
  assert.ok(rules.includes("dl_vlan=1,dl_src=fa:16:3e:a3:95:c2 actions=mod_dl_src:fa:16:3f:97:87:a1,resubmit(,2)"));
  assert.ok(
    rules.includes('dl_vlan=1,dl_dst=fa:16:3e:2a:34:19 actions=strip_vlan,set_tunnel:0x2,output:"gre-0a0b0174"'),
  );
  assert.deepEqual([...new Set(bridges(request).map(({ pass }) => pass))], [1, 2, 3]);
  const wire = request.hops.find((hop) => hop.kind === "wire");
  assert.equal(wire?.bytes, 98 + 42);
  assert.match(wire?.frame ?? "", /10\.11\.1\.115 > 10\.11\.1\.116: GREv0, key=0x2/);
  const routed = request.hops.find((hop) => hop.kind === "namespace");
  assert.deepEqual([routed?.inPort, routed?.outPort], ["qr-c669122c-11", "qr-43fad9d6-53"]);
  assert.deepEqual([routed?.ttlIn, routed?.ttlOut], [64, 63]);
  // The reply is routed on the other node and has the other network's key.
  assert.equal(reply.hops.find((hop) => hop.kind === "namespace")?.host, "test116");
  assert.match(reply.hops.find((hop) => hop.kind === "wire")?.frame ?? "", /key=0x1/);
});

test("legacy over GRE: four passes, twice over the wire, routed on the network node", async () => {
  const paths = await pathOf("gre", "legacy");
  assert.deepEqual(
    paths.map(({ packet }) => packet),
    ["request", "reply"],
  );
  for (const path of paths) {
    assert.equal(Math.max(...bridges(path).map(({ pass }) => pass)), 4);
    assert.equal(path.hops.find((hop) => hop.kind === "namespace")?.host, "test114");
    const keys = path.hops.flatMap((hop) => (hop.kind === "wire" ? (/key=(0x\d)/.exec(hop.frame)?.[1] ?? "none") : []));
    assert.deepEqual(keys, path.packet === "request" ? ["0x1", "0x2"] : ["0x2", "0x1"]);
    const changes = bridges(path).flatMap(({ tunnel }) => tunnel?.change ?? []);
    assert.deepEqual(changes, ["encapsulate", "decapsulate", "encapsulate", "decapsulate"]);
    // 16 lookups without br-ex, which is looked up once on each way out and each way in.
    assert.equal(path.tableLookups, 16 + 4);
  }
});

for (const [network, overhead] of [
  ["vxlan", 50],
  ["vlan", 4],
] as const) {
  test(`${network}: 2 frames legacy, 1 DVR, each ${overhead} bytes longer than the packet`, async () => {
    for (const [mode, frames] of [
      ["legacy", 2],
      ["dvr", 1],
    ] as const) {
      for (const path of await pathOf(network, mode)) {
        const wires = path.hops.filter((hop) => hop.kind === "wire");
        assert.deepEqual(
          wires.map(({ bytes }) => bytes),
          new Array(frames).fill(98 + overhead),
        );
        for (const [i, hop] of path.hops.entries()) assert.ok(place(hop).length > 0, `hop ${i}`);
        for (const hop of bridges(path)) {
          assert.ok(hop.inPort !== "" && hop.outPort !== "" && hop.rules.length > 0, place(hop));
        }
      }
    }
  });
}
