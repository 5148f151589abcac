/** A history's metrics, result by result, with the levels and changes that `trend` finds in them. */
import type { HistoryEntry } from "../../trend/history.ts";
import { type Series, trendOf } from "../../trend/trend.ts";
import { digits, GAP, tickNumber } from "../amount.ts";
import { type Curve, curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW, type Picture } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";
import { toneOf } from "../plot.ts";

/** Metrics drawn at most, those that changed first; the table has all of them. */
const DRAWN = 6;
/** Characters of a commit's name. */
const SHORT = 7;

export function trendFigures(histories: readonly Named<readonly HistoryEntry[]>[]): (Figure | Absent)[] {
  if (histories.length === 0) {
    return [
      {
        id: "trend",
        topic: "History",
        sentence: join([
          "No history was given; ",
          el("code", {}, "eastwest trend history.jsonl --add run.json"),
          " appends a result of run to one.",
        ]),
      },
    ];
  }
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
  const series = trendOf(entries);
  const drawn = series
    .filter(({ values }) => values.length > 1)
    .sort((a, b) => b.changes.length - a.changes.length)
    .slice(0, DRAWN);
  return {
    id: `trend-${suffix}`,
    topic: `History, ${file}`,
    headline: headline(series),
    text: [
      `Results on ${machine}, in the order in which they were added. Lines are the levels that need the fewest bits to describe them (minimum description length, as trend finds them); a level of a single result may be an accident. The vertical axis need not begin at 0.`,
    ],
    pictures: drawn.map(seriesPicture),
    notes: series.length > DRAWN ? [`Drawn are ${DRAWN} of ${series.length} metrics; the table has all.`] : [],
    stacked: true,
    tables: [
      ...(series.some(({ changes }) => changes.length > 0) ? [changesTable(series)] : []),
      {
        caption: "Values, result by result",
        head: ["commit", ...series.map(({ metric, unit }) => `${metric}, ${unit}`)],
        rows: entries.map((entry): Child[] => [
          entry.commit.slice(0, 12),
          ...series.map(({ metric, unit }) => {
            const one = entry.metrics.find(({ name, unit: of }) => name === metric && of === unit);
            return one === undefined ? "–" : datum(one.value, digits(one.value));
          }),
        ]),
      },
    ],
  };
}

function seriesPicture({ metric, unit, values, commits, groups }: Series, index: number): Picture {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const levels = groups.map(
    ({ start, end, average }): Curve => ({
      name: "",
      tone: "plain",
      kind: "line",
      points: [
        { x: start, y: average },
        { x: end - 1, y: average },
      ],
    }),
  );
  return {
    name: `${index + 1}`,
    caption: metric,
    wide: 540,
    narrow: NARROW,
    draw: curvePlot({
      title: `${metric}, result by result`,
      description: values.map((value, i) => `${commits[i].slice(0, SHORT)}: ${digits(value)}`).join("; "),
      height: 240,
      x: {
        title: "results by commit",
        kind: "ordinal",
        tick: (i) => commits[i].slice(0, SHORT),
        ticks: values.map((_, i) => i),
      },
      y: {
        title: unit,
        kind: "linear",
        tick: tickNumber,
        low: Math.max(0, least - 0.5 * (most - least || most)),
      },
      curves: [
        ...levels,
        {
          name: "",
          tone: toneOf(metric.split("/", 1)[0]),
          kind: "marks",
          points: values.map((value, x) => ({ x, y: value })),
        },
      ],
      places: groups.slice(1).flatMap(({ start, average }, i) => {
        const { average: before } = groups[i];
        return average === before ? [] : [{ x: start, name: percent(average / before - 1) }];
      }),
    }),
  };
}

function changesTable(series: readonly Series[]): Figure["tables"][number] {
  return {
    caption: "Changes, newest last",
    head: ["metric", "what", "change", "from", "to", "at", "after", "results since"],
    words: [1, 5, 6],
    rows: series.flatMap(({ metric, changes }) =>
      changes.map(({ kind, ratio, from, to, commit, after, results }): Child[] => [
        metric,
        el("span", { class: kind === "regression" ? "bad" : "good" }, kind),
        datum(ratio, percent(ratio)),
        datum(from, digits(from)),
        datum(to, digits(to)),
        commit.slice(0, 12),
        after.slice(0, 12),
        String(results),
      ]),
    ),
  };
}

const percent = (ratio: number): string => `${ratio > 0 ? "+" : "−"}${Math.abs(100 * ratio).toFixed(1)}${GAP}%`;

function headline(series: readonly Series[]): string {
  const last = series.flatMap(({ metric, changes }) => changes.slice(-1).map((change) => ({ metric, ...change })));
  const results = Math.max(0, ...series.map(({ values }) => values.length));
  if (last.length === 0) {
    return `No change in ${results} ${results === 1 ? "result" : "results"} of ${series.length} ${series.length === 1 ? "metric" : "metrics"}`;
  }
  const [{ metric, kind, ratio, commit }] = last.toSorted((a, b) => Math.abs(b.ratio) - Math.abs(a.ratio));
  return `${metric}: ${kind} of ${percent(ratio)} at ${commit.slice(0, 12)}`;
}
