/** What the gate said: each metric's effect with its interval against the margin, and what differs exactly. */
import type { GateResult } from "../../gate/result.ts";
import { type MetricResult, type MetricVerdict, runVerdictText } from "../../gate/verdict.ts";
import { digits, GAP, whole } from "../amount.ts";
import { type Absent, type DataTable, type Figure, NARROW, svg, WIDE } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join, type Markup } from "../markup.ts";
import { bottomAxis, line, type Tone, text, textWidth } from "../plot.ts";
import { linearScale } from "../scale.ts";

const TONES: Readonly<Record<MetricVerdict, Tone>> = {
  regression: "legacy",
  improvement: "third",
  pass: "dvr",
  inconclusive: "plain",
  noisy: "plain",
};

export function gateFigures(gates: readonly Named<GateResult>[]): (Figure | Absent)[] {
  if (gates.length === 0) {
    return [
      {
        id: "gate",
        topic: "Gate",
        sentence: join([
          "No gate result was given; ",
          el("code", {}, "eastwest gate --base REF --json gate.json"),
          " writes one.",
        ]),
      },
    ];
  }
  return gates.map(({ file, result }, i) => gateFigure(file, result, gates.length > 1 ? `-${i + 1}` : ""));
}

function gateFigure(file: string, result: GateResult, suffix: string): Figure {
  const { metrics, broken, missing, sides } = result;
  const verdict = runVerdictText[result.verdict] ?? String(result.verdict);
  const judged = metrics.filter(({ pairs }) => pairs > 0);
  return {
    id: `gate${suffix}`,
    topic: `Gate, ${file}`,
    headline: `Verdict: ${verdict}${counts(metrics, broken.length)}`,
    text: [
      `Base: ${sideName(sides.base)}. Head: ${sideName(sides.head)}. By pairs of fresh processes; right of 0 the head is slower. Whiskers: 95${GAP}% interval, with an arrow where it has no end; the shaded band ends at the margin. Red is what is surely beyond it, over all metrics and looks together, and again on fresh pairs.`,
      ...(result.interrupted ? ["Interrupted: what follows is as far as it went."] : []),
    ],
    pictures:
      judged.length === 0
        ? []
        : [{ name: "effects", wide: WIDE, narrow: NARROW, draw: (width, id) => forest(judged, width, id) }],
    notes: missing.map(({ scenario, side, why }) => `Not judged: ${scenario}, which ${side} lacks (${why}).`),
    stacked: true,
    tables: [effectsTable(result), ...exactTables(result)],
  };
}

const sideName = ({ name, commit, dirty }: GateResult["sides"]["head"]): string => {
  const at = commit === null || name.startsWith(commit.slice(0, 7)) ? name : `${name} (${commit.slice(0, 12)})`;
  return dirty ? `${at} with changes` : at;
};

function effectsTable({ metrics, figures }: GateResult): DataTable {
  return {
    caption: "Effects as a share of the base's time; medians of the processes, ns a packet; and why each verdict",
    head: [
      "metric",
      "verdict",
      "effect",
      "low",
      "high",
      "margin",
      "base, ns",
      "head, ns",
      "pairs",
      "confirming",
      "control",
      "would have been seen",
      "reason",
    ],
    words: [1, 12],
    rows: metrics.map((metric): Child[] => [
      metric.name,
      el("span", { class: verdictClass(metric.verdict) }, metric.verdict),
      ...[metric.estimate, metric.low, metric.high, metric.margin].map((value) => datum(value, effect(value))),
      ...(["base", "head"] as const).map((side) => {
        const ns = figures[metric.name]?.[side] ?? null;
        return datum(ns, digits(ns));
      }),
      whole(metric.pairs),
      whole(metric.confirmPairs),
      metric.control === null ? "–" : datum(metric.control.estimate, effect(metric.control.estimate)),
      effect(metric.detectable),
      el("span", { class: "wrap" }, metric.reason),
    ]),
  };
}

const verdictClass = (verdict: MetricVerdict): string | null =>
  verdict === "regression" ? "bad" : verdict === "pass" || verdict === "improvement" ? "good" : null;

/** What differs exactly first; then how much was compared. */
function exactTables({ broken, exact }: GateResult): DataTable[] {
  const scenarios = Object.entries(exact);
  return [
    ...(broken.length === 0
      ? []
      : [
          {
            caption: "Exact gates that differ",
            head: ["what", "base", "head"],
            words: [1, 2],
            rows: broken.map(({ name, base, head }): Child[] => [name, shownExact(base), shownExact(head)]),
          },
        ]),
    ...(scenarios.length === 0
      ? []
      : [
          {
            caption: "Compared exactly",
            head: ["scenario", "values", "which"],
            words: [2],
            rows: scenarios.map(([name, values]): Child[] => [
              name,
              String(Object.keys(values).length),
              el("span", { class: "wrap" }, Object.keys(values).join(", ")),
            ]),
          },
        ]),
  ];
}

