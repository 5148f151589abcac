/**
 * Makes a differing case small: takes away bridges, packets, rules, fields and actions for as long as it still differs in
 * the same aspect. Greedy, larger pieces first; every attempt asks both sides anew.
 */
import type { Case, CaseBridge } from "./case.ts";
import type { Generated } from "./case-parts.ts";
import { splitOutside } from "./megaflow.ts";

/** Whether a smaller case still shows the difference. A case that is refused does not. */
export type StillDiffers = (generated: Generated) => Promise<boolean>;
type Edit = (one: Case) => Case;

/** The smallest case found within `attempts`. */
export async function minimise(start: Generated, stillDiffers: StillDiffers, attempts = 250): Promise<Generated> {
  let best = start;
  let left = attempts;
  for (let smaller = true; smaller && left > 0; ) {
    smaller = false;
    for (let i = 0; left > 0; ) {
      // Edits are numbered by what the case has now: the list is made again after each success.
      const edit = edits(best.one, best.choices === undefined)[i];
      if (!edit) break;
      const one = edit(best.one);
      const candidate: Generated = best.choices ? { one, choices: best.choices.map(edit) } : { one };
      left--;
      if (await stillDiffers(candidate)) {
        best = candidate;
        smaller = true;
      } else i++;
    }
  }
  return best;
}

function edits(one: Case, withActions: boolean): Edit[] {
  const list: Edit[] = [];
  const bridge = (at: number, change: (bridge: CaseBridge) => CaseBridge): Edit => {
    return (before) => ({ ...before, bridges: before.bridges.map((b, i) => (i === at ? change(b) : b)) });
  };
  for (const size of pieces(one.packets.length))
    for (let at = one.packets.length - size; at >= 0; at -= size)
      list.push((before) => ({ ...before, packets: without(before.packets, at, size) }));
  for (const [b, { flows = [] }] of one.bridges.entries())
    for (const size of pieces(flows.length))
      for (let at = flows.length - size; at >= 0; at -= size)
        list.push(bridge(b, (before) => ({ ...before, flows: without(before.flows ?? [], at, size) })));
  for (const [b, { groups = [] }] of one.bridges.entries())
    for (const at of groups.keys())
      list.push(bridge(b, (before) => ({ ...before, groups: without(before.groups ?? [], at, 1) })));
  for (const [b, { name }] of one.bridges.entries())
    if (one.bridges.length > 1)
      list.push((before) => ({
        ...before,
        bridges: without(before.bridges, b, 1),
        packets: before.packets.filter((packet) => packet.bridge !== name),
      }));
  for (const [b, { prefixes, ports = [] }] of one.bridges.entries()) {
    if (prefixes) list.push(bridge(b, ({ prefixes: _, ...rest }) => rest));
    for (const [p, port] of ports.entries())
      if (port.tag !== undefined || port.trunks || port.vlan_mode)
        list.push(
          bridge(b, (before) => ({
            ...before,
            ports: before.ports!.map((q, i) => (i === p ? { name: q.name, ofport: q.ofport } : q)),
          })),
        );
  }
  for (const [b, { flows = [] }] of one.bridges.entries())
    for (const [f, flow] of flows.entries())
      for (const smaller of smallerFlows(flow, withActions))
        list.push(
          bridge(b, (before) => ({ ...before, flows: before.flows!.map((old, i) => (i === f ? smaller(old) : old)) })),
        );
  return list;
}

/** All, halves, quarters … single ones. */
function pieces(length: number): number[] {
  const sizes: number[] = [];
  for (let size = length >> 1; size > 1; size >>= 1) sizes.push(size);
  return length > 0 ? [...sizes, 1] : [];
}

const without = <T>(list: readonly T[], at: number, size: number): T[] => [
  ...list.slice(0, at),
  ...list.slice(at + size),
];

/** A rule without one field of its match, or without one of its actions. */
function smallerFlows(flow: string, withActions: boolean): ((flow: string) => string)[] {
  const [match, acts] = halves(flow);
  const list: ((flow: string) => string)[] = [];
  for (const at of match.keys())
    if (!/^(table|priority)=/.test(match[at]!))
      list.push((before) => joined(without(halves(before)[0], at, 1), halves(before)[1]));
  if (withActions && acts.length > 1)
    for (const at of acts.keys()) list.push((before) => joined(halves(before)[0], without(halves(before)[1], at, 1)));
  return list;
}

function halves(flow: string): [string[], string[]] {
  const at = flow.indexOf("actions=");
  return [splitOutside(flow.slice(0, at)), splitOutside(flow.slice(at + 8))];
}

const joined = (match: readonly string[], acts: readonly string[]): string =>
  [...match, `actions=${acts.join(",")}`].join(",");
