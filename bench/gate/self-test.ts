/**
 * The gate's error rates, measured: whole runs of the gate over sides that are the same (A/A), and with a slow-down built into
 * one stage of one scenario's head (A/B). Each run is a unit of work (bench/merge): written when it is done, so that a killed
 * self-test goes on where it was, and shards on several machines are joined.
 *
 * The slow-down is extra work after each burst is received (child.ts), a fixed number of turns for all processes. How many
 * turns make 5 % is found out beforehand; how much they really made is in the result, estimated from all pairs.
 */
import type { UnitResult } from "../merge/shard-file.ts";
import type { Bench } from "./bench.ts";
import { seeded } from "./random.ts";
import type { GateOutcome } from "./run-gate.ts";
import { METRIC } from "./scenarios.ts";
import type { RunVerdict } from "./verdict.ts";

export const SELF_TEST = "self-test";

export interface SelfTestUnit {
  /** "5 % 3": the third run with 5 %. */
  readonly name: string;
  /** Ratio that the head is to be slower by; 0: A/A. */
  readonly slowDown: number;
  /** Which scenario is slowed; null for A/A. */
  readonly scenario: string | null;
}

/** What a run keeps beside its pairs. */
export interface SelfTestDetail {
  readonly kind: "run";
  readonly slowDown: number;
  readonly scenario: string | null;
  readonly turns: number;
  readonly verdict: RunVerdict;
  /** Verdict by metric. */
  readonly metrics: Readonly<Record<string, string>>;
  /** Exact gates that differed. */
  readonly broken: readonly string[];
  readonly seconds: number;
}

/**
 * All runs, in an order that mixes the slow-downs evenly, so that all see the same hours: `runs` of A/A, `slowRuns` of each
 * other. Scenarios take turns at being slowed.
 */
export function selfTestUnits(
  slowDowns: readonly number[],
  runs: number,
  slowRuns: number,
  scenarios: readonly string[],
): SelfTestUnit[] {
  // By lot within each share of the time: a regular order would give a shard of three only some of the slow-downs.
  const uniform = seeded(1);
  const placed: { readonly at: number; readonly unit: SelfTestUnit }[] = [];
  for (const slowDown of slowDowns) {
    const count = slowDown === 0 ? runs : slowRuns;
    for (let i = 0; i < count; i++) {
      const scenario = slowDown === 0 ? null : scenarios[i % scenarios.length];
      const name = `${Number((100 * slowDown).toPrecision(6))} % ${i + 1}`;
      placed.push({ at: (i + uniform()) / count, unit: { name, slowDown, scenario } });
    }
  }
  return placed.sort((a, b) => a.at - b.at).map(({ unit }) => unit);
}

/**
 * Turns of extra work a burst that slow a scenario down by 1 (100 %), from pairs of processes with and without it: so many
 * turns that the difference (a quarter at least) is far above what two processes differ by themselves.
 */
export async function turnsPerRatio(
  bench: Pick<Bench, "measure">,
  scenario: string,
  pairs: number,
  uniform: () => number,
): Promise<number> {
  const ratioOf = async (turns: number): Promise<number> => {
    const legs = [0, turns].map((extraTurns) => ({ side: "base" as const, extraTurns }));
    const [plain, slowed] = await bench.measure(scenario, legs, uniform);
    return slowed.cpuNsPerPacket / plain.cpuNsPerPacket - 1;
  };
  let turns = 256;
  while ((await ratioOf(turns)) < CLEAR && turns < MOST_TURNS) turns *= 2;
  const ratios: number[] = [];
  for (let i = 0; i < pairs; i++) ratios.push(await ratioOf(turns));
  const ratio = median(ratios);
  if (!(ratio > 0)) throw new Error(`${scenario}: ${turns} turns of extra work slowed nothing down (${ratio})`);
  return turns / ratio;
}

/** A finished run as a unit: its verdict as counts, its pairs as values, in the order in which they were measured. */
export function unitResult(unit: SelfTestUnit, outcome: GateOutcome, turns: number, seconds: number): UnitResult {
  const values: Record<string, number[]> = {};
  for (const { scenario, base, head, copy } of outcome.pairs) {
    for (const [side, ns] of Object.entries({ base, head, copy })) {
      if (ns === null) continue;
      const name = `${scenario} ${side}`;
      values[name] ??= [];
      values[name].push(Number(ns.toPrecision(6)));
    }
  }
  const detail: SelfTestDetail = {
    kind: "run",
    slowDown: unit.slowDown,
    scenario: unit.scenario,
    turns,
    verdict: outcome.verdict,
    metrics: Object.fromEntries(outcome.metrics.map(({ name, verdict }) => [name, verdict])),
    broken: outcome.broken.map(({ name }) => name),
    seconds: Number(seconds.toFixed(1)),
  };
  return { unit: unit.name, counts: { [outcome.verdict]: 1 }, histograms: {}, values, detail };
}

/** Slow-down that a calibration works with, and the most turns it tries. */
const CLEAR = 0.25;
const MOST_TURNS = 1 << 20;

/** Groups of a unit of recorded pairs: a block of the resampling. */
export const GROUPS = 10;

/**
 * A unit of recorded pairs, for resampling alone: groups of a process of base, of its copy and of each slow-down, which work
 * in turn. All of them share the group's base, so that 600 pairs of each cost little more than half of what they would as runs.
 */
export async function recordPairs(
  bench: Pick<Bench, "measure">,
  unit: string,
  scenario: string,
  slowDowns: ReadonlyMap<number, number>,
  uniform: () => number,
  progress: (group: number) => void,
): Promise<UnitResult> {
  const legs = [
    { name: `${scenario} base`, side: "base" as const, extraTurns: 0 },
    { name: `${scenario} copy`, side: "copy" as const, extraTurns: 0 },
    ...[...slowDowns].map(([slowDown, extraTurns]) => ({
      name: slowLeg(scenario, slowDown),
      side: "head" as const,
      extraTurns,
    })),
  ];
  const values = Object.fromEntries(legs.map(({ name }) => [name, [] as number[]]));
  for (let group = 0; group < GROUPS; group++) {
    progress(group);
    const samples = await bench.measure(scenario, legs, uniform);
    for (const [i, { name }] of legs.entries()) values[name].push(Number(samples[i].cpuNsPerPacket.toPrecision(6)));
  }
  const turns = Object.fromEntries([...slowDowns].map(([slowDown, count]) => [String(slowDown), count]));
  return { unit, counts: { groups: GROUPS }, histograms: {}, values, detail: { kind: "pairs", turns } };
}

/** Name of the values of a slow-down among recorded pairs: "gre-dvr slow-0.05". */
export const slowLeg = (scenario: string, slowDown: number): string => `${scenario} slow-${slowDown}`;

/** The metric of a scenario. */
export const metricOf = (scenario: string): string => `${scenario}/${METRIC}`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
