/** What is lost at one load: over a long time (soak), and while rules are replaced (reconfiguration). */
import type { MeasureCase, MeasureResult } from "../../measure/result.ts";
import { blockedDifference } from "../../search/blocked-time.ts";
import { median } from "../../trial/statistics.ts";
import { digits, GAP, share, tickNumber, whole, withUnit } from "../amount.ts";
import { barPlot } from "../bar-plot.ts";
import { caseNames, caseTone } from "../case-name.ts";
import { curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW, type Picture, WIDE } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";

export function soakFigure(measures: readonly Named<MeasureResult>[]): Figure | Absent {
  const id = "soak";
  const topic = "Soak: one load for long";
  const cases = measures.flatMap(({ result }) => result.cases.filter((one) => one.soak !== null));
  if (cases.length === 0) {
    return {
      id,
      topic,
      sentence: join([
        "No soak was given; ",
        el("code", {}, "eastwest measure soak --seconds 60 --json soak.json"),
        " writes one.",
      ]),
    };
  }
  const names = caseNames(cases);
  return {
    id,
    topic,
    headline: soakHeadline(cases[0], names.get(cases[0]) ?? ""),
    text: [
      "Trial after trial at the same load. The interval of the loss ratio is exact for frames that are lost independently; losses come in bursts, so the share of trials with any loss stands beside it.",
    ],
    pictures: cases.map((one, i): Picture => {
      const trials = soakTrials(one);
      return {
        name: `case-${i + 1}`,
        caption: names.get(one),
        wide: 540,
        narrow: NARROW,
        draw: curvePlot({
          title: `Frames lost in each trial, ${names.get(one)}`,
          description: trials.map(({ end, lost }) => `at ${digits(end)} s: ${whole(lost)}`).join("; "),
          height: 240,
          x: { title: "seconds", kind: "linear", tick: tickNumber },
          y: { title: "frames lost in a trial", kind: "linear", tick: tickNumber },
          curves: [
            {
              name: "",
              tone: caseTone(one),
              kind: "measured" as const,
              points: trials.map(({ end, lost }) => ({ x: end, y: lost })),
            },
          ],
        }),
      };
    }),
    notes: cases.flatMap((one) => brokenNote(one, names.get(one) ?? one.name)),
    stacked: true,
    tables: [
      {
        caption: "Loss at the load, with 95 % intervals",
        head: ["case", "frames/s", "seconds", "offered", "lost", "loss ratio", "low", "high", "trials with loss"],
        rows: cases.map((one): Child[] => {
          const { soak } = one;
          if (soak === null) return [];
          const { load, seconds, offered, lost, loss, lossyTrials } = soak;
          const trials = soakTrials(one);
          return [
            names.get(one) ?? one.name,
            datum(load.framesPerSecond, withUnit(load.framesPerSecond, "")),
            datum(seconds, digits(seconds)),
            datum(offered, whole(offered)),
            datum(lost, whole(lost)),
            datum(loss.value, ratio(loss.value)),
            datum(loss.low, ratio(loss.low)),
            datum(loss.high, ratio(loss.high)),
            `${trials.filter(({ lost: some }) => some > 0).length} of ${trials.length} (${share(lossyTrials.low)} to ${share(lossyTrials.high)})`,
          ];
        }),
      },
    ],
  };
}

function soakTrials({ trials }: MeasureCase): { end: number; lost: number }[] {
  let end = 0;
  return trials
    .filter(({ purpose }) => purpose === "soak")
    .map(({ seconds, lost, unsent, broken }) => {
      end += seconds;
      return { end, lost: broken ? lost + unsent : lost };
    });
}

/** What the sender did not get to counts as lost in a broken trial, and says more of the machine than of the datapath. */
export function brokenNote({ trials }: MeasureCase, name: string): string[] {
  const counted = trials.filter(({ purpose }) => purpose !== "warm-up");
  const broken = counted.filter((trial) => trial.broken);
  if (broken.length === 0) return [];
  const unsent = broken.reduce((sum, trial) => sum + trial.unsent, 0);
  return [
    `${name}: ${broken.length} of ${counted.length} trials are broken: the sender did not get to ${whole(unsent)} frames, which count as lost. It needs a core of its own.`,
  ];
}

/** "2.1e-7" where a percentage has no digits left. */
const ratio = (value: number): string => (value === 0 || value >= 1e-3 ? share(value) : value.toExponential(1));

