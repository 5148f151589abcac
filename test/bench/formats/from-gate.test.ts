/** A gate's run, simulated, through every format: verdicts, reasons and what could have been seen arrive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "../../../bench/formats/csv.ts";
import { gateReport } from "../../../bench/formats/from-gate.ts";
import { junitXml } from "../../../bench/formats/junit.ts";
import { markdown } from "../../../bench/formats/markdown.ts";
import { openMetricsText } from "../../../bench/formats/open-metrics.ts";
import { DEFAULT_PLAN } from "../../../bench/gate/plan.ts";
import { simulateRun } from "../../../bench/gate/simulate.ts";
import { machine, machines } from "../gate/noise.ts";
import { Random } from "../statistics/random.ts";

const names = ["gre-dvr/ns", "gre-dvr/wall"];

test("a red run in all formats (seed 5)", () => {
  const plan = { ...DEFAULT_PLAN, metrics: names.map((name) => ({ name, margin: 0.02, tolerance: 0.02 })) };
  const run = simulateRun(plan, machine(new Random(5), machines.typical, new Map([["gre-dvr/ns", Math.log(1.1)]])));
  const figures = new Map([
    ["gre-dvr/ns", { unit: "ns", direction: "lower-is-better", value: 3300, lower: 3280, upper: 3320 } as const],
  ]);
  const about = { created: "2026-01-01T00:00:00Z", properties: { base: "main" }, seconds: 5 };
  const report = gateReport(run.metrics, [{ name: "packets", base: 1, head: null }], figures, about);
  assert.equal(report.verdict, "fail");
  assert.deepEqual(
    report.metrics.map(({ unit, verdict }) => [unit, verdict]),
    [
      ["ns", "regression"],
      ["% slower", "pass"],
    ],
  );
  assert.match(
    markdown(report),
    /\| ns \| 3,300 \| 3,280 to 3,320 \| ns \| \+(9|10|11)\.\d % \(.*\) \| \*\*regression\*\* \|/,
  );
  assert.match(markdown(report), /\| packets \| 1 \| none \|/);
  assert.match(
    junitXml(report),
    /<testcase classname="gre-dvr" name="ns">\n {6}<failure type="regression" message="slower by more than/,
  );
  assert.match(openMetricsText(report), /eastwest_verdict\{metric="gre-dvr\/ns",eastwest_verdict="regression"\} 1/);
  assert.match(csv(report.metrics), /gre-dvr,wall,% slower,.*,pass,slower by less than 4\.0 %\r\n/);
});

test("an undecided metric says what would have been seen (seed 6)", () => {
  const plan = { ...DEFAULT_PLAN, looks: [10], metrics: [{ name: names[0], margin: 0.02, tolerance: 0.02 }] };
  const source = machine(new Random(6), machines.noisy, new Map([[names[0], 0.035]]));
  const run = simulateRun(plan, source);
  const report = gateReport(run.metrics, [], new Map(), { created: "", properties: {}, seconds: 0 });
  assert.equal(report.verdict, "inconclusive");
  assert.match(report.metrics[0].reason ?? "", /^undecided after 10 pairs; from \d\.\d % on it would have been seen$/);
});
