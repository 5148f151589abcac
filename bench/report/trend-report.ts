/** What `trend` prints. */
import type { Series } from "../trend/trend.ts";
import { number, table } from "./format.ts";

const SHORT = 12;

/** Every series with its level and its changes, newest change first; `all` false: only series that changed. */
export function trendReport(series: readonly Series[], all = true): string {
  const shown = series.filter(({ changes }) => all || changes.length > 0);
  const quiet = series.length - shown.length;
  const blocks = shown.map((one) => {
    const spread = one.level === 0 ? 0 : one.deviation / one.level;
    const head = `${one.metric}: ${number(one.level)} ${one.unit} ±${(100 * spread).toFixed(1)} % over ${one.results} results on ${one.machine}`;
    const left = one.leftOut > 0 ? ` (${one.leftOut} older ones not looked at)` : "";
    const rows = one.changes
      .toReversed()
      .map((change) => [
        change.kind,
        `${change.ratio > 0 ? "+" : ""}${(100 * change.ratio).toFixed(1)} %`,
        `${number(change.from)} -> ${number(change.to)} ${one.unit}`,
        `at ${change.commit.slice(0, SHORT)}`,
        `after ${change.after.slice(0, SHORT)}`,
        `${change.results} ${change.results === 1 ? "result" : "results"} since`,
        change.created.slice(0, 10),
      ]);
    return `${head}${left}\n${rows.length === 0 ? "  no change\n" : table(rows)}`;
  });
  const rest = quiet === 0 ? "" : `${quiet} series without a change\n`;
  return [...blocks, ...(rest === "" ? [] : [rest])].join("\n");
}
