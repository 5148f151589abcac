/** What each result was measured on, and what else that machine did meanwhile. */
import type { MeasureCase } from "../../measure/result.ts";
import type { Conditions } from "../../trial/conditions.ts";
import type { Environment } from "../../trial/environment.ts";
import { digits, share } from "../amount.ts";
import type { Figure } from "../figure.ts";
import type { ReportInputs } from "../inputs.ts";
import { type Child, datum, el } from "../markup.ts";

/** As the commands warn: others having the core for more than this share of the time shows in the figures. */
const BUSY = 0.05;

interface Row {
  readonly file: string;
  readonly created: string | null;
  /** With the program's name. */
  readonly command: readonly string[];
  readonly environment: Environment;
  readonly conditions: readonly Conditions[];
  /** Share of the time in which the measuring threads were ready but others had their core. */
  readonly waited: number | null;
}

/** Null when no result says what it was measured on. */
export function machinesFigure(inputs: ReportInputs): Figure | null {
  const rows = rowsOf(inputs);
  if (rows.length === 0) return null;
  const disturbed = rows.filter((row) => (disturbance(row) ?? 0) > BUSY);
  return {
    id: "machines",
    topic: "Machines and their state",
    headline:
      disturbed.length === 0
        ? "Nothing else had the cores while this was measured, as far as the results say"
        : `Others had the cores while ${disturbed.length} of ${rows.length} results ${disturbed.length === 1 ? "was" : "were"} measured: their times are too long`,
    text: [
      "Steal: time that the hypervisor gave to others. Spin: share of 50 ms just before in which a thread that only read the clock did not run, and its longest pause. Waited: share of the measured time in which the thread was ready but others had its core. Of results with several cases the worst is shown.",
    ],
    pictures: [],
    stacked: true,
    tables: [
      {
        caption: "Result by result",
        head: [
          "file",
          "created",
          "processor",
          "cores",
          "Node",
          "V8",
          "system",
          "load",
          "steal",
          "spin",
          "pause, ms",
          "waited",
        ],
        words: [1, 2, 6],
        rows: rows.map((row): Child[] => {
          const { file, created, environment, conditions, waited } = row;
          const worst = (of: (one: Conditions) => number | null): number | null =>
            conditions.reduce<number | null>((most, one) => {
              const value = of(one);
              return value === null ? most : Math.max(most ?? 0, value);
            }, null);
          const figure = (value: number | null, text: (value: number | null) => string): Child =>
            value === null ? "–" : datum(value, text(value));
          return [
            file,
            created === null ? "–" : created.slice(0, 16).replace("T", " "),
            environment.cpu,
            String(environment.cores),
            environment.node,
            environment.v8,
            environment.platform,
            figure(
              worst(({ load }) => load[0]),
              digits,
            ),
            figure(
              worst(({ steal }) => steal),
              share,
            ),
            figure(
              worst(({ spin }) => spin.lost),
              share,
            ),
            figure(
              worst(({ spin }) => spin.longest),
              digits,
            ),
            figure(waited, share),
          ];
        }),
      },
      {
        caption: "Commands",
        head: ["file", "command"],
        words: [1],
        rows: rows
          .filter(({ command }) => command.length > 0)
          .map(({ file, command }): Child[] => [file, el("code", { class: "wrap" }, command.join(" "))]),
      },
    ],
  };
}

function disturbance({ conditions, waited }: Row): number | null {
  const lost = conditions.map(({ spin, steal }) => Math.max(spin.lost, steal ?? 0));
  return waited === null && lost.length === 0 ? null : Math.max(waited ?? 0, ...lost);
}

function rowsOf({ runs, replays, measures, gates, suites }: ReportInputs): Row[] {
  const most = (values: readonly (number | null | undefined)[]): number | null => {
    const known = values.filter((value) => value !== null && value !== undefined);
    return known.length === 0 ? null : Math.max(...known);
  };
  return [
    ...runs.map(({ file, result }) => ({
      ...{ file, created: result.created, command: ours(result.command), environment: result.environment },
      conditions: known(result.conditions),
      waited: most(Object.values(result.modes).map(({ times }) => times?.waitedShare)),
    })),
    ...replays.map(({ file, result }) => ({
      ...{ file, created: result.created, command: ours(result.command), environment: result.environment },
      conditions: known(result.conditions),
      waited: result.times?.waitedShare ?? null,
    })),
    ...measures.flatMap(({ file, result }) => {
      const [first] = result.cases;
      if (first === undefined) return [];
      const { environment } = first;
      const conditions = result.cases.map((one: MeasureCase) => one.conditions);
      return [{ file, created: result.created, command: ours(result.command), environment, conditions, waited: null }];
    }),
    ...gates.map(({ file, result }) => ({
      ...{ file, created: result.created, command: ours(result.command), environment: result.environment },
      conditions: [result.conditions],
      waited: null,
    })),
    ...suites.map(({ file, result: { created = null, command, environment, conditions } }) => ({
      ...{ file, created, environment },
      command: command === undefined ? [] : ["npm run bench --", ...command],
      conditions: known(conditions),
      waited: null,
    })),
  ];
}

const known = (conditions: Conditions | null | undefined): readonly Conditions[] => (conditions ? [conditions] : []);

const ours = (command: readonly string[]): string[] => ["eastwest", ...command];
