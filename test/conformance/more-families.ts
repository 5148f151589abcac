/**
 * Families after what the others leave out: rules that change while packets come, time that passes, every spelling of the
 * language once, and the limits of resubmission.
 */
import type { Case, CaseEvent } from "./case.ts";
import { FRAMES4, FRAMES6, frames, PORTS, packets, rule, rules, single } from "./case-parts.ts";
import type { Random } from "./random.ts";

/** Packets with changes of rules and steps of time in between; the megaflows of before must not outlive them. */
export function changesCase(random: Random, name: string): Case {
  const learn = random.pick([
    "learn(table=1,hard_timeout=10,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])",
    "learn(table=1,idle_timeout=5,priority=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],NXM_OF_VLAN_TCI[0..11],output:NXM_OF_IN_PORT[])",
    "learn(table=1,hard_timeout=20,dl_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15])",
  ]);
  const ip = learn.includes("IP_DST");
  const flows = [
    rule(0, 10, ip ? "ip" : "", `${learn},resubmit(,1),resubmit(,2)`),
    rule(0, 1, "", "NORMAL"),
    rule(1, 0, "", "output:4"),
    rule(2, 10, "reg0=2", "output:3"),
    ...rules(random, { kinds: ["ip", "tcp", "arp", "any"], groups: ["output", "ethernet"], rules: 3, actions: 2 }).map(
      (text) => text.replace("table=0", "table=2"),
    ),
  ];
  const sent = packets(random, "br0", frames(random, ["tcp", "tcp", "arp", "udp"], 10, 25));
  const events: CaseEvent[] = [];
  for (const packet of sent) {
    events.push(packet);
    if (random.chance(30)) events.push({ ...packet, in_port: random.pick(PORTS) });
    switch (random.below(6)) {
      case 0:
        events.push({ warp: random.pick([600, 3000, 6000, 12_000, 30_000]) });
        break;
      case 1:
        events.push({
          bridge: "br0",
          add_flows: rules(random, {
            kinds: ["ip", "tcp", "arp", "any"],
            groups: ["output"],
            rules: 2,
            actions: 2,
          }).map((text) => text.replace("table=0", `table=${random.pick([0, 2])}`)),
        });
        break;
      case 2:
        events.push({
          bridge: "br0",
          del_flows: random.pick(["table=1", "table=2,ip", "tcp", "table=2", "arp", "in_port=1", "table=0,ip"]),
        });
        break;
    }
  }
  return { ...single(name, { flows }, events), stateless: false };
}

