/**
 * The difference of two run results: counts that are not equal, and times whose intervals do not overlap. Pure.
 */
import type { ModeResult, RunResult } from "../trial/result.ts";
import { isDisturbed } from "../trial/sampling.ts";
import type { Spread } from "../trial/statistics.ts";

export interface CountDifference {
  readonly mode: string;
  /** Path in the mode's result: "nodes.test114.routings". */
  readonly name: string;
  /** null: the other side only. */
  readonly a: number | null;
  readonly b: number | null;
}

export interface TimeDifference {
  readonly mode: string;
  readonly name: string;
  readonly a: Spread;
  readonly b: Spread;
  /** b / a of the medians. */
  readonly ratio: number;
  /** The intervals do not overlap, and neither side is disturbed. */
  readonly differs: boolean;
  /** Others had the core for more than 5 % of the time of either side: nothing follows from a difference. */
  readonly disturbed: boolean;
}

export interface Comparison {
  readonly format: "eastwest comparison";
  readonly version: 1;
  readonly modesOnlyInA: readonly string[];
  readonly modesOnlyInB: readonly string[];
  /** Settings that were not the same: network, topology, captures, Node, CPU. */
  readonly settings: readonly { readonly name: string; readonly a: string; readonly b: string }[];
  readonly counts: readonly CountDifference[];
  readonly times: readonly TimeDifference[];
}

export function compareResults(a: RunResult, b: RunResult): Comparison {
  const inA = Object.keys(a.modes);
  const inB = Object.keys(b.modes);
  const both = inA.filter((mode) => inB.includes(mode));
  return {
    format: "eastwest comparison",
    version: 1,
    modesOnlyInA: inA.filter((mode) => !inB.includes(mode)),
    modesOnlyInB: inB.filter((mode) => !inA.includes(mode)),
    settings: settingsOf(a, b, both),
    counts: both.flatMap((mode) => countsOf(mode, a.modes[mode], b.modes[mode])),
    times: both.flatMap((mode) => timesOf(mode, a.modes[mode], b.modes[mode])),
  };
}

function settingsOf(a: RunResult, b: RunResult, both: readonly string[]): { name: string; a: string; b: string }[] {
  const pairs: [string, string, string][] = [
    ["eastwest", a.eastwest, b.eastwest],
    ["interrupted", String(a.interrupted), String(b.interrupted)],
    ...(["node", "v8", "platform", "cpu", "cores"] as const).map((name): [string, string, string] => [
      name,
      String(a.environment[name]),
      String(b.environment[name]),
    ]),
    ...both.flatMap((mode): [string, string, string][] => {
      const [x, y] = [a.modes[mode], b.modes[mode]];
      const inputs = (of: ModeResult): string => of.inputs.map(({ port, file }) => `${port}=${file}`).join(" ");
      return [
        [`${mode}: network`, x.network, y.network],
        [`${mode}: topology`, x.topology.name, y.topology.name],
        [`${mode}: captures`, inputs(x), inputs(y)],
        [`${mode}: pace`, x.pace?.asked ?? "none", y.pace?.asked ?? "none"],
        [`${mode}: card, bit/s`, String(x.capacity.nicBitsPerSecond), String(y.capacity.nicBitsPerSecond)],
      ];
    }),
  ];
  return pairs.filter(([, x, y]) => x !== y).map(([name, x, y]) => ({ name, a: x, b: y }));
}

function countsOf(mode: string, a: ModeResult, b: ModeResult): CountDifference[] {
  const [x, y] = [numbersOf(a), numbersOf(b)];
  const names = [...x.keys(), ...[...y.keys()].filter((name) => !x.has(name))];
  return names
    .filter((name) => x.get(name) !== y.get(name))
    .map((name) => ({ mode, name, a: x.get(name) ?? null, b: y.get(name) ?? null }));
}

/** Every count of a mode by its path; members of lists by their name. Reasons without drops count as 0 when absent. */
function numbersOf(mode: ModeResult): Map<string, number> {
  const counts = new Map<string, number>();
  const { offered, packets, bytes, passes, tunnelPasses, recirculations, encapsulations, decapsulations, routings } =
    mode;
  const { underlayFrames, underlayBytes, vms, nodes, cache, drops } = mode;
  // Older results have no longFrames.
  const wires = mode.wires.map(({ name, frames, bytes: octets }) => ({ name, frames, bytes: octets }));
  const own = { packets, bytes, passes, tunnelPasses, recirculations, encapsulations, decapsulations, routings };
  walk("", { offered, ...own, underlayFrames, underlayBytes, cache, drops, vms, nodes, wires }, counts);
  return counts;
}

function walk(path: string, value: unknown, into: Map<string, number>): void {
  if (typeof value === "number") into.set(path, value);
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    // Times are compared by their intervals.
    if (key === "nsPerPacket") continue;
    const name = Array.isArray(value) ? ((member as { name?: string } | null)?.name ?? key) : key;
    walk(path === "" ? name : `${path}.${name}`, member, into);
  }
}

function timesOf(mode: string, a: ModeResult, b: ModeResult): TimeDifference[] {
  const pairs: [string, Spread | null | undefined, Spread | null | undefined][] = [
    ["nsPerPacket", a.times?.nsPerPacket, b.times?.nsPerPacket],
    ...a.nodes.map((node): [string, Spread | null | undefined, Spread | null | undefined] => [
      `nodes.${node.name}.nsPerPacket`,
      node.nsPerPacket,
      b.nodes.find((other) => other.name === node.name)?.nsPerPacket,
    ]),
  ];
  const disturbed = isDisturbed(a.times) || isDisturbed(b.times);
  return pairs.flatMap(([name, x, y]) => {
    if (!x || !y) return [];
    const apart = x.high < y.low || y.high < x.low;
    return [{ mode, name, a: x, b: y, ratio: y.median / x.median, differs: apart && !disturbed, disturbed }];
  });
}
