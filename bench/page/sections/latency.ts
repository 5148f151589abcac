/** Latency by percentile, from the histograms of `measure`: at no load and at shares of PDR. */
import type { MeasureCase, MeasureResult } from "../../measure/result.ts";
import { HdrHistogram } from "../../statistics/hdr-histogram.ts";
import { digits, GAP, tickNumber, whole, withUnit } from "../amount.ts";
import { caseNames, framesName, subjectName } from "../case-name.ts";
import { curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW, type Picture } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";
import type { Tone } from "../plot.ts";

/** From no load to the largest one: by colour, and by dashes that close. */
const TONES: readonly Tone[] = ["plain", "third", "fifth", "fourth"];
const DASHES = [3, 2, 1, 0] as const;
const PERCENTS = [50, 75, 90, 95, 99, 99.5, 99.9, 99.99] as const;
/** The graph ends at 99.9999 %, as CSIT's does. */
const MOST = 1e6;

interface Load {
  readonly name: string;
  readonly rate: number;
  readonly lost: number;
  /** All directions together. */
  readonly histogram: HdrHistogram;
}

interface Case {
  readonly one: MeasureCase;
  readonly loads: readonly Load[];
  /** Loads whose histograms cannot be read. */
  readonly unread: readonly string[];
}

export function latencyFigure(measures: readonly Named<MeasureResult>[]): Figure | Absent {
  const id = "latency";
  const topic = "Latency";
  const cases = measures
    .flatMap(({ result }) => result.cases)
    .map(caseOf)
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
  const names = caseNames(cases.map(({ one }) => one));
  const nameOf = ({ one }: Case): string => names.get(one) ?? one.name;
  const lossy = cases.some(({ loads }) => loads.some(({ lost }) => lost > 0));
  return {
    id,
    topic,
    headline: headline(cases[0]),
    text: [
      `From the time at which a frame was to be sent until it had been worked on, all directions together. The axis stretches the tail: each step to the right leaves a tenth as many frames, and a curve ends at its slowest one.${lossy ? " Lost frames have no latency: they are in the table." : ""}`,
    ],
    pictures: cases.map(
      (of, i): Picture => ({
        name: `case-${i + 1}`,
        caption: nameOf(of),
        wide: 540,
        narrow: NARROW,
        draw: curvePlot({
          title: `Latency percentiles, ${nameOf(of)}`,
          description: of.loads
            .map(
              ({ name, histogram }) =>
                `${name}: median ${us(histogram.percentile(50))}, 99th percentile ${us(histogram.percentile(99))}`,
            )
            .join("; "),
          // 90 % leaves a tenth of the frames, 99 % a hundredth: 1 / (1 - p) on a logarithmic axis.
          x: {
            title: "percentile of frames",
            kind: "log",
            tick: percentileName,
            ticks: powersTo(mostFrames(of)),
            high: Math.min(MOST, mostFrames(of)),
          },
          y: { title: "latency, microseconds", kind: "log", tick: tickNumber },
          curves: of.loads.map(({ name, histogram }, n) => ({
            name,
            tone: TONES[n % TONES.length],
            dash: DASHES[n % DASHES.length],
            kind: "line" as const,
            points: tailPoints(histogram),
          })),
        }),
      }),
    ),
    notes: cases
      .filter(({ unread }) => unread.length > 0)
      .map((of) => `${nameOf(of)}: the histogram cannot be read of ${of.unread.join(", ")}.`),
    stacked: true,
    tables: cases.map((of) => ({
      caption: `${nameOf(of)}: percentiles in microseconds (${nameOf(of).includes(framesName(of.one)) ? "" : `${framesName(of.one)}, `}${of.one.name})`,
      head: ["load", "frames/s", "frames", "lost", "least", ...PERCENTS.map((percent) => `${percent}${GAP}%`), "most"],
      rows: of.loads.map(({ name, rate, lost, histogram }): Child[] => [
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

function caseOf(one: MeasureCase): Case {
  const loads: Load[] = [];
  const unread: string[] = [];
  for (const { name, load, lost, directions } of one.latency ?? []) {
    try {
      const [first, ...others] = directions.map(({ histogram }) => HdrHistogram.fromJSON(histogram));
      for (const other of others) first.add(other);
      if (first.total > 0) loads.push({ name, rate: load.framesPerSecond, lost, histogram: first });
    } catch {
      unread.push(name);
    }
  }
  return { one, loads, unread };
}

const mostFrames = ({ loads }: Case): number => Math.max(...loads.map(({ histogram }) => histogram.total));

/** 1, 10, ... up to the number of frames, at most MOST. */
function powersTo(frames: number): number[] {
  const powers = [1, 10];
  while (powers[powers.length - 1] * 10 <= Math.min(frames, MOST)) powers.push(powers[powers.length - 1] * 10);
  return powers;
}

function tailPoints(histogram: HdrHistogram): { x: number; y: number }[] {
  const most = Math.min(MOST, histogram.total);
  const points: { x: number; y: number }[] = [];
  const add = (x: number): void => {
    points.push({ x, y: Math.max(histogram.percentile(100 * (1 - 1 / x)), 1) / 1000 });
  };
  for (let step = 0; 10 ** (step / 20) < most; step++) add(10 ** (step / 20));
  add(most);
  return points;
}

function percentileName(x: number): string {
  const percent = 100 * (1 - 1 / x);
  return x === 1 ? "least" : `${Number(percent.toFixed(4))}${GAP}%`;
}

const us = (ns: number): string => `${digits(ns / 1000)}${GAP}µs`;

function headline({ one, loads }: Case): string {
  const { name, histogram } = loads.reduce((a, b) => (b.rate > a.rate ? b : a));
  return `${subjectName(one)}, at ${name}: half the frames take at most ${us(histogram.percentile(50))}, 99${GAP}% at most ${us(histogram.percentile(99))}`;
}
