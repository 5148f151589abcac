/** The gate's verdicts as metrics for every format. */
import { type ExactBreak, type MetricResult, runVerdict, runVerdictText } from "../gate/verdict.ts";
import type { Metric, MetricDirection, MetricReport } from "./metric.ts";

/** What the head measured, in its own unit, beside what the gate says of its change. */
export interface Figure {
  readonly unit: string;
  readonly direction: MetricDirection;
  readonly value: number;
  readonly lower: number | null;
  readonly upper: number | null;
}

/** `figures` by metric name; a metric without one is shown by its change alone, in percent. */
export function gateReport(
  results: readonly MetricResult[],
  broken: readonly ExactBreak[],
  figures: ReadonlyMap<string, Figure>,
  about: Pick<MetricReport, "created" | "properties" | "seconds">,
): MetricReport {
  const metrics = results.map((result): Metric => {
    const change = { estimate: result.estimate, lower: result.low, upper: result.high };
    const percent = (ratio: number | null): number | null => (ratio === null ? null : 100 * ratio);
    const figure = figures.get(result.name) ?? {
      unit: "% slower",
      direction: "lower-is-better",
      value: 100 * result.estimate,
      lower: percent(result.low),
      upper: percent(result.high),
    };
    const seen =
      result.verdict === "inconclusive" && result.detectable !== null
        ? `; from ${(100 * result.detectable).toFixed(1)} % on it would have been seen`
        : "";
    return { name: result.name, ...figure, verdict: result.verdict, reason: `${result.reason}${seen}`, change };
  });
  return {
    title: "eastwest gate",
    verdict: runVerdictText[runVerdict(results, broken)],
    metrics,
    broken: broken.map(({ name, base, head }) => ({
      name,
      base: String(base ?? "none"),
      head: String(head ?? "none"),
    })),
    ...about,
  };
}
