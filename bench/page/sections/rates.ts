/** What searches found: NDR, PDR and other goals, and the maximum receive rate. */
import type { MeasureCase, MeasureResult } from "../../measure/result.ts";
import { layer1Rate, layer2Rate } from "../../search/frame-profile.ts";
import { digits, tickUnit, times, whole, withUnit } from "../amount.ts";
import { type Bar, barPlot } from "../bar-plot.ts";
import { caseNames, caseTone, framesName, subjectName } from "../case-name.ts";
import { type Absent, type Figure, NARROW, WIDE } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";
import { brokenNote } from "./loss.ts";

/** A rate in frames a second with what is known of its spread. */
export interface Found {
  /** "NDR", "PDR", "MRR", another goal's name. */
  readonly name: string;
  readonly of: MeasureCase;
  readonly rate: number;
  /** Of a goal the bounds of its search; of MRR the least and the most of its trials. */
  readonly bounds: readonly [number, number] | null;
  /** Why a search ended early; null when it did not. */
  readonly doubt: string | null;
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
  const cases = [...new Set(found.map(({ of }) => of))];
  const names = caseNames(cases);
  const hasMrr = found.some(({ name }) => name === "MRR");
  const doubts = found.filter(({ doubt }) => doubt !== null);
  return {
    id,
    topic,
    headline: headline(found),
    text: [
      `NDR: no frame lost; PDR: at most half a percent lost; MRR: what came through at the largest load. Bars of a search end at the conditional throughput, whiskers at its bounds${hasMrr ? "; those of MRR are the mean, the least and the most of its trials" : ""}.`,
    ],
    pictures: [
      {
        name: "bars",
        wide: WIDE,
        narrow: NARROW,
        draw: barPlot({
          title: "Rates found by search",
          description: found
            .map(({ of, name, rate }) => `${names.get(of)}, ${name}: ${withUnit(rate, "pps")}`)
            .join("; "),
          axis: "frames a second, all directions together",
          tick: (value) => tickUnit(value, "pps"),
          groups: cases.map((one) => ({
            name: names.get(one) ?? one.name,
            bars: found
              .filter(({ of }) => of === one)
              .map(
                ({ name, rate, bounds }): Bar => ({
                  name,
                  tone: caseTone(one),
                  value: rate,
                  interval: bounds,
                  shown: withUnit(rate, "pps"),
                }),
              ),
          })),
        }),
      },
    ],
    notes: [
      ...doubts.map(({ name, of, doubt }) => `${names.get(of)}, ${name}: not regular, ${doubt}.`),
      ...cases.flatMap((one) => brokenNote(one, names.get(one) ?? one.name)),
    ],
    tables: [
      {
        caption: "Rates in frames a second, all directions together",
        head: [
          "case",
          "what",
          "rate",
          "low",
          "high",
          "frame",
          "bytes, with FCS",
          "bit/s, layer 2",
          "bit/s, layer 1",
          "name",
        ],
        words: [1, 5, 9],
        rows: found.map(({ of, name, rate, bounds }): Child[] => {
          const { meanBytes, profile } = of.frames;
          return [
            names.get(of) ?? of.name,
            name,
            datum(rate, whole(rate)),
            bounds === null ? "–" : datum(bounds[0], whole(bounds[0])),
            bounds === null ? "–" : datum(bounds[1], whole(bounds[1])),
            profile,
            datum(meanBytes, digits(meanBytes)),
            withUnit(layer2Rate(rate, meanBytes), ""),
            withUnit(layer1Rate(rate, meanBytes), ""),
            of.name,
          ];
        }),
      },
    ],
  };
}

/** The rates of a case, the search's before MRR. */
export function ratesOf(of: MeasureCase): Found[] {
  const found: Found[] = of.goals.flatMap(({ name, throughput, lower, upper, regular, reason }): Found[] => {
    const rate = throughput?.framesPerSecond ?? lower?.framesPerSecond;
    if (rate === undefined) return [];
    const bounds = lower && upper ? ([lower.framesPerSecond, upper.framesPerSecond] as const) : null;
    return [{ name, of, rate, bounds, doubt: regular ? null : (reason ?? "ended early") }];
  });
  if (of.mrr === null) return found;
  const { average, samples } = of.mrr;
  const bounds = [Math.min(...samples), Math.max(...samples)] as const;
  return [...found, { name: "MRR", of, rate: average.framesPerSecond, bounds, doubt: null }];
}

/** Both designs by the same goal and frames where they are there, else the best. */
function headline(found: readonly Found[]): string {
  for (const name of ["PDR", "NDR", "MRR"]) {
    for (const dvr of found.filter((one) => one.name === name && one.of.subject.mode === "dvr")) {
      const { frames, subject } = dvr.of;
      const legacy = found.find(
        ({ name: other, of }) =>
          other === name &&
          of.subject.mode === "legacy" &&
          of.subject.network === subject.network &&
          of.frames.profile === frames.profile &&
          of.frames.flows === frames.flows,
      );
      if (legacy === undefined) continue;
      const [more, less] = dvr.rate >= legacy.rate ? [dvr, legacy] : [legacy, dvr];
      const said = [more, less].map(({ of, rate }) => `${subjectName(of).split(",", 1)[0]} ${withUnit(rate, "pps")}`);
      return `${name} on one core for all hosts: ${said.join(", ")}, ${times(more.rate, less.rate)} as much`;
    }
  }
  const best = found.reduce((a, b) => (b.rate > a.rate ? b : a));
  return `${best.name} of ${withUnit(best.rate, "pps")}: ${subjectName(best.of)}, ${framesName(best.of)}`;
}
