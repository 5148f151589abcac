/**
 * Families after what the first ones touch only lightly: every mask on every field, action sets, groups in groups, all that
 * learn can say, packet lengths, clones, state of ports, limits of the MAC table, and tunnels by flow.
 */
import { type ActionGroup, randomActions } from "./actions.ts";
import type { Case, CaseBridge, CaseEvent, CasePort } from "./case.ts";
import {
  FRAMES4,
  FRAMES6,
  frames,
  frameWishes,
  type Generated,
  PORTS,
  PRIORITIES,
  packets,
  plainPorts,
  rule,
  rules,
  single,
  TUNNEL_IDS,
  vlanPorts,
} from "./case-parts.ts";
import { ADDRESSES, ADDRESSES6, build, encapsulate, GROUP_MACS, MACS, toHex, VLANS } from "./frames.ts";
import { KINDS, type Kind, randomMatch } from "./matches.ts";
import type { Random } from "./random.ts";

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Random bits; sparse, dense, a run, or all of them. */
function bits(random: Random, width: number): bigint {
  const all = (1n << BigInt(width)) - 1n;
  let value = 0n;
  for (let at = 0; at < width; at += 32) value = (value << 32n) | BigInt(random.word());
  switch (random.below(5)) {
    case 0:
      return all;
    case 1:
      return value & all;
    case 2:
      return 1n << BigInt(random.below(width));
    case 3: // A prefix.
      return (all << BigInt(random.below(width))) & all;
    default: // A run.
      return (((1n << BigInt(random.int(1, width))) - 1n) << BigInt(random.below(width))) & all;
  }
}

const macText = (value: bigint): string =>
  value
    .toString(16)
    .padStart(12, "0")
    .replace(/..(?!$)/g, "$&:");
const ip4Text = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
const ip6Text = (value: bigint): string =>
  value
    .toString(16)
    .padStart(32, "0")
    .replace(/....(?!$)/g, "$&:")
    .replace(/^(0000:){2,}/, "::");
