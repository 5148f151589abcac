/** The small parts of the page: escaping, numbers, scales. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { digits, share, times, whole, withUnit } from "../../../bench/page/amount.ts";
import { datum, el, escaped } from "../../../bench/page/markup.ts";
import { apart } from "../../../bench/page/plot.ts";
import { linearScale, logScale } from "../../../bench/page/scale.ts";

test("what HTML and XML take for markup is escaped, in elements and in attributes", () => {
  assert.equal(escaped(`<a href="x" id='y'>&`), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
  assert.equal(escaped("a\u0000b\u0008c\ud800d\ufffee\nf😀"), "a\ufffdb\ufffdc\ufffdd\ufffde\nf😀");
  assert.equal(
    el("p", { title: `"><b>`, hidden: true, id: null }, "<").markup,
    `<p title="&quot;&gt;&lt;b&gt;" hidden>&lt;</p>`,
  );
  assert.equal(el("br", {}).markup, "<br>");
  assert.deepEqual(datum(0.1, "0.10"), { markup: '<data value="0.1">0.10</data>' });
});

test("numbers have three significant digits, units their prefix", () => {
  const cases: [number | null, string][] = [
    [0, "0"],
    [0.00791, "0.00791"],
    [0.98, "0.980"],
    [0.9996, "1.00"],
    [9.996, "10.0"],
    [99.96, "100"],
    [1234.5, "1,235"],
    [null, "–"],
    [Number.NaN, "–"],
  ];
  for (const [value, text] of cases) assert.equal(digits(value), text, String(value));
  assert.equal(withUnit(1_426_000, "pps"), "1.43\u202fMpps");
  assert.equal(withUnit(999_700, "pps"), "1.00\u202fMpps");
  assert.equal(share(0.0079), "0.8\u202f%");
  assert.equal(whole(1234567), "1,234,567");
  assert.equal(times(514, 248), "2.1 times");
  assert.equal(times(1, 0), null);
});

test("scales: every value lies within, ticks are round and ascending", () => {
  for (const high of [0.003, 0.97, 1, 7, 268, 999, 1_430_000]) {
    const scale = linearScale(high, [10, 110]);
    assert.equal(scale.at(0), 10);
    assert.ok(scale.domain[1] >= high && scale.domain[1] <= high * 2.5, `${high}: ${scale.domain}`);
    assert.ok(Math.abs(scale.at(scale.domain[1] / 2) - 60) < 1e-9);
    assert.ok(scale.ticks.length >= 3 && scale.ticks.length <= 9, `${high}: ${scale.ticks}`);
    assert.deepEqual(
      scale.ticks,
      scale.ticks.toSorted((a, b) => a - b),
    );
  }
  const log = logScale(2, 100, [0, 100]);
  assert.deepEqual(log.domain, [2, 100]);
  assert.deepEqual(log.ticks, [2, 5, 10, 20, 50, 100]);
  assert.ok(Math.abs(log.at(Math.sqrt(200)) - 50) < 1e-9);
  assert.equal(log.at(1000), 100);
  assert.throws(() => logScale(0, 1, [0, 1]), /expected positive values/);
});

test("labels that would lie on each other are moved apart, in their order", () => {
  const placed = apart([50, 52, 51], 16, 0, 60);
  assert.ok(placed[0] + 16 <= placed[2] && placed[2] + 16 <= placed[1], String(placed));
  assert.ok(Math.max(...placed) <= 60);
});
