/** Situations of packets without a port, of the controller's recirculation ids, label stacks, ARP at a tunnel's end. */
import type { CaseBridge } from "../conformance/case.ts";
import { ARP, ICMP, MACS, MPLS, MPLS2, ports, type Situation, simple, TCP } from "./situation.ts";

/** No port at all, and the numbers that stand for none. */
const NO_PORT = ["", "in_port=0,", "in_port=NONE,", "in_port=CONTROLLER,", "in_port=FLOOD,", "in_port=77,"];

const withoutPort: readonly Situation[] = [
  simple(
    "no-port-normal",
    ["actions=NORMAL"],
    NO_PORT.flatMap((port) => [
      `${port}${ICMP}`,
      [`${port}${ICMP}`, "-generate"],
      `${port}${ARP}`,
      `${port}dl_vlan=5,${MACS}`,
      `${port}dl_dst=01:80:c2:00:00:00`,
    ]),
    { ports: [...ports(1, 2), { name: "p3", ofport: 3, tag: 5 }] },
  ),
  simple(
    "no-port-rules",
    [
      "in_port=NONE,actions=output:1",
      "in_port=CONTROLLER,actions=output:2",
      "priority=1,actions=FLOOD,ALL,IN_PORT,output:3,output:NXM_OF_IN_PORT[]",
    ],
    NO_PORT.map((port) => `${port}${TCP}`),
  ),
  {
    name: "no-port-patch",
    bridges: [
      {
        name: "br0",
        ports: [...ports(2), { name: "a", ofport: 1, type: "patch", options: { peer: "b" } }],
        flows: [
          "actions=learn(table=1,NXM_OF_IN_PORT[],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),output:1,output:2",
        ],
      },
      {
        name: "br1",
        ports: [...ports(3), { name: "b", ofport: 1, type: "patch", options: { peer: "a" } }],
        flows: ["actions=NORMAL"],
      },
    ],
    traces: NO_PORT.map((port) => ["br0", `${port}${ICMP}`, "-generate"]),
  },
];

const toController: readonly Situation[] = [
  simple(
    "controller-state",
    [
      "in_port=1,actions=controller,push:NXM_NX_REG2[0..11],controller,push:NXM_NX_REG3[],controller,pop:NXM_NX_REG4[],controller,resubmit(,3),controller",
      "in_port=2,actions=controller(userdata=0a.0b),controller(userdata=0c),controller(userdata=0a.0b),controller(id=7),controller(max_len=9),controller",
      "in_port=3,actions=controller,set_field:9->pkt_mark,controller,set_queue:5,controller,write_actions(output:2)",
      "table=3,actions=controller,set_field:4->reg1,controller",
    ],
    [`in_port=1,${TCP}`, `in_port=2,${TCP}`, `in_port=3,${TCP}`],
  ),
];

const labels: readonly Situation[] = [
  simple(
    "pop-to-labels",
    [
      "in_port=1,mpls,actions=pop_mpls:0x8848,pop_mpls:0x8848,output:2",
      "in_port=2,mpls,actions=pop_mpls:0x8847,dec_mpls_ttl,pop_mpls:0x0800,dec_ttl,output:1",
      "in_port=3,actions=push_mpls:0x8848,pop_mpls:0x8847,set_field:5->mpls_label,output:2",
    ],
    [1, 2, 3].flatMap((port) => [`in_port=${port},${MPLS}`, `in_port=${port},${MPLS2}`, `in_port=${port},${ICMP}`]),
  ),
  simple("pop-then-select", ["mpls,actions=pop_mpls:0x0800,group:1"], [`in_port=1,${MPLS}`, `in_port=1,${MPLS2}`], {
    groups: ["group_id=1,type=select,bucket=output:2,bucket=output:3"],
  }),
];

const UNDER = { name: "under", mac: "aa:55:aa:55:00:00", ip: "10.1.2.88/24" };
const arp = (op: number, from: string, to: string, mac = "f8:bc:12:44:34:c9"): string =>
  `in_port=1,arp,dl_src=f8:bc:12:44:34:c9,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=${op},arp_spa=${from},arp_tpa=${to},arp_sha=${mac}`;
const ARPS = [
  arp(2, "10.1.2.92", "10.1.2.88"),
  arp(2, "10.1.2.92", "10.1.2.89"),
  arp(1, "10.1.2.92", "10.1.2.89"),
  arp(1, "10.1.2.92", "10.1.2.88"),
  arp(1, "10.1.2.92", "10.1.2.92"),
  arp(2, "10.1.2.92", "10.1.2.88", "00:00:00:00:00:00"),
  arp(3, "10.1.2.92", "10.1.2.88"),
];

