/** What a search found (NDR, PDR, MRR), and how the rate depends on frame size and number of flows. */
import type { MeasureCase, MeasureResult } from "../../measure/result.ts";
import type { RunResult } from "../../trial/result.ts";
import { digits, tickUnit, whole, withUnit } from "../amount.ts";
import { type Bar, barPlot } from "../bar-plot.ts";
import { type Curve, curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW, type Picture, WIDE } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";
import { modeName, type Tone, toneOf } from "../plot.ts";

/** A rate in frames a second with its bounds. */
interface Found {
  readonly name: string;
  readonly of: MeasureCase;
  readonly rate: number;
  readonly bounds: readonly [number, number] | null;
}

export function ratesFigure(measures: readonly Named<MeasureResult>[]): Figure | Absent {
  const id = "rates";
  const topic = "Rates with bounded loss";
  const found = measures.flatMap(({ result }) => (result.kind === "sweep" ? [] : result.cases.flatMap(ratesOf)));
  if (found.length === 0) {
    return {
      id,
      topic,
      sentence: join([
        "No search result was given; ",
        el("code", {}, "eastwest measure ndrpdr --json rates.json"),
        " writes one.",
      ]),
    };
  }
  const best = found.reduce((a, b) => (b.rate > a.rate ? b : a));
  return {
    id,
    topic,
    headline: `${best.of.name}: ${best.name} of ${withUnit(best.rate, "pps")} with frames of ${best.of.frames.profile}`,
    text: [
      "NDR: no frame lost; PDR: at most half a percent lost; MRR: what came through at the largest load. Bars end at the conditional throughput, whiskers at the bounds of the search.",
    ],
    pictures: [
      {
        name: "bars",
        wide: WIDE,
        narrow: NARROW,
        draw: barPlot({
          title: "Rates found by search",
          description: found.map(({ of, name, rate }) => `${of.name}, ${name}: ${withUnit(rate, "pps")}`).join("; "),
          axis: "frames a second, all directions together",
          tick: (value) => tickUnit(value, "pps"),
          groups: [...new Set(found.map(({ of }) => of))].map((one) => ({
            name: one.name,
            bars: found
              .filter(({ of }) => of === one)
              .map(
                ({ name, rate, bounds }): Bar => ({
                  name,
                  tone: one.subject.mode === null ? "third" : toneOf(one.subject.mode),
                  value: rate,
                  interval: bounds,
                  shown: withUnit(rate, "pps"),
                }),
              ),
          })),
        }),
      },
    ],
    tables: [
      {
        caption: "Rates in frames a second, all directions together",
        head: [
          "case",
          "what",
          "rate",
          "lower bound",
          "upper bound",
          "frame",
          "bytes, with FCS",
          "bit/s, layer 2",
          "bit/s, layer 1",
        ],
        words: [1, 5],
        rows: found.map(({ of, name, rate, bounds }): Child[] => {
          const { meanBytes, profile } = of.frames;
          return [
            of.name,
            name,
            datum(rate, whole(rate)),
            bounds === null ? "–" : datum(bounds[0], whole(bounds[0])),
            bounds === null ? "–" : datum(bounds[1], whole(bounds[1])),
            profile,
            datum(meanBytes, digits(meanBytes)),
            withUnit(rate * meanBytes * 8, ""),
            withUnit(rate * (meanBytes + 20) * 8, ""),
          ];
        }),
      },
    ],
  };
}

function ratesOf(of: MeasureCase): Found[] {
  const found: Found[] = of.goals.flatMap(({ name, throughput, lower, upper }): Found[] => {
    const rate = throughput?.framesPerSecond ?? lower?.framesPerSecond;
    if (rate === undefined) return [];
    const bounds = lower && upper ? ([lower.framesPerSecond, upper.framesPerSecond] as const) : null;
    return [{ name, of, rate, bounds }];
  });
  if (of.mrr === null) return found;
  const { average, samples } = of.mrr;
  return [
    ...found,
    { name: "MRR", of, rate: average.framesPerSecond, bounds: [Math.min(...samples), Math.max(...samples)] },
  ];
}

