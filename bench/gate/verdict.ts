/** What the gate says, of a metric and of a run, and the exit codes that go with it. */

export type MetricVerdict = "regression" | "pass" | "improvement" | "inconclusive" | "noisy";
export type RunVerdict = "pass" | "fail" | "inconclusive" | "noisy";

export const runVerdictText: Readonly<Record<RunVerdict, string>> = {
  pass: "pass",
  fail: "fail",
  inconclusive: "inconclusive",
  noisy: "runner too noisy",
};

/** Exit codes of `eastwest gate`; 2 is bad usage or input, as everywhere. */
export const gateExit: Readonly<Record<RunVerdict, number>> = { pass: 0, fail: 1, noisy: 3, inconclusive: 4 };

export interface MetricResult {
  readonly name: string;
  readonly verdict: MetricVerdict;
  /** One sentence: why this verdict. */
  readonly reason: string;
  /** Pairs it was decided on, and fresh pairs that confirmed it or did not. */
  readonly pairs: number;
  readonly confirmPairs: number;
  /** All effects as ratios: 0.05 is 5 % slower. The estimate and its 95 % interval (null: not bounded). */
  readonly estimate: number;
  readonly low: number | null;
  readonly high: number | null;
  /** The margin that counted: the declared one, or the control's. */
  readonly margin: number;
  readonly marginFrom: "declared" | "control";
  /** Standard deviation of one pair (ratio); null below 5 pairs. */
  readonly deviation: number | null;
  /** The smallest slow-down that would have been found with probability 0.9; null when no number of it is finite. */
  readonly detectable: number | null;
  /** The control leg is surely outside the declared margin: no timing of this run can be trusted. */
  readonly controlOutside: boolean;
  /** The control leg: base against a copy of base; null when none was measured. */
  readonly control: { readonly pairs: number; readonly estimate: number; readonly deviation: number | null } | null;
}

/** An exact gate that differs: no statistics, no tolerance. */
export interface ExactBreak {
  readonly name: string;
  readonly base: string | number | null;
  readonly head: string | number | null;
}

/**
 * The run's verdict. Exact gates do not depend on the runner, so a broken one fails whatever the noise; a control outside
 * its margin says that no timing of this run can be trusted, so it comes before red; then red; then metrics for which the
 * runner was too noisy; then doubt.
 */
export function runVerdict(metrics: readonly MetricResult[], broken: readonly ExactBreak[]): RunVerdict {
  if (broken.length > 0) return "fail";
  if (metrics.some(({ controlOutside }) => controlOutside)) return "noisy";
  if (metrics.some(({ verdict }) => verdict === "regression")) return "fail";
  if (metrics.some(({ verdict }) => verdict === "noisy")) return "noisy";
  if (metrics.some(({ verdict }) => verdict === "inconclusive")) return "inconclusive";
  return "pass";
}

/** The exit code, when a gate file lets some verdicts pass. */
export function exitCode(verdict: RunVerdict, allowed: readonly RunVerdict[] = []): number {
  return verdict !== "fail" && allowed.includes(verdict) ? 0 : gateExit[verdict];
}

/** Bytes a packet below which allocation is that of passes or bursts, read to a tenth: an object has 8 bytes at least. */
const FEWEST_BYTES = 1;

/**
 * Which exact values differ, in the order of the base; a value that only one side has differs. Bytes allocated differ by a
 * byte a packet or more.
 */
export function compareExact(
  base: Readonly<Record<string, string | number>>,
  head: Readonly<Record<string, string | number>>,
): ExactBreak[] {
  const names = new Set([...Object.keys(base), ...Object.keys(head)]);
  return [...names]
    .filter(
      (name) => !Object.is(base[name], head[name]) && !(name === "allocated-bytes" && near(base[name], head[name])),
    )
    .map((name) => ({ name, base: base[name] ?? null, head: head[name] ?? null }));
}

function near(a: string | number | undefined, b: string | number | undefined): boolean {
  return typeof a === "number" && typeof b === "number" && Math.abs(a - b) < FEWEST_BYTES;
}
