/** Situations of actions that change headers, or do something beside; limits; matches. */
import { ARP, ICMP, ICMP_FRAME, MACS, MPLS, MPLS2, type Situation, simple, TCP, TCP6, UDP } from "./situation.ts";

export const headers: readonly Situation[] = [
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
