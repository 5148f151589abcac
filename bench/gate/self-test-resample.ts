/**
 * Runs of the gate drawn in blocks from the pairs of a self-test (resample.ts): many more than could be measured, by the same
 * decision. Of each pair count the smallest wins that finds what is wanted, so other looks can be tried without measuring.
 */
import { InputError } from "../errors.ts";
import type { UnitResult } from "../merge/shard-file.ts";
import type { GatePlan } from "./plan.ts";
import { seeded } from "./random.ts";
import { type Recording, resampled } from "./resample.ts";
import { METRIC } from "./scenarios.ts";
import { metricOf } from "./self-test.ts";
import { equalEffectsOf, scenariosOf, slowDownsOf, slowEffectsOf } from "./self-test-result.ts";
import { type ErrorRates, errorRates, type SimulatedRun, simulateRun } from "./simulate.ts";

export interface ResampledRow {
  readonly slowDown: number;
  /** The one that is slowed; null for A/A. */
  readonly scenario: string | null;
  /** Pairs that the slowed scenario's were drawn from (of A/A: the scenario with the fewest). */
  readonly recorded: number;
  readonly looks: readonly number[];
  readonly rates: ErrorRates;
}

/** Pairs of a block: about half a minute of a machine's mood. */
export const BLOCK = 10;

/** Rates by slow-down and slowed scenario. `plan` without metrics; margins come from `metric`. */
export function resampleSelfTest(
  results: readonly UnitResult[],
  plan: Omit<GatePlan, "metrics">,
  metric: (name: string) => GatePlan["metrics"][number] | null,
  runs: number,
  seed: number,
): ResampledRow[] {
  const scenarios = scenariosOf(results);
  if (scenarios.length === 0) throw new InputError("self-test: no pair is recorded");
  const metrics = scenarios.flatMap((scenario) => metric(metricOf(scenario)) ?? []);
  const whole: GatePlan = { ...plan, metrics };
  const of = (scenario: string, effects: readonly number[]): Recording => ({
    scenario,
    effects: { [METRIC]: effects },
  });
  const alike = scenarios.map((scenario) =>
    of(
      scenario,
      results.flatMap((result) => equalEffectsOf(result, scenario)),
    ),
  );
  const rows: ResampledRow[] = [];
  const uniform = seeded(seed);
  const rates = (subject: readonly Recording[], slowed: readonly string[]): ErrorRates => {
    const all: SimulatedRun[] = [];
    for (let i = 0; i < runs; i++) all.push(simulateRun(whole, resampled(subject, alike, BLOCK, uniform)));
    return errorRates(all, slowed);
  };
  const pairs = (recording: Recording): number => recording.effects[METRIC].length;
  rows.push({
    slowDown: 0,
    scenario: null,
    recorded: Math.min(...alike.map(pairs)),
    looks: plan.looks,
    rates: rates(alike, []),
  });
  for (const slowDown of slowDownsOf(results)) {
    for (const [i, scenario] of scenarios.entries()) {
      const effects = results.flatMap((result) => slowEffectsOf(result, scenario, slowDown));
      if (effects.length === 0) continue;
      rows.push({
        slowDown,
        scenario,
        recorded: effects.length,
        looks: plan.looks,
        rates: rates(alike.with(i, of(scenario, effects)), [metricOf(scenario)]),
      });
    }
  }
  return rows;
}
