/**
 * The gate's decision, apart from any measuring: it asks for pairs and is told their effects, until every metric has its
 * verdict.
 *
 *     const gate = new GateDecision(plan);
 *     for (let ask = gate.next(); ask !== null; ask = gate.next()) {
 *       ... measure ask.pairs fresh pairs, and as many of the control leg, for ask.metrics ...
 *       gate.add(name, effects, control)       for each of them
 *     }
 *     gate.results()
 *
 * At each look, over all metrics still open:
 * - regression suspected: Wilcoxon's signed ranks reject "slower by the margin at most", at this look's share of the level
 *   (O'Brien-Fleming, so hardly anything is suspected on the first look's noise), Holm over all metrics of the run;
 * - pass: the upper bound is below margin + tolerance (Pocock, so that clean runs end early); improvement: below -margin;
 * - otherwise more pairs, and inconclusive after the last look.
 * Suspects are measured again at the end, on fresh pairs alone, and are red only if those reject too.
 *
 * The control leg (base against a copy of base) sets the least margin that red can be trusted with. A pass always promises
 * the declared one: noise must not make passing easier. The runner is too noisy for a metric when the control itself lies
 * outside the declared margin, or when the last look could not even have shown the plan's ceiling.
 */
import { detectable } from "../statistics/detectable.ts";
import { nominalLevels } from "../statistics/group-sequential.ts";
import { locationAbove, locationBelow, upperBound, walshAverages } from "../statistics/signed-rank.ts";
import { asRatio, checkPlan, type GatePlan, type MetricPlan } from "./plan.ts";
import { type Location, locate } from "./spread.ts";
import { stepDown } from "./step-down.ts";
import type { MetricResult, MetricVerdict } from "./verdict.ts";

export interface PairRequest {
  readonly purpose: "look" | "confirm";
  readonly metrics: readonly string[];
  /** Further pairs, each of fresh processes. */
  readonly pairs: number;
}

interface MetricState {
  readonly plan: MetricPlan;
  readonly effects: number[];
  readonly control: number[];
  readonly fresh: number[];
  suspected: boolean;
  controlOutside: boolean;
  verdict: MetricVerdict | null;
  reason: string;
}

export class GateDecision {
  readonly plan: GatePlan;
  readonly #states: ReadonlyMap<string, MetricState>;
  #look = 0;
  #confirming = false;
  #asked = false;

