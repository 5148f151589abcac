/** What the parts cost, from `npm run bench`: curves over flows, masks and hosts, the compute node by stage, tasks. */
import {
  COMPUTE_NODE_FORMAT,
  type ComputeNodeResult,
  CURVES_FORMAT,
  type CurvesResult,
  type SuiteResult,
  TASKS_FORMAT,
  type TasksResult,
} from "../../suites/result.ts";
import { digits, GAP, share, tickNumber, whole } from "../amount.ts";
import { barPlot } from "../bar-plot.ts";
import { curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW, WIDE } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum, el, join } from "../markup.ts";

/** Tasks drawn at most in one picture; the table has all. */
const DRAWN = 24;

export function suiteFigures(suites: readonly Named<SuiteResult>[]): (Figure | Absent)[] {
  if (suites.length === 0) {
    return [
      {
        id: "curves",
        topic: "What the parts cost",
        sentence: join([
          "No result of the suites was given; ",
          el("code", {}, "npm run bench -- curves --json curves.json"),
          " writes one.",
        ]),
      },
    ];
  }
  return suites.flatMap(({ file, result }, i): (Figure | Absent)[] => {
    const suffix = suites.length > 1 ? `-${i + 1}` : "";
    if (result.format === CURVES_FORMAT) return [curvesFigure(file, result, suffix)];
    if (result.format === COMPUTE_NODE_FORMAT) return [nodeFigure(file, result, suffix)];
    return result.format === TASKS_FORMAT ? [tasksFigure(file, result, suffix)] : [];
  });
}

function curvesFigure(file: string, { curves, interrupted }: CurvesResult, suffix: string): Figure {
  const shown = curves.filter(({ points }) => points.length > 1);
  const fits = curves.flatMap(({ fit }) => fit ?? []);
  return {
    id: `curves${suffix}`,
    topic: `A packet's cost as things grow, ${file}`,
    headline:
      fits.length > 0
        ? `Each subtable that is tried costs ${digits(fits[0].nsPerProbe)}${GAP}ns a packet`
        : `${shown.map(({ title }) => title).join("; ")}`,
    text: [
      "Medians over warm passes, frames of 60 bytes without FCS; what the caches did stands in the tables.",
      ...(interrupted ? ["Interrupted: what follows is as far as it went."] : []),
    ],
    pictures: shown.map(({ name, title, unit, points }) => ({
      name,
      caption: title,
      wide: 540,
      narrow: NARROW,
      draw: curvePlot({
        title,
        description: points.map(({ x, nsPerPacket }) => `${whole(x)}: ${digits(nsPerPacket)} ns`).join("; "),
        height: 260,
        x: { title: unit, kind: "log", tick: whole, ...(points.length > 9 ? {} : { ticks: points.map(({ x }) => x) }) },
        y: { title: "nanoseconds a packet", kind: "linear", tick: tickNumber },
        curves: [
          {
            name: "",
            tone: "third",
            kind: "measured",
            points: points.map((one) => ({ x: one.x, y: one.nsPerPacket })),
          },
        ],
      }),
    })),
    notes: curves.flatMap(({ notes }) => notes),
    stacked: true,
    tables: curves.map(({ title, unit, points }) => ({
      caption: title,
      head: [
        unit,
        "ns a packet",
        "least",
        "exact-match hits",
        "megaflow hits",
        "upcalls",
        "subtables tried a packet",
        "megaflows",
        "masks",
        "packets a burst",
      ],
      rows: points.map((point): Child[] => [
        datum(point.x, whole(point.x)),
        datum(point.nsPerPacket, digits(point.nsPerPacket)),
        datum(point.nsLeast, digits(point.nsLeast)),
        ...[point.exactShare, point.megaflowShare, point.upcallShare].map((one) => datum(one, share(one))),
        datum(point.probesPerPacket, digits(point.probesPerPacket)),
        datum(point.megaflows, whole(point.megaflows)),
        datum(point.masks, whole(point.masks)),
        datum(point.packetsPerBurst, digits(point.packetsPerBurst)),
      ]),
    })),
  };
}

