/** What `replay --perf` recorded of the loop, iteration by iteration: its histograms, and iterations that took too long. */
import type { HistogramResult, PerfResult } from "../../replay/perf-result.ts";
import type { ReplayResult } from "../../replay/result.ts";
import { digits, GAP, share, whole } from "../amount.ts";
import { columnPlot } from "../column-plot.ts";
import { type Absent, type DataTable, type Figure, NARROW, type Picture } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";

const NAMES: Readonly<Record<string, string>> = {
  "ns/it": "nanoseconds of an iteration",
  "packets/it": "packets of an iteration",
  "ns/pkt": "nanoseconds a packet",
  "pkts/batch": "packets of a batch",
  "upcalls/it": "upcalls of an iteration",
  "ns/upcall": "nanoseconds of an upcall",
};

export function perfFigures(replays: readonly Named<ReplayResult>[]): (Figure | Absent)[] {
  const recorded = replays.filter(({ result }) => result.perf !== null);
  if (recorded.length === 0) {
    return [
      {
        id: "perf",
        topic: "The loop, iteration by iteration",
        sentence: join([
          "No replay with a record of its iterations was given; ",
          el("code", {}, "eastwest replay CAPTURE --perf --json perf.json"),
          " writes one.",
        ]),
      },
    ];
  }
  return recorded.map((replay, i) => perfFigure(replay, recorded.length > 1 ? `-${i + 1}` : ""));
}

function perfFigure({ file, result }: Named<ReplayResult>, suffix: string): Figure {
  const { perf } = result;
  if (perf === null) throw new Error("perfFigure: a replay without --perf");
  const passes: readonly (readonly [string, PerfResult])[] = [
    ...(perf.timed === null ? [] : [["warm passes", perf.timed] as const]),
    ["the pass from cold caches", perf.cold],
  ];
  const [[name, shown]] = passes;
  const ns = (1e9 * shown.busySeconds) / Math.max(1, shown.packets);
  return {
    id: `perf${suffix}`,
    topic: `The loop, iteration by iteration: ${file}`,
    headline: `${digits(ns)}${GAP}ns a packet in ${name}; ${whole(shown.suspiciousCount)} of ${whole(shown.iterations)} iterations took longer than ${digits(shown.suspiciousUs)}${GAP}µs`,
    text: [
      `As Open vSwitch's pmd-perf-show has it, nanoseconds in place of cycles. An iteration is at most ${shown.burstsPerIteration} ${shown.burstsPerIteration === 1 ? "batch" : "batches"}; drawn are ${name}.`,
    ],
    pictures: shown.histograms.flatMap((one, i) => histogramPicture(one, i)),
    stacked: true,
    tables: [summary(passes), ...passes.flatMap(([of, { suspicious }]) => suspiciousTable(of, suspicious))],
    more: {
      summary: "All bins",
      tables: shown.histograms.map((one) => ({
        caption: NAMES[one.name] ?? one.name,
        head: ["bin", "count"],
        rows: binsOf(one).map(({ name: bin, count }): Child[] => [bin, datum(count, whole(count))]),
      })),
    },
  };
}

/** Bins that hold something and those between them, by their walls. */
function binsOf({ walls, counts }: HistogramResult): { name: string; count: number }[] {
  const first = counts.findIndex((count) => count > 0);
  const last = counts.findLastIndex((count) => count > 0);
  if (first < 0) return [];
  return counts.slice(first, last + 1).map((count, i) => {
    const bin = first + i;
    return {
      name: bin < walls.length ? `≤${GAP}${whole(walls[bin])}` : `>${GAP}${whole(walls[walls.length - 1])}`,
      count,
    };
  });
}

/** Nothing to draw of a histogram without counts, or with one bin: its table says it. */
function histogramPicture(one: HistogramResult, index: number): Picture[] {
  const columns = binsOf(one);
  const axis = NAMES[one.name] ?? one.name;
  if (columns.length < 2) return [];
  return [
    {
      name: `histogram-${index + 1}`,
      caption: axis,
      wide: 540,
      narrow: NARROW,
      draw: columnPlot({
        title: axis,
        description: columns.map(({ name, count }) => `${name}: ${whole(count)}`).join("; "),
        axis: `${axis}, up to`,
        counted: one.name.endsWith("/upcall") ? "upcalls" : one.name.endsWith("/batch") ? "batches" : "iterations",
        columns,
        tone: "third",
      }),
    },
  ];
}

function summary(passes: readonly (readonly [string, PerfResult])[]): DataTable {
  const row = (name: string, value: (perf: PerfResult) => number, show: (value: number) => string): Child[] => [
    name,
    ...passes.map(([, perf]) => datum(value(perf), show(value(perf)))),
  ];
  const by = (part: number, of: number): number => (of === 0 ? 0 : part / of);
  return {
    caption: "The loop",
    head: ["", ...passes.map(([name]) => name)],
    rows: [
      row("iterations", (perf) => perf.iterations, whole),
      row("time in iterations, of all", (perf) => by(perf.busySeconds, perf.seconds), share),
      row("packets", (perf) => perf.packets, whole),
      row("ns a packet", (perf) => by(1e9 * perf.busySeconds, perf.packets), digits),
      row("packets a batch", (perf) => by(perf.packets, perf.batches), digits),
      row("passes a packet", (perf) => by(perf.passes, perf.packets), digits),
      row("exact-match hits, of passes", (perf) => by(perf.exactHits, perf.passes), share),
      row("megaflow hits, of passes", (perf) => by(perf.megaflowHits, perf.passes), share),
      row("subtables tried for a megaflow hit", (perf) => by(perf.subtableLookups, perf.megaflowHits), digits),
      row("upcalls", (perf) => perf.upcalls, whole),
      row("µs an upcall", (perf) => by(1e6 * perf.upcallSeconds, perf.upcalls), digits),
    ],
  };
}

function suspiciousTable(name: string, suspicious: PerfResult["suspicious"]): DataTable[] {
  if (suspicious.length === 0) return [];
  return [
    {
      caption: `Iterations of ${name} that took too long, each with its neighbours' median time`,
      head: ["iteration", "µs", "µs around it", "packets", "batches", "upcalls", "µs in upcalls"],
      rows: suspicious.map(({ iteration, ns, packets, batches, upcalls, upcallNs, neighbours }): Child[] => {
        const around = neighbours.filter((one) => one.iteration !== iteration).map((one) => one.ns);
        const sorted = around.toSorted((a, b) => a - b);
        const middle = sorted.length === 0 ? null : sorted[sorted.length >> 1] / 1000;
        return [
          whole(iteration),
          datum(ns, digits(ns / 1000)),
          digits(middle),
          datum(packets, whole(packets)),
          datum(batches, whole(batches)),
          datum(upcalls, whole(upcalls)),
          datum(upcallNs, digits(upcallNs / 1000)),
        ];
      }),
    },
  ];
}
