/**
 * The page in a real Chromium: no complaint, no request, the numbers of the JSON, no sideways scrolling on a telephone,
 * light, dark and print, and what axe-core (the accessibility rules of WCAG as code) finds.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../../bench/paths.ts";
import { eastwest, withFolder } from "../cli.ts";
import { Browser, skip } from "./chromium.ts";

const AXE = join(packageRoot, "node_modules", "axe-core", "axe.min.js");
const AXE_RUN = `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 160)).slice(0, 3).join(" | ")))`;

test("the page in Chromium", { skip }, () =>
  withFolder(async (folder) => {
    const json = join(folder, "r.json");
    const file = join(folder, "r.html");
    assert.equal(eastwest("run", "--repeat", "20", "--quiet", "--json", json, "--report", file).status, 0);
    const result = JSON.parse(readFileSync(json, "utf8"));
    const browser = await Browser.start();
    try {
      await browser.open(file, 1280);
      assert.match(String(await browser.evaluate("document.title")), /eastwest$/);
      // Each counted or measured number that the tables are about, as the browser has it from its cells.
      const table = (id: string): Promise<unknown> =>
        browser.evaluate(`[...document.querySelectorAll("#${id} tbody data")].map((one) => Number(one.value))`);
      const work = (await table("work")) as number[];
      const throughput = (await table("throughput")) as number[];
      const nodes = (await table("nodes")) as number[];
      const path = (await table("path")) as number[];
      for (const mode of Object.values(result.modes) as ReturnType<typeof JSON.parse>[]) {
        for (const name of Object.keys(mode.perPacket)) {
          assert.ok(work.includes(mode[name]) && work.includes(mode.perPacket[name]), `${mode.mode} ${name}`);
        }
        for (const value of [mode.packetsPerSecond, mode.times.nsPerPacket.median, mode.bitsPerSecond]) {
          assert.ok(throughput.includes(value), `${mode.mode} ${value}`);
        }
        for (const node of mode.nodes) {
          assert.ok(nodes.includes(node.nsPerPacket.median) && nodes.includes(node.underlay.rxFrames), node.name);
        }
        for (const hop of mode.path.packets[0].hops) {
          if (hop.kind === "wire") assert.ok(path.includes(hop.bytes), hop.frame);
        }
      }
      // The longest bar is as long as its number says, against the other one.
      const widths = (await browser.evaluate(
        '[...document.querySelectorAll("#throughput .wide rect.fill")].map((one) => one.width.baseVal.value)',
      )) as number[];
      const rates = (Object.values(result.modes) as { packetsPerSecond: number }[]).map(
        (mode) => mode.packetsPerSecond,
      );
      assert.ok(Math.abs(widths[0] / widths[1] - rates[0] / rates[1]) < 0.01, `${widths} for ${rates}`);
      await browser.evaluate(readFileSync(AXE, "utf8"));
      const backgrounds: unknown[] = [];
      for (const scheme of ["light", "dark"] as const) {
        await browser.scheme(scheme);
        backgrounds.push(await browser.evaluate("getComputedStyle(document.body).backgroundColor"));
        assert.deepEqual(await browser.evaluate(AXE_RUN), [], scheme);
      }
      assert.notEqual(backgrounds[0], backgrounds[1]);
      for (const width of [375, 768, 1280]) {
        await browser.resize(width);
        const wide = await browser.evaluate("document.documentElement.scrollWidth");
        assert.ok((wide as number) <= width, `${wide} pixels wide at ${width}`);
        const drawn = await browser.evaluate(
          '[...document.querySelectorAll("figure svg")].filter((one) => one.getBoundingClientRect().width > 0).length',
        );
        assert.equal(drawn, await browser.evaluate('document.querySelectorAll("figure").length'), `at ${width}`);
      }
      const pdf = await browser.pdf();
      assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
      assert.deepEqual(browser.complaints, []);
      assert.deepEqual(browser.requests, [`file://${file}`]);
    } finally {
      await browser.close();
    }
  }),
);
