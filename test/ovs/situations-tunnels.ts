/** Situations of tunnels: which port a packet comes in by, what its outer header does to it, what the options of a port send. */
import type { CaseBridge, CasePort } from "../conformance/case.ts";
import { ARP, ICMP, MPLS, type Situation, TCP, TCP6 } from "./situation.ts";
import { DATAPATH } from "./situations-datapath.ts";

type Kind = "gre" | "vxlan" | "geneve";
const VPORT: Readonly<Record<Kind, string>> = { gre: "gre_sys", vxlan: "vxlan_sys_4789", geneve: "genev_sys_6081" };

const UNDER: CaseBridge = {
  name: "under",
  mac: "aa:55:aa:55:00:00",
  ip: "1.1.2.88/1",
  neighbours: {
    "1.1.1.1": "f8:bc:12:44:34:01",
    "2.2.2.2": "f8:bc:12:44:34:02",
    "3.3.3.3": "f8:bc:12:44:34:03",
    "4.4.4.4": "f8:bc:12:44:34:04",
  },
  ports: [{ name: "p0", ofport: 1 }],
  flows: ["actions=NORMAL"],
};
const ETH = "eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07)";
const tcp = (tos = 0): string =>
  `${ETH},eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,proto=6,tos=${tos},ttl=64,frag=no),tcp(src=8,dst=9)`;
const udp6 = (tos: number): string =>
  `${ETH},eth_type(0x86dd),ipv6(src=::1,dst=::2,label=0,proto=17,tclass=${tos},hlimit=64,frag=no),udp(src=8,dst=9)`;
const arp = `${ETH},eth_type(0x0806),arp(sip=1.2.3.4,tip=5.6.7.8,op=1,sha=00:0f:10:11:12:13,tha=00:14:15:16:17:18)`;

const dummy = (ofport: number): CasePort => ({ name: `d${ofport}`, ofport });
const tagged = `${ETH},eth_type(0x8100),vlan(vid=9,pcp=1),encap(eth_type(0x0800),ipv4(proto=6,tos=1,frag=no))`;