function nodeFigure(file: string, result: ComputeNodeResult, suffix: string): Figure {
  const { network, node, stages, nsNode, nsPlain, nsOtherNodes, nsBetween, datapathPasses, routed } = result;
  const [dearest] = stages.toSorted((a, b) => b.ns - a.ns);
  return {
    id: `compute-node${suffix}`,
    topic: `The compute node with distributed routing, ${file}`,
    headline: `${digits(nsNode)}${GAP}ns a packet in ${node}, VM to underlay over ${network.toUpperCase()}${dearest === undefined ? "" : `; ${dearest.name} is ${share(dearest.ns / nsNode)} of it`}`,
    text: [
      `${digits(datapathPasses)} passes through the datapath and ${digits(routed)} routings for each packet, clocks read between stages; ${digits(nsPlain)}${GAP}ns the whole way without them.`,
    ],
    pictures: [
      {
        name: "bars",
        wide: WIDE,
        narrow: NARROW,
        draw: barPlot({
          title: "Nanoseconds a packet in the compute node, by stage",
          description: stages.map(({ name, ns }) => `${name}: ${digits(ns)} ns`).join("; "),
          axis: "nanoseconds a packet",
          tick: tickNumber,
          groups: [
            {
              name: "",
              bars: stages.map(({ name, ns }) => ({
                name,
                tone: "third" as const,
                value: ns,
                interval: null,
                shown: `${digits(ns)}${GAP}ns`,
              })),
            },
          ],
        }),
      },
    ],
    tables: [
      {
        caption: "Nanoseconds a packet, and share of the node",
        head: ["", "ns", "of the node"],
        rows: [
          ...stages.map(({ name, ns }): Child[] => [name, datum(ns, digits(ns)), share(ns / nsNode)]),
          ["the node", datum(nsNode, digits(nsNode)), share(1)],
          ["the other nodes", datum(nsOtherNodes, digits(nsOtherNodes)), ""],
          ["between them", datum(nsBetween, digits(nsBetween)), ""],
        ],
      },
    ],
  };
}

function tasksFigure(file: string, { tasks }: TasksResult, suffix: string): Figure {
  // A bar says something beside bars of the same thing.
  const units = [...new Set(tasks.map(({ unit }) => unit))];
  const [unit] = units.toSorted((a, b) => countOf(tasks, b) - countOf(tasks, a));
  const drawn = tasks.filter((task) => task.unit === unit).slice(0, DRAWN);
  const dearest = drawn.reduce((a, b) => (b.nsMedian > a.nsMedian ? b : a), drawn[0]);
  return {
    id: `tasks${suffix}`,
    topic: `Micro-benchmarks, ${file}`,
    headline:
      dearest === undefined
        ? "No task was run"
        : `${dearest.name}: ${digits(dearest.nsMedian)}${GAP}ns a ${unit}, the most of ${drawn.length} ${drawn.length === 1 ? "task" : "tasks"}`,
    text: ["Bars end at the median, whiskers at the least and the 75th percentile of the calls."],
    pictures:
      drawn.length === 0
        ? []
        : [
            {
              name: "bars",
              wide: WIDE,
              narrow: NARROW,
              draw: barPlot({
                title: `Nanoseconds a ${unit}`,
                description: drawn.map(({ name, nsMedian }) => `${name}: ${digits(nsMedian)} ns`).join("; "),
                axis: `nanoseconds a ${unit}`,
                tick: tickNumber,
                groups: drawn.map(({ name, nsMedian, nsMin, nsP75 }) => ({
                  name,
                  bars: [
                    {
                      name: "",
                      tone: "third" as const,
                      value: nsMedian,
                      interval: [nsMin, nsP75] as const,
                      shown: `${digits(nsMedian)}${GAP}ns`,
                    },
                  ],
                })),
              }),
            },
          ],
    notes:
      drawn.length < tasks.length ? [`Drawn are ${drawn.length} of ${tasks.length} tasks; the table has all.`] : [],
    tables: [
      {
        caption: "Nanoseconds, of one operation",
        head: ["task", "median", "least", "75 %", "calls", "operation"],
        words: [5],
        rows: tasks.map(({ name, nsMedian, nsMin, nsP75, samples, unit: of }): Child[] => [
          name,
          ...[nsMedian, nsMin, nsP75].map((ns) => datum(ns, digits(ns))),
          whole(samples),
          of,
        ]),
      },
    ],
  };
}

const countOf = (tasks: TasksResult["tasks"], unit: string): number =>
  tasks.filter((task) => task.unit === unit).length;