function soakHeadline({ soak }: MeasureCase, name: string): string {
  if (soak === null) return "";
  const { load, seconds, offered, lost } = soak;
  return `${name}: ${whole(lost)} of ${whole(offered)} frames lost in ${digits(seconds)}${GAP}s at ${withUnit(load.framesPerSecond, "pps")}`;
}

export function reconfFigure(measures: readonly Named<MeasureResult>[]): Figure | Absent {
  const id = "reconf";
  const topic = "Reconfiguration";
  const cases = measures.flatMap(({ result }) => result.cases.filter((one) => one.reconf !== null));
  if (cases.length === 0) {
    return {
      id,
      topic,
      sentence: join([
        "No reconfiguration was given; ",
        el("code", {}, "eastwest measure reconf --json reconf.json"),
        " writes one.",
      ]),
    };
  }
  const names = caseNames(cases);
  const all = cases.map((one) => ({ one, name: names.get(one) ?? one.name, ...blocked(one) }));
  const [first] = all;
  return {
    id,
    topic,
    headline: `${first.name}: ${ms(median(first.changed))} of traffic lost around replacing all rules, ${ms(median(first.without))} in trials without${found(first)}`,
    text: [
      "Effective blocked time: frames lost, divided by the load. Trials without a change take turns with the others and show what is lost anyway: only what is more than that, pair by pair, is due to the change. Bars are medians, whiskers the least and the most.",
    ],
    pictures: [
      {
        name: "bars",
        wide: WIDE,
        narrow: NARROW,
        draw: barPlot({
          title: "Effective blocked time with and without a reconfiguration",
          description: all
            .map(
              ({ name, changed, without }) =>
                `${name}: ${ms(median(changed))} with the change, ${ms(median(without))} without`,
            )
            .join("; "),
          axis: "effective blocked time, milliseconds",
          tick: tickNumber,
          groups: all.map(({ one, name, changed, without }) => ({
            name,
            bars: [
              {
                name: "rules replaced",
                tone: caseTone(one),
                value: median(changed),
                interval: [Math.min(...changed), Math.max(...changed)] as const,
                shown: ms(median(changed)),
              },
              {
                name: "no change",
                tone: "plain" as const,
                value: median(without),
                interval: [Math.min(...without), Math.max(...without)] as const,
                shown: ms(median(without)),
              },
            ],
          })),
        }),
      },
    ],
    notes: all.flatMap(({ one, name, changed, without }) => {
      const { value, low, high } = blockedDifference(changed, without).difference;
      const interval = changed.length < 6 ? "the least and the most of the pairs" : "95 % interval";
      return [
        `${name}: ${ms(value)} more with the change than without, median over ${changed.length} pairs of trials (${interval}: ${ms(low)} to ${ms(high)}).`,
        ...brokenNote(one, name),
      ];
    }),
    stacked: true,
    tables: all.map(({ one, name, changed, without }) => ({
      caption: `${name}, ${withUnit(one.reconf?.load.framesPerSecond ?? 0, "pps")}: ${one.reconf?.change ?? ""}`,
      head: ["time", "frames lost", "blocked, ms", "the change took, ms", "lost without, before it", "as blocked, ms"],
      rows: (one.reconf?.events ?? []).map(({ lost, changeSeconds }, i): Child[] => [
        String(i + 1),
        datum(lost, whole(lost)),
        datum(changed[i] / 1000, digits(changed[i])),
        datum(changeSeconds, digits(changeSeconds * 1000)),
        datum(one.reconf?.lostWithout[i] ?? null, whole(one.reconf?.lostWithout[i] ?? null)),
        datum(without[i] / 1000, digits(without[i])),
      ]),
    })),
  };
}

/** Whether the pairs of trials show that the change itself costs something. */
function found({ changed, without }: { changed: readonly number[]; without: readonly number[] }): string {
  const { low } = blockedDifference(changed, without).difference;
  return low > 0 ? "" : ": no more than what is lost anyway";
}

/** Blocked time of each event and of each trial without one, milliseconds. */
function blocked({ reconf }: MeasureCase): { changed: number[]; without: number[] } {
  if (reconf === null) return { changed: [], without: [] };
  const load = reconf.load.framesPerSecond;
  return {
    changed: reconf.events.map(({ blockedSeconds }) => blockedSeconds * 1000),
    without: reconf.lostWithout.map((lost) => (1000 * lost) / load),
  };
}

const ms = (value: number): string => `${digits(value)}${GAP}ms`;