function situationsOf(kind: Kind): Situation[] {
  const t = (ofport: number, options: Readonly<Record<string, string>>): CasePort => ({
    name: `t${ofport}`,
    ofport,
    type: kind,
    options,
  });
  /** A packet from the tunnel port of the datapath; `outer`: what tunnel(…) says besides its TTL. */
  const from = (outer: string, inner = tcp()): string[] => [
    DATAPATH,
    `tunnel(${outer},ttl=64),in_port(${VPORT[kind]}),${inner}`,
  ];
  const at = (port: number, flow: string): string[] => ["over", `in_port=${port},${flow}`];
  const over = (
    name: string,
    ports: readonly CasePort[],
    flows: readonly string[],
    traces: readonly (readonly string[])[],
  ): Situation => ({
    name: `tunnel-${name}-${kind}`,
    bridges: [UNDER, { name: "over", ports, flows, openflow: "OpenFlow13" }],
    traces,
  });
  const ecn = [0, 1, 2, 3].flatMap((outer) =>
    [0, 1, 2, 3].flatMap((inner) => [
      from(`src=1.1.1.1,dst=2.2.2.2,tos=${outer}`, tcp(inner)),
      from(`src=1.1.1.1,dst=2.2.2.2,tos=${outer}`, udp6(inner)),
    ]),
  );
  return [
    over(
      "input",
      [
        t(1, { remote_ip: "1.1.1.1" }),
        t(2, { remote_ip: "1.1.1.1", local_ip: "2.2.2.2" }),
        t(3, { remote_ip: "2.2.2.2" }),
        t(4, { remote_ip: "flow", key: "flow" }),
        t(5, { remote_ip: "flow", local_ip: "flow", key: "7" }),
      ],
      ["actions=IN_PORT,resubmit(,1)", "table=1,actions=set_field:3.3.3.3->tun_dst,4,set_field:1.1.2.88->tun_src,5"],
      [
        from("src=1.1.1.1,dst=1.2.3.4"),
        from("src=1.1.1.1,dst=2.2.2.2"),
        from("src=2.2.2.2,dst=9.9.9.9,flags(df)"),
        from("src=2.2.2.2,dst=9.9.9.9,flags(df|csum)"),
        from("tun_id=0x0,src=2.2.2.2,dst=9.9.9.9,flags(csum|key)"),
        from("tun_id=0x4d,src=5.5.5.5,dst=6.6.6.6,flags(key)"),
        from("tun_id=0x7,src=5.5.5.5,dst=6.6.6.6,flags(oam|key)"),
        at(1, TCP),
        at(2, TCP6),
        at(4, ARP),
      ],
    ),
    over(
      "none",
      [t(1, { remote_ip: "1.1.1.1" })],
      ["actions=IN_PORT"],
      [
        from("src=5.5.5.5,dst=6.6.6.6"),
        from("tun_id=0x3,src=1.1.1.1,dst=6.6.6.6,flags(key)"),
        from("src=1.1.1.1,dst=6.6.6.6,flags(key)"),
        from("tun_id=0x0,src=1.1.1.1,dst=2.2.2.2,tp_src=4,tp_dst=4789,flags(key)"),
        from("src=1.1.1.1,dst=2.2.2.2,flags(-df-csum)"),
        from("src=1.1.1.1"),
        from("ipv6_src=::1,ipv6_dst=::2"),
        from("src=1.1.1.1,dst=2.2.2.2,flags(df|nope)"),
        [DATAPATH, `in_port(${VPORT[kind]}),${tcp()}`],
        [DATAPATH, `tunnel(src=1.1.1.1,dst=2.2.2.2,ttl=64),in_port(p0),${tcp()}`],
        [DATAPATH, `tunnel(src=1.1.1.1,dst=2.2.2.2),in_port(${VPORT[kind]}),${tcp()}`],
      ],
    ),
    over(
      "congestion",
      [t(1, { remote_ip: "1.1.1.1" }), dummy(2)],
      ["in_port=1,actions=2", "in_port=2,actions=1"],
      [
        ...ecn,
        from("src=1.1.1.1,dst=2.2.2.2,tos=3", arp),
        from("src=1.1.1.1,dst=2.2.2.2,tos=3", tagged),
        ...[0, 1, 2, 3].map((n) => at(2, TCP.replace("nw_ttl=64", `nw_tos=184,nw_ecn=${n},nw_ttl=9`))),
        at(2, TCP6),
        at(2, ARP),
        at(2, MPLS),
        at(2, `dl_vlan=3,${TCP}`),
      ],
    ),
    over(
      "options",
      [
        t(1, { remote_ip: "1.1.1.1", tos: "inherit", ttl: "inherit" }),
        dummy(2),
        t(3, {
          remote_ip: "2.2.2.2",
          tos: "0x10",
          ttl: "9",
          df_default: "false",
          csum: "true",
          out_key: "5",
          in_key: "6",
        }),
        t(4, { remote_ip: "3.3.3.3", tos: "inherit", key: "0" }),
        t(5, { remote_ip: "4.4.4.4", ttl: "0" }),
      ],
      [
        "in_port=2,ip,nw_tos=4,actions=1,3,4,5",
        "in_port=2,ip,actions=dec_ttl,set_field:12->nw_tos,1,set_field:1->nw_ecn,4,3",
        "in_port=2,actions=1,3,4",
        "in_port=1,actions=2,4,3",
        "in_port=3,actions=1",
      ],
      [
        ...[4, 5, 8].map((tos) => at(2, TCP.replace("nw_ttl=64", `nw_tos=${tos & 0xfc},nw_ecn=${tos & 3},nw_ttl=9`))),
        at(2, TCP.replace("nw_ttl=64", "nw_ttl=1")),
        at(2, TCP6),
        at(2, ARP),
        at(2, MPLS),
        from("src=1.1.1.1,dst=2.2.2.2,tos=0xb8", tcp(9)),
        from("tun_id=0x6,src=2.2.2.2,dst=2.2.2.2,tos=0x41,flags(key|csum|df)", tcp(2)),
      ],
    ),
    over(
      "keys",
      [
        t(1, { remote_ip: "1.1.1.1", key: "1" }),
        t(2, { remote_ip: "1.1.1.1", in_key: "2", out_key: "3" }),
        t(3, { remote_ip: "1.1.1.1", out_key: "5" }),
        t(4, { remote_ip: "1.1.1.1", in_key: "flow", out_key: "9" }),
      ],
      ["actions=IN_PORT,1,2,3,4"],
      [
        from("tun_id=0x1,src=1.1.1.1,dst=2.2.2.2,flags(key)"),
        from("tun_id=0x2,src=1.1.1.1,dst=2.2.2.2,flags(key)"),
        from("src=1.1.1.1,dst=2.2.2.2"),
        from("tun_id=0xf,src=1.1.1.1,dst=2.2.2.2,flags(key)"),
        at(1, TCP),
      ],
    ),
    over(
      "set",
      [
        t(1, { remote_ip: "1.1.1.1", key: "flow" }),
        t(2, { remote_ip: "flow", key: "flow" }),
        t(3, { remote_ip: "flow", local_ip: "flow", key: "flow" }),
        t(4, { remote_ip: "flow", key: "3" }),
        dummy(9),
      ],
      [
        "in_port=9 actions=resubmit:1,resubmit:2,resubmit:3,resubmit:4",
        "in_port=1 actions=set_field:42->tun_id,output:1",
        "in_port=2 actions=set_field:3.3.3.3->tun_dst,output:2",
        "in_port=3 actions=set_field:1.1.2.88->tun_src,set_field:4.4.4.4->tun_dst,output:3",
        "in_port=4 actions=set_field:2.2.2.2->tun_dst,output:4",
      ],
      [at(9, ICMP), from("tun_id=0x2,src=1.1.1.1,dst=9.9.9.9"), from("tun_id=0x3,src=6.1.1.1,dst=9.9.9.9")],
    ),
  ];
}

export const tunnels: readonly Situation[] = [
  ...situationsOf("gre"),
  ...situationsOf("vxlan"),
  ...situationsOf("geneve"),
];
