/**
 * OpenMetrics text (1.0): a gauge family a metric and unit, a sample a scenario, the interval as further samples; verdicts as
 * a state set. Names are made from what people read: "ns per packet" in "ns/packet" is eastwest_ns_per_packet_ns_per_packet.
 */
import { type Metric, type MetricReport, splitName } from "./metric.ts";

export const OPEN_METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const VERDICTS = ["regression", "pass", "improvement", "inconclusive", "noisy"] as const;

export function openMetricsText(report: MetricReport): string {
  const families = new Map<string, { readonly unit: string; readonly help: string; readonly samples: string[] }>();
  for (const metric of report.metrics) {
    const { scenario, metric: name } = splitName(metric.name);
    const unit = identifier(metric.unit);
    const family = `eastwest_${identifier(name)}${unit === "" ? "" : `_${unit}`}`;
    let entry = families.get(family);
    if (entry === undefined) {
      entry = { unit, help: `${name}, ${metric.unit}, ${metric.direction}`, samples: [] };
      families.set(family, entry);
    }
    for (const [bound, value] of [
      ["estimate", metric.value],
      ["lower", metric.lower],
      ["upper", metric.upper],
    ] as const) {
      if (value !== null)
        entry.samples.push(
          `${family}{scenario="${label(scenario)}",metric="${label(name)}",bound="${bound}"} ${number(value)}\n`,
        );
    }
  }
  const text = [...families].map(
    ([name, { unit, help, samples }]) =>
      `# TYPE ${name} gauge\n${unit === "" ? "" : `# UNIT ${name} ${unit}\n`}# HELP ${name} ${label(help)}\n${samples.join("")}`,
  );
  return `${text.join("")}${verdicts(report.metrics)}# EOF\n`;
}

function verdicts(metrics: readonly Metric[]): string {
  const judged = metrics.filter(({ verdict }) => verdict !== null);
  if (judged.length === 0) return "";
  const family = "eastwest_verdict";
  const samples = judged.flatMap((metric) =>
    VERDICTS.map(
      (state) => `${family}{metric="${label(metric.name)}",${family}="${state}"} ${Number(metric.verdict === state)}\n`,
    ),
  );
  return `# TYPE ${family} stateset\n# HELP ${family} What the gate says of a metric.\n${samples.join("")}`;
}

/** Letters, digits and underscores: "ns/packet" -> "ns_per_packet", "%" -> "percent". */
export function identifier(text: string): string {
  return text
    .toLowerCase()
    .replace(/[\u00b5\u03bc]/g, "u")
    .replaceAll("/", " per ")
    .replaceAll("%", " percent ")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
}

/** Label values and help texts. */
function label(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replace(/\r\n?|\n/g, "\\n");
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