const macBits = (text: string): bigint => BigInt(`0x${text.replaceAll(":", "")}`);
const ip4Bits = (text: string): bigint => text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
function ip6Bits(text: string): bigint {
  const [head = "", tail = ""] = text.split("::");
  const front = head.split(":").filter(Boolean);
  const back = tail.split(":").filter(Boolean);
  const words = [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
  return words.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
}

interface MaskedField {
  readonly name: string;
  readonly width: number;
  readonly kinds: readonly Kind[];
  readonly values: (random: Random) => bigint;
  readonly text: (value: bigint) => string;
  /** May be written by set_field. */
  readonly set: boolean;
}

const IP4 = ["ip", "tcp", "udp", "icmp", "sctp"] as const;
const IP6 = ["ipv6", "tcp6", "udp6", "icmp6"] as const;
const ANY: readonly Kind[] = KINDS;
const mac = (random: Random): bigint => macBits(random.pick([...MACS, ...GROUP_MACS]));
const small =
  (width: number) =>
  (random: Random): bigint =>
    random.chance(50) ? BigInt(random.below(4)) : bits(random, width);
const field = (
  name: string,
  width: number,
  kinds: readonly Kind[],
  values: (random: Random) => bigint,
  text: (value: bigint) => string = hex,
  set = true,
): MaskedField => ({ name, width, kinds, values, text, set });

/** Fields that take any mask. */
const MASKED: readonly MaskedField[] = [
  field("eth_src", 48, ANY, mac, macText),
  field("eth_dst", 48, ANY, mac, macText),
  field("metadata", 64, ANY, small(64)),
  field("tun_id", 64, ANY, small(64)),
  field("pkt_mark", 32, ANY, small(32)),
  field("reg0", 32, ANY, small(32)),
  field("reg9", 32, ANY, small(32)),
  field("xreg0", 64, ANY, small(64)),
  field("xreg4", 64, ANY, small(64)),
  field("xxreg0", 128, ANY, small(128)),
  field("vlan_tci", 16, ANY, (random) => 0x1000n | BigInt(random.pick(VLANS)), hex, false),
  field("nw_src", 32, IP4, (random) => ip4Bits(random.pick(ADDRESSES)), ip4Text),
  field("nw_dst", 32, IP4, (random) => ip4Bits(random.pick(ADDRESSES)), ip4Text),
  field("ipv6_src", 128, IP6, (random) => ip6Bits(random.pick(ADDRESSES6)), ip6Text),
  field("ipv6_dst", 128, IP6, (random) => ip6Bits(random.pick(ADDRESSES6)), ip6Text),
  field("ipv6_label", 20, IP6, (random) => BigInt(random.pick([0, 7, 0x12345]))),
  field("nd_target", 128, ["ns", "na"], (random) => ip6Bits(random.pick(ADDRESSES6)), ip6Text),
  field("nd_sll", 48, ["ns"], mac, macText),
  field("nd_tll", 48, ["na"], mac, macText),
  field("arp_spa", 32, ["arp"], (random) => ip4Bits(random.pick(ADDRESSES)), ip4Text),
  field("arp_tpa", 32, ["arp"], (random) => ip4Bits(random.pick(ADDRESSES)), ip4Text),
  field("arp_sha", 48, ["arp"], mac, macText),
  field("arp_tha", 48, ["arp"], mac, macText),
  field("tcp_src", 16, ["tcp", "tcp6"], small(16)),
  field("tcp_dst", 16, ["tcp", "tcp6"], small(16)),
  field("udp_src", 16, ["udp", "udp6"], small(16)),
  field("udp_dst", 16, ["udp", "udp6"], small(16)),
  field("sctp_src", 16, ["sctp"], small(16)),
  field("sctp_dst", 16, ["sctp"], small(16)),
  field("tcp_flags", 12, ["tcp", "tcp6"], (random) => BigInt(random.pick([2, 0x10, 0x12, 0x18])), hex, false),
];

const KIND_WORD: Readonly<Record<string, string>> = {
  any: "",
  ns: "icmp6,icmp_type=135,icmp_code=0",
  na: "icmp6,icmp_type=136,icmp_code=0",
};

/** value/mask with no bit of the value outside the mask, as set_field wants it. */
function masked(random: Random, one: MaskedField): string {
  let mask = bits(random, one.width);
  // ovs-ofctl takes an IPv6 mask that starts with a digit for a length, and refuses it.
  while (one.width === 128 && one.text === ip6Text && /^\d/.test(one.text(mask))) mask = bits(random, one.width);
  return `${one.text(one.values(random) & mask)}/${one.text(mask)}`;
}

export function maskCase(random: Random, name: string): Case {
  const openflow = random.pick(["OpenFlow10", "OpenFlow12", "OpenFlow13", "OpenFlow15", "OpenFlow15"]);
  const kinds = KINDS.filter((kind) => kind !== "mpls");
  const flows: string[] = [];
  for (const table of [0, 1])
    for (let i = random.int(3, 9); i > 0; i--) {
      const kind = random.pick(kinds);
      const usable = MASKED.filter((one) => one.kinds.includes(kind));
      const parts = kind === "any" ? [] : [KIND_WORD[kind] ?? kind];
      const names = new Set<string>();
      for (const one of random.some(usable, random.int(1, 3))) {
        const base = one.name.replace(/^x*reg\d$/, "reg"); // Registers overlap.
        if (names.has(base)) continue;
        names.add(base);
        parts.push(`${one.name}=${masked(random, one)}`);
      }
      const actions: string[] = [];
      if (openflow !== "OpenFlow10")
        for (const one of random.some(
          usable.filter((one) => one.set),
          random.below(4),
        ))
          actions.push(`set_field:${masked(random, one)}->${one.name}`);
      actions.push(table === 0 && random.chance(60) ? "resubmit(,1)" : `output:${random.pick(PORTS)}`);
      if (random.chance(30)) actions.push(`output:${random.pick(PORTS)}`);
      flows.push(rule(table, random.pick(PRIORITIES), parts.filter(Boolean).join(","), actions.join(",")));
    }
  flows.push(rule(0, 0, "", "resubmit(,1)"), rule(1, 0, "", "output:4"));
  return single(name, { flows, openflow }, packets(random, "br0", frames(random, [...FRAMES4, ...FRAMES6, "sctp"], 8)));
}

export function actionSetCase(random: Random, name: string): Case {
  const openflow = random.pick(["OpenFlow11", "OpenFlow13", "OpenFlow15"].slice(1));
  const groups = [1, 2].map((id) => {
    const type = random.pick(["all", "indirect", "ff"]);
    const count = type === "indirect" ? 1 : random.int(1, 3);
    const list = Array.from({ length: count }, () => {
      const watch = type === "ff" ? `watch_port:${random.pick([1, 2, 3, 99])},` : "";
      return `bucket=${watch}actions=${random.pick(["", `mod_dl_src:${random.pick(MACS)},`, "dec_ttl,"])}output:${random.pick(PORTS)}`;
    });
    return `group_id=${id},type=${type},${list.join(",")}`;
  });
  const flows: string[] = [];
  for (const table of [0, 1, 2])
    for (let i = random.int(2, 5); i >= 0; i--) {
      const match =
        i === 0
          ? { kind: "any" as const, tagged: false, text: "" }
          : randomMatch(random, {
              kinds: ["ip", "tcp", "udp", "tcp6", "any"],
              ports: PORTS,
              fields: 2,
              metadata: true,
            });
      const wish = { kind: match.kind, tagged: match.tagged, ports: PORTS, openflow, tables: [], count: 3 };
      const parts: string[] = [];
      if (random.chance(40))
        parts.push(...randomActions(random, { ...wish, groups: ["output", "ethernet", "vlan", "register", "nested"] }));
      if (random.chance(15)) parts.push("clear_actions");
      if (random.chance(75)) {
        const set = randomActions(random, { ...wish, groups: ["ethernet", "ip", "transport", "output"], count: 4 });
        if (random.chance(25)) set.push(`group:${random.int(1, 2)}`);
        if (random.chance(15)) set.push(random.pick(["push_vlan:0x8100", "push_mpls:0x8847", "dec_ttl"]));
        if (random.chance(15)) set.push("set_queue:2");
        if (random.chance(15) && table < 2) set.push(`resubmit(,${table + 1})`);
        // Labels and tags are pushed by the set before its other changes, which then have no IP packet to change.
        const legal = /push_mpls/.test(set.join()) ? set.filter((text) => !/nw_|ip|tp_|tcp|udp|ttl/.test(text)) : set;
        parts.push(
          `write_actions(${(match.kind === "any" ? legal.filter((t) => t !== "dec_ttl" && !t.startsWith("push_mpls")) : legal).join(",") || "output:1"})`,
        );
      }
      if (random.chance(30)) parts.push(`write_metadata:${random.pick(["1", "2", "3/0x3"])}`);
      if (table < 2 && random.chance(70)) parts.push(`goto_table:${random.int(table + 1, 2)}`);
      flows.push(rule(table, i === 0 ? 0 : random.pick(PRIORITIES.slice(1)), match.text, parts.join(",") || "drop"));
    }
  return single(
    name,
    { flows, openflow, groups },
    packets(random, "br0", frames(random, ["tcp", "udp", "arp", "tcp6"], 6)),
  );
}

/** Groups that lead to groups, to tables, and that change more than addresses. */
export function groupChainCase(random: Random, name: string): Case {
  const types = ["all", "indirect", "ff", "all"];
  const groups: string[] = [];
  for (let id = 1; id <= 4; id++) {
    const type = random.pick(types);
    const list: string[] = [];
    for (let i = type === "indirect" ? 1 : random.int(1, 3); i > 0; i--) {
      const actions = randomActions(random, {
        groups: ["output", "mac"],
        kind: "any",
        tagged: false,
        ports: PORTS,
        openflow: "OpenFlow15",
        tables: [],
        count: 2,
      });
      if (id > 1 && random.chance(45)) actions.push(`group:${random.int(1, id - 1)}`);
      if (random.chance(20)) actions.push("resubmit(,1)");
      if (random.chance(25)) actions.push(`load:${random.below(3)}->NXM_NX_REG0[]`);
      if (random.chance(15)) actions.push(random.pick(["push_vlan:0x8100", "strip_vlan", "mod_vlan_vid:11"]));
      const watch =
        type !== "ff"
          ? ""
          : random.chance(30) && id > 1
            ? `watch_group:${random.int(1, id - 1)},`
            : `watch_port:${random.pick([1, 2, 3, 4, 99, 99])},`;
      list.push(`bucket=${watch}actions=${actions.join(",")}`);
    }
    groups.push(`group_id=${id},type=${type},${list.join(",")}`);
  }
  const flows: string[] = [];
  for (let i = random.int(2, 5); i >= 0; i--) {
    const match =
      i === 0 ? { text: "" } : randomMatch(random, { kinds: ["any", "ip", "tcp", "arp"], ports: PORTS, fields: 2 });
    const before = random.pick(["", `mod_dl_src:${random.pick(MACS)},`, "output:4,", "load:2->NXM_NX_REG0[],"]);
    const after = random.pick(["", ",output:2", ",group:1", ",resubmit(,1)"]);
    flows.push(
      rule(0, i === 0 ? 0 : random.pick(PRIORITIES.slice(1)), match.text, `${before}group:${random.int(1, 4)}${after}`),
    );
  }
  flows.push(rule(1, 10, "reg0=1", "output:3"), rule(1, 10, "reg0=2", "mod_dl_dst:50:54:00:00:00:01,output:1"));
  if (random.chance(50)) flows.push(rule(1, 0, "", "output:2"));
  const sent = packets(random, "br0", frames(random, ["tcp", "udp", "arp", "tcp6"], 6));
  const config = random.chance(40) ? { config: ["down"] } : {};
  const ports = plainPorts().map((port) => (port.ofport === 2 ? { ...port, ...config } : port));
  return single(name, { flows, openflow: "OpenFlow13", groups, ports }, sent);
}

const LEARN_FIELDS = [
  ...[
    "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]",
    "NXM_OF_ETH_SRC[]=NXM_OF_ETH_DST[]",
    "NXM_OF_ETH_SRC[]",
    "dl_dst=50:54:00:00:00:02",
  ],
  ...["NXM_OF_VLAN_TCI[0..11]", "NXM_OF_IN_PORT[]", "NXM_NX_REG1[0..15]=NXM_OF_IN_PORT[]", "NXM_NX_REG2[]=0x7"],
  ...["OXM_OF_METADATA[]", "NXM_NX_TUN_ID[0..31]=NXM_NX_REG0[]", "NXM_OF_ETH_DST[0..23]=NXM_OF_ETH_SRC[24..47]"],
  ...["NXM_NX_REG3[3..10]=NXM_OF_ETH_SRC[1..8]", "vlan_tci=0x1064", "in_port=2"],
];
const LEARN_IP = [
  "NXM_OF_IP_DST[]=NXM_OF_IP_SRC[]",
  "NXM_OF_IP_SRC[]",
  "NXM_OF_IP_PROTO[]",
  "NXM_OF_IP_TOS[]",
  "nw_dst=10.0.0.2",
];
const LEARN_TCP = ["NXM_OF_TCP_DST[]=NXM_OF_TCP_SRC[]", "NXM_OF_TCP_SRC[0..7]", "tcp_dst=80"];
const LEARN_IP6 = ["NXM_NX_IPV6_DST[]=NXM_NX_IPV6_SRC[]", "NXM_NX_IPV6_SRC[0..63]=NXM_NX_IPV6_DST[0..63]"];
const LEARN_DOES = [
  ...["output:NXM_OF_IN_PORT[]", "output:NXM_NX_REG0[]", "load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]"],
  ...["load:0x3->NXM_NX_REG0[]", "load:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", "load:0->NXM_OF_VLAN_TCI[]"],
  ...["load:NXM_NX_REG0[0..7]->NXM_NX_REG1[8..15]", "load:0x5->OXM_OF_METADATA[]"],
];

/** learn in full: every flag, a limit with its result, and what a learned rule may match and do. */
export function learnFullCase(random: Random, name: string): Case {
  const kind = random.pick(["", "", "ip", "tcp", "ipv6"]);
  const specs = random.some(LEARN_FIELDS, random.int(1, 3));
  if (kind === "ip") specs.push("eth_type=0x800", ...random.some(LEARN_IP, 2));
  if (kind === "tcp")
    specs.push("eth_type=0x800", "nw_proto=6", ...random.some(LEARN_IP.slice(0, 2), 1), ...random.some(LEARN_TCP, 2));
  if (kind === "ipv6") specs.push("eth_type=0x86dd", ...random.some(LEARN_IP6, 1));
  const options = [`table=${random.pick([1, 1, 0, 3])}`];
  if (random.chance(70)) options.push(`priority=${random.pick([1, 5, 20, 40000])}`);
  if (random.chance(30)) options.push(`idle_timeout=${random.pick([5, 60])}`);
  if (random.chance(30)) options.push(`hard_timeout=${random.pick([10, 300])}`);
  if (random.chance(15)) options.push("fin_idle_timeout=3");
  if (random.chance(15)) options.push("fin_hard_timeout=4");
  if (random.chance(30)) options.push(`cookie=${random.pick(["0x7", "0xffffffffffff"])}`);
  if (random.chance(25)) options.push("send_flow_rem");
  if (random.chance(15)) options.push("delete_learned");
  if (random.chance(35)) {
    options.push(`limit=${random.int(1, 3)}`);
    if (random.chance(60)) options.push(random.pick(["result_dst=NXM_NX_REG0[0]", "result_dst=reg1[5]"]));
  }
  const learn = `learn(${[...options, ...specs, ...random.some(LEARN_DOES, random.int(1, 3))].join(",")})`;
  const before = random.pick([
    "",
    "load:0x2->NXM_NX_REG0[],",
    `set_field:${random.below(4)}->metadata,`,
    "mod_dl_src:50:54:00:00:00:01,",
  ]);
  const wrapped = random.chance(15) ? `clone(${learn},output:3)` : learn;
  const flows = [
    rule(0, 10, kind, `${before}${wrapped},resubmit(,1)${random.pick(["", ",resubmit(,2)", ",output:4"])}`),
    rule(0, 1, "", random.pick(["resubmit(,1)", "output:2"])),
    rule(1, 0, "", random.pick(["resubmit(,2)", "flood"])),
    rule(2, 10, "reg0=0x1/0x1", "output:3"),
    rule(2, 5, `metadata=5`, "output:1"),
    rule(2, 0, "", "output:2"),
  ];
  const protocols = kind === "ipv6" ? FRAMES6 : (["tcp", "tcp", "udp", "arp"] as const);
  const events: CaseEvent[] = [];
  for (const packet of packets(random, "br0", frames(random, protocols, 8, 25))) {
    events.push(packet);
    if (random.chance(12)) events.push({ warp: random.pick([1000, 4000, 6000, 12_000]) });
    if (random.chance(8))
      events.push({ bridge: "br0", del_flows: random.pick(["table=1", "table=0", "cookie=0x7/-1"]) });
  }
  return { ...single(name, { flows, openflow: "OpenFlow10" }, events), stateless: false };
}

/** check_pkt_larger, what follows it in the list and in other tables, inside clones and behind tags. */
export function lengthCase(random: Random, name: string): Case {
  const check = (): string =>
    `check_pkt_larger(${random.pick([1, 40, 60, 64, 82, 100, 1500])})->${random.pick(["NXM_NX_REG0[0]", "NXM_NX_REG0[1]", "NXM_NX_REG1[31]", "NXM_NX_XXREG0[120]"])}`;
  const groups: ActionGroup[] = ["output", "ethernet", "register", "ip", "vlan", "resubmit", "nested", "special"];
  const flows: string[] = [];
  for (const table of [0, 1, 2])
    for (let i = random.int(1, 4); i > 0; i--) {
      const match = randomMatch(random, {
        kinds: ["any", "any", "ip", "tcp", "arp"],
        ports: PORTS,
        fields: 2,
        registers: table > 0,
      });
      const later = [0, 1, 2].filter((other) => other > table);
      const list = randomActions(random, {
        groups: later.length > 0 ? groups : groups.filter((group) => group !== "resubmit"),
        kind: match.kind,
        tagged: match.tagged,
        ports: PORTS,
        openflow: "OpenFlow10",
        tables: later,
        count: 4,
      });
      if (random.chance(65)) list.splice(random.below(list.length + 1), 0, check());
      if (later.length > 0 && random.chance(70)) list.push(`resubmit(,${random.pick(later)})`);
      flows.push(rule(table, random.pick(PRIORITIES), match.text, list.join(",")));
    }
  flows.push(
    rule(0, 0, "", `${check()},resubmit(,1)`),
    rule(1, 100, "reg0=1/1", "output:3"),
    rule(1, 0, "", "output:2"),
  );
  flows.push(rule(2, 0, "", "output:4"));
  return single(name, { flows }, packets(random, "br0", frames(random, ["tcp", "udp", "arp", "tcp6"], 6)));
}

/** Copies in copies, with groups, tables, labels, cut outputs and the controller in them. */
export function cloneCase(random: Random, name: string): Case {
  const openflow = random.pick(["OpenFlow13", "OpenFlow15"]);
  const cut = (): string => `output(port=${random.pick(PORTS)},max_len=${random.pick([14, 40, 64, 1000])})`;
  const list = (depth: number, kind: Kind, tagged: boolean, table: number): string[] => {
    const actions = randomActions(random, {
      groups: ["output", "output", "ethernet", "vlan", "register", "ip", "move", "stack", "queue", "special"],
      kind,
      tagged,
      ports: PORTS,
      openflow,
      tables: [],
      count: 3,
    });
    if (random.chance(20)) actions.push(cut());
    if (random.chance(20)) actions.push(`group:${random.int(1, 2)}`);
    if (random.chance(10)) actions.push("exit");
    if (table === 0 && random.chance(30)) actions.push("resubmit(,1)");
    if (depth > 0 && random.chance(60)) actions.push(`clone(${list(depth - 1, kind, tagged, table).join(",")})`);
    // What the copy did to tags does not count for what follows.
    if (random.chance(40)) actions.push(`output:${random.pick(PORTS)}`);
    return actions;
  };
  const flows: string[] = [];
  for (const table of [0, 1])
    for (let i = random.int(2, 5); i > 0; i--) {
      const match = randomMatch(random, { kinds: ["any", "ip", "tcp", "tcp6"], ports: PORTS, fields: 1 });
      flows.push(rule(table, random.pick(PRIORITIES), match.text, list(3, match.kind, match.tagged, table).join(",")));
    }
  const groups = [
    `group_id=1,type=all,bucket=actions=mod_dl_src:${random.pick(MACS)},output:1,bucket=actions=output:2`,
    "group_id=2,type=indirect,bucket=actions=output:3",
  ];
  return single(
    name,
    { flows, openflow, groups },
    packets(random, "br0", frames(random, ["tcp", "udp", "arp", "tcp6"], 6)),
  );
}

const FLAG_PAIRS = [
  ["down", "up"],
  ["no-flood", "flood"],
  ["no-forward", "forward"],
  ["no-receive", "receive"],
] as const;

/** Ports that go down, take no part in floods, send or receive nothing, while packets come. */
export function portCase(random: Random, shape: Random, name: string): Case {
  const ports = (shape.chance(50) ? vlanPorts(shape) : plainPorts()).map((port) => ({
    ...port,
    ...(shape.chance(25) ? { config: [shape.pick(FLAG_PAIRS)[0]] } : {}),
    ...(shape.chance(30) ? { protected: true } : {}),
  }));
  const ff = (): string => `bucket=watch_port:${random.pick(PORTS)},actions=output:${random.pick(PORTS)}`;
  const groups = [
    `group_id=1,type=ff,${ff()},${ff()},${ff()}`,
    `group_id=2,type=ff,bucket=watch_group:1,actions=output:${random.pick(PORTS)},${ff()}`,
  ];
  const flows = ["priority=0,actions=NORMAL"];
  for (let i = random.int(2, 6); i > 0; i--) {
    const match = randomMatch(random, { kinds: ["ip", "arp", "any", "tcp"], ports: PORTS, fields: 2, vlans: false });
    const does = random.pick([
      ...["flood", "all", "group:1", "group:2", "NORMAL", "in_port,flood", "output:1,output:2,output:3,output:4"],
      ...["bundle(eth_src,0,active_backup,ofport,members:2,3)", "bundle(eth_src,0,active_backup,ofport,members:4,1,2)"],
    ]);
    flows.push(rule(0, random.pick(PRIORITIES.slice(1)), match.text, does));
  }
  const events: CaseEvent[] = [];
  const wishes = frameWishes(random, ["tcp", "arp", "arp", "udp"], 9, 25);
  const list = wishes.map((wish) =>
    build({ ...wish, tags: wish.tags.map(([tpid, tci]) => [tpid, tci & 0xefff] as const) }),
  );
  for (const packet of packets(random, "br0", list)) {
    if (random.chance(35))
      events.push({ bridge: "br0", mod_port: random.pick(PORTS), flag: random.pick(random.pick(FLAG_PAIRS)) });
    events.push(packet);
  }
  return { ...single(name, { flows, groups, ports, openflow: "OpenFlow13" }, events), stateless: false };
}

/** A MAC table that is too small, ages, or is not used; addresses that bridges keep for themselves. */
export function macCase(random: Random, shape: Random, name: string): Case {
  const bridge: Partial<CaseBridge> = {
    ports: shape.chance(50) ? plainPorts() : vlanPorts(shape),
    fail_mode: shape.pick(["secure", "standalone"] as const),
    mac_table_size: shape.pick([10, 11, 8192]),
    mac_aging_time: shape.pick([15, 20, 300]),
    ...(shape.chance(30) ? { flood_vlans: shape.some([0, 10, 100], 2) } : {}),
    ...(shape.chance(40) ? { forward_bpdu: true } : {}),
    flows: ["priority=0,actions=NORMAL"],
  };
  const many = Array.from({ length: 14 }, (_, i) => `50:54:00:00:02:${(0x10 + i).toString(16)}`);
  const reserved = [
    ...["01:80:c2:00:00:00", "01:80:c2:00:00:0f", "01:80:c2:00:00:10", "01:00:0c:cc:cc:cc", "01:00:0c:cd:cd:cd"],
    ...["00:e0:2b:00:00:04", "00:e0:2b:00:00:05", "01:00:0c:00:00:00", "01:00:0c:cc:cc:c7", "01:00:0c:cc:cc:c8"],
  ];
  const list = frameWishes(random, ["tcp", "arp", "udp", "llc"], 22, 20).map((wish) =>
    build({
      ...wish,
      dlSrc: random.chance(95) ? random.pick(many) : random.pick([...GROUP_MACS, ...reserved]),
      dlDst: random.chance(80) ? random.pick(many) : random.pick([...GROUP_MACS, ...reserved]),
      tags: wish.tags.map(([tpid, tci]) => [tpid, tci & 0xefff] as const),
    }),
  );
  const events: CaseEvent[] = [];
  for (const packet of packets(random, "br0", list)) {
    events.push(packet);
    if (random.chance(10)) events.push({ warp: random.pick([1000, 9000, 16_000, 21_000]) });
  }
  return { ...single(name, bridge, events), stateless: false };
}

/** Two tags parsed, NORMAL between access, trunk, native and dot1q-tunnel ports. */
export function qinqCase(random: Random, shape: Random, name: string): Case {
  const ports: CasePort[] = vlanPorts(shape).map((port) =>
    shape.chance(35)
      ? { name: port.name, ofport: port.ofport, tag: shape.pick([10, 100]), vlan_mode: "dot1q-tunnel" }
      : port,
  );
  const flows = ["priority=0,actions=NORMAL"];
  const list = frameWishes(random, ["tcp", "arp", "icmp6"], 9, 75).map((wish) =>
    // ofproto/trace takes no flow with two tags, so installed megaflows are compared; it knows no other TPID. What a packet
    // learns itself shows there, and not in a trace.
    build({
      ...wish,
      dlSrc: wish.dlSrc === wish.dlDst ? "50:54:00:00:00:77" : wish.dlSrc,
      tags: wish.tags.map(([, tci]) => [0x8100, tci & 0xefff] as const),
    }),
  );
  return { ...single(name, { ports, flows }, packets(random, "br0", list)), stateless: false, vlan_limit: 2 };
}

/** Tunnels whose ends the rules choose, with keys for each direction, addresses of their own and other UDP ports. */
export function tunnelFlowCase(random: Random, shape: Random, name: string): Case {
  const ports: CasePort[] = plainPorts([1, 2]).map((port) => ({ ...port, name: `v${port.ofport}` }));
  const ends: { type: "gre" | "vxlan" | "geneve"; port: number }[] = [];
  const key = (): string | number => shape.pick<string | number>(["flow", "flow", ...TUNNEL_IDS, 0]);
  for (const [i, type] of (["gre", "vxlan", "geneve"] as const).entries()) {
    const used = new Set<string>();
    for (let j = 0; j < 3; j++) {
      const remote = shape.pick(["flow", "172.31.1.2", "172.31.1.3"]);
      const local = remote === "flow" && shape.chance(20) ? "flow" : shape.chance(15) ? "172.31.1.1" : undefined;
      const inKey = key();
      const port = type !== "gre" && shape.chance(25) ? (type === "vxlan" ? 8472 : 6082) : undefined;
      // No two ports may take the same packets.
      const taken = [remote, local, inKey, port].join();
      if (used.has(taken)) continue;
      used.add(taken);
      ends.push({ type, port: port ?? (type === "vxlan" ? 4789 : 6081) });
      const options: Record<string, string | number> = { remote_ip: remote };
      if (local !== undefined) options["local_ip"] = local;
      if (shape.chance(50)) options["key"] = inKey;
      else {
        options["in_key"] = inKey;
        if (shape.chance(70)) options["out_key"] = key();
      }
      if (port !== undefined) options["dst_port"] = port;
      Object.assign(options, shape.pick<object>([{}, {}, { tos: "inherit" }, { tos: "0x10" }, { tos: "184" }]));
      Object.assign(options, shape.pick<object>([{}, {}, { ttl: "inherit" }, { ttl: "3" }]));
      Object.assign(options, shape.pick<object>([{}, {}, { df_default: "false" }, { df_default: "true" }]));
      if (shape.chance(15)) options["csum"] = "true";
      ports.push({ name: `${type}-${j}`, ofport: 10 + 3 * i + j, type, options });
    }
  }
  const all = ports.map((port) => port.ofport);
  const chosen = ports.some((port) => port.options?.["remote_ip"] === "flow");
  const tunnelActions = (): string =>
    random.pick([
      ...["set_field:172.31.1.2->tun_dst", "set_field:172.31.1.3->tun_dst", "load:0xac1f0102->NXM_NX_TUN_IPV4_DST[]"],
      ...["set_field:10.9.9.9->tun_dst", "set_field:172.31.1.1->tun_src", "set_tunnel:0x65"],
      ...["set_tunnel64:0x123456789", "move:NXM_NX_TUN_ID[0..31]->NXM_NX_REG0[]", "set_field:5->tun_id"],
      ...["move:NXM_NX_TUN_IPV4_SRC[]->NXM_NX_TUN_IPV4_DST[]", "dec_ttl", "mod_nw_tos:184", "set_field:3->nw_ecn"],
    ]);
  const flows: string[] = [];
  for (let i = random.int(3, 8); i >= 0; i--) {
    const match =
      i === 0
        ? { kind: "any", text: "" }
        : randomMatch(random, { kinds: ["any", "any", "ip", "tcp"], ports: all, fields: 2, tunnelIds: TUNNEL_IDS });
    const extra = random.chance(35)
      ? random.pick(["tun_src=172.31.1.2", "tun_dst=172.31.1.1", "tun_src=172.31.1.0/24", "tun_flags=+key"].slice(0, 3))
      : "";
    const list = Array.from({ length: random.int(1, 5) }, () =>
      random.chance(45) ? `output:${random.pick(all)}` : tunnelActions(),
    ).filter((text) => match.kind !== "any" || !/nw_|ttl/.test(text));
    // A port whose end no rule has chosen leaves its key behind, so that a flood would depend on the order of its ports; the
    // way to our own address has no neighbour.
    const last = [`output:${random.pick(all)}`, "in_port", ...(chosen ? [] : ["flood"])];
    list.push(random.pick(last));
    const own = list.findIndex((text) => text.endsWith("->tun_src"));
    if (own >= 0 && list.some((text) => text.startsWith("move:NXM_NX_TUN_IPV4"))) list.splice(own, 1);
    flows.push(
      rule(
        0,
        i === 0 ? 0 : random.pick(PRIORITIES.slice(1)),
        [match.text, extra].filter(Boolean).join(","),
        list.join(","),
      ),
    );
  }
  const physical: CaseBridge = {
    name: "br-phys",
    ports: [{ name: "eth0", ofport: 1 }],
    flows: ["in_port=1,actions=LOCAL", "in_port=LOCAL,actions=output:1"],
    mac: "aa:55:aa:55:00:01",
    ip: "172.31.1.1/24",
    neighbours: { "172.31.1.2": "aa:bb:cc:00:00:02", "172.31.1.3": "aa:bb:cc:00:00:03" },
  };
  const events = packets(random, "br-tun", frames(random, ["tcp", "udp", "arp", "tcp6"], 4), [1, 2]);
  for (const inner of frames(random, ["tcp", "udp", "arp", "tcp6"], 5)) {
    const remote = random.below(2);
    const { type } = random.pick(ends);
    const outer = {
      dlSrc: `aa:bb:cc:00:00:0${remote + 2}`,
      dlDst: "aa:55:aa:55:00:01",
      src: `172.31.1.${remote + 2}`,
      dst: "172.31.1.1",
      key: random.pick([...TUNNEL_IDS, 0]),
      tos: random.pick([0, 0, 1, 2, 3, 0xb8]),
    };
    events.push({ bridge: "br-phys", in_port: 1, hex: toHex(encapsulate(inner, type, outer)) });
  }
  return {
    name,
    stateless: true,
    bridges: [physical, { name: "br-tun", ports, flows, openflow: "OpenFlow13" }],
    packets: events,
  };
}

/** Conjunctions over more dimensions, behind a resubmit, with IPv6 and what overlaps them. */
export function wideConjunctionCase(random: Random, name: string): Generated {
  const table = random.pick([0, 1]);
  const six = random.chance(30);
  const kind = six ? "tcp6" : "tcp";
  const dimensions: Readonly<Record<string, () => string>> = {
    port: () => `in_port=${random.pick(PORTS)}`,
    src: () =>
      six
        ? `ipv6_src=${random.pick(ADDRESSES6)}/${random.pick([32, 64, 128])}`
        : `nw_src=${random.pick(ADDRESSES)}/${random.pick([8, 16, 24, 32])}`,
    dst: () =>
      six
        ? `ipv6_dst=${random.pick(ADDRESSES6)}/${random.pick([32, 64, 128])}`
        : `nw_dst=${random.pick(ADDRESSES)}/${random.pick([8, 16, 24, 32])}`,
    tp: () => `tp_dst=${random.pick(["80", "53", "443", "0x400/0xfffe", "22"])}`,
    mac: () => `dl_src=${random.pick(MACS)}`,
    vlan: () => random.pick(["dl_vlan=10", "vlan_tci=0x1000/0x1000", "vlan_tci=0/0x1fff"]),
    reg: () => `reg0=${random.below(3)}`,
  };
  const byMatch = new Map<string, string[]>();
  const add = (priority: number, match: string, action: string): void => {
    const key = `${priority} ${match.split(",").sort().join(",")}`;
    const list = byMatch.get(key) ?? [];
    if (list.length === 0) byMatch.set(key, [priority === -1 ? match : rule(table, priority, match, action)]);
    else if (action.startsWith("conj") && list[0]!.includes("conj")) list.push(action);
  };
  for (let id = 1; id <= random.int(1, 4); id++) {
    const names = random.some(Object.keys(dimensions), random.int(2, 4));
    const priority = random.pick([10, 100, 100, 1000]);
    for (const [clause, one] of names.entries())
      for (let i = random.int(1, 4); i > 0; i--)
        add(priority, `${kind},${dimensions[one]!()}`, `conjunction(${id},${clause + 1}/${names.length})`);
    if (random.chance(90))
      add(
        random.chance(80) ? priority : random.pick([1, 2000]),
        `${random.pick([kind, kind, six ? "ipv6" : "ip"])},conj_id=${id}`,
        `output:${random.pick(PORTS)}`,
      );
  }
  for (let i = random.below(5); i > 0; i--) {
    const match = randomMatch(random, { kinds: [kind, six ? "ipv6" : "ip"], ports: PORTS, fields: 2, vlans: false });
    add(random.pick([1, 10, 50, 100, 1000, 2000]), match.text, `output:${random.pick(PORTS)}`);
  }
  const flows = [...byMatch.values()].map((list) => list.join(","));
  flows.push(rule(table, 0, "", "output:4"));
  if (table === 1) flows.push(rule(0, 1, "", `load:${random.below(3)}->NXM_NX_REG0[],resubmit(,1)`));
  const sent = packets(
    random,
    "br0",
    frames(random, six ? ["tcp6", "tcp6", "udp6"] : ["tcp", "tcp", "tcp", "udp"], 8, 25),
  );
  return { one: single(name, { flows }, sent) };
}

/** Rules of several tables whose matches and actions take every group at once, in every version. */
export function mixtureCase(random: Random, name: string): Case {
  const openflow = random.pick(["OpenFlow10", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]);
  const groups: ActionGroup[] = [
    ...(["output", "output", "special", "ethernet", "ip", "transport", "vlan", "register", "move"] as const),
    ...(["stack", "resubmit", "resubmit", "tunnel", "queue", "nested", "check"] as const),
  ];
  const flows = rules(random, {
    kinds: KINDS.filter((kind) => kind !== "mpls"),
    groups,
    tables: random.int(2, 4),
    rules: 6,
    actions: 6,
    openflow,
  });
  return single(
    name,
    { flows, openflow },
    packets(random, "br0", frames(random, [...FRAMES4, ...FRAMES6, "sctp"], 7, 40)),
    {
      vlan_limit: random.pick([1, 1, 2]),
    },
  );
}
