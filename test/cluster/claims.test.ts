/**
 * The checkable claims about the article's cluster, each by its number (K1 to K18). What the article prints is here as text;
 * the rest follows from its rules. The traffic is made by hand, so that each claim stands alone.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot, scenarioFile } from "../../bench/paths.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import type { Host } from "../../datapath/host.ts";
import { formatRule } from "../../datapath/openflow/rule-text.ts";
import { formatFdb } from "../../datapath/ovs/fdb-text.ts";
import type { Topology } from "../../datapath/topology.ts";
import { arpRequest, Cluster, DVR_MACS, echo, VM1, VM2, type WireFrame } from "./cluster.ts";

const bare = (mac: string): string => mac.replaceAll(":", "");
const ttlOf = (frame: string): number => Number.parseInt(frame.slice(44, 46), 16);
const sourceOf = (frame: string): string => frame.slice(12, 24);

/** One ping with its answer, each VM's frame sent to its gateway. */
function ping(cluster: Cluster, sequence = 1): void {
  cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip, { sequence }));
  cluster.send("vm2", echo(VM2, VM2.gateway, VM1.ip, { type: 0, sequence }));
}

/** MAC addresses resolved, as after some time of talking. */
function warm(network: "gre" | "vxlan" | "vlan", mode: "legacy" | "dvr"): Cluster {
  const cluster = Cluster.article(network, mode);
  if (mode === "legacy") {
    // The legacy router learns its neighbours from their ARP requests for it.
    cluster.send("vm1", arpRequest(VM1, VM1.router));
    cluster.send("vm2", arpRequest(VM2, VM2.router));
  }
  cluster.clear();
  return cluster;
}

const dumpFlows = (host: Host, bridge: string): string[] =>
  host.switch.rules(bridge).map((rule) => formatRule(rule, 0));

/** Packets and bytes of the rules of a bridge whose text has every part. */
function counted(
  cluster: Cluster,
  host: string,
  bridge: string,
  ...parts: string[]
): { packets: number; bytes: number } {
  const it = cluster.host(host);
  it.datapath.flushStats();
  const lines = dumpFlows(it, bridge).filter((line) => parts.every((part) => line.includes(part)));
  assert.equal(lines.length, 1, `${bridge} on ${host}: ${lines.length} rules have ${parts.join(" ")}`);
  const [, packets, bytes] = /n_packets=(\d+), n_bytes=(\d+)/.exec(lines[0]) as RegExpExecArray;
  return { packets: Number(packets), bytes: Number(bytes) };
}

const rulesOf = (host: string, bridge: string): string[] =>
  readFileSync(join(packageRoot, "bench", "scenarios", "gre-dvr", `${host}.${bridge}.flows`), "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");

