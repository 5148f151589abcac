/** A history's metrics, commit by commit. */
import type { HistoryEntry } from "../../trend/history.ts";
import { digits, tickNumber } from "../amount.ts";
import { curvePlot } from "../curve-plot.ts";
import { type Figure, NARROW, type Picture } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum } from "../markup.ts";

/** Metrics drawn at most; the table has all of them. */
const DRAWN = 6;

export function trendFigures(histories: readonly Named<readonly HistoryEntry[]>[]): Figure[] {
  return histories.flatMap(({ file, result }, i) => {
    const machines = [...new Set(result.map(({ machine }) => machine))];
    return machines.map((machine, m) =>
      trendFigure(
        file,
        machine,
        result.filter((entry) => entry.machine === machine),
        `${i + 1}-${m + 1}`,
      ),
    );
  });
}

function trendFigure(file: string, machine: string, entries: readonly HistoryEntry[], suffix: string): Figure {
  const names = [...new Set(entries.flatMap(({ metrics }) => metrics.map(({ name }) => name)))];
  const metricOf = (entry: HistoryEntry, name: string) => entry.metrics.find((metric) => metric.name === name);
  const pictures = names
    .map((name) => ({
      name,
      values: entries
        .flatMap((entry) => metricOf(entry, name) ?? [])
        .map(({ value, unit }, x) => ({ x: x + 1, y: value, unit })),
    }))
    .filter(({ values }) => values.length > 1)
    .slice(0, DRAWN)
    .map(
      ({ name, values }, i): Picture => ({
        name: `${i + 1}`,
        caption: name,
        wide: 540,
        narrow: NARROW,
        draw: curvePlot({
          title: `${name}, entry by entry`,
          description: values.map(({ x, y }) => `${x}: ${digits(y)}`).join("; "),
          height: 220,
          x: { title: "entries of the history", kind: "linear", tick: tickNumber, low: 0 },
          y: { title: values[0].unit, kind: "linear", tick: tickNumber },
          curves: [{ name: "", tone: "dvr", kind: "measured", points: values }],
        }),
      }),
    );
  return {
    id: `trend-${suffix}`,
    topic: `History, ${file}`,
    headline: `${entries.length} ${entries.length === 1 ? "entry" : "entries"} of ${names.length} metrics on ${machine}`,
    pictures,
    notes: names.length > DRAWN ? [`Drawn are the first ${DRAWN} metrics; the table has all.`] : [],
    tables: [
      {
        caption: "Values, entry by entry",
        head: ["commit", ...names],
        rows: entries.map((entry): Child[] => [
          entry.commit.slice(0, 12),
          ...names.map((name) => {
            const metric = metricOf(entry, name);
            return metric === undefined ? "–" : datum(metric.value, `${digits(metric.value)} ${metric.unit}`);
          }),
        ]),
      },
    ],
  };
}
