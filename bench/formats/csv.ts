/** CSV as RFC 4180 has it: a header line, CRLF, quotes where needed; empty where there is nothing. */
import { type Metric, splitName } from "./metric.ts";

const COLUMNS = [
  "scenario",
  "metric",
  "unit",
  "value",
  "lower",
  "upper",
  "direction",
  "change",
  "verdict",
  "reason",
] as const;

export function csv(metrics: readonly Metric[]): string {
  const rows = metrics.map((metric) => {
    const { scenario, metric: name } = splitName(metric.name);
    const { unit, value, lower, upper, direction, change, verdict, reason } = metric;
    return [scenario, name, unit, value, lower, upper, direction, change?.estimate, verdict, reason];
  });
  return [COLUMNS, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

function field(value: string | number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
