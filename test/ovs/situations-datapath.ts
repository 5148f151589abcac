/**
 * Situations of flows in the datapath's syntax: ofproto/trace takes them with the name of the datapath in place of a bridge, and
 * the port says which bridge it is.
 */
import { ports, type Situation } from "./situation.ts";

/** Open vSwitch's name for the datapath of all dummy bridges. */
export const DATAPATH = "ovs-dummy";
const ETH = "eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02)";
const IN = `in_port(p1),${ETH}`;
const IPV4 = "ipv4(src=10.0.0.1,dst=10.0.0.2,proto";

/** A bridge that changes what it can of a packet, another one beside it, and flows at the ports of both. */
const situation = (name: string, flows: readonly string[], more: { readonly vlan_limit?: number } = {}): Situation => ({
  name,
  bridges: [
    {
      name: "br0",
      ports: ports(1, 2),
      openflow: "OpenFlow15",
      flows: [
        "priority=20,ip,nw_src=10.0.0.0/8,actions=dec_ttl,output:2",
        "priority=20,ipv6,actions=set_field:fc00::9->ipv6_dst,output:2",
        "priority=20,arp,arp_op=1,actions=output:2",
        "priority=20,mpls,actions=set_field:7->mpls_tc,output:2",
        "priority=30,dl_vlan=5,actions=pop_vlan,output:2",
        "priority=40,tcp,tcp_flags=+syn-ack,actions=drop",
        "priority=50,pkt_mark=9,actions=output:2",
        "priority=0,actions=output:2",
      ],
    },
    { name: "br1", ports: [{ name: "q1", ofport: 7 }], flows: ["actions=output:LOCAL"] },
  ],
  ...more,
  traces: flows.map((flow) => [DATAPATH, flow]),
});

