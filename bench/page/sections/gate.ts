/** What the gate said: each metric's effect with its interval against the margin, and what differs exactly. */
import type { GateResult } from "../../gate/result.ts";
import { type MetricResult, type MetricVerdict, runVerdictText } from "../../gate/verdict.ts";
import { whole } from "../amount.ts";
import { type Absent, type Figure, NARROW, svg, WIDE } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join, type Markup } from "../markup.ts";
import { bottomAxis, line, type Tone, text } from "../plot.ts";
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
  const { metrics, broken } = result;
  const verdict = runVerdictText[result.verdict] ?? String(result.verdict);
  return {
    id: `gate${suffix}`,
    topic: `Gate, ${file}`,
    headline: `Verdict: ${verdict}${counts(metrics, broken.length)}`,
    text: [
      "Head against base, by pairs of fresh processes: above zero is slower. Whiskers: 95 % interval; the shaded band ends at the margin.",
    ],
    pictures:
      metrics.length === 0
        ? []
        : [{ name: "effects", wide: WIDE, narrow: NARROW, draw: (width, id) => forest(metrics, width, id) }],
    tables: [
      {
        caption: "Effects as a share of the base's time, and why each verdict",
        head: [
          "metric",
          "verdict",
          "effect",
          "low",
          "high",
          "margin",
          "pairs",
          "confirming",
          "smallest effect seen",
          "reason",
        ],
        words: [1, 9],
        rows: metrics.map((metric): Child[] => [
          metric.name,
          el(
            "span",
            {
              class:
                metric.verdict === "regression"
                  ? "bad"
                  : metric.verdict === "pass" || metric.verdict === "improvement"
                    ? "good"
                    : null,
            },
            metric.verdict,
          ),
          datum(metric.estimate, effect(metric.estimate)),
          datum(metric.low, effect(metric.low)),
          datum(metric.high, effect(metric.high)),
          datum(metric.margin, effect(metric.margin)),
          whole(metric.pairs),
          whole(metric.confirmPairs),
          effect(metric.detectable),
          el("span", { class: "wrap" }, metric.reason),
        ]),
      },
      ...(broken.length === 0
        ? []
        : [
            {
              caption: "Exact gates that differ",
              head: ["what", "base", "head"],
              words: [1, 2],
              rows: broken.map(({ name, base, head }): Child[] => [name, base ?? "–", head ?? "–"]),
            },
          ]),
    ],
  };
}

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

const effect = (value: number | null): string =>
  value === null || !Number.isFinite(value)
    ? "–"
    : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(100 * value).toFixed(2)} %`;

const ROW = 26;

function forest(metrics: readonly MetricResult[], width: number, id: string): Markup {
  const narrow = width < 500;
  const left = narrow ? 0 : width * 0.4;
  const row = narrow ? ROW + 18 : ROW;
  const bottom = 8 + row * metrics.length;
  const values = metrics
    .flatMap(({ estimate, low, high, margin }) => [estimate, low, high, margin])
    .filter((value) => value !== null && Number.isFinite(value)) as number[];
  const scale = linearScale(
    Math.max(...values, 0.01),
    [left + 6, width - 74],
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
    ...bottomAxis(scale, 0, bottom, (value) => effect(value).replace(/\.?0+ %$/, " %"), "slower than the base"),
    line(scale.at(0), 0, scale.at(0), bottom, { class: "axis" }),
    ...metrics.flatMap((metric, i) => {
      const top = 8 + row * i;
      const y = narrow ? top + 30 : top + 12;
      const { estimate, low, high, margin, verdict, name } = metric;
      return [
        el("rect", {
          x: scale.at(0),
          y: y - 7,
          width: Math.max(0, scale.at(margin) - scale.at(0)),
          height: 14,
          class: "fill plain",
          opacity: 0.18,
        }),
        text(narrow ? 0 : left - 10, narrow ? top + 13 : y + 4, name, {
          class: "name",
          "text-anchor": narrow ? null : "end",
        }),
        line(scale.at(low ?? scale.domain[0]), y, scale.at(high ?? scale.domain[1]), y, { class: "whisker" }),
        el("circle", { cx: scale.at(estimate), cy: y, r: 5, class: `mark ${TONES[verdict] ?? "plain"}` }),
        text(width, y + 4, effect(estimate), { class: "value", "text-anchor": "end" }),
      ];
    }),
  );
}