/** A rule as the parts that mean something, in one spelling: matches sorted, actions in order. */
function meaning(rule: string): string {
  const [match, actions] = rule.replace(/\s+actions=|,actions=/, "\u0000").split("\u0000");
  const parts = match
    .replace(/cookie=.*?, |duration=.*?, |n_packets=.*?, |n_bytes=.*?, |idle_age=\d+, |hard_age=\d+, /g, "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== "priority=32768")
    .sort();
  return `${parts.join(",")} ${actions.replaceAll(" ", "")}`;
}

const ARTICLE_BR_INT_115 = `
table=0, priority=2,in_port=31,dl_src=fa:16:3f:ec:09:21 actions=resubmit(,1)
table=0, priority=4,in_port=30,dl_src=fa:16:3f:ec:09:21 actions=resubmit(,2)
table=0, priority=2,in_port=31,dl_src=fa:16:3f:1a:cf:03 actions=resubmit(,1)
table=0, priority=4,in_port=30,dl_src=fa:16:3f:1a:cf:03 actions=resubmit(,2)
table=0, priority=1 actions=NORMAL
table=0, priority=2,in_port=30 actions=drop
table=1, priority=1 actions=drop
table=1, priority=4,dl_vlan=2,dl_dst=fa:16:3e:17:6b:a7 actions=strip_vlan,mod_dl_src:fa:16:3e:cd:50:8d,output:27
table=2, priority=1 actions=drop
table=23, priority=0 actions=drop`;

const ARTICLE_OTHERS: readonly (readonly [string, string, string])[] = [
  ["test115", "br-tun", "table=0, priority=0 actions=drop"],
  ["test115", "br-tun", "table=0, priority=1,in_port=10 actions=resubmit(,3)"],
  ["test115", "br-tun", "table=0, priority=1,in_port=8 actions=resubmit(,1)"],
  ["test115", "br-tun", "table=0, priority=1,in_port=9 actions=resubmit(,3)"],
  ["test115", "br-tun", "table=1, priority=0 actions=resubmit(,2)"],
  [
    "test115",
    "br-tun",
    "table=1, priority=1,dl_vlan=1,dl_src=fa:16:3e:a3:95:c2 actions=mod_dl_src:fa:16:3f:97:87:a1,resubmit(,2)",
  ],
  [
    "test115",
    "br-tun",
    "table=1, priority=1,dl_vlan=2,dl_src=fa:16:3e:cd:50:8d actions=mod_dl_src:fa:16:3f:97:87:a1,resubmit(,2)",
  ],
  ["test115", "br-tun", "table=2, priority=0,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00 actions=resubmit(,20)"],
  [
    "test115",
    "br-tun",
    "table=20, priority=2,dl_vlan=1,dl_dst=fa:16:3e:2a:34:19 actions=strip_vlan,set_tunnel:0x2,output:10",
  ],
  ["test116", "br-tun", "table=0, priority=0 actions=drop"],
  ["test116", "br-tun", "table=0, priority=1,in_port=13 actions=resubmit(,3)"],
  ["test116", "br-tun", "table=0, priority=1,in_port=14 actions=resubmit(,3)"],
  ["test116", "br-tun", "table=3, priority=1,tun_id=0x2 actions=mod_vlan_vid:3,resubmit(,9)"],
  ["test116", "br-tun", "table=9, priority=1,dl_src=fa:16:3f:97:87:a1 actions=output:9"],
  ["test116", "br-int", "table=0, priority=4,in_port=36,dl_src=fa:16:3f:1a:cf:03 actions=resubmit(,2)"],
  ["test116", "br-int", "table=0, priority=2,in_port=37,dl_src=fa:16:3f:97:87:a1 actions=resubmit(,1)"],
  [
    "test116",
    "br-int",
    "table=1, priority=4,dl_vlan=3,dl_dst=fa:16:3e:2a:34:19 actions=strip_vlan,mod_dl_src:fa:16:3e:a3:95:c2,output:38",
  ],
  ["test116", "br-int", "table=2, priority=1 actions=drop"],
  ["test116", "br-int", "table=23, priority=0 actions=drop"],
];

test("K1: the rule file of br-int on test115 is the article's dump, all ten rules", () => {
  const printed = ARTICLE_BR_INT_115.trim().split("\n").map(meaning).sort();
  assert.equal(printed.length, 10);
  assert.deepEqual(rulesOf("test115", "br-int").map(meaning).sort(), printed);
});

test("K2: the rule files hold every rule that the article's other dumps show", () => {
  assert.equal(ARTICLE_OTHERS.length, 19);
  for (const [host, bridge, rule] of ARTICLE_OTHERS) {
    assert.ok(rulesOf(host, bridge).map(meaning).includes(meaning(rule)), `${bridge} on ${host} lacks ${rule}`);
  }
});

const trip = (frames: readonly WireFrame[]): string => frames.map(({ path, key }) => `${path} key ${key}`).join(", ");

test("K3: legacy, one ping: four GRE frames, keys 1, 2, 2, 1, all to or from test114", () => {
  const cluster = warm("gre", "legacy");
  ping(cluster);
  assert.equal(trip(cluster.wire), "115>114 key 1, 114>116 key 2, 116>114 key 2, 114>115 key 1");
});

test("K4: DVR, the same ping: two GRE frames, keys 2, 1, none to or from test114", () => {
  const cluster = warm("gre", "dvr");
  ping(cluster);
  assert.equal(trip(cluster.wire), "115>116 key 2, 116>115 key 1");
});

test("K5: GRE length 106, outer IPv4 total length 126, 140 bytes on the wire", () => {
  for (const mode of ["legacy", "dvr"] as const) {
    const cluster = warm("gre", mode);
    ping(cluster);
    for (const { hex } of cluster.wire) {
      assert.equal(hex.length / 2, 140);
      assert.equal(Number.parseInt(hex.slice(32, 36), 16), 126);
      assert.equal(126 - 20, 106);
      assert.equal(hex.slice(68, 76), "20006558");
    }
  }
});

test("K6: the walks: each rule on the way counts the packet once", () => {
  const dvr = warm("gre", "dvr");
  dvr.send("vm1", echo(VM1, VM1.gateway, VM2.ip));
  const one = { packets: 1, bytes: 98 };
  assert.deepEqual(counted(dvr, "test115", "br-int", "priority=1 actions=NORMAL"), { packets: 2, bytes: 196 });
  assert.deepEqual(counted(dvr, "test115", "br-tun", "table=1,", `dl_src=${VM2.gateway} actions=mod_dl_src`), one);
  assert.deepEqual(counted(dvr, "test115", "br-tun", "table=20,", `dl_dst=${VM2.mac}`, "priority=2"), one);
  assert.deepEqual(counted(dvr, "test116", "br-tun", "table=0,", "in_port=14"), one);
  assert.deepEqual(counted(dvr, "test116", "br-tun", "table=3,", "tun_id=0x2"), one);
  assert.deepEqual(counted(dvr, "test116", "br-tun", "table=9,", DVR_MACS.test115), one);
  assert.deepEqual(counted(dvr, "test116", "br-int", "table=0,", "in_port=37", DVR_MACS.test115), one);
  assert.deepEqual(counted(dvr, "test116", "br-int", "table=1,", `dl_dst=${VM2.mac}`), one);
  assert.equal(sourceOf(dvr.wire[0].inner), bare(DVR_MACS.test115));
  assert.equal(ttlOf(dvr.wire[0].inner), 63);

  const legacy = warm("gre", "legacy");
  const walk = (): { packets: number; bytes: number }[] => [
    counted(legacy, "test115", "br-tun", "table=20,", `dl_dst=${VM1.gateway}`, "priority=2"),
    counted(legacy, "test114", "br-tun", "table=3,", "tun_id=0x1"),
    counted(legacy, "test114", "br-tun", "table=10,"),
    counted(legacy, "test114", "br-tun", "table=20,", `dl_dst=${VM2.mac}`, "priority=2"),
    counted(legacy, "test116", "br-tun", "table=3,", "tun_id=0x2"),
    counted(legacy, "test116", "br-tun", "table=10,"),
  ];
  const before = walk();
  legacy.send("vm1", echo(VM1, VM1.gateway, VM2.ip));
  for (const [i, { packets, bytes }] of walk().entries()) {
    assert.deepEqual({ packets: packets - before[i].packets, bytes: bytes - before[i].bytes }, one);
  }
});

test("K7: VM2 sees the gateway's MAC address and TTL 63 in both modes", () => {
  for (const mode of ["legacy", "dvr"] as const) {
    const cluster = warm("gre", mode);
    cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip));
    const [frame] = cluster.delivered[1];
    assert.equal(cluster.delivered[1].length, 1);
    assert.equal(sourceOf(frame), bare(VM2.gateway));
    assert.equal(ttlOf(frame), 63);
  }
});

