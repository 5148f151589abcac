/**
 * Situations whose ofproto/trace is recorded (record-traces.ts) and compared letter by letter (traces.test.ts): bridges,
 * rules, what happened before, and flows or frames to be traced. One question each, as far as that can be.
 */
import type { Case, CaseBridge, CaseEvent, CasePort } from "../conformance/case.ts";

export interface Situation {
  readonly name: string;
  readonly bridges: readonly CaseBridge[];
  readonly vlan_limit?: number;
  readonly before?: readonly CaseEvent[];
  /** Arguments of ofproto/trace: bridge, flow, and perhaps a frame or -generate. */
  readonly traces: readonly (readonly string[])[];
}

export function caseOf({ name, bridges, vlan_limit, before }: Situation): Case {
  return { name, bridges, packets: before ?? [], ...(vlan_limit === undefined ? {} : { vlan_limit }) };
}

/** Ports p1, p2, … */
const ports = (...numbers: number[]): CasePort[] => numbers.map((ofport) => ({ name: `p${ofport}`, ofport }));

/** A bridge br0 with ports p1, p2, p3 and rules; flows to be traced there. */
function simple(
  name: string,
  flows: readonly string[],
  traces: readonly (string | readonly string[])[],
  more: Partial<CaseBridge> & { readonly vlan_limit?: number; readonly before?: readonly CaseEvent[] } = {},
): Situation {
  const { vlan_limit, before, ...bridge } = more;
  return {
    name,
    bridges: [{ name: "br0", ports: ports(1, 2, 3), openflow: "OpenFlow15", ...bridge, flows }],
    traces: traces.map((trace) => ["br0", ...(typeof trace === "string" ? [trace] : trace)]),
    ...(vlan_limit === undefined ? {} : { vlan_limit }),
    ...(before === undefined ? {} : { before }),
  };
}

const MACS = "dl_src=50:54:00:00:00:05,dl_dst=50:54:00:00:00:07";
const ICMP = `icmp,${MACS},nw_src=192.168.0.1,nw_dst=192.168.0.2,icmp_type=8,icmp_code=0,nw_ttl=64`;
const TCP = `tcp,${MACS},nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_src=1000,tp_dst=80`;
const UDP = `udp,${MACS},nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=1000,udp_dst=53`;
const TCP6 = `tcp6,${MACS},ipv6_src=fc00::1,ipv6_dst=fc00::2,nw_ttl=64,tp_src=1000,tp_dst=80`;
const ARP = `arp,dl_src=50:54:00:00:00:05,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_sha=50:54:00:00:00:05`;
const ICMP_FRAME =
  "505400000007505400000005080045000054000040004001f9549c0a80001c0a80002".slice(0, 28) +
  "4500001c00004000400100000a0000010a000002" +
  "0800f7ff00000000";
const MPLS = `mpls,${MACS},mpls_label=100,mpls_tc=3,mpls_ttl=64,mpls_bos=1`;
const MPLS2 = `mpls,${MACS},mpls_label=100,mpls_tc=3,mpls_ttl=64,mpls_bos=0`;

