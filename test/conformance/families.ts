/**
 * Families of random cases, each after one part of the switch. A case is a function of its family, seed and number
 * alone: "acl-1-42" is the same everywhere. Bridges are the same for a run of numbers, so that the oracle keeps them.
 */
import { type ActionGroup, randomActions } from "./actions.ts";
import type { Case, CaseBridge, CaseEvent, CasePort } from "./case.ts";
import { LOCAL } from "./case.ts";
import {
  build,
  damage,
  encapsulate,
  type FrameWish,
  MACS,
  nearWish,
  type Protocol,
  randomWish,
  toHex,
} from "./frames.ts";
import { KINDS, type Kind, type MatchWish, randomMatch } from "./matches.ts";
import { Random } from "./random.ts";

/** A generated case: with `choices`, each result may be that of any of the choices (what a hash of its own decides). */
export interface Generated {
  readonly one: Case;
  readonly choices?: readonly Case[];
}

/** Numbers of a family that share their bridges. */
const SAME_SHAPE = 40;
const PRIORITIES = [0, 1, 10, 50, 100, 1000, 32768, 65535];
const PORTS = [1, 2, 3, 4];
const IP4: readonly Kind[] = ["ip", "tcp", "udp", "icmp"];
const IP6: readonly Kind[] = ["ipv6", "tcp6", "udp6", "icmp6", "ns", "na"];
const FRAMES4: readonly Protocol[] = ["tcp", "udp", "icmp", "arp", "igmp"];
const FRAMES6: readonly Protocol[] = ["tcp6", "udp6", "icmp6", "ns", "na"];
const TUNNEL_IDS = [100, 101, 0xffffff];

interface Rules {
  readonly kinds: readonly Kind[];
  readonly groups: readonly ActionGroup[];
  readonly tables?: number;
  readonly rules?: number;
  readonly fields?: number;
  readonly actions?: number;
  readonly openflow?: string;
  readonly match?: Partial<MatchWish>;
  readonly ports?: readonly number[];
}

/** Rules of a table graph that only goes forward; equal priorities do not overlap by chance less than they would in life. */
function rules(random: Random, wish: Rules): string[] {
  const { tables = 1, ports = PORTS, openflow = "OpenFlow10" } = wish;
  const flows: string[] = [];
  for (let table = 0; table < tables; table++) {
    const later = [...Array(tables).keys()].filter((other) => other > table);
    for (let i = random.int(2, wish.rules ?? 8); i > 0; i--) {
      const match = randomMatch(random, {
        kinds: wish.kinds,
        ports,
        fields: wish.fields ?? 3,
        registers: table > 0,
        metadata: table > 0,
        ...wish.match,
      });
      const actions = randomActions(random, {
        groups: later.length > 0 ? wish.groups : wish.groups.filter((group) => group !== "resubmit"),
        kind: match.kind,
        tagged: match.tagged,
        ports,
        openflow,
        tables: later,
        tunnelIds: TUNNEL_IDS,
        count: wish.actions ?? 4,
      });
      flows.push(rule(table, random.pick(PRIORITIES), match.text, random.chance(5) ? "drop" : actions.join(",")));
    }
    if (random.chance(70)) {
      const last =
        later.length > 0 && random.chance(70) ? `resubmit(,${random.pick(later)})` : `output:${random.pick(ports)}`;
      flows.push(rule(table, 0, "", last));
    }
  }
  return flows;
}

const rule = (table: number, priority: number, match: string, actions: string): string =>
  `table=${table},priority=${priority},${match}${match ? "," : ""}actions=${actions}`;

/** Frames: fresh ones, repeated ones, and ones that differ in one field. */
function frames(random: Random, protocols: readonly Protocol[], count: number, tagged = 30): Uint8Array[] {
  const wishes: FrameWish[] = [];
  for (let i = 0; i < count; i++) {
    const before = wishes.length > 0 ? random.pick(wishes) : undefined;
    if (before && random.chance(45)) wishes.push(nearWish(random, before));
    else if (before && random.chance(20)) wishes.push(before);
    else wishes.push(randomWish(random, protocols, tagged));
  }
  return wishes.map(build);
}

