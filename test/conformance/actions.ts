/**
 * Random actions: text as ovs-ofctl takes it. What an action needs of the match (an IP packet, a VLAN tag) is kept where
 * Open vSwitch would refuse the rule otherwise; what it merely ignores is left to chance.
 */
import { ADDRESSES, ADDRESSES6, L4_PORTS, MACS, VLANS } from "./frames.ts";
import { IPV4_KINDS, IPV6_KINDS, type Kind, PORT_KINDS } from "./matches.ts";
import type { Random } from "./random.ts";

export type ActionGroup =
  | "output"
  | "special" //    in_port, flood, all, LOCAL, controller
  | "ethernet"
  | "ip"
  | "transport"
  | "vlan"
  | "register"
  | "move"
  | "stack"
  | "resubmit"
  | "normal"
  | "tunnel"
  | "mpls"
  | "queue"
  | "nested" //     clone
  | "mac" //       set_field without a mask: buckets take no other
  | "check"; //     check_pkt_larger, note, exit

export interface ActionWish {
  readonly groups: readonly ActionGroup[];
  readonly kind: Kind;
  /** The match requires a VLAN tag. */
  readonly tagged: boolean;
  readonly ports: readonly number[];
  /** OpenFlow 1.0 is lax about prerequisites of the old modify actions. */
  readonly openflow: string;
  /** Tables that resubmit may go to. */
  readonly tables: readonly number[];
  readonly tunnelIds?: readonly number[];
  /** Most actions in the list. */
  readonly count: number;
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** A list of actions; never empty. */
export function randomActions(random: Random, wish: ActionWish): string[] {
  const list: string[] = [];
  let tagged = wish.tagged;
  let tags = tagged ? 1 : 0;
  let { groups } = wish;
  const count = random.int(1, wish.count);
  while (list.length < count) {
    const group = random.pick(groups);
    const action = one(random, group, { ...wish, tagged });
    const pushes = action?.match(/push_vlan/g)?.length ?? 0;
    if (tags + pushes > 2) continue; // Open vSwitch keeps track of two.
    if (action === undefined) {
      if (random.chance(30)) list.push(output(random, wish));
      continue;
    }
    // From 1.1 on what follows is checked against what earlier actions made of the tag.
    if (/^push_vlan|^mod_vlan/.test(action)) tagged = true;
    if (/^(strip|pop)_vlan/.test(action)) tagged = false;
    tags += pushes;
    // What a label was in front of is not known until the packet comes around again.
    if (action === "pop_mpls:0x0800") groups = ["output", "ethernet"];
    list.push(action);
  }
  return list;
}

const output = (random: Random, wish: ActionWish): string => `output:${random.pick(wish.ports)}`;

function one(random: Random, group: ActionGroup, wish: ActionWish): string | undefined {
  const { kind, ports, tables } = wish;
  const lax = wish.openflow === "OpenFlow10";
  const ipv4 = IPV4_KINDS.includes(kind);
  const ipv6 = IPV6_KINDS.includes(kind);
  switch (group) {
    case "output":
      return output(random, wish);
    case "special":
      return random
        .pick(["in_port", "flood", "all", "LOCAL", "controller", "output:NXM_NX_REG0[]", "drop_"])
        .replace("drop_", output(random, wish));
    case "normal":
      return random.pick(["NORMAL", "normal", "NORMAL", output(random, wish)]);
    case "ethernet":
      return random.pick([
        `mod_dl_src:${random.pick(MACS)}`,
        `mod_dl_dst:${random.pick(MACS)}`,
        `set_field:${random.pick(MACS)}->eth_src`,
        random.pick([
          "set_field:fa:16:3e:00:00:00/ff:ff:ff:00:00:00->eth_dst",
          "set_field:00:00:00:00:00:07/00:00:00:00:00:ff->eth_dst",
        ]),
        "load:0x5->NXM_OF_ETH_DST[0..3]",
        `load:${hex(random.below(256))}->NXM_OF_ETH_SRC[40..47]`,
      ]);
    case "mac":
      return random.pick([
        `mod_dl_src:${random.pick(MACS)}`,
        `mod_dl_dst:${random.pick(MACS)}`,
        "load:0x5->NXM_OF_ETH_DST[0..3]",
      ]);
    case "ip":
      if (!ipv4 && !ipv6 && kind !== "arp" && !lax) return undefined;
      return ipAction(random, kind, lax);
    case "transport":
      return transportAction(random, kind, lax);
    case "vlan":
      return vlanAction(random, wish);
    case "register":
      return registerAction(random);
    case "move":
      return moveAction(random, kind);
    case "stack":
      return random.pick([
        "push:NXM_NX_REG0[]",
        "pop:NXM_NX_REG1[]",
        "push:NXM_OF_ETH_SRC[0..15],pop:NXM_NX_REG2[0..15]",
        "push:NXM_OF_IN_PORT[],pop:NXM_NX_REG0[0..15]",
        "push:NXM_NX_REG1[0..7],push:NXM_NX_REG0[8..15],pop:NXM_NX_REG0[0..7],pop:NXM_NX_REG2[]",
        "push:NXM_OF_ETH_DST[],push:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[],pop:NXM_OF_ETH_SRC[]",
        ...(ipv4 ? ["push:NXM_OF_IP_SRC[],push:NXM_OF_IP_DST[],pop:NXM_OF_IP_SRC[],pop:NXM_OF_IP_DST[]"] : []),
      ]);
    case "resubmit":
      if (tables.length === 0) return undefined;
      return random.pick([
        `resubmit(,${random.pick(tables)})`,
        `resubmit(,${random.pick(tables)})`,
        `resubmit(${random.pick(ports)},${random.pick(tables)})`,
        `resubmit(in_port,${random.pick(tables)})`,
      ]);
    case "tunnel":
      return random.pick([
        `set_tunnel:${hex(random.pick(wish.tunnelIds ?? [1]))}`,
        "set_tunnel64:0x64",
        "load:0x65->NXM_NX_TUN_ID[0..31]",
      ]);
    case "queue":
      return random.pick(["set_queue:3", "pop_queue", "load:0x7->NXM_NX_PKT_MARK[]", "set_field:0x9->pkt_mark"]);
    case "mpls":
      return mplsAction(random, wish);
    case "nested":
      return `clone(${randomActions(random, { ...wish, groups: ["output", "ethernet", "register", "vlan"], count: 3 }).join(",")})`;
    case "check":
      return random.pick(
        ["note:01.02.03", "exit", "check_pkt_larger(60)->NXM_NX_REG0[0]", "fin_timeout(idle_timeout=5)"].filter(
          (text) => kind === "tcp" || !text.startsWith("fin"),
        ),
      );
  }
}

function ipAction(random: Random, kind: Kind, lax: boolean): string | undefined {
  const ipv4 = IPV4_KINDS.includes(kind);
  const ipv6 = IPV6_KINDS.includes(kind);
  const address = random.pick(ADDRESSES);
  const address6 = random.pick(ADDRESSES6);
  const choices: string[] = [];
  if (ipv4 || lax) choices.push(`mod_nw_src:${address}`, `mod_nw_dst:${address}`);
  if (ipv4)
    choices.push(
      `set_field:${address}->ip_src`,
      `set_field:${address}/255.255.0.0->nw_dst`,
      `load:${hex(random.word())}->NXM_OF_IP_DST[]`,
      "load:0x2->NXM_OF_IP_SRC[8..15]",
    );
  if (ipv6)
    choices.push(
      `set_field:${address6}->ipv6_src`,
      `set_field:${address6}->ipv6_dst`,
      "load:0x7->NXM_NX_IPV6_DST[0..15]",
      "set_field:0x99->ipv6_label",
    );
  if (ipv4 || ipv6 || lax) choices.push(`mod_nw_tos:${random.pick([0, 32, 184])}`);
  if (ipv4 || ipv6)
    choices.push(
      `mod_nw_ttl:${random.pick([1, 2, 64, 255])}`,
      "dec_ttl",
      "dec_ttl",
      `dec_ttl(${random.int(1, 3)})`,
      `mod_nw_ecn:${random.below(4)}`,
      `set_field:${random.below(4)}->nw_ecn`,
      `load:${random.below(64)}->NXM_NX_IP_ECN[0..0]`.replace(/:\d+/, `:${random.below(2)}`),
    );
  if (kind === "arp")
    choices.push(
      `load:${random.int(1, 2)}->NXM_OF_ARP_OP[]`,
      `set_field:${address}->arp_spa`,
      `load:${hex(random.word())}->NXM_OF_ARP_TPA[]`,
      `set_field:${random.pick(MACS)}->arp_sha`,
      "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]",
    );
  if (kind === "ns" || kind === "na") {
    choices.push(
      `set_field:${address6}->nd_target`,
      `set_field:${random.pick(MACS)}->${kind === "ns" ? "nd_sll" : "nd_tll"}`,
    );
  }
  return choices.length > 0 ? random.pick(choices) : undefined;
}

function transportAction(random: Random, kind: Kind, lax: boolean): string | undefined {
  const port = random.pick(L4_PORTS);
  const choices: string[] = [];
  if (PORT_KINDS.includes(kind)) {
    const name = kind.replace("6", "");
    const nxm = name.toUpperCase();
    choices.push(`mod_tp_src:${port}`, `mod_tp_dst:${port}`, `set_field:${port}->${name}_dst`);
    choices.push(name === "sctp" ? `set_field:${port}->sctp_src` : `load:${hex(port)}->NXM_OF_${nxm}_SRC[]`);
    if (name !== "sctp") choices.push(`load:0x3->NXM_OF_${nxm}_DST[0..7]`);
  } else if (lax) choices.push(`mod_tp_src:${port}`, `mod_tp_dst:${port}`);
  if (kind === "icmp") choices.push(`set_field:${random.pick([8, 0])}->icmp_type`);
  if (kind === "icmp6") choices.push("set_field:129->icmpv6_type");
  return choices.length > 0 ? random.pick(choices) : undefined;
}

function vlanAction(random: Random, { tagged, openflow }: ActionWish): string | undefined {
  const vlan = random.pick(VLANS);
  if (openflow === "OpenFlow10")
    return random.pick([
      `mod_vlan_vid:${vlan}`,
      `mod_vlan_vid:${vlan}`,
      `mod_vlan_pcp:${random.pick([0, 3, 7])}`,
      "strip_vlan",
      "strip_vlan",
      `load:${hex(0x1000 | vlan)}->NXM_OF_VLAN_TCI[]`,
      "load:0->NXM_OF_VLAN_TCI[]",
    ]);
  const free = [
    `push_vlan:0x8100,set_field:${0x1000 | vlan}->vlan_vid`,
    "push_vlan:0x8100",
    "push_vlan:0x88a8",
    `mod_vlan_vid:${vlan}`,
  ];
  const bound = [
    "pop_vlan",
    "strip_vlan",
    `set_field:${0x1000 | vlan}->vlan_vid`,
    "set_field:5->vlan_pcp",
    `mod_vlan_vid:${vlan}`,
    "mod_vlan_pcp:3",
  ];
  return random.pick(tagged ? [...bound, ...bound, ...free] : free);
}

function registerAction(random: Random): string {
  const register = `NXM_NX_REG${random.below(3)}`;
  return random.pick([
    `load:${random.below(4)}->${register}[]`,
    `load:${random.below(4)}->${register}[0..7]`,
    `load:1->${register}[${random.below(32)}]`,
    `set_field:0x100->reg${random.below(3)}`,
    `set_field:0x2/0x3->reg${random.below(3)}`,
    `set_field:${random.below(4)}->metadata`,
    `load:${random.below(4)}->OXM_OF_METADATA[0..7]`,
    "set_field:0x1->xreg0",
    "set_field:0x12345->xxreg0",
    "load:0x1->NXM_NX_XXREG0[64..95]",
  ]);
}

function moveAction(random: Random, kind: Kind): string {
  const choices = [
    "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]",
    "move:NXM_OF_ETH_SRC[0..31]->NXM_NX_REG2[]",
    "move:NXM_NX_REG0[]->NXM_NX_REG1[]",
    "move:NXM_NX_REG1[0..15]->NXM_OF_ETH_DST[0..15]",
    "move:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]",
    "move:NXM_OF_VLAN_TCI[]->NXM_NX_REG1[0..15]",
    "move:NXM_NX_REG0[0..11]->NXM_OF_VLAN_TCI[0..11]",
    "move:OXM_OF_METADATA[0..31]->NXM_NX_REG1[]",
    "move:NXM_NX_TUN_ID[0..31]->NXM_NX_REG0[]",
  ];
  if (IPV4_KINDS.includes(kind))
    choices.push(
      "move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[]",
      "move:NXM_OF_IP_DST[0..15]->NXM_NX_REG1[0..15]",
      "move:NXM_NX_REG1[]->NXM_OF_IP_SRC[]",
      "move:NXM_NX_IP_TTL[]->NXM_NX_REG0[0..7]",
      "move:NXM_NX_REG0[0..7]->NXM_NX_IP_TTL[]",
    );
  if (IPV6_KINDS.includes(kind))
    choices.push("move:NXM_NX_IPV6_SRC[]->NXM_NX_XXREG1[]", "move:NXM_NX_IPV6_SRC[0..63]->NXM_NX_IPV6_DST[64..127]");
  if (kind === "tcp")
    choices.push("move:NXM_OF_TCP_SRC[]->NXM_OF_TCP_DST[]", "move:NXM_OF_TCP_DST[]->NXM_NX_REG2[16..31]");
  if (kind === "arp")
    choices.push(
      "move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[]",
      "move:NXM_OF_ARP_TPA[]->NXM_NX_REG0[]",
      "move:NXM_OF_ETH_SRC[]->NXM_NX_ARP_SHA[]",
    );
  return random.pick(choices);
}

function mplsAction(random: Random, { kind }: ActionWish): string | undefined {
  if (kind === "mpls")
    return random.pick([
      "pop_mpls:0x0800",
      "pop_mpls:0x8847",
      "dec_mpls_ttl",
      `set_mpls_ttl(${random.pick([1, 64])})`,
      `set_mpls_label(${random.pick([16, 100])})`,
      `set_mpls_tc(${random.below(8)})`,
      "set_field:77->mpls_label",
      "push_mpls:0x8847",
      "load:3->OXM_OF_MPLS_TC[]",
    ]);
  return IPV4_KINDS.includes(kind) || IPV6_KINDS.includes(kind) || kind === "any"
    ? random.pick([
        "push_mpls:0x8847",
        "push_mpls:0x8847,set_mpls_label(100)",
        "push_mpls:0x8848,set_field:9->mpls_label",
      ])
    : undefined;
}
