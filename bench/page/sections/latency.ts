/** Latency by percentile, from the histograms of `measure`: at no load and at shares of PDR. */
import type { MeasureCase, MeasureResult } from "../../measure/result.ts";
import { HdrHistogram } from "../../statistics/hdr-histogram.ts";
import { digits, GAP, tickNumber, whole, withUnit } from "../amount.ts";
import { curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW, type Picture } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";
import type { Tone } from "../plot.ts";

const TONES: readonly Tone[] = ["third", "dvr", "fourth", "legacy", "fifth"];
const PERCENTS = [50, 75, 90, 95, 99, 99.5, 99.9, 99.99] as const;

interface Load {
  readonly name: string;
  readonly rate: number;
  readonly lost: number;
  /** All directions together. */
  readonly histogram: HdrHistogram;
}

export function latencyFigure(measures: readonly Named<MeasureResult>[]): Figure | Absent {
  const id = "latency";
  const topic = "Latency";
  const cases = measures
    .flatMap(({ result }) => result.cases)
    .map((one) => ({ one, loads: loadsOf(one) }))
    .filter(({ loads }) => loads.length > 0);
  if (cases.length === 0) {
    return {
      id,
      topic,
      sentence: join([
        "No result with latency histograms was given; ",
        el("code", {}, "eastwest measure latency --json latency.json"),
        " writes one.",
      ]),
    };
  }
  return {
    id,
    topic,
    headline: headline(cases[0].loads),
    text: [
      "From the time at which a frame was to be sent until it had been worked on, all directions together. The axis stretches the tail: each step to the right leaves a tenth as many frames.",
    ],
    pictures: cases.map(
      ({ one, loads }, i): Picture => ({
        name: `case-${i + 1}`,
        caption: one.name,
        wide: 540,
        narrow: NARROW,
        draw: curvePlot({
          title: `Latency percentiles of ${one.name}`,
          description: loads
            .map(
              ({ name, histogram }) =>
                `${name}: median ${us(histogram.percentile(50))}, 99th percentile ${us(histogram.percentile(99))}`,
            )
            .join("; "),
          // 90 % leaves a tenth of the frames, 99 % a hundredth: 1 / (1 - p) on a logarithmic axis.
          x: { title: "percentile", kind: "log", tick: percentileName, low: 1, high: 10_000 },
          y: { title: "microseconds", kind: "log", tick: tickNumber },
          curves: loads.map(({ name, histogram }, n) => ({
            name,
            tone: TONES[n % TONES.length],
            kind: "line" as const,
            points: tailPoints(histogram),
          })),
        }),
      }),
    ),
    tables: cases.map(({ one, loads }) => ({
      caption: `${one.name}: ${one.frames.profile}, percentiles in microseconds`,
      head: ["load", "packets/s", "frames", "lost", "least", ...PERCENTS.map((percent) => `${percent}${GAP}%`), "most"],
      rows: loads.map(({ name, rate, lost, histogram }): Child[] => [
        name,
        datum(rate, withUnit(rate, "")),
        datum(histogram.total, whole(histogram.total)),
        datum(lost, whole(lost)),
        ...[histogram.min, ...PERCENTS.map((percent) => histogram.percentile(percent)), histogram.max].map((ns) =>
          datum(ns, digits(ns / 1000)),
        ),
      ]),
    })),
  };
}

/** Loads with histograms; one that cannot be read is left out, whatever wrote it. */
function loadsOf({ latency }: MeasureCase): Load[] {
  return (latency ?? []).flatMap(({ name, load, lost, directions }): Load[] => {
    try {
      const [first, ...others] = directions.map(({ histogram }) => HdrHistogram.fromJSON(histogram));
      if (first === undefined) return [];
      for (const other of others) first.add(other);
      return first.total > 0 ? [{ name, rate: load.framesPerSecond, lost, histogram: first }] : [];
    } catch {
      return [];
    }
  });
}

function tailPoints(histogram: HdrHistogram): { x: number; y: number }[] {
  const most = Math.min(10_000, histogram.total);
  const points: { x: number; y: number }[] = [];
  for (let x = 1; x <= most * 1.0001; x *= 10 ** 0.1) {
    const percent = x === 1 ? 0 : 100 * (1 - 1 / x);
    points.push({ x, y: Math.max(histogram.percentile(percent), 1) / 1000 });
  }
  return points;
}

function percentileName(x: number): string {
  const percent = 100 * (1 - 1 / x);
  return x === 1 ? "least" : `${Number(percent.toFixed(2))}${GAP}%`;
}

const us = (ns: number): string => `${digits(ns / 1000)}${GAP}µs`;

function headline(loads: readonly Load[]): string {
  const busiest = loads.reduce((a, b) => (b.rate > a.rate ? b : a));
  return `Half the frames take at most ${us(busiest.histogram.percentile(50))} at ${busiest.name}, 99${GAP}% at most ${us(busiest.histogram.percentile(99))}`;
}
