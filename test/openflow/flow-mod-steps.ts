/**
 * Sequences of flow mods and group mods for a real switch: who is selected by out_port, out_group, cookie, table and strictness,
 * what a change changes, what is refused. record-flow-mods.ts asks; flow-mods.test.ts compares rules and groups after each step.
 */

/** Lines as `ovs-ofctl add-flows` or `add-groups` takes them. */
export interface Step {
  readonly kind: "flows" | "groups";
  readonly lines: readonly string[];
  /** Instead of the sequence's version. */
  readonly openflow?: string;
}

export interface Sequence {
  readonly name: string;
  readonly openflow: string;
  readonly steps: readonly Step[];
}

const VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"];

const flows = (...lines: string[]): Step => ({ kind: "flows", lines });
/** Groups do not exist in OpenFlow 1.0. */
const groups = (...lines: string[]): Step => ({ kind: "groups", lines, openflow: "OpenFlow15" });
/** Each rule alone. */
const each = (...rules: string[]): Step[] => rules.flatMap((rule) => [flows("delete"), flows(rule)]);

const OF_ALL_VERSIONS: Readonly<Record<string, readonly Step[]>> = {
  "out_port selects": [
    flows(
      "in_port=1,actions=2",
      "in_port=2,actions=output:1,output:2",
      "in_port=3,actions=1,flood",
      "in_port=LOCAL,actions=enqueue:2:1",
      "dl_vlan=3,actions=controller",
      "dl_vlan=4,actions=output(port=2,max_len=100)",
      "dl_vlan=5,actions=resubmit:2",
      "dl_vlan=6,actions=bundle(eth_src,0,hrw,ofport,members:1,2)",
      "dl_vlan=7,actions=learn(table=1,output:in_port)",
      "dl_vlan=8,actions=clone(2)",
      "dl_vlan=9,actions=in_port",
      "dl_vlan=10,actions=local",
      "dl_vlan=11,actions=normal",
      "dl_vlan=12,actions=all",
      "dl_vlan=13,actions=drop",
    ),
    ...["3", "2", "controller", "flood", "in_port", "LOCAL", "all", "normal"].map((port) =>
      flows(`delete out_port=${port}`),
    ),
    flows("delete_strict dl_vlan=13,out_port=1"),
    flows("delete_strict dl_vlan=13,out_port=none"),
    flows("modify dl_vlan=5,out_port=2,actions=3"),
    flows("delete out_port=any"),
  ],
  "out_group selects": [
    groups("group_id=1,type=all,bucket=output:1", "group_id=2,type=all,bucket=group:1"),
    flows(
      "in_port=1,actions=group:1",
      "in_port=2,actions=group:2",
      "in_port=3,actions=1",
      "dl_vlan=4,actions=clone(group:1)",
    ),
    ...["3", "1", "all"].map((group) => flows(`delete out_group=${group}`)),
    flows("delete_strict in_port=2,out_group=2"),
    flows("in_port=1,actions=group:9"),
    flows("delete out_group=any"),
  ],
  cookies: [
    flows("cookie=1,in_port=1,actions=1", "cookie=2,in_port=2,actions=1", "cookie=3,in_port=3,actions=1"),
    flows("delete cookie=0x1/0x1"),
    flows("cookie=0x11,in_port=1,actions=1", "in_port=3,cookie=7,actions=2"),
    flows("modify cookie=0x1/0xf,actions=3"),
    flows("modify cookie=0x7/-1,cookie=9,actions=3"),
    flows("modify cookie=5,in_port=3,actions=1"),
    flows("modify_strict cookie=6,in_port=2,actions=drop"),
    flows("modify cookie=0x77/0xff,in_port=9,actions=3"),
    flows("modify in_port=9,cookie=4,actions=3"),
    flows("modify_strict in_port=8,actions=3"),
    flows("delete cookie=3"),
    flows("delete_strict cookie=6/-1,in_port=2"),
    flows("cookie=-1,in_port=1,actions=1"),
    flows("delete cookie=-1/-1"),
    flows("delete cookie=0/0"),
    flows("cookie=1/1,actions=1"),
  ],
  "strict and not": [
    flows(
      "priority=10,ip,actions=1",
      "priority=20,ip,actions=2",
      "priority=10,tcp,actions=1",
      "priority=10,ip,nw_dst=10.0.0.0/8,actions=1",
      "priority=10,ip,nw_dst=10.1.0.0/16,actions=1",
      "table=1,ip,actions=1",
      "table=2,ip,priority=10,actions=2",
    ),
    flows("modify_strict priority=20,ip,actions=3"),
    flows("modify ip,actions=3"),
    flows("modify table=1,ip,actions=2"),
    flows("delete_strict ip,priority=10"),
    flows("delete table=1,tcp"),
    flows("delete ip,nw_dst=10.0.0.0/8"),
    flows("delete ip,priority=20"),
    flows("delete_strict priority=20,ip,table=0"),
    flows("delete tcp"),
    flows("delete table=254"),
    flows("delete_strict table=254"),
    flows("modify table=254,actions=3"),
    flows("delete table=2"),
    flows("delete"),
    flows("delete table=255"),
  ],
  "overlaps and flags": [
    flows("priority=5,ip,nw_src=10.0.0.0/8,actions=1"),
    flows("check_overlap,priority=5,ip,nw_dst=10.0.0.0/8,actions=1"),
    flows("check_overlap,priority=6,ip,nw_dst=10.0.0.0/8,actions=1"),
    flows("check_overlap,priority=5,ip,nw_src=10.0.0.0/8,actions=2"),
    flows("check_overlap,priority=5,arp,actions=2"),
    flows("modify check_overlap,priority=5,ip,actions=2"),
    flows("modify_strict check_overlap,priority=5,ip,actions=2"),
    flows("idle_timeout=5,hard_timeout=6,in_port=1,actions=2"),
    flows("modify idle_timeout=50,hard_timeout=60,in_port=1,actions=3"),
    flows("importance=3,in_port=1,actions=3"),
    flows("delete idle_timeout=3,in_port=1"),
  ],
  "groups come and go": [
    groups("group_id=1,type=all,bucket=output:1"),
    groups("group_id=1,type=all,bucket=output:2"),
    groups("modify group_id=1,type=select,bucket=output:2"),
    groups("modify group_id=2,type=select,bucket=output:2"),
    groups("add_or_mod group_id=2,type=select,bucket=output:2"),
    groups("add_or_mod group_id=2,type=indirect,bucket=output:3"),
    flows("in_port=1,actions=group:1", "in_port=2,actions=group:2,1", "table=3,actions=clone(group:2)"),
    groups("delete group_id=1"),
    groups("delete group_id=77"),
    groups("delete group_id=all"),
    groups("group_id=5,type=all,bucket=group:6"),
    groups("group_id=6,type=all,bucket=group:5"),
    flows("actions=group:5"),
    flows("modify actions=group:8"),
    groups("delete group_id=6"),
    groups("delete group_id=5,type=all"),
    groups("delete group_id=5,bucket=1"),
    groups("delete"),
  ],
};