test("K8: the host MAC of DVR is never seen by a VM and never learned", () => {
  const cluster = warm("gre", "dvr");
  for (let i = 1; i <= 3; i++) ping(cluster, i);
  for (const frames of cluster.delivered) {
    assert.equal(frames.length, 3);
    for (const frame of frames) assert.ok(!sourceOf(frame).startsWith("fa163f"), frame);
  }
  for (const host of cluster.fabric.hosts) {
    for (const bridge of ["br-int", "br-tun"]) {
      const at = host.switch.bridge(bridge);
      assert.ok(at !== undefined && !formatFdb(at, 0).includes("fa:16:3f"), `${bridge} on ${host.name}`);
    }
    const learned = dumpFlows(host, "br-tun").filter((line) => line.includes("table=20") && line.includes("vlan_tci"));
    for (const line of learned) assert.ok(!line.includes("fa:16:3f"), line);
  }
});

test("K9: routed frames on the wire have a fa:16:3f source with DVR, and never without", () => {
  for (const mode of ["legacy", "dvr"] as const) {
    const cluster = warm("gre", mode);
    ping(cluster);
    assert.ok(cluster.wire.length >= 2);
    for (const { inner } of cluster.wire) assert.equal(sourceOf(inner).startsWith("fa163f"), mode === "dvr");
  }
});