const language: Situation[] = [
  simple(
    "output",
    ["in_port=1,actions=output:2,3,in_port,LOCAL", "in_port=2,actions=all", "in_port=3,actions=flood"],
    [`in_port=1,${ICMP}`, "in_port=p2", "in_port=3,dl_type=0x1234", `in_port=LOCAL,${TCP}`, `in_port=99,${TCP}`],
  ),
  simple(
    "resubmit",
    [
      "table=0,in_port=1,priority=1000,icmp,actions=output:2,resubmit(3,1),resubmit(2),output:3",
      "table=0,in_port=2,priority=1500,icmp,actions=output:3,resubmit(,2),output:in_port",
      "table=1,in_port=3,priority=5,actions=resubmit(1,2),resubmit:LOCAL",
      "table=2,in_port=1,actions=output:LOCAL",
      "table=2,in_port=2,actions=drop",
    ],
    [`in_port=1,${ICMP}`, `in_port=2,${ICMP}`, `in_port=3,${ICMP}`],
    { openflow: "OpenFlow10" },
  ),
  simple(
    "goto-chain",
    [
      "table=0,priority=5,cookie=0x1234,ip,actions=write_metadata:0x5/0xff,goto_table:1",
      "table=1,metadata=5,actions=goto_table:20",
      "table=20,actions=set_field:1->reg0,goto_table:200",
      "table=200,reg0=1,priority=0,actions=output:2",
      "table=0,priority=0,actions=goto_table:3",
    ],
    [`in_port=1,${ICMP}`, "in_port=1"],
  ),
  simple(
    "action-sets",
    [
      "table=0,in_port=1,actions=write_actions(output:2,set_field:00:00:00:00:00:01->eth_src,push_vlan:0x8100,set_field:4101->vlan_vid),goto_table:1",
      "table=1,ip,actions=write_actions(output:3,dec_ttl)",
      "table=1,arp,actions=clear_actions,write_actions(output:3)",
      "table=1,tcp,priority=40000,actions=clear_actions",
      "table=0,in_port=2,actions=output:3,write_actions(group:1,output:2)",
      "table=0,in_port=3,ip,actions=write_actions(set_field:5->reg1,set_field:6->reg1,pop_vlan,dec_ttl(1,2),set_queue:3,load:1->reg2,move:reg1->reg3)",
      "table=0,in_port=LOCAL,actions=write_actions(output:controller),goto_table:1",
    ],
    [
      `in_port=1,${ICMP}`,
      `in_port=1,${ARP}`,
      `in_port=1,${TCP}`,
      "in_port=1",
      `in_port=2,${TCP}`,
      `in_port=3,${TCP}`,
      `in_port=LOCAL,${TCP}`,
    ],
    { groups: ["group_id=1,type=all,bucket=output:1,bucket=output:3"] },
  ),
  simple(
    "groups",
    [
      "in_port=1,actions=group:1,output:2",
      "in_port=2,tcp,actions=group:2",
      "in_port=2,udp,actions=group:3",
      "in_port=2,icmp,actions=group:4",
      "in_port=2,arp,actions=group:5",
      "in_port=2,ipv6,actions=group:6,output:1",
      "in_port=3,actions=group:9,output:1",
    ],
    [
      `in_port=1,${ICMP}`,
      `in_port=2,${TCP}`,
      `in_port=2,${UDP}`,
      `in_port=2,${ICMP}`,
      `in_port=2,${ARP}`,
      `in_port=2,${TCP6}`,
    ],
    {
      groups: [
        "group_id=1,type=all,bucket=set_field:1.1.1.1->ip_src,output:2,bucket=output:3,bucket=dec_ttl,output:in_port",
        "group_id=2,type=indirect,bucket=output:1",
        "group_id=3,type=ff,bucket=watch_port:7,output:3,bucket=watch_port:1,output:1",
        "group_id=4,type=ff,bucket=watch_port:7,output:3",
        "group_id=5,type=all",
        "group_id=6,type=all,bucket=group:1,bucket=resubmit(1,1)",
        "group_id=9,type=select,bucket=output:2",
      ],
    },
  ),
  simple(
    "select",
    ["in_port=1,actions=group:1", "in_port=2,actions=group:2"],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`, `in_port=2,${ICMP}`],
    {
      groups: [
        "group_id=1,type=select,bucket=output:2",
        "group_id=2,type=select,selection_method=hash,fields(eth_dst,ip_src),bucket=output:3",
      ],
    },
  ),
  simple(
    "registers",
    [
      "table=0,in_port=1,actions=load:0x12345678->NXM_NX_REG0[],move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31],move:NXM_OF_IN_PORT[]->NXM_NX_REG2[0..15],set_field:0x1/0xf->reg3,resubmit(,1)",
      "table=1,reg0=0x12345678,actions=set_field:0x1122334455667788->xreg2,set_field:0xabcdef->xxreg2,load:0x1->xxreg3[70..100],move:xxreg2->xxreg3,move:eth_src->eth_dst,resubmit(,2)",
      "table=2,actions=output:NXM_NX_REG2[0..15],output:reg0,output:reg0[3..5]",
      "table=0,in_port=2,ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG5[],move:NXM_OF_IP_DST[0..7]->NXM_NX_REG6[8..15],move:NXM_NX_IP_TTL[]->NXM_NX_REG7[0..7],move:tun_id->metadata",
      "table=0,in_port=3,actions=move:vlan_tci[0..11]->reg0[0..11],move:OXM_OF_VLAN_VID[]->reg1[0..11],move:in_port_oxm->reg2",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP},tun_id=5`, `in_port=3,${TCP},dl_vlan=9`, `in_port=3,${TCP}`],
  ),
  simple(
    "stack",
    [
      "in_port=1,actions=push:NXM_NX_REG0[],push:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[],pop:NXM_NX_REG1[],pop:reg2,output:2",
      "in_port=2,actions=push:in_port,pop:reg0[0..15],push:xxreg1,pop:xxreg2,pop:vlan_tci,push:reg0[4..7],pop:reg3[28..31],output:1",
    ],
    [`in_port=1,reg0=0x99,${TCP}`, `in_port=2,${TCP},reg4=7`],
  ),
  simple(
    "exit",
    [
      "in_port=1,actions=output:2,exit,output:3",
      "in_port=2,actions=resubmit(,1),output:3",
      "table=1,actions=output:1,exit",
      "in_port=3,actions=clone(exit,output:1),exit,write_actions(output:2)",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`, `in_port=3,${TCP}`],
  ),
  simple(
    "clone",
    [
      "in_port=1,ip,actions=clone(set_field:1.2.3.4->ip_src,clone(set_field:5.6.7.8->ip_dst,output:2),output:3),output:2",
      "in_port=2,actions=clone(push_vlan:0x8100,set_field:4101->vlan_vid,output:1),clone(resubmit(,1)),output:3",
      "table=1,ip,actions=set_field:9.9.9.9->ip_dst,output:in_port",
      "in_port=3,actions=clone(output(port=1,max_len=100),output:2),output:2",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`, `in_port=3,${TCP}`],
    { flows: [] },
  ),
  simple(
    "truncate",
    [
      "in_port=1,actions=output(port=2,max_len=64),output(port=1,max_len=64),output(port=in_port,max_len=64),output(port=99,max_len=64),output(port=LOCAL,max_len=64)",
      "in_port=2,actions=output(port=2,max_len=64),3",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`],
  ),
  simple(
    "ttl",
    [
      "in_port=1,actions=dec_ttl,output:2,dec_ttl,output:3",
      "in_port=2,actions=dec_ttl(1,2),output:1",
      "in_port=3,ip,actions=set_field:1->nw_ttl,resubmit(,1),output:2",
      "table=1,actions=dec_ttl,output:1",
    ],
    [
      `in_port=1,${TCP}`,
      `in_port=1,${TCP.replace("nw_ttl=64", "nw_ttl=2")}`,
      `in_port=2,${TCP.replace("nw_ttl=64", "nw_ttl=1")}`,
      `in_port=1,${TCP6.replace("nw_ttl=64", "nw_ttl=1")}`,
      `in_port=1,${ARP}`,
      `in_port=3,${TCP}`,
    ],
    { openflow: "OpenFlow10" },
  ),
  simple(
    "controller",
    [
      "table=0,in_port=1,priority=0,actions=controller",
      "table=0,tcp,in_port=2,cookie=0xa,actions=controller(max_len=100,id=3,reason=no_match),set_field:1.1.1.1->ip_src,controller:65535,output:3",
      "table=0,udp,in_port=2,actions=controller(userdata=01.02.03.04,max_len=5)",
      "table=0,priority=0,actions=controller",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`, `in_port=2,${UDP}`, `in_port=3,${ICMP}`, "in_port=3"],
  ),
  simple(
    "rewrites",
    [
      "in_port=1,tcp,actions=mod_dl_src:00:00:00:00:00:01,mod_dl_dst:00:00:00:00:00:02,mod_nw_src:1.1.1.1,mod_nw_dst:2.2.2.2,mod_nw_tos:32,mod_nw_ecn:1,mod_nw_ttl:3,mod_tp_src:1,mod_tp_dst:2,output:2",
      "in_port=1,udp,actions=set_field:1.2.3.0/255.255.255.0->ip_src,set_field:5/0xf->udp_dst,set_field:8->ip_dscp,output:2",
      "in_port=1,tcp6,actions=set_field:fe80::1->ipv6_src,set_field:::5/::ff->ipv6_dst,set_field:0x7->ipv6_label,set_field:2->nw_ecn,output:2",
      "in_port=1,arp,actions=set_field:2->arp_op,set_field:1.2.3.4->arp_spa,move:arp_sha->arp_tha,set_field:00:00:00:00:00:09->arp_sha,output:in_port",
      "in_port=1,icmp,actions=set_field:0->icmp_type,set_field:3->icmp_code,output:2",
      "in_port=2,actions=set_field:5->pkt_mark,set_queue:7,output:1,pop_queue,output:3,enqueue:1:9,set_field:9->tun_id,set_field:1.2.3.4->tun_dst,output:3",
      "in_port=3,actions=set_field:00:00:00:00:00:01->eth_src,set_field:00:00:00:00:00:02/00:00:00:00:00:ff->eth_dst,note:00.11.22.33.44.55,output:1",
    ],
    [
      `in_port=1,${TCP}`,
      `in_port=1,${UDP}`,
      `in_port=1,${TCP6}`,
      `in_port=1,${ARP}`,
      `in_port=1,${ICMP}`,
      `in_port=2,${TCP}`,
      `in_port=2,skb_priority=4,pkt_mark=3,${TCP}`,
      `in_port=3,${TCP}`,
    ],
  ),
  simple(
    "unmet",
    [
      "in_port=1,actions=resubmit(,1)",
      "table=1,ip,actions=set_field:1.1.1.1->ip_src,resubmit(,2)",
      "table=2,tcp,actions=set_field:5->tcp_dst,output:2",
    ],
    [`in_port=1,${TCP}`],
  ),
  simple(
    "vlan",
    [
      "in_port=1,actions=push_vlan:0x8100,set_field:4103->vlan_vid,set_field:3->vlan_pcp,output:2",
      "in_port=2,vlan_tci=0x1000/0x1000,actions=pop_vlan,output:1,mod_vlan_vid:5,output:3",
      "in_port=3,actions=push_vlan:0x88a8,set_field:4096->vlan_vid,output:1,pop_vlan,output:2",
    ],
    [
      `in_port=1,${TCP}`,
      `in_port=1,${TCP},dl_vlan=9,dl_vlan_pcp=1`,
      `in_port=2,${TCP},dl_vlan=9`,
      `in_port=2,${TCP}`,
      `in_port=3,${TCP}`,
      `in_port=3,${TCP},vlan_tci=0x1000`,
    ],
  ),
  simple(
    "qinq",
    [
      "in_port=1,actions=push_vlan:0x88a8,set_field:4100->vlan_vid,output:2",
      "in_port=2,vlan_tci=0x1000/0x1000,actions=pop_vlan,output:1,resubmit(,1)",
      "table=1,vlan_tci=0x1000/0x1000,actions=pop_vlan,output:3",
      "table=1,priority=1,actions=push_vlan:0x8100,output:3",
    ],
    [`in_port=1,${TCP},dl_vlan=9`, `in_port=1,${TCP},vlan_tci=0x1009`, `in_port=2,${TCP},vlan_tci=0x1009`],
    { vlan_limit: 2 },
  ),
  simple(
    "mpls",
    [
      "in_port=1,actions=push_mpls:0x8847,set_field:77->mpls_label,set_field:2->mpls_tc,output:2",
      "in_port=2,mpls,mpls_bos=1,actions=pop_mpls:0x0800,output:1",
      "in_port=2,mpls,mpls_bos=0,actions=dec_mpls_ttl,pop_mpls:0x8847,output:1",
      "in_port=3,mpls,actions=set_mpls_ttl(1),dec_mpls_ttl,output:1",
      "in_port=LOCAL,mpls,actions=pop_mpls:0x0800,dec_ttl,output:1",
    ],
    [
      `in_port=1,${TCP}`,
      `in_port=1,${MPLS}`,
      `in_port=2,${MPLS}`,
      `in_port=2,${MPLS2}`,
      `in_port=3,${MPLS}`,
      `in_port=LOCAL,${MPLS}`,
      `in_port=1,${MPLS2}`,
    ],
  ),
  simple(
    "mpls-too-many",
    [
      "in_port=1,actions=push_mpls:0x8847,push_mpls:0x8847,push_mpls:0x8847,push_mpls:0x8847,output:2",
      "in_port=2,actions=push_mpls:0x8847,resubmit(1,0)",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`],
  ),
  simple(
    "learn",
    [
      "table=0,in_port=1,actions=learn(table=1,hard_timeout=60,idle_timeout=9,priority=7,cookie=0x9,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],output:NXM_OF_IN_PORT[]),resubmit(,1),output:2",
      "table=0,in_port=2,actions=learn(table=1,limit=1,result_dst=NXM_NX_REG5[3],NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),output:3",
      "table=0,in_port=3,tcp,actions=learn(table=2,fin_idle_timeout=3,fin_hard_timeout=4,eth_type=0x800,nw_proto=6,NXM_OF_IP_SRC[]=NXM_OF_IP_DST[],tcp_dst=tcp_src,load:0x5->reg1),resubmit(,2)",
    ],
    [
      `in_port=1,${TCP}`,
      [`in_port=1,${TCP}`, "-generate"],
      [`in_port=1,${TCP},dl_vlan=3`, "-generate"],
      [`in_port=2,${TCP}`, "-generate"],
      [`in_port=2,${TCP.replace("00:05", "00:06")}`, "-generate"],
      [`in_port=3,${TCP}`, "-generate"],
      [`in_port=1`, ICMP_FRAME],
      `in_port=2,${TCP}`,
    ],
    { openflow: "OpenFlow10" },
  ),
  simple(
    "conjunction",
    [
      "ip,ip_src=10.0.0.1,actions=conjunction(1234,1/2)",
      "ip,ip_dst=10.0.0.2,actions=conjunction(1234,2/2)",
      "ip,ip_dst=10.0.0.3,actions=conjunction(1234,2/2)",
      "conj_id=1234,actions=output:3",
      "priority=1,actions=output:2",
    ],
    [`in_port=1,${TCP}`, `in_port=1,${TCP.replace("nw_dst=10.0.0.2", "nw_dst=10.0.0.9")}`],
  ),
  simple(
    "hashes",
    [
      "in_port=1,actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[]),output:2",
      "in_port=2,actions=multipath(symmetric_l3l4+udp,50,hrw,1,0,NXM_NX_REG1[0..7]),bundle(symmetric_l4,0,active_backup,ofport,members:1,3)",
      "in_port=3,actions=bundle_load(nw_src,0,active_backup,ofport,reg0[0..15],members:7,2),output:reg0[0..15]",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${UDP}`, `in_port=3,${TCP}`, `in_port=2,${ARP}`],
  ),
  simple(
    "check-pkt-larger",
    [
      "in_port=1,actions=check_pkt_larger(200)->reg0[0],resubmit(,1)",
      "table=1,reg0=1,actions=output:2",
      "table=1,reg0=0,ip,actions=set_field:1.1.1.1->ip_src,output:3",
      "in_port=2,actions=check_pkt_larger(100)->reg1[4],output:3",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`],
  ),
  simple(
    "fin-timeout",
    ["in_port=1,tcp,idle_timeout=60,actions=fin_timeout(idle_timeout=5,hard_timeout=6),output:2"],
    [`in_port=1,${TCP}`, `in_port=1,${TCP},tcp_flags=fin|ack`],
  ),
  simple("depth", ["in_port=1,actions=resubmit(1)", "table=5,actions=resubmit(,5),output:2"], [`in_port=1,${TCP}`], {
    openflow: "OpenFlow10",
  }),
  simple(
    "too-many-resubmits",
    [
      "table=0,actions=resubmit(,1),resubmit(,1),resubmit(,1),resubmit(,1),resubmit(,1),resubmit(,1),resubmit(,1),resubmit(,1)",
    ].concat(
      Array.from(
        { length: 3 },
        (_, i) =>
          `table=${i + 1},actions=${Array(8)
            .fill(`resubmit(,${i + 2})`)
            .join(",")}`,
      ),
      ["table=4,actions=resubmit(,5),resubmit(,5)"],
    ),
    [`in_port=1`],
  ),
  simple(
    "fragments",
    [
      "ip,nw_frag=first,actions=output:2",
      "ip,nw_frag=later,actions=output:3",
      "tcp,tp_dst=80,actions=output:1",
      "priority=1,actions=drop",
    ],
    [`in_port=LOCAL,${TCP}`, `in_port=LOCAL,${TCP},nw_frag=first`, `in_port=LOCAL,tcp,${MACS},nw_frag=later`],
  ),
  simple(
    "matches",
    [
      "priority=100,tcp,nw_src=10.0.0.0/8,tcp_flags=+syn-ack,tp_dst=0x50/0xfff0,actions=output:2",
      "priority=99,udp6,ipv6_src=fc00::/16,actions=output:2",
      "priority=98,icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::1,nd_sll=00:00:00:00:00:01,actions=output:3",
      "priority=97,arp,arp_op=1,arp_spa=10.0.0.0/24,arp_sha=50:54:00:00:00:05,actions=output:2",
      "priority=96,dl_vlan=5,dl_vlan_pcp=3,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=output:2",
      "priority=95,reg3=0x5/0xf,metadata=0x1/0xff,pkt_mark=0x1/0x1,actions=output:1",
      "priority=94,sctp,tp_src=9,nw_tos=32,nw_ecn=1,nw_ttl=5,actions=output:1",
      "priority=93,rarp,actions=output:1",
      "priority=92,ipv6,ipv6_label=0x5,actions=output:1",
      "priority=91,vlan_tci=0x1000/0x1000,actions=output:1",
      "priority=90,dl_type=0x88cc,actions=output:1",
      "priority=89,in_port=LOCAL,ip,nw_frag=not_later,actions=output:1",
      "priority=88,mpls,mpls_label=3,mpls_bos=1,actions=output:1",
    ],
    [
      `in_port=1,${TCP},tcp_flags=syn`,
      `in_port=1,udp6,${MACS},ipv6_src=fc00::1,ipv6_dst=fc00::2,nw_ttl=64,udp_src=1`,
      `in_port=1,icmp6,${MACS},ipv6_src=fe80::2,ipv6_dst=fe80::1,icmpv6_type=135,icmpv6_code=0,nd_target=fe80::1,nd_sll=00:00:00:00:00:01`,
      `in_port=1,icmp6,${MACS},ipv6_src=fe80::2,icmpv6_type=136,icmpv6_code=0,nd_target=fe80::1,nd_tll=00:00:00:00:00:01`,
      `in_port=1,${ARP}`,
      `in_port=1,dl_vlan=5,dl_vlan_pcp=3,dl_dst=ff:ff:ff:ff:ff:ff`,
      `in_port=1,reg3=0x15,metadata=0x301,pkt_mark=0x3,xreg7=1`,
      `in_port=1,sctp,${MACS},sctp_src=9,nw_tos=32,nw_ecn=1,nw_ttl=5`,
      "in_port=1,rarp",
      "in_port=1,ipv6,ipv6_label=0x5,nw_proto=89",
      "in_port=1,dl_vlan=0",
      "in_port=1,dl_vlan=3,dl_type=0x88cc",
      `in_port=LOCAL,ip,nw_proto=47,nw_frag=first`,
      "in_port=3,mpls,mpls_label=3,mpls_bos=1,mpls_ttl=9",
      "in_port=3,mplsm,mpls_label=3",
      "in_port=3,ip,nw_proto=2,nw_ttl=1",
      "in_port=3,dl_type=0x5ff",
    ],
  ),
];

const normal: Situation[] = [
  {
    name: "vlan-ports",
    bridges: [
      {
        name: "br0",
        ports: [
          { name: "p1", ofport: 1 },
          { name: "p2", ofport: 2, tag: 10 },
          { name: "p3", ofport: 3, trunks: [10, 20], vlan_mode: "trunk" },
          { name: "p4", ofport: 4, tag: 20, vlan_mode: "native-tagged" },
          { name: "p5", ofport: 5, tag: 30, vlan_mode: "native-untagged", trunks: [30, 10] },
          { name: "p6", ofport: 6, tag: 40, vlan_mode: "dot1q-tunnel" },
        ],
        flows: ["actions=NORMAL"],
      },
    ],
    traces: [
      ["br0", `in_port=1,${ICMP}`],
      ["br0", `in_port=2,${ICMP}`],
      ["br0", `in_port=2,${ICMP},dl_vlan=10`],
      ["br0", `in_port=3,${ICMP},dl_vlan=10`],
      ["br0", `in_port=3,${ICMP},dl_vlan=11`],
      ["br0", `in_port=3,${ICMP}`],
      ["br0", `in_port=4,${ICMP}`],
      ["br0", `in_port=5,${ICMP},dl_vlan=20`],
      ["br0", `in_port=6,${ICMP},dl_vlan=20`],
      ["br0", `in_port=1,${ICMP},dl_vlan=0,dl_vlan_pcp=3`],
      ["br0", `in_port=LOCAL,${ARP}`],
      ["br0", `in_port=99,${ARP}`],
      ["br0", `in_port=1,dl_dst=01:80:c2:00:00:01`],
      ["br0", `in_port=1,dl_src=01:00:00:00:00:01,dl_dst=50:54:00:00:00:07`],
      ["br0", `in_port=1,${ARP.replace("arp_op=1", "arp_op=2").replace("10.0.0.2", "10.0.0.1")}`],
      ["br0", `in_port=1,dl_type=0x8100,${MACS}`],
    ],
  },
  {
    name: "learned",
    bridges: [
      { name: "br0", ports: [...ports(1, 2, 3), { name: "p4", ofport: 4, tag: 5 }], flows: ["actions=NORMAL"] },
    ],
    before: [{ bridge: "br0", in_port: 1, hex: ICMP_FRAME }],
    traces: [
      ["br0", "in_port=2,dl_src=50:54:00:00:00:07,dl_dst=50:54:00:00:00:05"],
      ["br0", "in_port=1,dl_src=50:54:00:00:00:07,dl_dst=50:54:00:00:00:05"],
      ["br0", "in_port=4,dl_src=50:54:00:00:00:07,dl_dst=50:54:00:00:00:05"],
      ["br0", "in_port=2", ICMP_FRAME],
      ["br0", "in_port=2,dl_src=50:54:00:00:00:07,dl_dst=50:54:00:00:00:05"],
      ["br0", `in_port=3,${TCP}`, "-generate"],
    ],
  },
];

const bridgesTogether: Situation[] = [
  {
    name: "patch",
    bridges: [
      {
        name: "br0",
        ports: [...ports(1, 2), { name: "pa", ofport: 5, type: "patch", options: { peer: "pb" } }],
        flows: [
          "in_port=1,actions=load:5->reg0,output:5,output:2",
          "in_port=2,actions=output(port=5,max_len=100)",
          "in_port=5,actions=output:1",
        ],
      },
      {
        name: "br1",
        ports: [
          { name: "q1", ofport: 1 },
          { name: "pb", ofport: 7, type: "patch", options: { peer: "pa" } },
        ],
        flows: [
          "in_port=7,tcp,actions=mod_nw_dst:1.2.3.4,output:1,in_port",
          "in_port=7,icmp,actions=NORMAL",
          "in_port=1,actions=output:7",
        ],
      },
    ],
    traces: [
      ["br0", `in_port=1,${TCP}`],
      ["br0", `in_port=1,${ICMP}`],
      ["br0", `in_port=1,${UDP}`],
      ["br0", `in_port=2,${TCP}`],
      ["br1", `in_port=1,${TCP}`],
      ["br1", `in_port=7,${TCP}`],
    ],
  },
  {
    name: "tunnels",
    bridges: [
      {
        name: "br0",
        ports: [
          ...ports(1, 2),
          { name: "gre0", ofport: 5, type: "gre", options: { remote_ip: "172.31.1.2", key: 77 } },
          { name: "vx0", ofport: 6, type: "vxlan", options: { remote_ip: "flow", key: "flow" } },
          { name: "gnv0", ofport: 7, type: "geneve", options: { remote_ip: "172.31.1.3", key: "flow" } },
          { name: "vx1", ofport: 8, type: "vxlan", options: { remote_ip: "9.9.9.9", key: 3 } },
          { name: "gre1", ofport: 9, type: "gre", options: { remote_ip: "172.31.1.9", key: 3 } },
        ],
        flows: [
          "in_port=1,tcp,actions=output:5",
          "in_port=1,udp,actions=set_tunnel:9,set_field:172.31.1.2->tun_dst,output:6,output:2",
          "in_port=1,icmp,actions=set_tunnel64:9,output:7",
          "in_port=1,arp,actions=output:8,output:9",
          "in_port=5,actions=output:1",
          "in_port=6,actions=output:1,output:6",
        ],
        openflow: "OpenFlow13",
      },
      {
        name: "br-phys",
        ports: [{ name: "eth0", ofport: 1 }],
        mac: "aa:55:aa:55:00:01",
        ip: "172.31.1.1/24",
        neighbours: { "172.31.1.2": "aa:bb:cc:00:00:02", "172.31.1.3": "aa:bb:cc:00:00:03" },
        flows: ["in_port=LOCAL,actions=output:1", "in_port=1,actions=LOCAL"],
      },
    ],
    traces: [
      ["br0", `in_port=1,${TCP}`],
      ["br0", `in_port=1,${UDP}`],
      ["br0", `in_port=1,${ICMP}`],
      ["br0", `in_port=1,${ARP}`],
      ["br0", `in_port=5,tun_id=77,tun_src=172.31.1.2,tun_dst=172.31.1.1,${TCP}`],
      ["br0", `in_port=6,tun_id=9,tun_src=172.31.1.2,tun_dst=172.31.1.1,tun_ttl=64,tun_tos=3,${TCP}`],
      ["br0", `in_port=6,tun_id=9,tun_src=172.31.1.2,tun_dst=172.31.1.1,tun_ttl=64,tun_tos=3,${TCP},nw_ecn=1`],
      ["br-phys", `in_port=1,udp,nw_src=172.31.1.2,nw_dst=172.31.1.1,dl_dst=aa:55:aa:55:00:01,udp_dst=4789`],
      ["br-phys", `in_port=1,ip,nw_proto=47,nw_src=172.31.1.2,nw_dst=172.31.1.1,dl_dst=aa:55:aa:55:00:01`],
    ],
  },
];

/** Frames, where a packet has effects, and what only a packet is told of. */
const L2 = "505400000007505400000005";
const IP4 = "4500001c00004000400100000a0000010a000002";
const framed: Situation[] = [
  simple(
    "frames",
    [
      "in_port=1,actions=learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,1),controller",
      "in_port=2,ip,actions=dec_ttl,push_vlan:0x8100,set_field:4100->vlan_vid,output:1",
      "in_port=3,actions=push_mpls:0x8847,push_mpls:0x8847,push_mpls:0x8847,push_mpls:0x8847",
      "in_port=LOCAL,actions=NORMAL",
    ],
    [
      ["in_port=1", `${L2}0800${IP4}0800f7ff00000000`],
      ["in_port=1", `${L2}0800${IP4}0800f7ff00000000`],
      ["in_port=1,reg0=5,metadata=7,tun_id=9", `${L2}0800${IP4}0800f7ff00000000`],
      ["in_port=2", `${L2}0800${IP4}0800f7ff00000000`],
      ["in_port=2", `${L2}0800${IP4.replace("4001", "0101")}0800f7ff00000000`],
      ["in_port=3", `${L2}0800${IP4}0800f7ff00000000`],
      ["in_port=LOCAL", `${L2}81002005${"0806"}00010800060400015054000000050a0000010000000000000a000002`],
      ["in_port=LOCAL", `${L2}8847000640ff${IP4}0800f7ff00000000`],
      ["in_port=LOCAL", `${L2}0800${IP4.slice(0, 20)}`],
      [
        "in_port=LOCAL",
        `${L2}86dd6000000000083a40${"fe80".padEnd(32, "0")}${"fe80".padEnd(31, "0")}1${"8700000000000000"}`,
      ],
      ["in_port=LOCAL", `${L2}0800${IP4.replace("4000400", "2000400")}0800f7ff00000000`],
      ["in_port=LOCAL", `${L2}0800${IP4.replace("00004000", "00000008")}0800f7ff00000000`],
      ["in_port=LOCAL", `${L2}0026aaaa03000000`],
    ],
    { openflow: "OpenFlow13", flows: [] },
  ),
  simple(
    "packet-types",
    [
      "table=0,in_port=1,actions=decap(),output:2",
      "table=0,in_port=2,ip,actions=decap(),encap(ethernet),set_field:00:00:00:00:00:09->eth_dst,output:1",
      "table=0,in_port=3,actions=encap(ethernet),output:1",
      "table=0,in_port=LOCAL,mpls,actions=decap(packet_type(ns=1,type=0x8847)),output:1",
      "table=0,packet_type=(1,0x800),in_port=3,priority=40000,actions=encap(ethernet),set_field:00:00:00:00:00:08->eth_src,output:1",
    ],
    [
      `in_port=1,${TCP}`,
      `in_port=1,${TCP},dl_vlan=4`,
      `in_port=2,${TCP}`,
      `in_port=3,${TCP}`,
      `in_port=LOCAL,${MPLS}`,
      "in_port=3,packet_type=(1,0x800),nw_src=1.2.3.4,nw_proto=17",
      "in_port=1,packet_type=(1,0x86dd)",
      ["in_port=1", `${L2}0800${IP4}0800f7ff00000000`],
      ["in_port=1", `${L2}810020050800${IP4}0800f7ff00000000`],
    ],
    { openflow: "OpenFlow13" },
  ),
  simple(
    "liveness",
    [
      "in_port=1,actions=group:1",
      "in_port=2,actions=group:2",
      "in_port=3,actions=group:3",
      "in_port=LOCAL,actions=group:4",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`, `in_port=3,${TCP}`, `in_port=LOCAL,${TCP}`],
    {
      groups: [
        "group_id=7,type=ff,bucket=watch_port:77,output:1",
        "group_id=1,type=ff,bucket=watch_group:7,output:2,bucket=watch_port:2,output:2",
        "group_id=2,type=select,selection_method=hash,bucket=watch_port:77,output:3,bucket=weight:0,output:1,bucket=weight:5,output:1",
        "group_id=3,type=ff,bucket=watch_port:88,watch_group:7,output:1",
        "group_id=4,type=select,selection_method=dp_hash,bucket=output:1,bucket=output:2",
      ],
    },
  ),
  simple(
    "moves",
    [
      "in_port=1,tcp,actions=move:ip_src->ip_dst,move:nw_ttl->nw_tos,move:tcp_src->tcp_dst,move:tcp_flags[0..7]->reg0[0..7],load:0x7->ip_dscp,load:0x3->nw_ecn,move:reg0[0..2]->tcp_dst[3..5],output:2",
      "in_port=2,vlan_tci=0x1000/0x1000,actions=move:vlan_vid->reg0[0..11],load:9->vlan_vid,load:3->vlan_pcp,move:vlan_pcp->reg1[0..2],move:vlan_tci->reg2[0..15],output:1",
      "in_port=3,ipv6,actions=move:ipv6_src->ipv6_dst,move:ipv6_src->xxreg0,load:5->ipv6_label,push:ipv6_dst,pop:ipv6_src,output:1",
      "in_port=LOCAL,actions=move:in_port->reg0[0..15],load:1->in_port,output:1,load:0xffff->in_port,output:1,set_field:3->in_port,push:tun_src,pop:tun_dst,output:2",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP},dl_vlan=7,dl_vlan_pcp=2`, `in_port=3,${TCP6}`, `in_port=LOCAL,${TCP}`],
    { openflow: "OpenFlow13" },
  ),
  simple(
    "table-misses",
    [
      `table=0,in_port=1,actions=${Array(8).fill("resubmit(,1)").join(",")}`,
      `table=1,actions=${Array(8).fill("resubmit(,2)").join(",")}`,
      `table=2,actions=${Array(8).fill("resubmit(,3)").join(",")}`,
      `table=3,actions=${Array(8).fill("resubmit(,9)").join(",")}`,

      "in_port=3,actions=goto_table:7",
      "in_port=LOCAL,actions=resubmit(9,7),resubmit:LOCAL",
    ],
    [`in_port=1,${TCP}`, `in_port=3,${TCP}`, `in_port=LOCAL,${TCP}`],
    { openflow: "OpenFlow13" },
  ),
];

export const situations: readonly Situation[] = [...language, ...normal, ...bridgesTogether, ...framed];