const BUCKETS = ["watch_port:1,output:10", "watch_group:3,output:1", "weight:9,output:10", "output:1"];
const GROUPS: readonly string[] = [
  ...["all", "select", "indirect", "ff"].flatMap((type) =>
    BUCKETS.map((bucket) => `group_id=1,type=${type},bucket=${bucket}`),
  ),
  ...[
    "ip_dst",
    "reg0=5",
    "eth_dst=00:00:00:00:00:00",
    "eth_dst=ff:ff:ff:00:00:00",
    "ip_dst,tcp_dst",
    "eth_dst,eth_dst",
  ].map((fields) => `group_id=1,type=select,selection_method=hash,fields(${fields}),bucket=output:1`),
];

const WITHOUT_ETHERNET: readonly string[] = [
  "packet_type=(1,0x800),actions=encap(ethernet),set_field:1.1.1.1->nw_dst",
  "packet_type=(1,0x800),actions=encap(ethernet),dec_ttl",
  "packet_type=(1,0x800),actions=encap(ethernet),push_vlan:0x8100,2",
  "packet_type=(1,0x800),actions=encap(ethernet),set_field:00:00:00:00:00:01->eth_dst,2",
  "packet_type=(1,0x800),actions=encap(ethernet),decap,dec_ttl",
  "packet_type=(1,0x800),nw_proto=6,actions=encap(ethernet),set_field:3->tcp_dst",
  "packet_type=(1,0x8847),actions=encap(ethernet),pop_mpls:0x800",
  "packet_type=(1,0x8847),actions=pop_mpls:0x800,set_field:1.1.1.1->nw_dst",
  "packet_type=(1,0x800),actions=push_mpls:0x8847,set_field:3->mpls_label",
  "packet_type=(1,0x800),actions=set_field:1.1.1.1->nw_dst,dec_ttl",
  "packet_type=(1,0x800),actions=decap,dec_ttl",
  "ip,actions=decap,set_field:1.1.1.1->nw_dst,encap(ethernet),set_field:1.1.1.2->nw_dst",
  "mpls,actions=decap,set_field:3->mpls_label,encap(ethernet),2",
  "packet_type=(1,5),actions=drop",
  "packet_type=(1,0x10),actions=drop",
  "packet_type=(0,1),actions=drop",
];

const MEMBERS = ["controller", "normal", "flood", "local", "in_port", "none", "65280"].flatMap((port) => [
  `actions=bundle(eth_src,0,hrw,ofport,members:1,${port})`,
  `actions=bundle_load(eth_src,0,hrw,ofport,reg0[],members:${port})`,
]);

export const sequences: readonly Sequence[] = [
  ...VERSIONS.flatMap((openflow) =>
    Object.entries(OF_ALL_VERSIONS).map(([name, steps]) => ({ name: `${name}, ${openflow}`, openflow, steps })),
  ),
  {
    name: "groups that watch and hash",
    openflow: "OpenFlow15",
    steps: GROUPS.flatMap((group) => [groups("delete"), groups(group)]),
  },
  ...["OpenFlow10", "OpenFlow13", "OpenFlow15"].flatMap((openflow) => [
    { name: `prerequisites without Ethernet, ${openflow}`, openflow, steps: each(...WITHOUT_ETHERNET) },
    { name: `members of a bundle, ${openflow}`, openflow, steps: each(...MEMBERS) },
  ]),
];