test("K10: DVR: the counters of br-int and br-tun of test114 do not move", () => {
  const cluster = warm("gre", "dvr");
  ping(cluster);
  const host = cluster.host("test114");
  host.datapath.flushStats();
  for (const bridge of ["br-int", "br-tun"]) {
    const lines = dumpFlows(host, bridge);
    assert.ok(lines.length > 5);
    for (const line of lines) assert.match(line, /n_packets=0, n_bytes=0/);
  }
});

test("K11: after 476 answered pings test115 counts 476 packets, 46,648 bytes on five rules, and 952 on NORMAL", () => {
  const cluster = warm("gre", "dvr");
  for (let i = 1; i <= 476; i++) ping(cluster, i);
  const all = { packets: 476, bytes: 46648 };
  assert.deepEqual(counted(cluster, "test115", "br-int", "in_port=31", DVR_MACS.test116), all);
  assert.deepEqual(counted(cluster, "test115", "br-int", "table=1,", `dl_dst=${VM1.mac}`), all);
  assert.deepEqual(counted(cluster, "test115", "br-tun", "table=0,", "in_port=10"), all);
  assert.deepEqual(counted(cluster, "test115", "br-tun", "table=1,", `dl_src=${VM2.gateway} actions=mod_dl_src`), all);
  assert.deepEqual(counted(cluster, "test115", "br-tun", "table=20,", `dl_dst=${VM2.mac}`, "priority=2"), all);
  assert.equal(counted(cluster, "test115", "br-int", "priority=1 actions=NORMAL").packets, 952);
});

test("K12: legacy: TTL 64 and VM1's MAC on 115>114, TTL 63 and the gateway's on 114>116", () => {
  const cluster = warm("gre", "legacy");
  cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip));
  const [first, second] = cluster.wire;
  assert.equal(trip(cluster.wire), "115>114 key 1, 114>116 key 2");
  assert.deepEqual([ttlOf(first.inner), sourceOf(first.inner)], [64, bare(VM1.mac)]);
  assert.deepEqual([ttlOf(second.inner), sourceOf(second.inner)], [63, bare(VM2.gateway)]);
});

test("K13: DVR: ARP for the own gateway never leaves the host, and is answered; legacy: it does", () => {
  const dvr = Cluster.article("gre", "dvr");
  dvr.send("vm1", arpRequest(VM1, VM1.router));
  assert.equal(dvr.wire.length, 0);
  assert.equal(dvr.delivered[0].length, 1);
  assert.equal(sourceOf(dvr.delivered[0][0]), bare(VM1.gateway));
  const legacy = Cluster.article("gre", "legacy");
  legacy.send("vm1", arpRequest(VM1, VM1.router));
  assert.equal(trip(legacy.wire), "115>114 key 1, 114>115 key 1");
});

test("K14: DVR: unicast to a gateway's MAC never leaves the host, though br-int floods it", () => {
  const cluster = Cluster.article("gre", "dvr");
  cluster.send("vm1", echo(VM1, VM1.gateway, VM1.router));
  assert.equal(cluster.wire.length, 0);
  const drops = counted(cluster, "test115", "br-tun", "table=1,", "priority=2", `dl_dst=${VM1.gateway}`);
  assert.deepEqual(drops, { packets: 1, bytes: 98 });
});

