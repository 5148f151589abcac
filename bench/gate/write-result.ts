/** A gate's result in the formats of bench/formats. */
import { actionBenchmarkJson } from "../formats/action-benchmark.ts";
import { bencherJson } from "../formats/bencher.ts";
import { csv } from "../formats/csv.ts";
import { type Figure, gateReport } from "../formats/from-gate.ts";
import { junitXml } from "../formats/junit.ts";
import { markdown } from "../formats/markdown.ts";
import type { MetricReport } from "../formats/metric.ts";
import { openMetricsText } from "../formats/open-metrics.ts";
import type { GateResult, Pair } from "./result.ts";
import { METRIC } from "./scenarios.ts";

const UNIT = "ns/packet";

export const gateFormats = {
  junit: (result) => junitXml(reportOf(result)),
  markdown: (result) => markdown(reportOf(result)),
  smaller: (result) => actionBenchmarkJson(reportOf(result).metrics, "lower-is-better"),
  bigger: (result) => actionBenchmarkJson(rates(reportOf(result)).metrics, "higher-is-better"),
  bencher: (result) => bencherJson(reportOf(result).metrics),
  openmetrics: (result) => openMetricsText(reportOf(result)),
  csv: (result) => csv(reportOf(result).metrics),
} as const satisfies Readonly<Record<string, (result: GateResult) => string>>;

export type FormatName = keyof typeof gateFormats;
export const formatNames = Object.keys(gateFormats) as FormatName[];

/** Median of each side's processes, by metric. */
export function figuresOf(pairs: readonly Pair[]): GateResult["figures"] {
  const names = [...new Set(pairs.map(({ scenario }) => scenario))];
  return Object.fromEntries(
    names.map((name) => {
      const own = pairs.filter(({ scenario }) => scenario === name);
      const base = median(own.map((pair) => pair.base));
      return [`${name}/${METRIC}`, { base, head: median(own.map((pair) => pair.head)) }];
    }),
  );
}

function reportOf(result: GateResult): MetricReport {
  const figures = new Map<string, Figure>();
  for (const [name, { head }] of Object.entries(result.figures)) {
    const own = result.pairs.filter(({ scenario }) => `${scenario}/${METRIC}` === name).map((pair) => pair.head);
    figures.set(name, { unit: UNIT, direction: "lower-is-better", value: head, ...quartiles(own) });
  }
  const { created, seconds, sides, environment, conditions, seed } = result;
  const side = (name: "base" | "head"): string => {
    const { name: given, commit, dirty } = sides[name];
    return `${given}${commit === null ? "" : ` (${commit.slice(0, 12)}${dirty ? ", changed" : ""})`}`;
  };
  const share = (value: number | null): string => (value === null ? "unknown" : `${(100 * value).toFixed(1)} %`);
  const properties = {
    base: side("base"),
    head: side("head"),
    seed: String(seed),
    cpu: `${environment.cpu}, ${environment.cores} cores`,
    node: environment.node,
    platform: environment.platform,
    load: conditions.load.map((n) => n.toFixed(2)).join(" "),
    steal: share(conditions.steal),
    "spin jitter": `${share(conditions.spin.lost)} lost, longest ${conditions.spin.longest.toFixed(2)} ms`,
    ...(result.missing.length === 0
      ? {}
      : { "not judged": result.missing.map(({ scenario, side: of }) => `${scenario} (not in ${of})`).join(", ") }),
    ...(result.interrupted ? { interrupted: "yes: what was measured until then" } : {}),
  };
  return gateReport(result.metrics, result.broken, figures, { created, seconds, properties });
}

/** Packets a second in place of nanoseconds a packet. */
function rates(report: MetricReport): MetricReport {
  const rate = (ns: number | null): number | null => (ns === null || ns === 0 ? null : 1e9 / ns);
  return {
    ...report,
    metrics: report.metrics.map((metric) => ({
      ...metric,
      name: metric.name.replace(METRIC, "packets per second"),
      unit: "packets/s",
      direction: "higher-is-better",
      value: rate(metric.value) ?? 0,
      lower: rate(metric.upper),
      upper: rate(metric.lower),
    })),
  };
}

function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Half of the processes lie between these. */
function quartiles(values: readonly number[]): { readonly lower: number | null; readonly upper: number | null } {
  if (values.length < 4) return { lower: null, upper: null };
  const sorted = [...values].sort((a, b) => a - b);
  return { lower: quantile(sorted, 0.25), upper: quantile(sorted, 0.75) };
}

function quantile(sorted: readonly number[], p: number): number {
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}
