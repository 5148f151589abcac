/** Pictures of results that were made up so that one knows what must be seen: read back from the drawing, by its axes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rateOf } from "../../../bench/measure/result.ts";
import { gateOf, historyOf, latencyOf, measured, mrrOf, oneCase, pageOf, sectionOf, trialOf } from "./made-results.ts";
import { between, readPlot } from "./read-plot.ts";

const close = (a: number, b: number, within: number, what: string): void =>
  assert.ok(Math.abs(a - b) <= within, `${what}: ${a}, expected ${b}`);
const values = (html: string): number[] => [...html.matchAll(/<data value="([^"]*)">/g)].map(([, one]) => Number(one));

test("latency: percentiles of 1 to 1,000 us are those of arithmetic, in the table and where the curve passes", async () => {
  const us = Array.from({ length: 1000 }, (_, i) => 1000 * (i + 1));
  const html = await pageOf(measured("latency", oneCase({ latency: [latencyOf("no load", 9001, us)] })));
  const section = sectionOf(html, "latency");
  const found = values(section);
  for (const percent of [50, 75, 90, 95, 99, 99.5, 99.9]) {
    assert.ok(
      found.some((ns) => ns >= percent * 1e4 && ns <= percent * 1e4 * 1.001),
      `${percent} %: ${found}`,
    );
  }
  assert.match(section, /half the frames take at most 500\s?µs, 99\s?% at most 990\s?µs/);
  const { x, y, curves } = readPlot(section);
  const [curve] = curves;
  for (const [tick, microseconds] of [
    ["90 %", 900],
    ["99 %", 990],
    ["99.9 %", 999],
  ] as const) {
    const at = x.get(tick);
    assert.ok(at !== undefined, `${[...x.keys()]}`);
    const point = curve.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
    close(point[0], at, 0.5, tick);
    close(point[1], between(y, ["100", 100], ["1,000", 1000], microseconds, Math.log10), 0.5, tick);
  }
});

test("latency: each load has dashes of its own, lost frames are said, and no name lies on another", async () => {
  const loads = [1, 2, 3, 4].map((n) => ({ ...latencyOf(`load ${n}`, 1000 * n, [1000 * n, 1001 * n]), lost: n - 1 }));
  const section = sectionOf(await pageOf(measured("latency", oneCase({ latency: loads }))), "latency");
  assert.match(section, /Lost frames have no latency/);
  const { markup } = readPlot(section);
  const dashes = [...markup.matchAll(/class="curve \w+ line( dash-\d)?"/g)].map(([, dash = ""]) => dash);
  assert.equal(new Set(dashes).size, 4, String(dashes));
  const names = [...markup.matchAll(/<text x="[^"]*" y="([^"]*)" class="label/g)]
    .map(([, at]) => Number(at))
    .sort((a, b) => a - b);
  assert.equal(names.length, 4);
  for (let i = 1; i < names.length; i++) assert.ok(names[i] - names[i - 1] >= 15, String(names));
});

test("gate: points and whiskers stand at their effects; what is not bounded has an arrow; verdicts are words", async () => {
  const html = await pageOf(
    gateOf(
      [
        { name: "slow/ns per packet", verdict: "regression", estimate: 0.1, low: 0.08, high: 0.12 },
        { name: "open/ns per packet", verdict: "inconclusive", estimate: 0.02, low: null, high: null },
        {
          name: "never/ns per packet",
          verdict: "inconclusive",
          pairs: 0,
          estimate: null as unknown as number,
          low: null,
          high: null,
        },
      ],
      {
        broken: [{ name: "a: checksum", base: "c0ffee", head: "decade" }],
        missing: [{ scenario: "new-one", side: "base", why: "no such scenario" }],
        figures: { "slow/ns per packet": { base: 100, head: 110 } },
      },
    ),
  );
  const section = sectionOf(html, "gate");
  assert.match(section, /Verdict: fail \(1 regression, 2 inconclusive, 1 exact gate broken\)/);
  assert.match(section, /Not judged: new-one, which base lacks \(no such scenario\)/);
  for (const word of ["c0ffee", "decade", "never/ns per packet"]) assert.ok(section.includes(word), word);
  const { x, marks, markup } = readPlot(section);
  assert.equal(marks.length, 2, "one without a pair is not drawn");
  const at = (effect: number): number => between(x, ["0 %", 0], ["+10 %", 0.1], effect);
  close(marks[0][0], at(0.1), 0.1, "regression");
  close(marks[1][0], at(0.02), 0.1, "inconclusive");
  const ends = [...markup.matchAll(/<line x1="([^"]*)" y1="([^"]*)" x2="([^"]*)" y2="\2" class="whisker"/g)];
  close(Number(ends[0][1]), at(0.08), 0.1, "low");
  close(Number(ends[0][3]), at(0.12), 0.1, "high");
  assert.equal(markup.match(/<path [^>]*class="whisker"/g)?.length, 2, "arrows");
  const words = [...markup.matchAll(/class="label \w+"[^>]*>([^<]*)</g)].map(([, one]) => one.replace(/\s/g, " "));
  assert.deepEqual(words, ["+10.00 % regression", "+2.00 % inconclusive"]);
  const shown = values(section);
  for (const value of [0.1, 0.08, 0.12, 100, 110]) assert.ok(shown.includes(value), String(value));
});

test("sweeps: a point at its size and rate, a mix apart from the line; axes with a zero have it", async () => {
  const point = (name: "sizes" | "churn", value: number, label: string, rate: number) =>
    oneCase({ axis: { name, value, unit: "", label }, mrr: mrrOf(rate) });
  const html = await pageOf(
    measured(
      "sweep",
      point("sizes", 64, "64B", 4e6),
      point("sizes", 512, "512B", 2e6),
      point("sizes", 353.83, "IMIX_v4_1", 3e6),
      point("sizes", 1518, "1518B", 1e6),
      point("churn", 0, "0/s", 5e6),
      point("churn", 100, "100/s", 4e6),
      point("churn", 10000, "10000/s", 2e6),
    ),
  );
  const sizes = readPlot(sectionOf(html, "sweep-sizes"));
  assert.equal(sizes.curves.length, 1);
  assert.equal(sizes.curves[0].length, 3, "the mix is on the line");
  assert.equal(sizes.marks.length, 4);
  const [, , , mix] = sizes.marks;
  close(mix[0], between(sizes.x, ["64", 64], ["1,518", 1518], 353.83, Math.log), 0.1, "IMIX");
  close(mix[1], between(sizes.y, ["0", 0], ["4 Mpps", 4e6], 3e6), 0.1, "IMIX");
  const churn = readPlot(sectionOf(html, "sweep-churn"));
  assert.deepEqual([...churn.x.keys()], ["0", "100", "10 k"]);
  close(churn.marks[1][0], (churn.marks[0][0] + churn.marks[2][0]) / 2, 0.1, "ordinal");
  assert.match(html, /eastwest measure sweep --over flows/);
});

test("soak and reconfiguration: what is lost anyway stands beside what the change cost", async () => {
  const soaked = oneCase({
    soak: {
      load: rateOf(1000, 64),
      seconds: 3,
      offered: 3000,
      lost: 30,
      loss: { value: 0.01, low: 0.005, high: 0.015 },
      lossyTrials: { value: 2 / 3, low: 0.1, high: 0.99 },
    },
    trials: [trialOf({}), trialOf({ lost: 10 }), trialOf({ lost: 5, unsent: 15, broken: true })],
  });
  const changed = oneCase({
    reconf: {
      change: "all rules of the bridge deleted and added again",
      load: rateOf(1000, 64),
      events: [4, 6, 8].map((lost) => ({ lost, blockedSeconds: lost / 1000, changeSeconds: 0.001 })),
      lostWithout: [1, 2, 3],
      blockedSeconds: 0.006,
      without: { median: 0.002, most: 0.003 },
      difference: { value: 0.004, low: 0.003, high: 0.005 },
    },
  });
  const html = await pageOf(measured("soak", soaked), measured("reconf", changed));
  const soak = sectionOf(html, "soak");
  const { y, marks } = readPlot(soak);
  close(marks[2][1], between(y, ["0", 0], ["20", 20], 20), 0.1, "what a broken trial did not send is lost");
  assert.match(soak, /2 of 3 \(10\.0\s?% to 99\.0\s?%\)/);
  assert.match(soak, /1 of 3 trials are broken/);
  const reconf = sectionOf(html, "reconf");
  assert.match(reconf, /6\.00\s?ms .* 2\.00\s?ms in trials without/);
  for (const value of [0.004, 0.006, 0.008, 0.001, 0.002, 0.003])
    assert.ok(values(reconf).includes(value), String(value));
});

test("history: a jump of a tenth is named with its commit, and its levels are drawn", async () => {
  const noise = [0, 0.4, -0.3, 0.2, -0.4, 0.1];
  const html = await pageOf(historyOf([...noise.map((one) => 100 + one), ...noise.map((one) => 110 + one)]));
  const section = sectionOf(html, "trend-1-1");
  assert.match(section, /dvr\/ns per delivered packet: regression of \+10\.0\s?% at c60000000000/);
  const { y, curves, marks } = readPlot(section);
  assert.equal(marks.length, 12);
  assert.equal(curves.length, 2);
  close(curves[0][0][1], between(y, ["100", 100], ["110", 110], 100), 0.5, "first level");
  close(curves[1][0][1], between(y, ["100", 100], ["110", 110], 110), 0.5, "second level");
  const quiet = sectionOf(await pageOf(historyOf([100, 100.2, 99.9, 100.1])), "trend-1-1");
  assert.match(quiet, /No change in 4 results of 1 metric/);
});
