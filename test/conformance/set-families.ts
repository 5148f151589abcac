/** Families after masks on every field, action sets, and groups in groups. */
import { randomActions } from "./actions.ts";
import type { Case } from "./case.ts";
import { FRAMES4, FRAMES6, frames, PORTS, PRIORITIES, packets, plainPorts, rule, single } from "./case-parts.ts";
import { MACS } from "./frames.ts";
import { KIND_WORD, MASKED, masked } from "./masked-field.ts";
import { KINDS, randomMatch } from "./matches.ts";
import type { Random } from "./random.ts";

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