/** Names and forms of fields, with what they need. */
const MATCHES = [
  ..."in_port=1|in_port=p1|in_port=LOCAL|in_port_oxm=2|dl_src=50:54:00:00:00:01|eth_src=50:54:00:00:00:02|eth_dst=50:54:00:00:00:01".split(
    "|",
  ),
  ..."dl_dst=01:00:00:00:00:00/01:00:00:00:00:00|dl_type=0x806|eth_type=2048|dl_vlan=10|dl_vlan=0x0a|dl_vlan=0xffff".split(
    "|",
  ),
  ..."dl_vlan_pcp=3|vlan_tci=0x100a|vlan_tci=0|vlan_tci=0x1000/0x1000|vlan_vid=0x100a/0x1fff|vlan_vid=10|vlan_vid=0".split(
    "|",
  ),
  ..."vlan_vid=10,vlan_pcp=3|vlan_vid=0x1000/0x1000|ip|icmp|tcp|udp|sctp|arp|rarp|ipv6|tcp6|udp6|icmp6|sctp6|mpls|mplsm".split(
    "|",
  ),
  ..."ip,nw_src=10.0.0.0/8|ip,nw_dst=10.0.0.1|ip,ip_src=10.0.0.0/255.255.0.0|ip,nw_proto=6|ip,ip_proto=17|ip,nw_tos=184".split(
    "|",
  ),
  ..."ip,ip_dscp=46|ip,nw_ecn=1|ip,ip_ecn=3|ip,nw_ttl=64|ip,nw_frag=no|ip,ip_frag=yes|ip,nw_frag=first|ip,nw_frag=later".split(
    "|",
  ),
  ..."ip,nw_frag=not_later|tcp,tp_src=80|tcp,tcp_src=80|tcp,tcp_dst=0x50|tcp,tp_dst=0x50/0xfff0|tcp,tcp_flags=+syn|tcp,tcp_flags=0x12".split(
    "|",
  ),
  ..."tcp,tcp_flags=+syn-ack|tcp,tcp_flags=0x10/0x10|udp,udp_dst=53|udp,udp_src=0x35/0xff|sctp,sctp_dst=80|icmp,icmp_type=8".split(
    "|",
  ),
  ..."icmp,icmp_type=8,icmp_code=0|arp,arp_op=1|arp,arp_spa=10.0.0.1|arp,arp_tpa=10.0.0.0/24|arp,arp_sha=50:54:00:00:00:01".split(
    "|",
  ),
  ..."arp,arp_tha=50:54:00:00:00:02|arp,nw_src=10.0.0.1|arp,nw_proto=2|ipv6,ipv6_src=2001:db8::/32|ipv6,ipv6_dst=2001:db8::1".split(
    "|",
  ),
  ..."ipv6,ipv6_src=2001:db8::1/ffff:ffff::1|ipv6,ipv6_label=0x12345|ipv6,nw_proto=58|ipv6,nw_ttl=64|ipv6,nw_frag=later".split(
    "|",
  ),
  ..."icmp6,icmp_type=128|icmp6,icmpv6_type=135,icmpv6_code=0|icmp6,icmp_type=135,icmp_code=0,nd_target=2001:db8::1".split(
    "|",
  ),
  ..."icmp6,icmp_type=135,icmp_code=0,nd_sll=50:54:00:00:00:01|icmp6,icmp_type=136,icmp_code=0,nd_tll=50:54:00:00:00:01".split(
    "|",
  ),
  ..."tun_id=0|tun_id=0x64/0xff|tunnel_id=0|metadata=0|metadata=0/0x1|reg0=0|reg1=0x1/0x1|reg15=0|xreg0=0|xreg7=0/0xff00".split(
    "|",
  ),
  ..."xxreg0=0|xxreg3=0/0xf|pkt_mark=0|pkt_mark=0/0x1|tun_src=0.0.0.0|tun_dst=10.0.0.1|tun_flags=0|packet_type=(0,0)".split(
    "|",
  ),
  ..."NXM_OF_ETH_SRC=50:54:00:00:00:01|eth()|dl_type=0x05ff|dl_type=0x88cc|mpls,mpls_label=100|mpls,mpls_tc=1,mpls_bos=1".split(
    "|",
  ),
];