test("K15: a frame with the host's own DVR MAC, or an unregistered one, is not taken in by the DVR rules", () => {
  for (const source of [DVR_MACS.test116, "fa:16:3f:00:00:01"]) {
    const cluster = warm("gre", "dvr");
    cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip));
    const outer = cluster.wire[0].hex;
    cluster.clear();
    const forged = Buffer.from(outer.slice(0, 84) + outer.slice(84, 96) + bare(source) + outer.slice(108), "hex");
    const before = counted(cluster, "test116", "br-tun", "table=9,", "priority=0").packets;
    cluster.send("test116/eth0", new Uint8Array(forged));
    assert.equal(counted(cluster, "test116", "br-tun", "table=9,", "priority=0").packets - before, 1);
    assert.equal(counted(cluster, "test116", "br-int", "table=1,", `dl_dst=${VM2.mac}`).packets, 1);
    assert.ok(cluster.delivered[1].every((frame) => sourceOf(frame) === bare(source)));
  }
});

test("K16: TTL 1: time exceeded from 192.168.1.1, made on test115 with DVR and on test114 without", () => {
  for (const [mode, where] of [
    ["dvr", "test115"],
    ["legacy", "test114"],
  ] as const) {
    const cluster = warm("gre", mode);
    cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip, { ttl: 1 }));
    const [frame] = cluster.delivered[0];
    assert.equal(cluster.delivered[0].length, 1);
    assert.equal(frame.slice(52, 60), "c0a80101");
    assert.equal(frame.slice(68, 72), "0b00");
    for (const host of cluster.fabric.hosts) {
      const generated = host.namespaces.reduce((sum, namespace) => sum + namespace.counters.generated, 0);
      // The legacy router has answered two ARP requests before.
      assert.equal(generated, host.name !== where ? 0 : mode === "legacy" ? 3 : 1, `${mode}: ${host.name}`);
    }
  }
});

test("K17 (kilo): without the permanent neighbour the ARP request dies in br-int of test116", () => {
  const full = loadTopology(scenarioFile("gre", "dvr"));
  const topology: Topology = {
    ...full,
    hosts: full.hosts.map((host) => ({
      ...host,
      namespaces: host.namespaces.map((namespace) => ({
        ...namespace,
        neighbours: namespace.neighbours?.filter(({ ip }) => ip !== VM2.ip),
      })),
    })),
  };
  const cluster = new Cluster(topology);
  cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip));
  const toVm2 = cluster.wire.filter(({ path, inner }) => path === "115>116" && inner.slice(24, 28) === "0806");
  assert.equal(toVm2.length, 1);
  assert.equal(toVm2[0].inner.slice(0, 24), `ffffffffffff${bare(DVR_MACS.test115)}`);
  assert.deepEqual(counted(cluster, "test116", "br-int", "table=1,", "priority=1 actions=drop"), {
    packets: 1,
    bytes: 42,
  });
  cluster.wait(5000);
  assert.equal(cluster.delivered[1].length, 0);
  // Three requests in vain, then "host unreachable" to VM1.
  assert.equal(counted(cluster, "test116", "br-int", "table=1,", "priority=1 actions=drop").packets, 3);
  assert.equal(cluster.delivered[0].at(-1)?.slice(68, 72), "0301");
});

test("K18: a traceroute from VM1 to VM2 has two hops in both modes", () => {
  for (const mode of ["legacy", "dvr"] as const) {
    const cluster = warm("gre", mode);
    cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip, { ttl: 1 }));
    assert.equal(cluster.delivered[0].length, 1);
    assert.equal(cluster.delivered[1].length, 0);
    cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip, { ttl: 2 }));
    assert.equal(cluster.delivered[1].length, 1);
    assert.equal(ttlOf(cluster.delivered[1][0]), 1);
  }
});

test("counters conserve after all of it", () => {
  for (const mode of ["legacy", "dvr"] as const) {
    const cluster = warm("gre", mode);
    for (let i = 1; i <= 20; i++) ping(cluster, i);
    cluster.send("vm1", echo(VM1, VM1.gateway, VM2.ip, { ttl: 1 }));
    assert.deepEqual(cluster.fabric.check(), []);
  }
});
