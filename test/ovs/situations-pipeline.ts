/** Situations of tables, groups, registers: the way through the pipeline. */
import { ARP, ICMP, type Situation, simple, TCP, TCP6, UDP } from "./situation.ts";

export const pipeline: readonly Situation[] = [
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
];
