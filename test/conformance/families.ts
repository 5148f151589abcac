/**
 * Families of random cases, each after one part of the switch. A case is a function of its family, seed and number
 * alone: "acl-1-42" is the same everywhere. Bridges are the same for a run of numbers, so that the oracle keeps them.
 */
import type { ActionGroup } from "./actions.ts";
import { randomActions } from "./actions.ts";
import type { Case } from "./case.ts";
import {
  FRAMES4,
  FRAMES6,
  frames,
  frameWishes,
  type Generated,
  PORTS,
  PRIORITIES,
  packets,
  patchPort,
  rule,
  rules,
  single,
  vlanPorts,
} from "./case-parts.ts";
import { build, damage } from "./frames.ts";
import { KINDS, type Kind, randomMatch } from "./matches.ts";
import { changesCase, limitsCase, spellingCase } from "./more-families.ts";
import { macCase, portCase, qinqCase, tunnelFlowCase } from "./port-families.ts";
import { Random } from "./random.ts";
import { actionSetCase, groupChainCase, maskCase } from "./set-families.ts";
import { conjunctionCase, groupCase, hashCase, learnRules, tunnelCase } from "./special-families.ts";
import { cloneCase, learnFullCase, lengthCase, mixtureCase, wideConjunctionCase } from "./wider-families.ts";

/** Numbers of a family that share their bridges. */
const SAME_SHAPE = 40;
const IP4: readonly Kind[] = ["ip", "tcp", "udp", "icmp"];
const IP6: readonly Kind[] = ["ipv6", "tcp6", "udp6", "icmp6", "ns", "na"];

type Make = (random: Random, shape: Random, name: string) => Case | Generated;

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
    // A tag's DEI bit survives a flood or not by the order of the ports, which is that of a hash table: no such bit here.
    // And ofproto/trace takes no flow with two tags, so they stay unparsed.
    const list = frameWishes(random, ["tcp", "arp", "arp", "icmp", "icmp6", "llc"], 10, 40).map((wish) =>
      build({ ...wish, tags: wish.tags.map(([tpid, tci]) => [tpid, tci & 0xefff] as const) }),
    );
    return { ...single(name, bridge, packets(random, "br0", list)), stateless: false, vlan_limit: 1 };
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

  changes: (random, _, name) => changesCase(random, name),
  spelling: (random, _, name) => spellingCase(random, name),
  limits: (random, _, name) => limitsCase(random, name),
  groups: (random, _, name) => groupCase(random, name),
  conjunction: (random, _, name) => conjunctionCase(random, name),
  bundle: (random, _, name) => hashCase(random, name),
  masks: (random, _, name) => maskCase(random, name),
  sets: (random, _, name) => actionSetCase(random, name),
  chains: (random, _, name) => groupChainCase(random, name),
  learning: (random, _, name) => learnFullCase(random, name),
  lengths: (random, _, name) => lengthCase(random, name),
  clones: (random, _, name) => cloneCase(random, name),
  ports: (random, shape, name) => portCase(random, shape, name),
  macs: (random, shape, name) => macCase(random, shape, name),
  qinq: (random, shape, name) => qinqCase(random, shape, name),
  endpoints: (random, shape, name) => tunnelFlowCase(random, shape, name),
  clauses: (random, _, name) => wideConjunctionCase(random, name),
  mixture: (random, _, name) => mixtureCase(random, name),
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