export const datapathFlows: readonly Situation[] = [
  situation("datapath flows", [
    `${IN},eth_type(0x0800),${IPV4}=6,tos=0,ttl=64,frag=no),tcp(src=1,dst=2)`,
    `${IN},eth_type(0x0800),${IPV4}=6,tos=0x2e,ttl=64,frag=no),tcp(src=1,dst=2),tcp_flags(syn)`,
    `${IN},eth_type(0x0800),${IPV4}=6,tos=0x2e,ttl=64,frag=no),tcp(src=1,dst=2),tcp_flags(0x12)`,
    `${IN},eth_type(0x0800),${IPV4}=17,tos=0x3,ttl=64,frag=no),udp(src=1,dst=2)`,
    `${IN},eth_type(0x0800),${IPV4}=17,tos=0,ttl=64,frag=first),udp(src=1,dst=2)`,
    `${IN},eth_type(0x0800),${IPV4}=17,tos=0,ttl=64,frag=later)`,
    `${IN},eth_type(0x0800),${IPV4}=132,tos=0,ttl=1,frag=no),sctp(src=1,dst=2)`,
    `${IN},eth_type(0x0800),${IPV4}=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)`,
    `${IN},eth_type(0x0806),arp(sip=1.2.3.4,tip=1.2.3.5,op=1,sha=00:00:00:00:00:01,tha=00:00:00:00:00:00)`,
    `${IN},eth_type(0x86dd),ipv6(src=fe80::1,dst=fe80::2,label=0,proto=58,tclass=0x4,hlimit=255,frag=no),icmpv6(type=135,code=0),nd(target=fe80::3,sll=00:00:00:00:00:01,tll=00:00:00:00:00:00)`,
    `${IN},eth_type(0x86dd),ipv6(src=fe80::1,dst=fe80::2,label=0x12,proto=6,tclass=0,hlimit=255,frag=no),tcp(src=3,dst=4)`,
    `${IN},eth_type(0x8847),mpls(label=100,tc=1,ttl=64,bos=1)`,
    `skb_priority(0x1),skb_mark(0x9),${IN},eth_type(0x88cc)`,
    `recirc_id(0),in_port(q1),${ETH},eth_type(0x0800),${IPV4}=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)`,
    `${IN},eth_type(0x8100),vlan(vid=5,pcp=1),encap(eth_type(0x0800),${IPV4}=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2))`,
    `${IN},eth_type(0x8100),vlan(vid=6,pcp=0),encap(eth_type(0x0806),arp(sip=1.2.3.4,tip=1.2.3.5,op=2,sha=00:00:00:00:00:01,tha=00:00:00:00:00:02))`,
    `in_port(p1),eth(src=00:00:00:00:00:01/ff:ff:ff:ff:ff:ff,dst=00:00:00:00:00:02),eth_type(0x0800/0xffff),ipv4(src=10.0.0.1/255.0.0.0,frag=no)`,
    "recirc_id(0),in_port(p1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)",
    IN,
  ]),
  situation(
    "datapath flows with two tags",
    [
      `${IN},eth_type(0x88a8),vlan(vid=5,pcp=1),encap(eth_type(0x8100),vlan(vid=6,pcp=2),encap(eth_type(0x0800),${IPV4}=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)))`,
    ],
    { vlan_limit: 2 },
  ),
  situation("datapath flows, headers that do not go together", [
    `${IN},ipv4(src=10.0.0.1,proto=17),udp(src=1,dst=2)`,
    `${IN},ipv6(src=::1,proto=58),icmpv6(type=135,code=0)`,
    `${IN},mpls(label=3,tc=0,ttl=1,bos=1)`,
    `${IN},arp(sip=1.2.3.4)`,
    `${IN},ipv6(src=::1),ipv4(src=10.0.0.4)`,
    "in_port(p1),ipv4(src=10.0.0.4)",
    "packet_type(ns=1,id=0x800),in_port(p1),ipv4(src=10.0.0.4)",
    "packet_type(ns=1,id=0x86dd),in_port(p1),eth_type(0x0800),ipv4(src=10.0.0.4,proto=1),icmp(type=8,code=0)",
    "in_port(p1),eth_type(0x8100),vlan(vid=3),encap(eth_type(0x0800))",
    `${IN},eth_type(0x0800),arp(sip=1.2.3.4)`,
    `${IN},eth_type(0x0806),ipv4(src=1.2.3.4)`,
    `${IN},eth_type(0x0800),${IPV4}=6,frag=no),udp(src=1,dst=2)`,
    `${IN},eth_type(0x0800),${IPV4}=6,frag=later),tcp(src=1,dst=2)`,
    `${IN},eth_type(0x0800),${IPV4}=17,frag=no),tcp_flags(syn)`,
    `${IN},eth_type(0x0800),${IPV4}=1,frag=no),icmpv6(type=1,code=2)`,
    `${IN},eth_type(0x86dd),ipv6(proto=58,frag=no),icmp(type=3,code=2)`,
    `${IN},eth_type(0x86dd),ipv6(proto=58,frag=later),icmpv6(type=135,code=0),nd(target=::1)`,
    `${IN},eth_type(0x86dd),ipv6(proto=58,frag=no),icmpv6(type=135,code=1),nd(target=::1)`,
    `${IN},eth_type(0x0800),vlan(vid=3),ipv4(src=10.0.0.4)`,
    `${IN},vlan(vid=3),encap(eth_type(0x0800))`,
    `${IN},eth_type(0x9100),vlan(vid=3),encap(eth_type(0x0800))`,
  ]),
  ...[1, 2].map((limit) =>
    situation(
      `datapath flows with tags that nothing follows, vlan-limit ${limit}`,
      [
        `${IN},eth_type(0x8100),vlan(vid=7,pcp=7),encap()`,
        `${IN},eth_type(0x8100),vlan(vid=7),encap(ipv4(src=10.0.0.4))`,
        `${IN},eth_type(0x8100),vlan(vid=7)`,
        `${IN},eth_type(0x8100),vlan(),encap()`,
        `${IN},eth_type(0x8100),vlan(vid=1,cfi=0),encap(eth_type(0x0800))`,
        `${IN},eth_type(0x8100),encap(eth_type(0x0800))`,
        `${IN},eth_type(0x8100),vlan(vid=7),encap(eth_type(0x88a8),vlan(vid=8),encap(eth_type(0x0800),ipv4(src=10.0.0.4)))`,
        `${IN},eth_type(0x8100),vlan(vid=7),encap(eth_type(0x8100),vlan(vid=8),encap(eth_type(0x8100),vlan(vid=9),encap()))`,
        `${IN},eth_type(0x8100),vlan(vid=7),encap(eth_type(0x8100))`,
        `${IN},eth_type(0x8100),vlan(vid=7,vid=8),encap()`,
      ],
      { vlan_limit: limit },
    ),
  ),
  situation("datapath flows with something wrong", [
    `${IN},eth_type(0x05dc)`,
    `${IN},eth_type(0)`,
    `${IN},eth_type(0x8100),vlan(vid=7),encap(eth_type(0x0100))`,
    `${IN},eth_type(0x0800),eth_type(0x86dd)`,
    `${IN},eth_type(0x8100),vlan(vid=7),encap(),encap()`,
    `${IN},eth_type(0x0806),arp(op=256)`,
    `${IN},eth_type(0x0800),ipv4(src=10.0.0.4`,
    `${IN},eth_type(0x0800),ipv4(src=10.0.0.4))`,
    `recirc_id(0x77),${IN}`,
    `tunnel(),${IN}`,
    `tunnel(src=1.1.1.1,dst=2.2.2.2,ttl=64),${IN}`,
    `${IN},eth_type(0x8847),mpls(label=1,foo=2)`,
    `in_port(p1) ${ETH}\teth_type(0x0800)`,
    `${IN},eth_type(0x8847),mpls(tc=1,label=2)`,
    `${IN},eth_type(0x8847),mpls(label=1,bos=0,label=2,bos=1,tc=3)`,
  ]),
];
