/** Situations of NORMAL, and of bridges together: patch ports, tunnels. */
import { ARP, ICMP, ICMP_FRAME, MACS, ports, type Situation, TCP, UDP } from "./situation.ts";

export const normal: readonly Situation[] = [
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

export const bridgesTogether: readonly Situation[] = [
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
