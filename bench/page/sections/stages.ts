/** What the stages of the fast path take, from replays. */
import type { ReplayResult } from "../../replay/result.ts";
import { digits, GAP, share, tickNumber } from "../amount.ts";
import { barPlot } from "../bar-plot.ts";
import { type Absent, type Figure, NARROW, WIDE } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";

export function stagesFigure(replays: readonly Named<ReplayResult>[]): Figure | Absent {
  const id = "stages";
  const topic = "Stages of the fast path";
  const staged = replays.filter(({ result }) => result.stages !== null);
  if (staged.length === 0) {
    return {
      id,
      topic,
      sentence: join([
        "No replay result with times was given; ",
        el("code", {}, "eastwest replay CAPTURE --json replay.json"),
        " writes one.",
      ]),
    };
  }
  const stagesOf = ({ result }: Named<ReplayResult>): [string, number][] => Object.entries(result.stages ?? {});
  const all = (replay: Named<ReplayResult>): number => stagesOf(replay).reduce((sum, [, ns]) => sum + ns, 0);
  const [first] = staged;
  const [dearest, most] = stagesOf(first).reduce((a, b) => (b[1] > a[1] ? b : a));
  return {
    id,
    topic,
    headline: `${capital(words(dearest))} takes ${share(most / all(first))} of the time in stages`,
    text: [
      "From passes of their own in which the clock is read between stages, so together they take longer than a packet does without that.",
    ],
    pictures: [
      {
        name: "bars",
        wide: WIDE,
        narrow: NARROW,
        draw: barPlot({
          title: "Nanoseconds a packet in each stage",
          description: staged
            .map(
              (replay) =>
                `${replay.file}: ${stagesOf(replay)
                  .map(([name, ns]) => `${words(name)} ${digits(ns)} ns`)
                  .join(", ")}`,
            )
            .join("; "),
          axis: "nanoseconds a packet",
          tick: tickNumber,
          groups: staged.map((replay) => ({
            name: staged.length > 1 ? replay.file : "",
            bars: stagesOf(replay).map(([name, ns]) => ({
              name: words(name),
              tone: "third" as const,
              value: ns,
              interval: null,
              shown: `${digits(ns)}${GAP}ns`,
            })),
          })),
        }),
      },
    ],
    tables: [
      {
        caption: "Nanoseconds a packet",
        head: [
          "",
          ...stagesOf(first).map(([name]) => words(name)),
          "in all",
          "without the clock between",
          "lookups",
          "upcalls",
        ],
        rows: staged.map((replay): Child[] => [
          replay.file,
          ...stagesOf(replay).map(([, ns]) => datum(ns, digits(ns))),
          digits(all(replay)),
          datum(replay.result.nsPerPacket, digits(replay.result.nsPerPacket)),
          datum(replay.result.cache.lookups, digits(replay.result.cache.lookups)),
          datum(replay.result.cache.upcalls, digits(replay.result.cache.upcalls)),
        ]),
      },
    ],
  };
}

const words = (name: string): string => name.replace(/[A-Z]/g, (one) => ` ${one.toLowerCase()}`);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
