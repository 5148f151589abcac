/** How the rate depends on frame size, number of flows, rule changes, first packets: points of sweeps, and of runs. */
import { type AxisName, axes, type MeasureCase, type MeasureResult } from "../../measure/result.ts";
import type { RunResult } from "../../trial/result.ts";
import { share, tickUnit, whole, withUnit } from "../amount.ts";
import { caseTone, subjectName } from "../case-name.ts";
import { type Axis, type Curve, curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW, WIDE } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";
import { modeName, type Tone, toneOf } from "../plot.ts";
import { ratesOf } from "./rates.ts";

interface SweepPoint {
  readonly series: string;
  readonly tone: Tone;
  readonly dash: 0 | 1 | 2 | 3;
  readonly x: number;
  /** "IMIX_v4_1", a file; "" where the value says it. */
  readonly label: string;
  readonly rate: number;
  readonly bounds: readonly [number, number] | null;
}

interface About {
  readonly topic: string;
  readonly x: string;
  /** As in "at 64 bytes". */
  readonly unit: string;
  readonly kind: Axis["kind"];
  readonly tick: (value: number) => string;
}

const ABOUT: Readonly<Record<AxisName, About>> = {
  sizes: { topic: "Frame sizes", x: "bytes of a frame, FCS included", unit: "bytes", kind: "log", tick: whole },
  flows: { topic: "Number of flows", x: "flows", unit: "flows", kind: "log", tick: (value) => shortCount(value) },
  // These have a zero, so their points stand side by side.
  churn: {
    topic: "Rule changes",
    x: "rules added or deleted a second",
    unit: "changes a second",
    kind: "ordinal",
    tick: (value) => shortCount(value),
  },
  "first-packets": {
    topic: "First packets of flows",
    x: "share of frames that are the first of their flow",
    unit: "first packets",
    kind: "ordinal",
    tick: share,
  },
};

const shortCount = (value: number): string => (value >= 1e4 ? tickUnit(value, "").trimEnd() : whole(value));

/** A curve for each axis that was swept; what is missing says how to get it. */
export function sweepFigures(
  measures: readonly Named<MeasureResult>[],
  runs: readonly Named<RunResult>[],
): (Figure | Absent)[] {
  return axes.map((axis) => sweepFigure(axis, measures, runs));
}

