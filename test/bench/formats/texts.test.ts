/** Markdown, CSV, github-action-benchmark, Bencher's BMF (its published schema). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv } from "ajv";
import { actionBenchmarkJson } from "../../../bench/formats/action-benchmark.ts";
import { bencherJson } from "../../../bench/formats/bencher.ts";
import { csv } from "../../../bench/formats/csv.ts";
import { inline, markdown } from "../../../bench/formats/markdown.ts";
import { empty, metrics, NASTY, report } from "./sample.ts";

test("Markdown: verdict, a table a scenario, reasons, exact gates, where from", () => {
  const text = markdown(report);
  assert.match(text, /^## eastwest gate: fail\n/);
  assert.match(
    text,
    /\| Mpps \| 1,235,000 \| 98 to 103 \| Mpps \| \+5\.2 % \(3\.9 to 6\.1 %\) \| \*\*regression\*\* \|/,
  );
  assert.match(text, /- \*\*Mpps\*\*, regression: slower by more than 2\.0 %, confirmed on fresh pairs/);
  assert.match(text, /\| gre-dvr\/packets \| 250 \| &lt;251> \|/);
  // Only measured: no columns for a verdict.
  assert.match(text, /### vlan-dvr\n\n\| metric \| value \| interval \| unit \|\n/);
  // Every row of a table has as many cells as its head, whatever a name holds.
  for (const table of text.split("\n\n").filter((part) => part.startsWith("|"))) {
    const columns = table.split("\n").map((line) => line.replaceAll("\\|", "").split("|").length);
    assert.ok(
      columns.every((count) => count === columns[0]),
      table,
    );
  }
  assert.ok(!text.includes("<i>") && !text.includes("@team"));
  assert.equal(markdown(empty), "## eastwest gate\n");
});

test("Markdown escapes what would be markup", () => {
  assert.equal(inline("a*b_c `d` [e](f) <g> ~h~ #1\n\\"), "a\\*b\\_c \\`d\\` \\[e\\](f) &lt;g> \\~h\\~ \\#1 \\\\");
});

/** A reader of RFC 4180, by its grammar. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  for (let at = 0; at < text.length; ) {
    const row: string[] = [];
    for (;;) {
      const field = /"(?:[^"]|"")*"|[^",\r\n]*/y;
      field.lastIndex = at;
      const [found] = field.exec(text) as RegExpExecArray;
      row.push(found.startsWith('"') ? found.slice(1, -1).replaceAll('""', '"') : found);
      at += found.length;
      if (text[at] !== ",") break;
      at++;
    }
    assert.equal(text.slice(at, at + 2), "\r\n");
    at += 2;
    rows.push(row);
  }
  return rows;
}

test("CSV reads back by RFC 4180", () => {
  const rows = readCsv(csv(metrics));
  assert.equal(rows.length, metrics.length + 1);
  assert.deepEqual(rows[0].slice(0, 4), ["scenario", "metric", "unit", "value"]);
  assert.ok(rows.every((row) => row.length === rows[0].length));
  assert.deepEqual(rows[2].slice(0, 9), [
    "gre-dvr",
    "Mpps",
    "Mpps",
    "1234567.25",
    "98",
    "103",
    "higher-is-better",
    "0.052",
    "regression",
  ]);
  assert.equal(rows[4][1], NASTY);
  assert.deepEqual(rows[3].slice(4, 6), ["", ""]);
});

test("github-action-benchmark: one direction a file, name, unit, value, range", () => {
  const bigger = JSON.parse(actionBenchmarkJson(metrics, "higher-is-better"));
  assert.deepEqual(bigger, [
    {
      name: "gre-dvr/Mpps",
      unit: "Mpps",
      value: 1234567.25,
      range: "± 2.5",
      extra: "regression: slower by more than 2.0 %, confirmed on fresh pairs",
    },
  ]);
  const smaller = JSON.parse(actionBenchmarkJson(metrics, "lower-is-better")) as { name: string; range?: string }[];
  assert.equal(smaller.length, metrics.length - 1);
  assert.ok(!("range" in (smaller.find(({ name }) => name === "gre-legacy/ns per packet") as object)));
});

test("Bencher takes it: its published schema", () => {
  // The JSON schema that Bencher documents for its Metric Format.
  const check = new Ajv().compile({
    type: "object",
    patternProperties: {
      ".+": {
        type: "object",
        patternProperties: {
          ".+": {
            type: "object",
            properties: {
              value: { type: "number" },
              lower_value: { type: "number" },
              upper_value: { type: "number" },
            },
            required: ["value"],
          },
        },
      },
    },
  });
  const value: Record<string, Record<string, object>> = JSON.parse(
    bencherJson([...metrics, { ...metrics[0], name: "x/nan", value: Number.NaN }]),
  );
  const fits: boolean = check(value);
  assert.ok(fits, JSON.stringify(check.errors));
  assert.deepEqual(value["gre-dvr"]["ns per packet (ns/packet)"], { value: 100.5, lower_value: 98, upper_value: 103 });
  assert.deepEqual(value["constructor"], { "µ (µs)": { value: 3e-7, lower_value: 98, upper_value: 103 } });
  for (const measures of Object.values(value)) {
    for (const measure of Object.keys(measures)) assert.ok(measure.length <= 64);
  }
  assert.equal("x" in value, false);
});
