/**
 * Families after what the first ones touch only lightly: all that learn can say, packet lengths, clones, conjunctions, and
 * mixtures of everything.
 */
import { type ActionGroup, randomActions } from "./actions.ts";
import type { Case, CaseEvent } from "./case.ts";
import {
  FRAMES4,
  FRAMES6,
  frames,
  type Generated,
  PORTS,
  PRIORITIES,
  packets,
  rule,
  rules,
  single,
} from "./case-parts.ts";
import { ADDRESSES, ADDRESSES6, MACS } from "./frames.ts";
import { KINDS, type Kind, randomMatch } from "./matches.ts";
import type { Random } from "./random.ts";

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