function sweepFigure(
  axis: AxisName,
  measures: readonly Named<MeasureResult>[],
  runs: readonly Named<RunResult>[],
): Figure | Absent {
  const { topic, x, kind, tick } = ABOUT[axis];
  const id = `sweep-${axis}`;
  const cases = measures.flatMap(({ result }) => result.cases.filter((one) => one.axis?.name === axis));
  const swept = cases.flatMap(sweepPoints);
  const points = swept.length > 0 || axis !== "sizes" ? swept : runPoints(runs);
  const series = [...new Set(points.map((point) => point.series))].filter(
    (name) => points.filter((point) => point.series === name).length > 1,
  );
  if (series.length === 0) {
    return {
      id,
      topic,
      sentence: join([
        "No results with several points were given; ",
        el("code", {}, `eastwest measure sweep --over ${axis} --json ${axis}.json`),
        " writes one.",
      ]),
    };
  }
  // A mix of sizes is no point of a line over sizes: it stands at its mean, apart.
  const mixes = axis === "sizes" && swept.length > 0;
  const curves = series.flatMap((name): Curve[] => {
    const own = points.filter((point) => point.series === name).sort((a, b) => a.x - b.x);
    const curve = (of: readonly SweepPoint[], kind: Curve["kind"]): Curve => ({
      name: kind === "marks" ? "" : name,
      tone: own[0].tone,
      dash: own[0].dash,
      kind,
      points: of.map((point) => ({ x: point.x, y: point.rate, interval: point.bounds })),
    });
    const apart = mixes ? own.filter(({ label }) => label !== "") : [];
    const line = own.filter((point) => !apart.includes(point));
    return [
      ...(line.length > 0 ? [curve(line, "measured")] : []),
      ...(apart.length > 0 ? [curve(apart, line.length > 0 ? "marks" : "measured")] : []),
    ];
  });
  const drawn = points.filter((point) => series.includes(point.series));
  const values = [...new Set(drawn.map((point) => point.x))].sort((a, b) => a - b);
  const said = ({ x: value, label }: SweepPoint): string =>
    `${axis === "first-packets" ? share(value) : whole(value)}${label === "" ? "" : ` (${label})`}`;
  const apart = mixes ? [...new Set(drawn.flatMap(({ label }) => (label === "" ? [] : label)))] : [];
  const without = cases.filter((one) => sweepPoints(one).length === 0);
  return {
    id,
    topic,
    headline: headline(axis, curves),
    text: [
      [
        drawn.some(({ bounds }) => bounds !== null)
          ? "Whiskers: of a search its bounds; of MRR the least and the most of its trials; of runs a 95 % interval."
          : "",
        apart.length > 0 ? `${apart.join(" and ")} stand beside the line, at their mean length.` : "",
      ]
        .join(" ")
        .trim(),
    ].filter((one) => one !== ""),
    pictures: [
      {
        name: "curve",
        wide: WIDE,
        narrow: NARROW,
        draw: curvePlot({
          title: `${topic}: frames a second`,
          description: curves
            .map(
              ({ name, points: own }) =>
                `${name}: ${own.map((point) => `${tick(point.x)}: ${withUnit(point.y, "pps")}`).join(", ")}`,
            )
            .join("; "),
          x: { title: x, kind, tick, ...(axis === "flows" ? {} : { ticks: values }) },
          y: { title: "frames a second, all directions together", kind: "linear", tick: (y) => tickUnit(y, "pps") },
          curves,
        }),
      },
    ],
    notes: without.map((one) => `${one.name}: no rate${one.stopped === null ? "" : `, ${one.stopped}`}.`),
    tables: [
      {
        caption: "Frames a second",
        head: [x, "series", "rate", "low", "high"],
        words: [1],
        rows: drawn.map((point): Child[] => [
          datum(point.x, said(point)),
          point.series,
          datum(point.rate, whole(point.rate)),
          ...(point.bounds === null ? ["–", "–"] : point.bounds.map((bound) => datum(bound, whole(bound)))),
        ]),
      },
    ],
  };
}

function headline(axis: AxisName, [first]: readonly Curve[]): string {
  const { unit, tick } = ABOUT[axis];
  const [low, high] = [first.points[0], first.points[first.points.length - 1]];
  return `${first.name}: ${withUnit(low.y, "pps")} at ${tick(low.x)}, ${withUnit(high.y, "pps")} at ${tick(high.x)} ${unit}`;
}

function sweepPoints(one: MeasureCase): SweepPoint[] {
  const { axis } = one;
  if (axis === null) return [];
  return ratesOf(one).map(({ name, rate, bounds }, i) => ({
    series: `${subjectName(one)}, ${name}`,
    tone: caseTone(one),
    dash: Math.min(i, 3) as 0 | 1 | 2 | 3,
    x: axis.value,
    label: axis.name === "sizes" && !/^\d+B$/.test(axis.label) ? axis.label : "",
    rate,
    bounds,
  }));
}

/** Runs whose captures have frames of different mean length. */
function runPoints(runs: readonly Named<RunResult>[]): SweepPoint[] {
  return runs.flatMap(({ result, file }) =>
    Object.values(result.modes).flatMap((mode): SweepPoint[] => {
      if (mode.times === null || mode.packetsPerSecond === null) return [];
      const { low, high } = mode.times.nsPerPacket;
      return [
        {
          series: `${modeName(mode.mode)} ${mode.network}`,
          tone: toneOf(mode.mode),
          dash: 0,
          x: Math.round(mode.times.frameBytes) + 4,
          label: file,
          rate: mode.packetsPerSecond,
          bounds: [1e9 / high, 1e9 / low],
        },
      ];
    }),
  );
}
