/**
 * What the families are put together from: tables of random rules, frames with their near copies, bridges with ports.
 */
import { type ActionGroup, randomActions } from "./actions.ts";
import { type Case, type CaseBridge, type CaseEvent, type CasePort, LOCAL } from "./case.ts";
import { build, type FrameWish, nearWish, type Protocol, randomWish, toHex } from "./frames.ts";
import { type Kind, type MatchWish, randomMatch } from "./matches.ts";
import type { Random } from "./random.ts";

/** A generated case: with `choices`, each result may be that of any of the choices (what a hash of its own decides). */
export interface Generated {
  readonly one: Case;
  readonly choices?: readonly Case[];
}

export const PRIORITIES = [0, 1, 10, 50, 100, 1000, 32768, 65535];
export const PORTS = [1, 2, 3, 4];
export const TUNNEL_IDS = [100, 101, 0xffffff];
export const FRAMES4: readonly Protocol[] = ["tcp", "udp", "icmp", "arp", "igmp"];
export const FRAMES6: readonly Protocol[] = ["tcp6", "udp6", "icmp6", "ns", "na"];

export interface Rules {
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
export function rules(random: Random, wish: Rules): string[] {
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

export const rule = (table: number, priority: number, match: string, actions: string): string =>
  `table=${table},priority=${priority},${match}${match ? "," : ""}actions=${actions}`;

/** Frames: fresh ones, repeated ones, and ones that differ in one field. */
export function frames(random: Random, protocols: readonly Protocol[], count: number, tagged = 30): Uint8Array[] {
  return frameWishes(random, protocols, count, tagged).map(build);
}

export function frameWishes(
  random: Random,
  protocols: readonly Protocol[],
  count: number,
  tagged: number,
): FrameWish[] {
  const wishes: FrameWish[] = [];
  for (let i = 0; i < count; i++) {
    const before = wishes.length > 0 ? random.pick(wishes) : undefined;
    if (before && random.chance(45)) wishes.push(nearWish(random, before));
    else if (before && random.chance(20)) wishes.push(before);
    else wishes.push(randomWish(random, protocols, tagged));
  }
  return wishes;
}

export function packets(
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

export const plainPorts = (ports: readonly number[] = PORTS): CasePort[] =>
  ports.map((ofport) => ({ name: `p${ofport}`, ofport }));

/** A case of one bridge without state. */
export function single(
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

export const patchPort = (name: string, ofport: number, peer: string): CasePort => ({
  name,
  ofport,
  type: "patch",
  options: { peer },
});

export function vlanPorts(shape: Random): CasePort[] {
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