const ACTIONS = [
  ..."output:2|2|output:p2|output(port=2,max_len=100)|output:reg0|output:NXM_NX_REG0[0..15]|in_port|IN_PORT|LOCAL|local|all|flood".split(
    "|",
  ),
  ..."ALL,FLOOD|normal|drop|CONTROLLER:100|controller(reason=action,max_len=64)|resubmit:2|resubmit(2,1)|resubmit(,1)".split(
    "|",
  ),
  ..."resubmit(LOCAL,1)|strip_vlan,output:2|pop_vlan,output:2|mod_vlan_vid:7,output:2|mod_vlan_pcp:4,output:2|set_vlan_vid:8,output:2".split(
    "|",
  ),
  ..."set_vlan_pcp:2,output:2|mod_dl_src:50:54:00:00:00:07,output:2|mod_dl_dst:50:54:00:00:00:08,output:2|note:00.11,output:2".split(
    "|",
  ),
  ..."set_tunnel:7,output:2|set_tunnel64:0x123456789,output:2|set_queue:1,output:2,pop_queue,output:3|enqueue:2:3|enqueue(2,3)".split(
    "|",
  ),
  ..."load:5->NXM_NX_REG0[],output:reg0|load:0x2->NXM_NX_REG0[0..7],output:NXM_NX_REG0[]|load:2->reg0,output:reg0".split(
    "|",
  ),
  ..."set_field:3->reg0,output:reg0|set_field:0x3/0x7->reg0,output:reg0|set_field:0->metadata,output:2|move:reg0->reg1,output:2".split(
    "|",
  ),
  ..."move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],output:2|move:eth_src->eth_dst,output:2|push:NXM_NX_REG0[],pop:NXM_NX_REG1[],output:2".split(
    "|",
  ),
  ..."set_field:50:54:00:00:00:09->eth_dst,output:2|set_field:50:54:00:00:00:09->dl_src,output:2|exit,output:2|output:3,exit,output:2".split(
    "|",
  ),
  ..."clone(output:2),output:3|clone(mod_dl_src:50:54:00:00:00:07,output:2),output:3|write_metadata:5,goto_table:1|goto_table:1".split(
    "|",
  ),
  ..."apply_actions(output:2),goto_table:1|write_actions(output:2)|write_actions(output:2),clear_actions|check_pkt_larger(50)->reg0[0],output:2".split(
    "|",
  ),
  ..."multipath(eth_src,1,modulo_n,1,0,NXM_NX_REG0[]),output:2|bundle(eth_src,0,active_backup,ofport,members:2,3)".split(
    "|",
  ),
  ..."bundle(eth_src,0,active_backup,ofport,slaves:2,3)|bundle_load(eth_src,0,active_backup,ofport,NXM_NX_REG0[],members:2,3),output:reg0".split(
    "|",
  ),
  ..."push_vlan:0x8100,output:2|push_vlan:0x88a8,set_field:0x1007->vlan_vid,output:2|push_mpls:0x8847,output:2|dec_ttl,output:2".split(
    "|",
  ),
  ..."dec_ttl(1,2),output:2|set_field:0x64->tun_id,output:2|load:0xff->NXM_OF_VLAN_TCI[0..11],output:2|mod_nw_tos:32,output:2".split(
    "|",
  ),
  ..."mod_nw_ttl:9,output:2|mod_tp_src:99,output:2|mod_nw_src:10.9.9.9,output:2|fin_timeout(idle_timeout=1,hard_timeout=2),output:2".split(
    "|",
  ),
];

/** One spelling of everything: what Open vSwitch refuses must be refused, what it takes must mean the same. */
export function spellingCase(random: Random, name: string): Case {
  const openflow = random.pick(["OpenFlow10", "OpenFlow13", "OpenFlow15"]);
  const match = random.pick(MATCHES);
  const action = random.pick(ACTIONS);
  const flows = [
    `table=0,priority=10${random.pick([",", " "])}${match}${random.pick([",actions=", " actions=", ",action="])}${action}`,
    "table=0,priority=1 actions=output:3",
    "table=1 actions=output:4",
  ];
  const sent = packets(random, "br0", frames(random, [...FRAMES4, ...FRAMES6, "sctp", "mpls"], 4, 40));
  return { ...single(name, { flows, openflow }, sent), stateless: !/normal/i.test(action) };
}

/** Resubmission without end, deep, and wide: 64 levels, 4,096 times and 64 kB of actions are the limits. */
export function limitsCase(random: Random, name: string): Case {
  const events = packets(random, "br0", frames(random, ["tcp", "arp"], 2));
  const openflow = "OpenFlow10";
  if (random.chance(34)) {
    const own = random.pick([
      "resubmit(,0)",
      "output:2,resubmit(,0)",
      "resubmit(1,0),output:3",
      "dec_ttl,resubmit(,0)",
    ]);
    return single(
      name,
      { flows: [`ip,actions=${own}`, "arp,actions=output:2,resubmit(,1)", "table=1,actions=resubmit(,0)"], openflow },
      events,
    );
  }
  const deep = random.chance(50);
  const tables = deep ? random.int(60, 68) : random.int(10, 13);
  const flows = [...Array(tables).keys()].map((table) => {
    const next = `resubmit(,${table + 1})`;
    return rule(table, 1, random.pick(["", "", "ip"]), deep ? next : `${next},${next}`);
  });
  // 2^10 times 9 is more than 64 kB of actions.
  flows.push(
    rule(
      tables,
      1,
      "",
      Array(random.pick([1, 1, 1, 5, 9]))
        .fill("output:2")
        .join(","),
    ),
  );
  return single(name, { flows, openflow }, events);
}
