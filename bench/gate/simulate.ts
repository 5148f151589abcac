/**
 * The gate's own error rate, without a machine: the decision of decision.ts on pairs that a source makes up (a noise model,
 * or blocks drawn from recorded pairs), many times, counted.
 */
import { type RateInterval, rateInterval } from "../statistics/binomial.ts";
import { GateDecision } from "./decision.ts";
import type { GatePlan } from "./plan.ts";
import { type MetricResult, type RunVerdict, runVerdict } from "./verdict.ts";

/** Pairs of a run: effects of each metric (logs), and those of the control leg where the source has one. */
export interface PairSource {
  /** `pairs` further pairs of the metrics named, by name. */
  draw(metrics: readonly string[], pairs: number): ReadonlyMap<string, Drawn>;
}

export interface Drawn {
  readonly effects: readonly number[];
  readonly control: readonly number[];
}

export interface SimulatedRun {
  readonly verdict: RunVerdict;
  readonly metrics: readonly MetricResult[];
}

/** One run of the gate over a source. */
export function simulateRun(plan: GatePlan, source: PairSource): SimulatedRun {
  const gate = new GateDecision(plan);
  for (let ask = gate.next(); ask !== null; ask = gate.next()) {
    for (const [name, { effects, control }] of source.draw(ask.metrics, ask.pairs)) gate.add(name, effects, control);
  }
  const metrics = gate.results();
  return { verdict: runVerdict(metrics, []), metrics };
}

export interface ErrorRates {
  readonly runs: number;
  /** How often the runs said what, with exact 95 % intervals. */
  readonly verdicts: Readonly<Record<RunVerdict, RateInterval>>;
  /** How often a slowed metric was called a regression; null where none was slowed. Doubt and noise count as misses. */
  readonly found: RateInterval | null;
  /** Mean number of pairs over runs and metrics, confirmation included: the price. */
  readonly meanPairs: number;
}

/** Counts runs. `slowed`: metrics that were made slower; none for A/A. */
export function errorRates(runs: Iterable<SimulatedRun>, slowed: readonly string[] = []): ErrorRates {
  const counts: Record<RunVerdict, number> = { pass: 0, fail: 0, inconclusive: 0, noisy: 0 };
  let total = 0;
  let found = 0;
  let pairs = 0;
  let metrics = 0;
  for (const run of runs) {
    total++;
    counts[run.verdict]++;
    const red =
      run.verdict === "fail" && run.metrics.some((m) => slowed.includes(m.name) && m.verdict === "regression");
    if (red) found++;
    for (const metric of run.metrics) {
      pairs += metric.pairs + metric.confirmPairs;
      metrics++;
    }
  }
  if (total === 0) throw new Error("error rates of no runs");
  return {
    runs: total,
    verdicts: {
      pass: rateInterval(counts.pass, total),
      fail: rateInterval(counts.fail, total),
      inconclusive: rateInterval(counts.inconclusive, total),
      noisy: rateInterval(counts.noisy, total),
    },
    found: slowed.length === 0 ? null : rateInterval(found, total),
    meanPairs: metrics === 0 ? 0 : pairs / metrics,
  };
}
