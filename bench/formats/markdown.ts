/** Markdown for a pull request or $GITHUB_STEP_SUMMARY: the verdict, a table of metrics, what differs exactly, where from. */
import { byScenario, type Metric, type MetricReport, splitName } from "./metric.ts";

const PLACES = 4;

export function markdown(report: MetricReport): string {
  const lines = [`## ${inline(report.title)}${report.verdict === null ? "" : `: ${inline(report.verdict)}`}`, ""];
  for (const [scenario, metrics] of byScenario(report.metrics)) {
    const judged = metrics.some(({ verdict }) => verdict !== null);
    lines.push(`### ${inline(scenario)}`, "");
    lines.push(row(["metric", "value", "interval", "unit", ...(judged ? ["change", "verdict"] : [])]));
    lines.push(row(["---", "---:", "---:", "---", ...(judged ? ["---:", "---"] : [])]));
    for (const metric of metrics) lines.push(row(cells(metric, judged)));
    lines.push("");
    const reasons = metrics.filter(
      ({ verdict }) => verdict === "regression" || verdict === "inconclusive" || verdict === "noisy",
    );
    for (const { name, verdict, reason } of reasons) {
      lines.push(
        `- **${inline(splitName(name).metric)}**, ${verdict}${reason === undefined ? "" : `: ${inline(reason)}`}`,
      );
    }
    if (reasons.length > 0) lines.push("");
  }
  if (report.broken.length > 0) {
    lines.push("### Exact gates that differ", "", row(["gate", "base", "head"]), row(["---", "---:", "---:"]));
    for (const { name, base, head } of report.broken) lines.push(row([name, base, head].map(inline)));
    lines.push("");
  }
  const properties = Object.entries(report.properties);
  if (properties.length > 0) {
    lines.push("<details><summary>measured with</summary>", "");
    for (const [key, value] of properties) lines.push(`- ${inline(key)}: ${inline(value)}`);
    lines.push("", "</details>", "");
  }
  return lines.join("\n");
}

function cells(metric: Metric, judged: boolean): string[] {
  const { value, lower, upper, unit, verdict, change } = metric;
  const interval = lower === null || upper === null ? "" : `${figure(lower)} to ${figure(upper)}`;
  const shown = [inline(splitName(metric.name).metric), figure(value), interval, inline(unit)];
  if (!judged) return shown;
  return [
    ...shown,
    change === undefined ? "" : changed(change),
    verdict === "regression" ? "**regression**" : (verdict ?? ""),
  ];
}

/** "5.2 % slower (3.9 to 6.1 %)". */
function changed({ estimate, lower, upper }: NonNullable<Metric["change"]>): string {
  const percent = (ratio: number): string => (100 * ratio).toFixed(1);
  const interval = lower === null || upper === null ? "" : ` (${percent(lower)} to ${percent(upper)} %)`;
  return `${estimate > 0 ? "+" : ""}${percent(estimate)} %${interval}`;
}

function figure(value: number): string {
  return Number.isInteger(value)
    ? value.toLocaleString("en-US")
    : Number(value.toPrecision(PLACES)).toLocaleString("en-US", { maximumSignificantDigits: PLACES });
}

function row(columns: readonly string[]): string {
  return `| ${columns.join(" | ")} |`;
}

/** Text that stays text: no markup, no HTML, one line, no cell border. */
export function inline(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replace(/[\\`*_[\]|~#]/g, "\\$&")
    .replaceAll("@", "@\u200b");
}