function packets(
  random: Random,
  bridge: string,
  list: readonly Uint8Array[],
  ports: readonly number[] = PORTS,
): CaseEvent[] {
  let port = random.pick(ports);
  return list.map((bytes) => {
    if (random.chance(40)) port = random.chance(8) ? LOCAL : random.pick(ports);
    return { bridge, in_port: port, hex: toHex(bytes) };
  });
}

const plainPorts = (ports: readonly number[] = PORTS): CasePort[] =>
  ports.map((ofport) => ({ name: `p${ofport}`, ofport }));

type Make = (random: Random, shape: Random, name: string) => Case | Generated;

/** A case of one bridge without state. */
function single(
  name: string,
  bridge: Partial<CaseBridge>,
  events: readonly CaseEvent[],
  more: Partial<Case> = {},
): Case {
  return {
    name,
    stateless: true,
    bridges: [{ name: "br0", ports: plainPorts(), ...bridge }],
    packets: events,
    ...more,
  };
}

const MAKERS: Readonly<Record<string, Make>> = {
  acl: (random, _, name) => {
    const flows = rules(random, {
      kinds: KINDS.filter((kind) => kind !== "mpls"),
      groups: ["output", "output", "special", "ethernet", "ip", "vlan"],
      rules: 20,
    });
    return single(
      name,
      { flows },
      packets(random, "br0", frames(random, [...FRAMES4, ...FRAMES6, "sctp", "llc", "other"], 7)),
    );
  },

  prefixes: (random, shape, name) => {
    const fields = shape.pick([
      undefined,
      { "0": ["nw_dst"] },
      { "0": ["nw_dst", "nw_src", "ipv6_dst"] },
      { "0": ["ipv6_src"] },
      { "0": [] },
    ]);
    const kinds = shape.pick([IP4, IP6, [...IP4, ...IP6, "arp" as const]]);
    const flows = rules(random, { kinds, groups: ["output"], rules: 24, actions: 1, match: { vlans: false } });
    return single(
      name,
      { flows, ...(fields ? { prefixes: fields } : {}) },
      packets(random, "br0", frames(random, kinds === IP6 ? FRAMES6 : [...FRAMES4, "tcp6"], 8, 5)),
    );
  },

  pipeline: (random, _, name) => {
    const groups: ActionGroup[] = [
      "output",
      "resubmit",
      "resubmit",
      "register",
      "ethernet",
      "ip",
      "move",
      "vlan",
      "check",
      "special",
    ];
    const flows = rules(random, {
      kinds: KINDS.filter((kind) => kind !== "mpls"),
      groups,
      tables: random.int(2, 5),
      rules: 6,
    });
    return single(name, { flows }, packets(random, "br0", frames(random, [...FRAMES4, ...FRAMES6], 6)));
  },

  goto: (random, _, name) => {
    const tables = random.int(2, 4);
    const flows: string[] = [];
    const openflow = random.pick(["OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]);
    for (let table = 0; table < tables; table++)
      for (let i = random.int(2, 6); i >= 0; i--) {
        const match =
          i === 0
            ? { kind: "any" as const, tagged: false, text: "" }
            : randomMatch(random, {
                kinds: KINDS.filter((kind) => kind !== "mpls"),
                ports: PORTS,
                fields: 2,
                metadata: table > 0,
              });
        const base = { kind: match.kind, tagged: match.tagged, ports: PORTS, openflow, tables: [], count: 3 };
        // Instructions in the order that OpenFlow gives them.
        const parts = random.chance(70)
          ? randomActions(random, { ...base, groups: ["output", "ethernet", "vlan", "ip", "transport"] })
          : [];
        if (random.chance(12)) parts.push("clear_actions");
        if (random.chance(40)) {
          const set = randomActions(random, { ...base, groups: ["output", "ethernet", "ip", "transport"], count: 3 });
          if (random.chance(30)) set.push(random.pick(["push_vlan:0x8100", "set_queue:2", "resubmit(,9)"].slice(0, 2)));
          parts.push(`write_actions(${set.join(",")})`);
        }
        if (random.chance(40)) parts.push(`write_metadata:${random.pick(["1", "2", "3/0x3", "1/0x1", "0/0x2"])}`);
        if (table + 1 < tables && random.chance(80)) parts.push(`goto_table:${random.int(table + 1, tables - 1)}`);
        flows.push(rule(table, i === 0 ? 0 : random.pick(PRIORITIES.slice(1)), match.text, parts.join(",") || "drop"));
      }
    return single(name, { flows, openflow }, packets(random, "br0", frames(random, [...FRAMES4, ...FRAMES6], 6)));
  },

  vlan: (random, shape, name) => {
    const openflow = random.pick(["OpenFlow10", "OpenFlow13", "OpenFlow14"]);
    const flows = rules(random, {
      kinds: ["any", "any", "ip", "arp"],
      groups: ["output", "output", "vlan", "vlan", "vlan", "special"],
      rules: 12,
      fields: 2,
      actions: 6,
      openflow,
    });
    return single(name, { flows, openflow }, packets(random, "br0", frames(random, FRAMES4, 7, 75)), {
      vlan_limit: shape.pick([1, 1, 2, 2, 0]),
    });
  },

  rewrite: (random, _, name) => {
    const openflow = random.pick(["OpenFlow10", "OpenFlow10", "OpenFlow13"]);
    const groups: ActionGroup[] = ["output", "ethernet", "ip", "ip", "transport", "transport", "vlan", "move", "queue"];
    const flows = rules(random, {
      kinds: KINDS.filter((kind) => kind !== "mpls"),
      groups,
      rules: 12,
      fields: 1,
      actions: 8,
      openflow,
    });
    return single(
      name,
      { flows, openflow },
      packets(random, "br0", frames(random, [...FRAMES4, ...FRAMES6, "sctp"], 7)),
    );
  },

  ipv6: (random, _, name) => {
    const flows = rules(random, {
      kinds: IP6,
      groups: ["output", "output", "ip", "transport", "ethernet"],
      rules: 16,
      tables: random.int(1, 2),
    });
    return single(name, { flows }, packets(random, "br0", frames(random, FRAMES6, 8)));
  },

  hostile: (random, shape, name) => {
    const flows = rules(random, {
      kinds: KINDS,
      groups: ["output", "output", "special", "ip", "transport", "vlan", "ethernet"],
      rules: 14,
    });
    const list = frames(random, [...FRAMES4, ...FRAMES6, "llc", "other", "mpls", "sctp"], 10).map((bytes) =>
      random.chance(85) ? damage(random, bytes) : bytes,
    );
    return single(name, { flows }, packets(random, "br0", list), { vlan_limit: shape.pick([1, 2]) });
  },

  normal: (random, shape, name) => {
    const ports = vlanPorts(shape);
    const flows = ["priority=0,actions=NORMAL"];
    for (let i = random.below(4); i > 0; i--) {
      const match = randomMatch(random, { kinds: ["ip", "arp", "any"], ports: PORTS, fields: 2 });
      flows.push(
        `priority=50,${match.text ? `${match.text},` : ""}actions=${random.pick(["NORMAL", "mod_vlan_vid:10,NORMAL", "strip_vlan,NORMAL", "NORMAL,output:1", "output:2"])}`,
      );
    }
    const bridge = { ports, flows, fail_mode: shape.pick(["secure", "standalone"] as const) };
    return {
      ...single(
        name,
        bridge,
        packets(random, "br0", frames(random, ["tcp", "arp", "arp", "icmp", "icmp6", "llc"], 10, 40)),
      ),
      stateless: false,
      vlan_limit: 1,
    };
  },

  learn: (random, _, name) => {
    const { flows, protocols } = learnRules(random);
    return { ...single(name, { flows }, packets(random, "br0", frames(random, protocols, 8, 40))), stateless: false };
  },

  patch: (random, shape, name) => {
    const inner = rules(random, {
      kinds: KINDS.filter((kind) => kind !== "mpls"),
      groups: ["output", "output", "resubmit", "ethernet", "vlan", "register", "special", "ip"],
      tables: 2,
      rules: 5,
      ports: [1, 2, 3],
    });
    const outer = rules(random, {
      kinds: ["any", "ip", "arp", "tcp"],
      groups: ["output", "output", "resubmit", "vlan", "register", "special"],
      tables: 2,
      rules: 5,
      ports: [1, 5, 6],
    });
    const tag = shape.pick([{}, {}, { tag: 10 }]);
    return {
      name,
      stateless: true,
      bridges: [
        {
          name: "br-int",
          ports: [patchPort("patch-tun", 1, "patch-int"), { name: "v2", ofport: 2, ...tag }, { name: "v3", ofport: 3 }],
          flows: inner,
        },
        {
          name: "br-tun",
          ports: [patchPort("patch-int", 1, "patch-tun"), { name: "u5", ofport: 5 }, { name: "u6", ofport: 6 }],
          flows: outer,
        },
      ],
      packets: [
        ...packets(random, "br-int", frames(random, [...FRAMES4, "tcp6"], 4), [2, 3]),
        ...packets(random, "br-tun", frames(random, FRAMES4, 3), [5, 6]),
      ],
    };
  },

  tunnel: (random, shape, name) => tunnelCase(random, shape, name),

  registers: (random, _, name) => {
    const groups: ActionGroup[] = [
      "register",
      "register",
      "move",
      "move",
      "stack",
      "resubmit",
      "output",
      "special",
      "nested",
    ];
    const flows = rules(random, {
      kinds: ["any", "ip", "tcp", "tcp6", "arp"],
      groups,
      tables: 3,
      rules: 5,
      actions: 6,
    });
    return single(name, { flows }, packets(random, "br0", frames(random, ["tcp", "udp", "arp", "tcp6"], 6)));
  },

  mpls: (random, _, name) => {
    const openflow = "OpenFlow13";
    const flows = rules(random, {
      kinds: ["mpls", "mpls", "any", "ip", "tcp"],
      groups: ["output", "mpls", "mpls", "ethernet"],
      rules: 8,
      fields: 2,
      actions: 3,
      openflow,
    });
    return single(
      name,
      { flows, openflow },
      packets(random, "br0", frames(random, ["mpls", "mpls", "tcp", "udp"], 6, 20)),
    );
  },

  groups: (random, _, name) => groupCase(random, name),
  conjunction: (random, _, name) => conjunctionCase(random, name),
  bundle: (random, _, name) => hashCase(random, name),
};

export const FAMILIES: readonly string[] = Object.keys(MAKERS);

/** Case number `index` of a family. Throws where there is no such family. */
export function generate(family: string, seed: number, index: number): Generated {
  const make = MAKERS[family];
  if (!make) throw new Error(`no family ${family}: expected ${FAMILIES.join(", ")}`);
  const name = `${family}-${seed}-${index}`;
  const shape = new Random(`${family} ${seed} shape ${Math.floor(index / SAME_SHAPE)}`);
  const made = make(new Random(name), shape, name);
  return "one" in made ? made : { one: made };
}

const patchPort = (name: string, ofport: number, peer: string): CasePort => ({
  name,
  ofport,
  type: "patch",
  options: { peer },
});

function vlanPorts(shape: Random): CasePort[] {
  return PORTS.map((ofport) => {
    const port = { name: `p${ofport}`, ofport };
    const trunks = shape.some([0, 1, 10, 11, 100], 3);
    switch (shape.below(7)) {
      case 0:
      case 1:
        return port;
      case 2:
        return { ...port, tag: shape.pick([10, 100]) };
      case 3:
        return { ...port, trunks };
      case 4:
        return { ...port, tag: 10, vlan_mode: "native-tagged" };
      case 5:
        return { ...port, tag: 10, vlan_mode: "native-untagged", ...(shape.chance(50) ? { trunks } : {}) };
      default:
        return { ...port, tag: 100, vlan_mode: "access" };
    }
  });
}

function learnRules(random: Random): { flows: string[]; protocols: readonly Protocol[] } {
  const timeout = random.pick(["", "hard_timeout=300,", "idle_timeout=60,", "hard_timeout=300,idle_timeout=60,"]);
  const more = random.pick(["", "", "fin_idle_timeout=5,", "send_flow_rem,", "cookie=0x7,"]);
  const head = `table=20,priority=${random.pick([1, 10])},${timeout}${more}`;
  const out = random.pick([
    "output:NXM_OF_IN_PORT[]",
    "output:NXM_OF_IN_PORT[]",
    "load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]",
  ]);
  const learn = random.pick([
    `learn(${head}NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],${out})`,
    `learn(${head}NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0->NXM_OF_VLAN_TCI[],${out})`,
    `learn(${head}NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0x1->NXM_NX_REG1[],${out})`,
    `learn(${head}eth_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[],${out})`,
    `learn(${head}dl_type=0x0806,NXM_OF_ARP_SPA[]=NXM_OF_ARP_TPA[],${out})`,
    `learn(${head}eth_type=0x800,nw_proto=6,NXM_OF_IP_SRC[]=NXM_OF_IP_DST[],NXM_OF_TCP_DST[]=NXM_OF_TCP_SRC[],${out})`,
    `learn(${head}dl_src=50:54:00:00:00:01,NXM_OF_ETH_DST[0..15]=NXM_OF_ETH_SRC[0..15],${out})`,
  ]);
  const match = learn.includes("TCP")
    ? "tcp"
    : learn.includes("IP_")
      ? "ip"
      : learn.includes("ARP")
        ? "arp"
        : random.pick(["", "in_port=1", "arp"]);
  const flows = [
    rule(0, 10, match, `${learn},resubmit(,20)${random.pick(["", ",resubmit(,21)", ",output:4"])}`),
    rule(0, 1, "", random.pick(["resubmit(,20)", "drop", "output:2"])),
    rule(20, 0, "", random.pick(["resubmit(,22)", "flood", "drop"])),
    rule(21, 5, `reg0=${random.int(0, 4)}`, "output:3"),
    rule(22, 32768, "", random.pick(["flood", "output:1,output:2", "NORMAL"])),
  ];
  return { flows, protocols: match === "arp" ? ["arp", "arp", "tcp"] : ["tcp", "tcp", "arp", "udp"] };
}

function tunnelCase(random: Random, shape: Random, name: string): Case {
  const kinds = ["gre", "vxlan", "geneve"] as const;
  const remotes = ["172.31.1.2", "172.31.1.3"];
  const ports: CasePort[] = plainPorts([1, 2, 3]).map((port) => ({ ...port, name: `v${port.ofport}` }));
  for (const [i, type] of kinds.entries())
    for (const [j, remote] of remotes.entries()) {
      const key: string | number = shape.chance(75) ? "flow" : shape.pick(TUNNEL_IDS);
      const tos = shape.pick<Record<string, string>>([{}, {}, { tos: "inherit" }, { tos: "8" }]);
      const ttl = shape.pick<Record<string, string>>([{}, {}, {}, { ttl: "inherit" }, { ttl: "17" }]);
      const df = shape.pick<Record<string, string>>([{}, {}, { df_default: "false" }]);
      const csum = shape.pick<Record<string, string>>([{}, {}, {}, {}, {}, { csum: "true" }]);
      ports.push({
        name: `${type}-${j + 2}`,
        ofport: 10 + 2 * i + j,
        type,
        options: { remote_ip: remote, key, ...tos, ...ttl, ...df, ...csum },
      });
    }
  const all = ports.map((port) => port.ofport);
  const match = { tunnelIds: TUNNEL_IDS };
  const flows = rules(random, {
    kinds: ["any", "any", "ip", "tcp", "arp", "tcp6"],
    groups: ["output", "output", "tunnel", "tunnel", "ethernet", "vlan", "ip"],
    rules: 9,
    actions: 5,
    ports: all,
    match,
  });
  flows.push(rule(0, 0, "", `set_tunnel:0x64,output:${random.pick(all)},output:${random.pick(all)}`));
  const physical: CaseBridge = {
    name: "br-phys",
    ports: [{ name: "eth0", ofport: 1 }],
    flows: ["in_port=1,actions=LOCAL", "in_port=LOCAL,actions=output:1"],
    mac: "aa:55:aa:55:00:01",
    ip: "172.31.1.1/24",
    neighbours: { "172.31.1.2": "aa:bb:cc:00:00:02", "172.31.1.3": "aa:bb:cc:00:00:03" },
  };
  const events = packets(random, "br-tun", frames(random, [...FRAMES4, "tcp6"], 4), [1, 2, 3]);
  for (const inner of frames(random, [...FRAMES4, "tcp6"], 3)) {
    const remote = random.below(2);
    const outer = {
      dlSrc: `aa:bb:cc:00:00:0${remote + 2}`,
      dlDst: "aa:55:aa:55:00:01",
      src: remotes[remote]!,
      dst: "172.31.1.1",
      key: random.pick(TUNNEL_IDS),
      tos: random.pick([0, 0, 3, 0xb8]),
    };
    events.push({ bridge: "br-phys", in_port: 1, hex: toHex(encapsulate(inner, random.pick(kinds), outer)) });
  }
  return { name, stateless: true, bridges: [physical, { name: "br-tun", ports, flows }], packets: events };
}

/** Buckets of one group. */
function buckets(random: Random, type: string): string[] {
  const list: string[] = [];
  for (let i = type === "indirect" ? 1 : random.int(1, 4); i > 0; i--) {
    const actions = randomActions(random, {
      groups: ["output", "output", "mac"],
      kind: "any",
      tagged: false,
      ports: PORTS,
      openflow: "OpenFlow13",
      tables: [],
      count: 3,
    });
    const watch = type === "ff" ? `watch_port:${random.pick([1, 2, 3, 4, 99])},` : "";
    list.push(`bucket=${watch}actions=${actions.join(",")}`);
  }
  return list;
}

function groupCase(random: Random, name: string): Generated {
  const types = ["all", "indirect", "ff", "select"] as const;
  const definitions = [1, 2, 3].map((id) => ({ id, type: random.pick(types), buckets: [] as string[] }));
  let selects = 0;
  for (const group of definitions) {
    if (group.type === "select" && selects++ > 0) group.type = "all"; // One choice to judge at a time.
    group.buckets = buckets(random, group.type);
  }
  const hash = random.chance(40) ? ",selection_method=hash,fields(ip_src,tcp_dst)" : "";
  const text = (group: (typeof definitions)[number]): string =>
    `group_id=${group.id},type=${group.type}${group.type === "select" ? hash : ""},${group.buckets.join(",")}`;
  const openflow = "OpenFlow13";
  const flows: string[] = [];
  for (let i = random.int(2, 6); i >= 0; i--) {
    const match =
      i === 0 ? { text: "" } : randomMatch(random, { kinds: ["any", "ip", "tcp", "arp"], ports: PORTS, fields: 2 });
    const before = random.pick(["", "", `mod_dl_src:${random.pick(MACS)},`, "output:4,"]);
    flows.push(
      rule(
        0,
        i === 0 ? 0 : random.pick(PRIORITIES.slice(1)),
        match.text,
        `${before}group:${random.int(1, 3)}${random.pick(["", ",output:2"])}`,
      ),
    );
  }
  const events = packets(random, "br0", frames(random, ["tcp", "udp", "arp", "tcp6"], 6));
  const one = single(name, { flows, openflow, groups: definitions.map(text) }, events);
  const select = definitions.find((group) => group.type === "select");
  if (!select) return { one };
  const choices = select.buckets.map((bucket) => {
    const groups = definitions.map((group) =>
      group === select ? `group_id=${group.id},type=indirect,${bucket}` : text(group),
    );
    return single(name, { flows, openflow, groups }, events);
  });
  return { one, choices };
}

function conjunctionCase(random: Random, name: string): Case {
  const flows: string[] = [];
  for (let id = 1; id <= random.int(1, 3); id++) {
    const clauses = random.int(2, 3);
    const priority = random.pick([10, 100, 1000]);
    const dimensions = random.some(["src", "dst", "port", "tos"], clauses);
    for (const [clause, dimension] of dimensions.entries())
      for (let i = random.int(1, 4); i > 0; i--) {
        const field =
          dimension === "src" || dimension === "dst"
            ? `nw_${dimension}=${random.pick(["10.0.0.1", "10.0.0.0/24", "10.1.0.1", "10.0.0.2", "172.16.0.0/12"])}`
            : dimension === "port"
              ? `tp_dst=${random.pick(["80", "53", "0x400/0xfffe", "443"])}`
              : `nw_tos=${random.pick([0, 32, 184])}`;
        flows.push(rule(0, priority, `tcp,${field}`, `conjunction(${id},${clause + 1}/${clauses})`));
      }
    if (random.chance(90)) flows.push(rule(0, priority, `tcp,conj_id=${id}`, `output:${random.pick(PORTS)}`));
  }
  for (let i = random.below(4); i > 0; i--) {
    const match = randomMatch(random, { kinds: ["tcp", "ip"], ports: PORTS, fields: 2, vlans: false });
    flows.push(rule(0, random.pick([1, 10, 50, 100, 1000, 2000]), match.text, `output:${random.pick(PORTS)}`));
  }
  // The same match twice is one rule: several conjunctions of it are written together.
  const byMatch = new Map<string, string[]>();
  for (const flow of flows) {
    const [match, actions] = flow.split(",actions=") as [string, string];
    const key = match.split(",").sort().join(",");
    const list = byMatch.get(key) ?? [];
    if (list.length === 0 || (actions.startsWith("conj") && list[0]!.includes("conj")))
      byMatch.set(key, [...list, list.length === 0 ? `${match},actions=${actions}` : actions]);
  }
  const merged = [...byMatch.values()].map((list) => list.join(","));
  merged.push(rule(0, 0, "", "output:4"));
  return single(name, { flows: merged }, packets(random, "br0", frames(random, ["tcp", "tcp", "tcp", "udp"], 8, 5)));
}

function hashCase(random: Random, name: string): Generated {
  const fields = random.pick([
    "eth_src",
    "symmetric_l4",
    "symmetric_l3l4",
    "symmetric_l3l4+udp",
    "nw_src",
    "nw_dst",
    "symmetric_l3",
  ]);
  const slaves = random.some(PORTS, random.int(1, 3));
  const bundle = random.chance(50);
  const algorithm = bundle ? "hrw" : random.pick(["modulo_n", "hash_threshold", "hrw", "iter_hash"]);
  const events = packets(random, "br0", frames(random, ["tcp", "udp", "arp", "tcp6", "icmp"], 6, 20));
  const rest = [...slaves.keys()].map((link) => rule(1, 10, `reg2=${link}`, `output:${slaves[link]}`));
  const make = (action: string): Case => {
    const first = rule(0, 10, random.chance(0) ? "ip" : "", `${action}${bundle ? "" : ",resubmit(,1)"}`);
    return single(name, { flows: bundle ? [first] : [first, ...rest] }, events);
  };
  const basis = random.below(4);
  if (bundle) {
    const one = make(`bundle(${fields},${basis},${algorithm},ofport,members:${slaves.join(",")})`);
    return { one, choices: slaves.map((port) => make(`output:${port}`)) };
  }
  const one = make(`multipath(${fields},${basis},${algorithm},${slaves.length},0,NXM_NX_REG2[])`);
  return { one, choices: slaves.map((_, link) => make(`load:${link}->NXM_NX_REG2[]`)) };
}
