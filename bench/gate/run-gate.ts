/**
 * A run of the gate over sides that are built: prepares the scenarios, compares exactly, then measures pairs for as long as
 * the decision asks for them. A pair is a fresh process of base, of head, and of base's copy (the control leg shares the
 * pair's base), whose rounds take turns in an order by lot; so do scenarios, so that all of them see the same minutes.
 */
import { InputError } from "../errors.ts";
import type { Bench } from "./bench.ts";
import { GateDecision } from "./decision.ts";
import { exactGatesOf } from "./exact.ts";
import type { GateFile } from "./gate-file.ts";
import { type GatePlan, pairEffect } from "./plan.ts";
import { shuffled } from "./random.ts";
import type { Pair, Timer } from "./result.ts";
import type { Sample } from "./rounds.ts";
import { METRIC, type Scenario } from "./scenarios.ts";
import { Interrupted } from "./sides.ts";
import { type ExactBreak, type MetricResult, runVerdict } from "./verdict.ts";

export interface GateRun {
  readonly bench: Pick<Bench, "measure" | "exact">;
  readonly scenarios: readonly Pick<Scenario, "name">[];
  readonly gate: Pick<GateFile, "plan" | "exact" | "metric">;
  readonly timer: Timer;
  readonly control: boolean;
  readonly uniform: () => number;
  /** Built-in slow-down of the head, turns by scenario: the self-test's. */
  readonly extraTurns?: ReadonlyMap<string, number>;
  /** Share of the work that is done, 0 to 1, and what is being done. */
  readonly progress: (done: number, doing: string) => void;
}

export interface GateOutcome {
  readonly interrupted: boolean;
  readonly verdict: ReturnType<typeof runVerdict>;
  readonly metrics: readonly MetricResult[];
  readonly exact: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
  readonly broken: readonly ExactBreak[];
  readonly pairs: readonly Pair[];
}

/** Makes the scenarios ready; those that both sides have. Throws an InputError when none is left, or the head lacks one. */
export async function prepareAll(
  bench: Bench,
  scenarios: readonly Scenario[],
  control: boolean,
  progress: (done: number, doing: string) => void,
): Promise<Scenario[]> {
  const ready: Scenario[] = [];
  for (const [n, scenario] of scenarios.entries()) {
    progress(n / scenarios.length, `preparing ${scenario.name}`);
    if (await bench.prepare(scenario, control)) ready.push(scenario);
  }
  const lacking = bench.missing.find(({ side }) => side === "head");
  if (lacking !== undefined) throw new InputError(`head has no scenario "${lacking.scenario}": ${lacking.why}`);
  if (ready.length === 0) {
    const why = [...new Set(bench.missing.map((one) => one.why))].join("; ");
    const names = bench.missing.map(({ scenario }) => scenario).join(", ");
    throw new InputError(`base has none of the scenarios ${names}: ${why}`);
  }
  return ready;
}

/** The metrics that count, as the gate file wants them. Throws an InputError when none does. */
export function planOf(
  gate: Pick<GateFile, "plan" | "metric">,
  scenarios: readonly Pick<Scenario, "name">[],
): GatePlan {
  const metrics = scenarios.flatMap(({ name }) => gate.metric(`${name}/${METRIC}`) ?? []);
  if (metrics.length === 0) throw new InputError("gate file: no metric counts, expected at least one");
  return { ...gate.plan, metrics };
}

export async function runGate(run: GateRun): Promise<GateOutcome> {
  const { bench, scenarios, gate } = run;
  const decision = new GateDecision(planOf(gate, scenarios));
  const exact: Record<string, Readonly<Record<string, string | number>>> = {};
  const broken: ExactBreak[] = [];
  const pairs: Pair[] = [];
  let interrupted = false;
  try {
    for (const { name } of gate.exact.length === 0 ? [] : scenarios) {
      run.progress(0, `${name}: exact gates`);
      const compared = await exactGatesOf(bench, name, gate.exact);
      exact[name] = compared.base;
      broken.push(...compared.broken);
    }
    for (let ask = decision.next(); ask !== null; ask = decision.next()) {
      await measurePairs(run, decision, ask, pairs);
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    interrupted = true;
    decision.stop("interrupted");
  }
  const metrics = decision.results();
  return { interrupted, verdict: runVerdict(metrics, broken), metrics, exact, broken, pairs };
}

type Ask = NonNullable<ReturnType<GateDecision["next"]>>;

async function measurePairs(run: GateRun, decision: GateDecision, ask: Ask, pairs: Pair[]): Promise<void> {
  const names = ask.metrics.map((metric) => metric.slice(0, -METRIC.length - 1));
  const got: Pair[] = [];
  const total = ask.pairs * names.length;
  try {
    for (let i = 0; i < ask.pairs; i++) {
      for (const name of shuffled(names, run.uniform)) {
        const doing = `${ask.purpose === "confirm" ? "confirming " : ""}${name}, pair ${i + 1} of ${ask.pairs}`;
        run.progress(got.length / total, doing);
        got.push({ ...(await onePair(run, name)), purpose: ask.purpose });
      }
    }
  } finally {
    // Interrupted in the middle: what is there is reported.
    pairs.push(...got);
    for (const [n, name] of names.entries()) {
      const own = got.filter(({ scenario }) => scenario === name);
      decision.add(
        ask.metrics[n],
        own.map(({ base, head }) => pairEffect(base, head, "lower-is-better")),
        own.flatMap(({ base, copy }) => (copy === null ? [] : pairEffect(base, copy, "lower-is-better"))),
      );
    }
  }
}

async function onePair(
  { bench, control, extraTurns, timer, uniform }: GateRun,
  scenario: string,
): Promise<Omit<Pair, "purpose">> {
  const legs = [
    { side: "base", extraTurns: 0 },
    { side: "head", extraTurns: extraTurns?.get(scenario) ?? 0 },
    ...(control ? [{ side: "copy", extraTurns: 0 } as const] : []),
  ] as const;
  const [base, head, copy] = (await bench.measure(scenario, legs, uniform)).map((sample) => timeOf(sample, timer));
  return { scenario, base, head, copy: copy ?? null };
}

function timeOf({ nsPerPacket, cpuNsPerPacket }: Sample, timer: Timer): number {
  return timer === "cpu" ? cpuNsPerPacket : nsPerPacket;
}
