/** Situations of frames, traced byte by byte. */
import { MPLS, type Situation, simple, TCP, TCP6 } from "./situation.ts";

const L2 = "505400000007505400000005";
const IP4 = "4500001c00004000400100000a0000010a000002";
export const framed: readonly Situation[] = [
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
