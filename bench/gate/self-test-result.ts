/** What a self-test came to: how often the gate said what, by slow-down, with exact intervals, and what it was measured under. */
import { InputError } from "../errors.ts";
import type { Merged } from "../merge/merge.ts";
import type { UnitResult } from "../merge/shard-file.ts";
import { type RateInterval, rateInterval } from "../statistics/binomial.ts";
import { asRatio, pairEffect } from "./plan.ts";
import { metricOf, type SelfTestDetail, slowLeg } from "./self-test.ts";
import { locate } from "./spread.ts";
import type { RunVerdict } from "./verdict.ts";

export const SELF_TEST_FORMAT = "eastwest gate self-test";

/** The estimate takes the square of this in memory. */
const MOST_LOCATED = 2000;

/** A row: runs with one slow-down. */
export interface SelfTestRow {
  /** What was asked for; 0: A/A. */
  readonly slowDown: number;
  /** What it really was, by scenario, from all pairs (Hodges-Lehmann, ratio). */
  readonly actual: Readonly<Record<string, number>>;
  readonly runs: number;
  /** Red runs: false ones for A/A. With a slow-down, `found` says whether the slowed metric was the one. */
  readonly red: RateInterval;
  readonly found: RateInterval | null;
  /** Misses that are shown apart. */
  readonly inconclusive: RateInterval;
  readonly noisy: RateInterval;
  readonly pass: RateInterval;
  /** Runs with an exact gate that differed. */
  readonly exactBroken: number;
  /** Pairs of a scenario and run, confirmation included, and seconds of a run: means. */
  readonly meanPairs: number;
  readonly meanSeconds: number;
}

export interface SelfTestResult {
  readonly format: typeof SELF_TEST_FORMAT;
  readonly version: 1;
  readonly commit: string;
  readonly rows: readonly SelfTestRow[];
  /** Spread of a pair (robust standard deviation, ratio) by scenario, of A/A pairs and control legs together. */
  readonly pairSpread: Readonly<Record<string, { readonly pairs: number; readonly deviation: number | null }>>;
  readonly missing: readonly string[];
}

/** Effects (logs) of the pairs of a unit's scenario: head, and the control leg. */
export function effectsOf(
  { values }: Pick<UnitResult, "values">,
  scenario: string,
): { readonly head: number[]; readonly copy: number[] } {
  const base = values[`${scenario} base`] ?? [];
  const effects = (side: readonly number[]): number[] =>
    side.map((ns, i) => pairEffect(base[i], ns, "lower-is-better"));
  return { head: effects(values[`${scenario} head`] ?? []), copy: effects(values[`${scenario} copy`] ?? []) };
}

/** Effects of pairs with a slow-down in this scenario, of a run or of recorded pairs. */
export function slowEffectsOf(result: UnitResult, scenario: string, slowDown: number): number[] {
  if (isRun(result)) {
    const detail = detailOf(result);
    return detail.slowDown === slowDown && detail.scenario === scenario ? effectsOf(result, scenario).head : [];
  }
  const base = result.values[`${scenario} base`] ?? [];
  const slowed = result.values[slowLeg(scenario, slowDown)] ?? [];
  return slowed.map((ns, i) => pairEffect(base[i], ns, "lower-is-better"));
}

/** Effects of pairs of equal sides: control legs, and heads that were not slowed. */
export function equalEffectsOf(result: UnitResult, scenario: string): number[] {
  const { head, copy } = effectsOf(result, scenario);
  return isRun(result) && detailOf(result).scenario !== scenario ? [...copy, ...head] : copy;
}

/** A whole run of the gate; otherwise pairs that were recorded. */
export function isRun(result: UnitResult): boolean {
  return (result.detail as { kind?: unknown } | undefined)?.kind === "run";
}

export function scenariosOf(results: readonly UnitResult[]): string[] {
  const names = results.flatMap(({ values }) => Object.keys(values).map((name) => name.replace(/ \S+$/, "")));
  return [...new Set(names)];
}

/** All slow-downs of runs and recorded pairs, ascending, without 0. */
export function slowDownsOf(results: readonly UnitResult[]): number[] {
  const all = results.flatMap((result) =>
    isRun(result)
      ? [detailOf(result).slowDown]
      : Object.keys((result.detail as { turns?: Record<string, number> } | undefined)?.turns ?? {}).map(Number),
  );
  return [...new Set(all)].filter((slowDown) => slowDown > 0).sort((a, b) => a - b);
}

export function detailOf(result: UnitResult): SelfTestDetail {
  const detail = result.detail as Partial<SelfTestDetail> | undefined;
  if (typeof detail?.slowDown !== "number" || typeof detail.verdict !== "string") {
    throw new InputError(`self-test: unit "${result.unit}" has no verdict`);
  }
  return detail as SelfTestDetail;
}

export type PairSpread = SelfTestResult["pairSpread"];

/** Spread of pairs of equal sides, by scenario. */
export function pairSpreadOf(results: readonly UnitResult[]): PairSpread {
  return Object.fromEntries(
    scenariosOf(results).map((scenario) => {
      const effects = results.flatMap((result) => equalEffectsOf(result, scenario));
      const { deviation } = locate(effects.slice(0, MOST_LOCATED));
      return [scenario, { pairs: effects.length, deviation: Number.isFinite(deviation) ? asRatio(deviation) : null }];
    }),
  );
}

export function selfTestResult({
  results: units,
  missing,
  work,
}: Pick<Merged, "results" | "missing" | "work">): SelfTestResult {
  const results = units.filter(isRun);
  const slowDowns = [...new Set(results.map((result) => detailOf(result).slowDown))].sort((a, b) => a - b);
  const scenarios = scenariosOf(results);
  const rows = slowDowns.map((slowDown) =>
    rowOf(
      slowDown,
      results.filter((result) => detailOf(result).slowDown === slowDown),
      scenarios,
    ),
  );
  return {
    format: SELF_TEST_FORMAT,
    version: 1,
    commit: work.commit,
    rows,
    pairSpread: pairSpreadOf(units),
    missing,
  };
}

function rowOf(slowDown: number, results: readonly UnitResult[], scenarios: readonly string[]): SelfTestRow {
  const details = results.map(detailOf);
  const runs = results.length;
  const rate = (verdict: RunVerdict): RateInterval =>
    rateInterval(details.filter((detail) => detail.verdict === verdict).length, runs);
  const found = details.filter(
    ({ scenario, metrics, verdict }) =>
      scenario !== null && verdict === "fail" && metrics[metricOf(scenario)] === "regression",
  ).length;
  const actual = Object.fromEntries(
    scenarios.flatMap((scenario) => {
      const own = results.filter((result) => slowDown === 0 || detailOf(result).scenario === scenario);
      const effects = own.flatMap((result) => effectsOf(result, scenario).head).slice(0, MOST_LOCATED);
      return effects.length === 0 ? [] : [[scenario, asRatio(locate(effects).estimate)] as const];
    }),
  );
  const pairs = results.map((result) => scenarios.map((scenario) => effectsOf(result, scenario).head.length));
  return {
    slowDown,
    actual,
    runs,
    red: rate("fail"),
    found: slowDown === 0 ? null : rateInterval(found, runs),
    inconclusive: rate("inconclusive"),
    noisy: rate("noisy"),
    pass: rate("pass"),
    exactBroken: details.filter(({ broken }) => broken.length > 0).length,
    meanPairs: mean(pairs.flat().filter((count) => count > 0)),
    meanSeconds: mean(details.map(({ seconds }) => seconds)),
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
