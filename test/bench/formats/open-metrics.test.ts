/** OpenMetrics text, read by the grammar and rules of its specification (1.0), written here as a small reader. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { identifier, openMetricsText } from "../../../bench/formats/open-metrics.ts";
import { empty, metrics, NASTY, report } from "./sample.ts";

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}
interface Family {
  type?: string;
  unit?: string;
  help?: string;
  readonly samples: Sample[];
}

const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?|nan)$/i;

/** Families by name; throws where the text is not what the specification says. */
function readOpenMetrics(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let current = "";
  assert.ok(text.endsWith("# EOF\n"), "no # EOF at the end");
  const lines = text.slice(0, -"# EOF\n".length).split("\n");
  assert.equal(lines.pop(), "");
  const seen = new Set<string>();
  for (const line of lines) {
    const description = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
    if (description !== null) {
      const [, what, name, rest] = description;
      if (name !== current) {
        assert.ok(!families.has(name), `family ${name} is interleaved`);
        families.set(name, { samples: [] });
        current = name;
      }
      const family = families.get(name) as Family;
      assert.equal(family.samples.length, 0, `${what} after samples of ${name}`);
      const key = what.toLowerCase() as "type" | "unit" | "help";
      assert.equal(family[key], undefined, `${what} of ${name} twice`);
      family[key] = rest;
      if (key === "type")
        assert.match(rest, /^(counter|gauge|histogram|gaugehistogram|stateset|info|summary|unknown)$/);
      if (key === "unit") assert.ok(name.endsWith(`_${rest}`), `unit ${rest} is no suffix of ${name}`);
      if (key === "help") assert.match(rest, /^(?:[^"\\\n]|\\[n"\\])*$/);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"]|"(?:[^"\\]|\\.)*")*)\})? (\S+)$/.exec(line);
    assert.ok(sample !== null, `no sample: ${line}`);
    const [, name, inside = "", value] = sample;
    assert.equal(name, current, `${name} outside of its family`);
    assert.match(value, NUMBER);
    const labels = new Map<string, string>();
    let rest = inside;
    while (rest !== "") {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[n"\\])*)"(?:,(?=.)|$)/.exec(rest);
      assert.ok(label !== null, `labels: ${rest}`);
      assert.ok(!labels.has(label[1]), `label ${label[1]} twice`);
      labels.set(
        label[1],
        label[2].replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c)),
      );
      rest = rest.slice(label[0].length);
    }
    const key = `${name} ${JSON.stringify([...labels])}`;
    assert.ok(!seen.has(key), `sample twice: ${line}`);
    seen.add(key);
    families.get(name)?.samples.push({ name, labels, value: Number(value.replace(/^([+-]?)inf$/i, "$1Infinity")) });
  }
  for (const [name, { type, unit, samples }] of families) {
    if (type !== "stateset") continue;
    assert.equal(unit, undefined);
    for (const { labels, value } of samples) assert.ok(labels.has(name) && (value === 0 || value === 1));
  }
  return families;
}

test("the text follows the specification; values, intervals and names come back", () => {
  const families = readOpenMetrics(openMetricsText(report));
  const rate = families.get("eastwest_mpps_mpps");
  assert.deepEqual([rate?.type, rate?.unit], ["gauge", "mpps"]);
  assert.deepEqual(
    rate?.samples.map(({ labels, value }) => [labels.get("scenario"), labels.get("bound"), value]),
    [
      ["gre-dvr", "estimate", 1234567.25],
      ["gre-dvr", "lower", 98],
      ["gre-dvr", "upper", 103],
    ],
  );
  const ns = families.get("eastwest_ns_per_packet_ns_per_packet");
  assert.deepEqual(
    ns?.samples.map(({ labels }) => labels.get("scenario")),
    ["gre-dvr", "gre-dvr", "gre-dvr", "gre-legacy"],
  );
  const all = [...families.values()].flatMap(({ samples }) => samples);
  assert.ok(all.some(({ labels }) => labels.get("metric") === NASTY));
  assert.ok(families.has("eastwest_share_percent"));
});

test("verdicts are a state set: one state of five a judged metric", () => {
  const verdicts = readOpenMetrics(openMetricsText(report)).get("eastwest_verdict");
  const judged = metrics.filter(({ verdict }) => verdict !== null);
  assert.equal(verdicts?.samples.length, 5 * judged.length);
  for (const { name, verdict } of judged) {
    const states: readonly Sample[] | undefined = verdicts?.samples.filter(
      ({ labels }) => labels.get("metric") === name,
    );
    assert.deepEqual(
      states?.filter(({ value }) => value === 1).map(({ labels }) => labels.get("eastwest_verdict")),
      [verdict],
    );
  }
});

test("nothing measured is an empty exposition; infinities and NaN have their spelling", () => {
  assert.equal(openMetricsText(empty), "# EOF\n");
  const odd = {
    ...report,
    metrics: [{ ...metrics[0], value: Number.NaN, lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY }],
  };
  const [family] = readOpenMetrics(openMetricsText(odd)).values();
  assert.deepEqual(
    family.samples.map(({ value }) => value),
    [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  );
});

test("units as identifiers", () => {
  assert.deepEqual(["ns/packet", "%", "µs", "Gbit/s", "1"].map(identifier), [
    "ns_per_packet",
    "percent",
    "us",
    "gbit_per_s",
    "1",
  ]);
});