  /** Throws an Error for a plan that makes no sense (checkPlan). */
  constructor(plan: GatePlan) {
    checkPlan(plan);
    this.plan = plan;
    this.#states = new Map(
      plan.metrics.map((metric) => [
        metric.name,
        {
          plan: metric,
          effects: [],
          control: [],
          fresh: [],
          suspected: false,
          controlOutside: false,
          verdict: null,
          reason: "",
        },
      ]),
    );
  }

  /** What to measure next; null when everything is decided. Judges what was added since the last call. */
  next(): PairRequest | null {
    if (this.#asked) this.#judge();
    this.#asked = false;
    const open = this.#open();
    if (!this.#confirming && open.length > 0) {
      const { looks } = this.plan;
      const pairs = looks[this.#look] - (looks[this.#look - 1] ?? 0);
      this.#asked = true;
      return { purpose: "look", metrics: open.map((state) => state.plan.name), pairs };
    }
    const suspects = this.#suspects();
    if (suspects.length === 0) return null;
    this.#confirming = true;
    this.#asked = true;
    return {
      purpose: "confirm",
      metrics: suspects.map((state) => state.plan.name),
      pairs: this.plan.confirmPairs,
    };
  }

  /** Effects (pairEffect) of the pairs that were asked for; `control` empty where there is no control leg. */
  add(name: string, effects: readonly number[], control: readonly number[] = []): void {
    const state = this.#states.get(name);
    if (state === undefined) throw new Error(`gate: no metric "${name}" in the plan`);
    (this.#confirming ? state.fresh : state.effects).push(...effects);
    state.control.push(...control);
  }

  /** Ends early (Ctrl-C, time is up): whatever is open stays undecided, with `why`. */
  stop(why: string): void {
    for (const state of this.#states.values()) {
      if (state.verdict === null) settle(state, "inconclusive", why);
    }
  }

  /** The verdicts, in the plan's order; those still open are inconclusive. */
  results(): MetricResult[] {
    return [...this.#states.values()].map((state) => this.#result(state));
  }

  #open(): MetricState[] {
    return [...this.#states.values()].filter((state) => state.verdict === null && !state.suspected);
  }

  #suspects(): MetricState[] {
    return [...this.#states.values()].filter((state) => state.verdict === null && state.suspected);
  }

  #judge(): void {
    if (this.#confirming) this.#judgeFresh();
    else this.#judgeLook();
  }

  #judgeLook(): void {
    const { plan } = this;
    const k = this.#look++;
    const last = this.#look === plan.looks.length;
    this.#judgeControls(this.#open(), plan.looks, k);
    const pValues = new Map<string, number>();
    for (const state of this.#open()) {
      const { margin } = marginOf(state.plan, locate(state.control), plan.controlFactor);
      pValues.set(state.plan.name, locationAbove(state.effects, margin));
    }
    const rejected = [...this.#states.values()].filter((state) => state.suspected).length;
    for (const name of stepDown(pValues, this.#states.size, rejected, plan.suspicion, plan.looks, k)) {
      (this.#states.get(name) as MetricState).suspected = true;
    }
    const level = nominalLevels("pocock", plan.misses, plan.looks)[k];
    for (const state of this.#open()) {
      if (settleClean(state, state.effects, level) || !last) continue;
      const pairs = state.effects.length;
      const seen = asRatio(this.#detectable(state, locate(state.effects)));
      if (seen > plan.ceiling) {
        settle(state, "noisy", `after ${pairs} pairs not even ${percent(plan.ceiling)} could have been seen`);
      } else settle(state, "inconclusive", `undecided after ${pairs} pairs`);
    }
    if (last) this.#confirming = true;
  }

  /** Controls that are surely outside the declared margin, in either direction. */
  #judgeControls(of: readonly MetricState[], looks: readonly number[], k: number): void {
    const { plan } = this;
    const pValues = new Map<string, number>();
    for (const state of of) {
      const declared = Math.log1p(state.plan.margin);
      const above = locationAbove(state.control, declared);
      const below = locationBelow(state.control, -declared);
      pValues.set(state.plan.name, Math.min(1, 2 * Math.min(above, below)));
    }
    for (const name of stepDown(pValues, this.#states.size, 0, plan.controlAlarm, looks, k)) {
      const state = this.#states.get(name) as MetricState;
      const by = percent(Math.abs(asRatio(locate(state.control).estimate)));
      state.controlOutside = true;
      settle(state, "noisy", `base differs from its own copy by ${by}, more than the margin`);
    }
  }

  /** Smallest slow-down (log) that the pairs of `location` would have shown at the last look's level. */
  #detectable(state: MetricState, location: Location): number {
    const { plan } = this;
    const share = plan.suspicion / this.#states.size;
    const level = nominalLevels("obrien-fleming", share, plan.looks)[plan.looks.length - 1];
    const { margin } = marginOf(state.plan, locate(state.control), plan.controlFactor);
    return margin + detectable(location.deviation, location.pairs, level);
  }

  #judgeFresh(): void {
    const { plan } = this;
    // Before anything turns red the control is asked once more, with all its pairs.
    this.#judgeControls(this.#suspects(), [1], 0);
    const suspects = this.#suspects();
    const pValues = new Map<string, number>();
    const margins = new Map<string, number>();
    for (const state of suspects) {
      const { margin } = marginOf(state.plan, locate(state.control), plan.controlFactor);
      margins.set(state.plan.name, margin);
      pValues.set(state.plan.name, locationAbove(state.fresh, margin));
    }
    const confirmed = stepDown(pValues, suspects.length, 0, plan.confirmation, [1], 0);
    for (const state of suspects) {
      const margin = margins.get(state.plan.name) as number;
      if (confirmed.includes(state.plan.name)) {
        settle(state, "regression", `slower by more than ${percent(asRatio(margin))}, confirmed on fresh pairs`);
      } else if (settleClean(state, state.fresh, plan.misses)) {
        state.reason = `suspected, not confirmed: fresh pairs are ${state.reason}`;
      } else settle(state, "inconclusive", "suspected, not confirmed on fresh pairs");
    }
  }

  #result(state: MetricState): MetricResult {
    const { plan } = this;
    // Fresh pairs alone are free of the selection that made the metric suspect.
    const effects = state.fresh.length > 0 ? state.fresh : state.effects;
    const location = locate(effects);
    const control = locate(state.control);
    const { margin, marginFrom } = marginOf(state.plan, control, plan.controlFactor);
    const seen = this.#detectable(state, location);
    return {
      name: state.plan.name,
      verdict: state.verdict ?? "inconclusive",
      reason: state.verdict === null ? "not measured to the end" : state.reason,
      pairs: state.effects.length,
      confirmPairs: state.fresh.length,
      estimate: asRatio(location.estimate),
      low: finite(asRatio(location.low), location.low),
      high: finite(asRatio(location.high), location.high),
      margin: asRatio(margin),
      marginFrom,
      deviation: finite(asRatio(location.deviation), location.deviation),
      detectable: finite(asRatio(seen), seen),
      controlOutside: state.controlOutside,
      control:
        control.pairs === 0
          ? null
          : {
              pairs: control.pairs,
              estimate: asRatio(control.estimate),
              deviation: finite(asRatio(control.deviation), control.deviation),
            },
    };
  }
}

/** The margin (log) that counts: what was declared, or what the control leg wanders by itself. */
function marginOf(
  metric: MetricPlan,
  control: Location,
  factor: number,
): { readonly margin: number; readonly marginFrom: "declared" | "control" } {
  const declared = Math.log1p(metric.margin);
  const wanders = control.pairs === 0 ? 0 : factor * control.error;
  return wanders > declared && Number.isFinite(wanders)
    ? { margin: wanders, marginFrom: "control" }
    : { margin: declared, marginFrom: "declared" };
}

/** Settles a metric that is shown not to be slower; false when the pairs do not show it. */
function settleClean(state: MetricState, effects: readonly number[], level: number): boolean {
  const { margin, tolerance } = state.plan;
  const upper = upperBound(walshAverages(effects), effects.length, level);
  if (upper < -Math.log1p(margin)) {
    settle(state, "improvement", `faster by more than ${percent(margin)}`);
    return true;
  }
  if (upper >= Math.log1p(margin + tolerance)) return false;
  settle(state, "pass", `slower by less than ${percent(margin + tolerance)}`);
  return true;
}

function settle(state: MetricState, verdict: MetricVerdict, reason: string): void {
  state.verdict = verdict;
  state.reason = reason;
}

function finite(value: number, of: number): number | null {
  return Number.isFinite(of) && Number.isFinite(value) ? value : null;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}