const OVER: CaseBridge = {
  name: "br0",
  ports: [{ name: "t2", ofport: 2, type: "gre", options: { remote_ip: "10.1.2.92", key: "456" } }],
  flows: ["actions=set_field:3->pkt_mark,output:2"],
};

const tunnelEnd: readonly Situation[] = ["NORMAL", "LOCAL"].flatMap((action) => {
  const under = { ...UNDER, ports: ports(1), flows: [`actions=${action}`] };
  const traces = ARPS.map((flow) => ["under", flow]);
  const name = action.toLowerCase();
  return [
    { name: `arp-at-tunnel-${name}`, bridges: [under, OVER], traces: [...traces, ["br0", `in_port=LOCAL,${TCP}`]] },
    { name: `arp-at-address-${name}`, bridges: [under], traces },
  ];
});

/** What a flow's text may say, and in which order; many are refused. */
const flowTexts: readonly Situation[] = [
  simple(
    "flow-texts",
    ["actions=output:2"],
    [
      "nw_dst=10.0.0.9,ip",
      "ip,nw_dst=10.0.0.0/8",
      "ip,nw_dst=10.0.0.9/32",
      "ip,nw_dst=10.0.0.9,ip_dst=10.0.0.8",
      "ip,nw_dst=0.0.0.0,ip_dst=10.0.0.8",
      "in_port=2",
      "ip,udp",
      "ip,eth_type=0x800",
      "eth_type=0x800,nw_proto=17,udp_dst=53",
      "udp,nw_proto=17",
      "udp,tcp_dst=53",
      "tp_dst=53,udp",
      "dl_vlan=7,dl_vlan_pcp=2",
      "dl_vlan=7,vlan_tci=0x1007",
      "vlan_tci=0x1007/0x1fff",
      "vlan_pcp=2",
      "ip,nw_frag=yes",
      "ip,nw_frag=first",
      "tcp,tcp_flags=+syn-ack",
      "tcp,tcp_flags=syn",
      "tcp,tcp_flags=0x10",
      "tcp,tp_src=7,nw_frag=later",
      "tcp,nw_frag=later,tp_src=7",
      "reg3=7/7",
      "reg3=7,xreg1=1",
      "reg3[0..3]=7",
      "reg3=",
      "metadata=0,metadata=9",
      "mpls_label=9,mpls",
      "tun_id=4,tunnel_id=5",
      "arp,arp_op=1,arp_spa=10.0.0.9",
      "eth",
      "priority=7",
    ].map((text) => `in_port=1,${text}`),
  ),
];

const odd: readonly Situation[] = [
  simple(
    "recirculation-unknown",
    ["actions=output:2"],
    ["recirc_id=0x77,in_port=1", `recirc_id=0x7777,in_port=1,${TCP}`],
  ),
  simple(
    "later-fragments",
    ["actions=output:2"],
    ["icmp6", "icmp", "tcp", "sctp6", "ip,nw_proto=2"].map((kind) => `in_port=1,${kind},nw_frag=later`),
  ),
];

/** Packets that cross a patch port without an Ethernet header. */
const without: readonly Situation[] = [
  [
    "in_port=1,actions=decap,output:2,output:1",
    "priority=1,in_port=1,actions=output:3",
    "packet_type=(1,0x800),nw_ttl=64,actions=encap(ethernet),set_field:00:00:00:00:00:09->eth_dst,3",
    "packet_type=(1,0x806),actions=NORMAL",
  ],
  ["in_port=1,actions=clone(decap,output:2),output:2", "actions=output:LOCAL,3,IN_PORT"],
  ["in_port=1,actions=decap,all", "actions=FLOOD"],
].map(([first, ...second], i) => ({
  name: `patch-without-ethernet-${i}`,
  bridges: [
    {
      name: "br0",
      openflow: "OpenFlow13",
      ports: [...ports(1), { name: "a", ofport: 2, type: "patch", options: { peer: "b" } }],
      flows: [first!],
    },
    {
      name: "br1",
      openflow: "OpenFlow13",
      ports: [...ports(3), { name: "b", ofport: 1, type: "patch", options: { peer: "a" } }],
      flows: second,
    },
  ],
  traces: [TCP, ARP, "dl_type=0x1234", `dl_vlan=3,${TCP}`].map((flow) => ["br0", `in_port=1,${flow}`]),
}));

export const edges: readonly Situation[] = [
  ...odd,
  ...without,
  ...flowTexts,
  ...withoutPort,
  ...toController,
  ...labels,
  ...tunnelEnd,
];
