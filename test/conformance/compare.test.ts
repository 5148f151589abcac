/** What "equal" means, on texts that Open vSwitch printed. A judge that cannot say no is none: each verdict has its case. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../bench/paths.ts";
import { actions, frame, frames, judge } from "./compare.ts";
import { KNOWN, knownNarrower } from "./known.ts";
import { megaflow, relation } from "./megaflow.ts";

const related = (expected: string, actual: string): string => relation(megaflow(expected), megaflow(actual));

test("the two spellings of a megaflow are one", () => {
  // ovs-appctl ofproto/trace and dpctl/dump-flows of the same packets.
  const pairs = [
    [
      "recirc_id=0,eth,tcp,in_port=p1,nw_src=10.0.0.0/9,nw_frag=no,tp_dst=0x50/0xfff0",
      "recirc_id(0),in_port(p1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(src=10.0.0.1/255.128.0.0,proto=6,frag=no),tcp(dst=80/0xfff0)",
    ],
    [
      "recirc_id=0,eth,udp,in_port=p2,dl_vlan=10,dl_dst=fa:16:3e:00:00:04,nw_tos=0,nw_frag=no",
      "recirc_id(0),in_port(p2),packet_type(ns=0,id=0),eth(dst=fa:16:3e:00:00:04),eth_type(0x8100),vlan(vid=10,pcp=7/0x0),encap(eth_type(0x0800),ipv4(proto=17,tos=0/0xfc,frag=no))",
    ],
    [
      "recirc_id=0,eth,icmp6,in_port=p1,ipv6_src=2001:db8::/32,nw_frag=no,icmp_type=0x80/0xff",
      "in_port(p1),eth_type(0x86dd),ipv6(src=2001:db8::1/ffff:ffff::,proto=58,frag=no),icmpv6(type=128)",
    ],
    ["arp,in_port=p1,arp_spa=10.0.0.1,arp_op=1", "in_port(p1),eth_type(0x0806),arp(sip=10.0.0.1,op=1)"],
  ] as const;
  for (const [openflow, datapath] of pairs) assert.equal(related(openflow, datapath), "equal", openflow);
});

test("narrower, wider, different", () => {
  const base = "recirc_id=0,eth,tcp,in_port=p1,nw_dst=10.0.0.0/24,nw_frag=no";
  assert.equal(related(base, base), "equal");
  assert.equal(related(base, base.replace("/24", "")), "narrower");
  assert.equal(related(base, `${base},tp_dst=80`), "narrower");
  assert.equal(related(base, base.replace("/24", "/23")), "wider");
  assert.equal(related(base, base.replace("tcp", "ip")), "wider");
  assert.equal(related(base, base.replace("10.0.0.0", "10.0.1.0")), "different");
  assert.equal(related(base, base.replace("p1", "p2")), "different");
  assert.equal(related(base, `${base.replace("/24", "/8")},tp_src=1`), "different");
  assert.equal(related("ip,in_port=p1,nw_frag=no", "ip,in_port=p1,nw_frag=later"), "different");
  assert.equal(
    related("tcp,in_port=1,tcp_flags=+syn-ack", "in_port(1),eth_type(0x0800),ipv4(proto=6),tcp_flags(0x2/0x12)"),
    "equal",
  );
});

test("actions by meaning", () => {
  const same = (a: string, b: string, flow = ""): boolean =>
    actions(a, flow).join("\n") === actions(b, flow).join("\n");
  assert.ok(same("p1,p2,p3", "p3,p1,p2"), "the order of a flood");
  assert.ok(!same("p1,p2,p3", "p1,p2"));
  assert.ok(!same("p1,p1", "p1"));
  assert.ok(
    same("p3,push_vlan(vid=10,pcp=0),br0,p2", "push_vlan(vid=10,pcp=0),p2,pop_vlan,p3,push_vlan(vid=10,pcp=0),br0"),
  );
  assert.ok(!same("push_vlan(vid=10,pcp=0),p2", "push_vlan(vid=11,pcp=0),p2"));
  // A tag that was popped and is put back; of two tags, each at its place.
  const twoTags = "ip,dl_vlan=0,dl_vlan_pcp=5,dl_vlan1=100,dl_vlan_pcp1=5";
  const sent = (text: string): string => actions(text, twoTags).join(";");
  assert.equal(sent("pop_vlan,pop_vlan,p4,push_vlan(vid=100,pcp=5),p3"), sent("pop_vlan,p3,pop_vlan,p4"));
  assert.notEqual(sent("pop_vlan,pop_vlan,push_vlan(vid=0,pcp=5),p3"), sent("pop_vlan,p3"));
  assert.ok(!same("set(eth(src=50:54:00:00:00:01)),p2", "p2"));
  assert.ok(!same("p2,set(eth(src=50:54:00:00:00:01)),p3", "set(eth(src=50:54:00:00:00:01)),p2,p3"));
  assert.ok(same("set(eth(src=50:54:00:00:00:01)),p2", "p2", "ip,dl_src=50:54:00:00:00:01"), "set to what it is");
  assert.ok(same("userspace(pid=0,controller(reason=1)),p2", "p2"), "the controller is not compared");
  assert.ok(!same("check_pkt_len(size=60,gt(p1),le(p2))", "check_pkt_len(size=60,gt(p2),le(p1))"));
});

test("frames: any order, ports without frames, the hashed source port of VXLAN", () => {
  assert.equal(frames({ p1: ["aa", "bb"], p2: [] }), frames({ p1: ["bb", "aa"] }));
  assert.notEqual(frames({ p1: ["aa"] }), frames({ p2: ["aa"] }));
  assert.notEqual(frames({ p1: ["aa", "aa"] }), frames({ p1: ["aa"] }));
  const outer = (port: string, destination = "12b5"): string =>
    `aabbcc000002aa55aa5500010800450000660000400040116d${"00"}ac1f0101ac1f0102${port}${destination}00520000080000000000640050`;
  assert.equal(frame(outer("c350")), frame(outer("a001")));
  assert.notEqual(frame(outer("c350", "0035")), frame(outer("a001", "0035")));
  // Two frames of Open vSwitch with csum=true: both checksums right, so one is as good as the other.
  const summed = (port: string, sum: string): string =>
    `aabbcc000002aa55aa55000108004500004e000040004011e05dac1f0101ac1f0102${port}17c1003a${sum}0000655800006400505400000103505400000103080600010800060400015054000001030a0100010000000000000a800001`;
  assert.equal(frame(summed("d2b5", "d2d3")), frame(summed("8fae", "15db")));
  assert.notEqual(frame(summed("d2b5", "d2d3")), frame(summed("8fae", "15dc")));
  assert.notEqual(frame(summed("d2b5", "d2d3")), frame(summed("d2b5", "0000")));
});

test("a result is held against the translation's and the installed megaflow", () => {
  const expected = {
    flow: "ip,in_port=1",
    megaflow: "recirc_id=0,eth,ip,in_port=p1,nw_frag=no",
    actions: "p2",
    installed: [
      {
        match: "in_port(p1),eth_type(0x8100),vlan(vid=1,pcp=0/0x0),encap(eth_type(0x0800),ipv4(frag=no))",
        actions: "p2",
      },
    ],
    out: { p2: ["00"] },
    upcall: true,
  };
  const right = { megaflow: expected.megaflow, actions: "p2", out: { p2: ["00"] }, upcall: true };
  const all = (result: object): string => Object.entries(judge(expected, result)).flat().join(" ");
  assert.equal(all(right), "out equal actions equal megaflow equal upcall equal");
  assert.equal(judge(expected, { ...right, megaflow: "ip,in_port=p1,dl_vlan=1,nw_frag=no" }).megaflow, "equal");
  assert.equal(judge(expected, { ...right, upcall: false }).upcall, "different");
  assert.equal(judge(expected, { ...right, out: {} }).out, "different");
  assert.equal(judge(expected, { ...right, actions: "drop" }).actions, "different");
  assert.equal(judge(expected, { actions: "p2" }).megaflow, "missing");
});

test("narrower only for a reason that is in the table of the documentation, and by no other bit", () => {
  const readme = readFileSync(join(packageRoot, "datapath", "translate", "README.md"), "utf8");
  for (const { what } of KNOWN) assert.match(readme, new RegExp(`^\\| \`${what}\``, "m"));
  const tcp = "recirc_id=0,eth,tcp,in_port=p1,nw_frag=no";
  const rules = "tcp,actions=fin_timeout(idle_timeout=5),output:2";
  assert.equal(knownNarrower(tcp, `${tcp},tcp_flags=-fin-rst`, rules), "fin_timeout");
  assert.equal(knownNarrower(tcp, `${tcp},tcp_flags=-fin-rst`, "tcp,actions=output:2"), undefined);
  assert.equal(knownNarrower(tcp, `${tcp},tcp_flags=-fin-syn`, rules), undefined);
  assert.equal(knownNarrower(tcp, `${tcp},tcp_flags=-fin-rst,tp_src=1`, rules), undefined);
});

test("some bits of the ToS set are the whole byte set, in the order of a flood or another", () => {
  const flow = "udp,in_port=1,nw_tos=32,nw_ecn=1";
  const said = (text: string): string => actions(text, flow).join("\n");
  assert.equal(said("set(ipv4(tos=0x3/0x3)),p2"), said("set(ipv4(tos=0x23)),p2"));
  assert.equal(
    said("set(ipv4(tos=0x40/0xfc)),p2,set(ipv4(tos=0x3/0x3)),p3"),
    said("set(ipv4(tos=0x43)),p3,set(ipv4(tos=0x41)),p2"),
  );
  assert.equal(said("set(ipv4(tos=0x21)),p2"), said("p2"));
  assert.notEqual(said("set(ipv4(tos=0x3/0x3)),p2"), said("set(ipv4(tos=0x3)),p2"));
});
