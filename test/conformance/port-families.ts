/** Families after ports: their state, limits of the MAC table, two tags, tunnels by flow. */

import type { Case, CaseBridge, CaseEvent, CasePort } from "./case.ts";
import {
  frames,
  frameWishes,
  PORTS,
  PRIORITIES,
  packets,
  plainPorts,
  rule,
  single,
  TUNNEL_IDS,
  vlanPorts,
} from "./case-parts.ts";
import { build, encapsulate, GROUP_MACS, toHex } from "./frames.ts";
import { randomMatch } from "./matches.ts";
import type { Random } from "./random.ts";

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