interface SweepPoint {
  readonly series: string;
  readonly tone: Tone;
  readonly x: number;
  readonly rate: number;
  readonly bounds: readonly [number, number] | null;
}

const AXES = {
  sizes: { topic: "Frame sizes", x: "bytes of a frame, FCS included", command: "eastwest measure sweep --axis sizes" },
  flows: { topic: "Number of flows", x: "flows", command: "eastwest measure sweep --axis flows" },
} as const;

/** The curve over one axis: points of sweeps; of several runs, which have frames of different mean length. */
export function sweepFigure(
  axis: keyof typeof AXES,
  measures: readonly Named<MeasureResult>[],
  runs: readonly Named<RunResult>[],
): Figure | Absent {
  const { topic, x, command } = AXES[axis];
  const id = `sweep-${axis}`;
  const swept = measures.flatMap(({ result }) =>
    result.cases.filter((one) => one.axis?.name === axis).flatMap(sweepPoint),
  );
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
        el("code", {}, `${command} --json sweep.json`),
        " writes one.",
      ]),
    };
  }
  const curves = series.map((name): Curve => {
    const own = points.filter((point) => point.series === name).sort((a, b) => a.x - b.x);
    return {
      name,
      tone: own[0].tone,
      kind: "measured",
      points: own.map((point) => ({ x: point.x, y: point.rate, interval: point.bounds })),
    };
  });
  const [first] = curves;
  const [low, high] = [first.points[0], first.points[first.points.length - 1]];
  const picture: Picture = {
    name: "curve",
    wide: WIDE,
    narrow: NARROW,
    draw: curvePlot({
      title: `${topic}: frames a second`,
      description: curves
        .map(
          ({ name, points: own }) =>
            `${name}: ${own.map((point) => `${whole(point.x)}: ${withUnit(point.y, "pps")}`).join(", ")}`,
        )
        .join("; "),
      x: { title: x, kind: "log", tick: (value) => (value >= 1e4 ? withUnit(value, "") : whole(value)) },
      y: { title: "frames a second", kind: "linear", tick: (value) => tickUnit(value, "pps") },
      curves,
    }),
  };
  return {
    id,
    topic,
    headline: `${first.name}: ${withUnit(low.y, "pps")} at ${whole(low.x)}, ${withUnit(high.y, "pps")} at ${whole(high.x)} ${axis === "flows" ? "flows" : "bytes"}`,
    pictures: [picture],
    tables: [
      {
        caption: "Frames a second",
        head: [x, "series", "rate", "low", "high"],
        words: [1],
        rows: points
          .filter((point) => series.includes(point.series))
          .map((point): Child[] => [
            whole(point.x),
            point.series,
            datum(point.rate, whole(point.rate)),
            ...(point.bounds === null ? ["–", "–"] : point.bounds.map((bound) => datum(bound, whole(bound)))),
          ]),
      },
    ],
  };
}

function sweepPoint(one: MeasureCase): SweepPoint[] {
  const rates = ratesOf(one);
  const found = rates.find(({ name }) => name === "MRR") ?? rates.at(0);
  if (found === undefined || one.axis === null) return [];
  const mode = one.subject.mode;
  const what = mode === null ? one.subject.rules : modeName(mode);
  const series = `${what}${one.subject.network === null ? "" : ` ${one.subject.network}`}, ${found.name}`;
  return [
    { series, tone: mode === null ? "third" : toneOf(mode), x: one.axis.value, rate: found.rate, bounds: found.bounds },
  ];
}

function runPoints(runs: readonly Named<RunResult>[]): SweepPoint[] {
  return runs.flatMap(({ result }) =>
    Object.values(result.modes).flatMap((mode): SweepPoint[] => {
      if (mode.times === null || mode.packetsPerSecond === null) return [];
      const { low, high } = mode.times.nsPerPacket;
      return [
        {
          series: `${modeName(mode.mode)} ${mode.network}`,
          tone: toneOf(mode.mode),
          x: Math.round(mode.times.frameBytes) + 4,
          rate: mode.packetsPerSecond,
          bounds: [1e9 / high, 1e9 / low],
        },
      ];
    }),
  );
}
