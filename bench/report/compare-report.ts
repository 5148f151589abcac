/** What `eastwest compare` prints. */
import { relativeSpread, type Spread } from "../trial/statistics.ts";
import type { Comparison } from "./compare-results.ts";
import { number, table, whole } from "./format.ts";

/** The comparison of the results in files `a` and `b`; ends with a newline. */
export function compareReport(a: string, b: string, comparison: Comparison): string {
  const { modesOnlyInA, modesOnlyInB, settings, counts, times } = comparison;
  const lines = [`a: ${a}\nb: ${b}\n`];
  for (const [side, modes] of [
    ["a", modesOnlyInA],
    ["b", modesOnlyInB],
  ] as const) {
    if (modes.length > 0) lines.push(`Only ${side} has ${modes.join(", ")}.\n`);
  }
  if (settings.length > 0) {
    lines.push(
      `Settings\n${table([["", "a", "b"], ...settings.map((setting) => [setting.name, setting.a, setting.b])])}`,
    );
  }
  if (counts.length === 0) lines.push("Counts: equal\n");
  else {
    const cell = (value: number | null): string => (value === null ? "-" : whole(value));
    const rows = counts.map(({ mode, name, a: x, b: y }) => [
      `${mode} ${name}`,
      cell(x),
      cell(y),
      x === null || y === null ? "" : `${y > x ? "+" : ""}${whole(y - x)}`,
    ]);
    lines.push(`Counts that differ: ${counts.length}\n${table([["", "a", "b", "b - a"], ...rows])}`);
  }
  if (times.length === 0) lines.push("Times: not measured in both\n");
  else {
    const rows = times.map(({ mode, name, a: x, b: y, ratio, differs, disturbed }) => [
      `${mode} ${name}`,
      median(x),
      median(y),
      ratio.toFixed(3),
      disturbed ? "disturbed" : differs ? "differs" : "intervals overlap",
    ]);
    const note = times.some(({ disturbed }) => disturbed)
      ? "  disturbed: others had the core for more than 5 % of the time of one of the two; measure again\n"
      : "";
    lines.push(`Times\n${table([["", "a", "b", "b / a", ""], ...rows])}${note}`);
  }
  return lines.join("\n");
}

const median = (of: Spread): string => `${number(of.median)} ±${(100 * relativeSpread(of)).toFixed(1)} %`;
