/**
 * Families whose rules hang together: learn, tunnels, groups, conjunctions, and actions that choose by a hash.
 */
import { randomActions } from "./actions.ts";
import type { Case, CaseBridge, CasePort } from "./case.ts";
import {
  FRAMES4,
  frames,
  type Generated,
  PORTS,
  PRIORITIES,
  packets,
  plainPorts,
  rule,
  rules,
  single,
  TUNNEL_IDS,
} from "./case-parts.ts";
import { encapsulate, MACS, type Protocol, toHex } from "./frames.ts";
import { randomMatch } from "./matches.ts";
import type { Random } from "./random.ts";

export function learnRules(random: Random): { flows: string[]; protocols: readonly Protocol[] } {
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

export function tunnelCase(random: Random, shape: Random, name: string): Case {
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

export function groupCase(random: Random, name: string): Generated {
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

export function conjunctionCase(random: Random, name: string): Case {
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

export function hashCase(random: Random, name: string): Generated {
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
