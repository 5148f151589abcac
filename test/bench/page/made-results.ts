/**
 * Results with numbers whose pictures are known beforehand, whole enough for their schemas: the page reads them from files
 * as it reads any other.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GATE_FORMAT, GATE_VERSION, type GateResult } from "../../../bench/gate/result.ts";
import type { MetricResult } from "../../../bench/gate/verdict.ts";
import { directionLatency } from "../../../bench/measure/latency.ts";
import {
  type Kind,
  MEASURE_FORMAT,
  MEASURE_VERSION,
  type MeasureCase,
  type MeasureResult,
  rateOf,
  type TrialJson,
} from "../../../bench/measure/result.ts";
import { readReportInputs } from "../../../bench/page/inputs.ts";
import { page, report } from "../../../bench/page/page.ts";
import { HdrHistogram } from "../../../bench/statistics/hdr-histogram.ts";
import { HISTORY_FORMAT, HISTORY_VERSION, type HistoryEntry } from "../../../bench/trend/history.ts";
import { withFolder } from "../cli.ts";

const environment = { node: "v20.0.0", v8: "11.3", platform: "Linux 6 x64", cpu: "A processor", cores: 2 };
const conditions = {
  load: [0.1, 0.1, 0.1],
  steal: 0,
  busy: 0.5,
  spin: { ms: 50, lost: 0.001, longest: 0.01 },
} as const;
const CREATED = "2026-01-02T03:04:05.000Z";

/** The page of results, through files. */
export const pageOf = (...results: readonly (object | string)[]): Promise<string> =>
  withFolder((folder) => {
    const files = results.map((result, i) => {
      const file = join(folder, `result-${i + 1}.json`);
      writeFileSync(file, typeof result === "string" ? result : JSON.stringify(result));
      return file;
    });
    return page(report(readReportInputs(files)));
  });

/** The section of the page with this id. */
export function sectionOf(html: string, id: string): string {
  const from = html.indexOf(`<section id="${id}"`);
  if (from < 0)
    throw new Error(`no section ${id} in ${[...html.matchAll(/<section id="([^"]*)"/g)].map(([, one]) => one)}`);
  return html.slice(from, html.indexOf("</section>", from));
}

export function measured(kind: Kind, ...cases: readonly MeasureCase[]): MeasureResult {
  return {
    format: MEASURE_FORMAT,
    version: MEASURE_VERSION,
    eastwest: "0.0.0",
    created: CREATED,
    command: ["measure", kind],
    kind,
    commit: null,
    interrupted: false,
    points: kind === "sweep" ? { of: cases.length, finished: cases.length, missing: [] } : null,
    cases,
  };
}

export function oneCase(more: Partial<MeasureCase> = {}): MeasureCase {
  return {
    name: "64B-1w-ovsmf-macrewrite-1kflows-mrr",
    subject: { kind: "bridge", mode: null, network: null, rules: "macrewrite", inputs: [] },
    frames: { profile: "64B", meanBytes: 64, flows: 1000 },
    axis: null,
    environment,
    conditions,
    queue: 2048,
    burst: 32,
    maxLoad: 1e7,
    senderLimit: null,
    warmUp: { passes: 2, upcallsInLastPass: 0, megaflows: 1, masks: 1 },
    goals: [],
    mrr: null,
    latency: null,
    soak: null,
    critical: null,
    reconf: null,
    trials: [],
    stopped: null,
    ...more,
  };
}

export const mrrOf = (...samples: readonly number[]): MeasureCase["mrr"] => {
  const average = samples.reduce((sum, one) => sum + one, 0) / samples.length;
  return { load: 1e7, trialSeconds: 1, samples, average: rateOf(average, 64), deviation: 0 };
};

export const trialOf = (more: Partial<TrialJson>): TrialJson => ({
  purpose: "soak",
  seconds: 1,
  load: 1000,
  intended: 1000,
  offered: 1000,
  forwarded: 1000,
  lost: 0,
  dropped: 0,
  unsent: 0,
  broken: false,
  senderStalls: 0,
  senderStalledNs: 0,
  senderLatestNs: 0,
  upcalls: 0,
  ruleChanges: 0,
  directions: [],
  ...more,
});

/** Latency at a load; the values of ns go to two directions in turn. */
export function latencyOf(name: string, rate: number, values: readonly number[]) {
  const directions = ["1", "2"].map((port, p) => {
    const histogram = new HdrHistogram({ highest: 1e10, digits: 3 });
    for (const [i, value] of values.entries()) if (i % 2 === p) histogram.record(value);
    return directionLatency(port, histogram);
  });
  return { name, share: null, load: rateOf(rate, 64), seconds: 1, lost: 0, directions };
}

export function gateOf(metrics: readonly Partial<MetricResult>[], more: Partial<GateResult> = {}): GateResult {
  const side = (name: string) => ({ name, commit: name.repeat(10), dirty: false });
  return {
    format: GATE_FORMAT,
    version: GATE_VERSION,
    eastwest: "0.0.0",
    created: CREATED,
    command: ["gate"],
    interrupted: false,
    verdict: "fail",
    exitCode: 1,
    seconds: 1,
    seed: 1,
    timer: "cpu",
    sides: { base: side("abcd"), head: side("ef01") },
    plan: {} as GateResult["plan"],
    scenarios: {},
    missing: [],
    metrics: metrics.map((one) => ({
      name: "a/ns per packet",
      verdict: "pass",
      reason: "made up",
      pairs: 10,
      confirmPairs: 0,
      estimate: 0,
      low: -0.01,
      high: 0.01,
      margin: 0.02,
      marginFrom: "declared",
      deviation: 0.01,
      detectable: 0.01,
      controlOutside: false,
      control: null,
      ...one,
    })),
    figures: {},
    exact: {},
    broken: [],
    pairs: [],
    processes: 0,
    environment,
    conditions,
    ...more,
  } as GateResult;
}

/** A history of one metric, as JSON Lines. */
export const historyOf = (values: readonly number[]): string =>
  values
    .map(
      (value, i): HistoryEntry => ({
        format: HISTORY_FORMAT,
        version: HISTORY_VERSION,
        commit: `c${i}`.padEnd(40, "0"),
        created: CREATED,
        machine: "A processor, 2 cores, Node v20",
        metrics: [{ name: "dvr/ns per delivered packet", unit: "ns", value, direction: "lower-is-better" }],
      }),
    )
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join("");