const shownExact = (value: string | number | null): Child =>
  value === null ? "–" : el("span", { class: "wrap" }, String(value));

function counts(metrics: readonly MetricResult[], broken: number): string {
  const of = (verdict: MetricVerdict): number => metrics.filter((metric) => metric.verdict === verdict).length;
  const parts = [
    ...(["regression", "improvement", "pass", "inconclusive", "noisy"] as const).flatMap((verdict) =>
      of(verdict) > 0 ? `${of(verdict)} ${verdict}` : [],
    ),
    ...(broken > 0 ? [`${broken} exact ${broken === 1 ? "gate" : "gates"} broken`] : []),
  ];
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

/** "+2.10 %", with a minus sign that is as wide as the plus. */
const effect = (value: number | null): string =>
  value === null || !Number.isFinite(value)
    ? "–"
    : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(100 * value).toFixed(2)}${GAP}%`;

const axisEffect = (value: number): string =>
  `${value > 0 ? "+" : value < 0 ? "−" : ""}${Number((100 * Math.abs(value)).toPrecision(6))}${GAP}%`;

const ROW = 28;

function forest(metrics: readonly MetricResult[], width: number, id: string): Markup {
  const narrow = width < 500;
  const said = metrics.map(({ estimate, verdict }) => `${effect(estimate)} ${verdict}`);
  const left = narrow ? 2 : Math.min(width * 0.4, 14 + Math.max(...metrics.map(({ name }) => textWidth(name, 13))));
  const right = narrow ? width - 14 : width - 14 - Math.max(...said.map((one) => textWidth(one, 13)));
  const row = narrow ? ROW + 18 : ROW;
  const bottom = 8 + row * metrics.length;
  const values = metrics
    .flatMap(({ estimate, low, high, margin }) => [estimate, low, high, margin])
    .filter((value) => value !== null && Number.isFinite(value)) as number[];
  const scale = linearScale(
    Math.max(...values, 0.01),
    [left + 12, right - 12],
    narrow ? 3 : 5,
    Math.min(...values, -0.01),
  );
  return svg(
    id,
    { width, height: bottom + 42 },
    {
      title: "Effect of each metric with its interval",
      description: metrics.map(({ name, verdict, estimate }) => `${name}: ${effect(estimate)}, ${verdict}`).join("; "),
    },
    ...bottomAxis(scale, 0, bottom, axisEffect, "change of the time a packet takes (+: slower)"),
    line(scale.at(0), 0, scale.at(0), bottom, { class: "axis" }),
    ...metrics.flatMap((metric, i) => {
      const top = 8 + row * i;
      const y = narrow ? top + 32 : top + 13;
      const { estimate, low, high, margin, verdict, name } = metric;
      return [
        el("rect", {
          x: scale.at(0),
          y: y - 8,
          width: Math.max(0, scale.at(margin) - scale.at(0)),
          height: 16,
          class: "fill plain",
          opacity: 0.22,
        }),
        narrow
          ? text(0, top + 14, name, { class: "group" })
          : text(left - 8, y + 4.5, name, { class: "name", "text-anchor": "end" }),
        ...whisker(low, high, scale, y),
        el("circle", { cx: scale.at(estimate), cy: y, r: 5.5, class: `mark ${TONES[verdict] ?? "plain"}` }),
        text(width, narrow ? top + 14 : y + 4.5, said[i], {
          class: `label ${TONES[verdict] ?? "plain"}`,
          "text-anchor": "end",
        }),
      ];
    }),
  );
}

/** The interval; where it is not bounded it runs to the end of the plot and has an arrow. */
function whisker(
  low: number | null,
  high: number | null,
  scale: { at(value: number): number; readonly domain: readonly [number, number] },
  y: number,
): Child[] {
  const from = low === null ? scale.at(scale.domain[0]) - 8 : scale.at(low);
  const to = high === null ? scale.at(scale.domain[1]) + 8 : scale.at(high);
  const arrow = (x: number, way: 1 | -1): Markup =>
    el("path", { d: `M${x - 6 * way} ${y - 4}L${x} ${y}L${x - 6 * way} ${y + 4}`, class: "whisker", fill: "none" });
  const stop = (x: number): Markup => line(x, y - 5, x, y + 5, { class: "whisker" });
  return [
    line(from, y, to, y, { class: "whisker" }),
    low === null ? arrow(from, -1) : stop(from),
    high === null ? arrow(to, 1) : stop(to),
  ];
}
