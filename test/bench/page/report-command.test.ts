/**
 * `eastwest report` and `run --report`: what is written, and one line for what cannot be used. The program itself runs where
 * files, exit codes and messages of the command are meant; what the page says is asked of its functions.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isInputError } from "../../../bench/errors.ts";
import { readReportInputs } from "../../../bench/page/inputs.ts";
import { drawings, page, report } from "../../../bench/page/page.ts";
import { packageRoot } from "../../../bench/paths.ts";
import { build } from "../../../bench/program.ts";
import { eastwest, withFolder } from "../cli.ts";
import { gateOf } from "./made-results.ts";

const folder = mkdtempSync(join(tmpdir(), "eastwest-"));
const at = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const good = join(folder, "good.json");
// Of a command that exists, its result; each test takes what it needs of it.
let result: ReturnType<typeof JSON.parse>;
before(() => {
  const { status, stderr } = eastwest("run", "--repeat", "20", "--json", good, "--report", join(folder, "direct.html"));
  assert.equal(status, 0, stderr);
  result = JSON.parse(readFileSync(good, "utf8"));
});
after(() => rmSync(folder, { recursive: true, force: true }));
const pageOfFiles = (...files: readonly string[]): string => page(report(readReportInputs(files)));

test("run --report and report write the same numbers; --svg every plot", () => {
  const [made, plots] = ["made.html", "plots"].map((name) => join(folder, name));
  const { status, stdout, stderr } = eastwest("report", good, "-o", made, "--svg", plots);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^wrote .*made\.html: open it in a browser\nwrote \d+ plots to .*plots\n$/);
  const values = (file: string): string[] => readFileSync(file, "utf8").match(/<data value="[^"]*">/g) ?? [];
  assert.ok(values(made).length > 200, `${values(made).length} numbers`);
  assert.deepEqual(values(made), values(join(folder, "direct.html")));
  const names = readdirSync(plots).sort();
  for (const name of ["path-legacy.svg", "path-dvr.svg", "work-bars.svg", "capacity-nodes.svg", "caches-curve.svg"]) {
    assert.ok(names.includes(name), `no ${name}`);
  }
  for (const name of names) {
    const svg = readFileSync(join(plots, name), "utf8");
    assert.match(svg, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.match(svg, /<title [^>]*>[^<]+<\/title><desc [^>]*>[^<]+<\/desc>/, name);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/, name);
  }
  assert.doesNotMatch(readFileSync(made, "utf8"), />[^<]*(NaN|undefined|Infinity)[^<]*</);
});

test("what is no result, of another version, given twice or from another machine is one sentence", () => {
  const other = { ...result, environment: { ...result.environment, cpu: "another" } };
  const { metrics: _, ...cut } = gateOf([]);
  const cases: [string[], RegExp][] = [
    [[at("text", "hello")], /text: no JSON of eastwest, expected a result of run, replay/],
    [[at("empty", "")], /empty: no JSON of eastwest/],
    [[at("null", "null")], /null: format is null, expected/],
    [[at("array", "[]")], /array: format is null, expected/],
    [[at("proto", '{"format":"constructor"}')], /format is "constructor", expected/],
    [[at("new", JSON.stringify({ ...result, version: 99 }))], /version is 99, this program reads version 1/],
    [[at("less", JSON.stringify({ ...result, modes: { a: {} } }))], /less: \/modes\/a/],
    [[at("gate", '{"format":"eastwest gate","version":1}')], /gate: .*eastwest.* is missing/],
    [[at("gate-2", JSON.stringify(cut))], /gate-2: .*metrics.* is missing/],
    [[at("gate-3", JSON.stringify(gateOf([{ estimate: "a" as unknown as number }])))], /\/metrics\/0\/estimate: /],
    [[at("curves", '{"format":"eastwest curves","version":1,"curves":[]}')], /curves: .*environment.* is missing/],
    [[good, good], /good\.json: the same result as .*good\.json, expected another one/],
    [[good, at("other", JSON.stringify(other))], /other: from another, .* expected results of one machine/],
    [[join(folder, "none")], /none: no such file/],
  ];
  for (const [files, message] of cases) {
    assert.throws(
      () => readReportInputs(files),
      (error: unknown) => {
        assert.ok(isInputError(error), String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  }
});

test("the command says it in one line with exit code 2, and writes nothing", () => {
  const output = join(folder, "o.html");
  for (const args of [
    ["report", at("text", "hello"), "-o", output],
    ["report", good, "-o", join(folder, "no", "o.html")],
    ["report", good, "-o", good],
    ["report", good, "-o", output, "--svg", at("file", "")],
    ["run", "--no-timing", "--report", "-"],
  ]) {
    const { status, stdout, stderr } = eastwest(...args);
    assert.equal(status, 2, `${args}: ${stderr}`);
    assert.match(stderr, /^eastwest: [^\n]+\n$/);
    assert.equal(stdout, "");
    assert.ok(!existsSync(output), "something was written");
  }
});

test("a result of an older program, of one mode, without times, interrupted: a page all the same", () => {
  const { commit: _, conditions: __, ...before } = structuredClone(result);
  const { dvr } = before.modes;
  for (const name of ["cluster", "path", "cacheSeries"]) delete dvr[name];
  Object.assign(dvr, { times: null, packetsPerSecond: null, bitsPerSecond: null, placement: null });
  for (const node of dvr.nodes) node.nsPerPacket = null;
  const html = pageOfFiles(at("old.json", JSON.stringify({ ...before, modes: { dvr }, interrupted: true })));
  assert.match(html, /Interrupted: what follows is as far as it went\./);
  assert.match(html, /of an older program: it does not say which way packets went/);
  assert.match(html, /took no time|took none \(--no-timing\)/);
  pageOfFiles(at("none.json", JSON.stringify({ ...before, modes: {}, interrupted: true })));
});

test("names from a result cannot become markup", () => {
  const evil = `<script>alert("1")</script><img src=x onerror='alert(2)'>&amp;\\u0000`;
  const text = readFileSync(good, "utf8").replaceAll("test115", JSON.stringify(evil).slice(1, -1));
  const made = report(readReportInputs([at("evil.json", text)]));
  const html = page(made);
  for (const out of [html, ...drawings(made).values()]) assert.doesNotMatch(out, /<script|<img|onerror='/);
  assert.ok(html.includes("&lt;script&gt;alert(&quot;1&quot;)"));
});

test("a folder for plots that may not be written is one line", () => {
  const locked = join(folder, "locked");
  mkdirSync(locked);
  chmodSync(locked, 0o500);
  const target = process.getuid?.() === 0 ? "/proc/plots" : join(locked, "plots");
  const { status, stderr } = eastwest("report", good, "-o", join(folder, "p.html"), "--svg", target);
  assert.equal(status, 2);
  assert.match(stderr, /^eastwest: [^\n]+\n$/);
  assert.ok(!existsSync(join(folder, "p.html")));
});

/** The command line of a suggestion, parsed by the program itself but not carried out. Throws what the program throws. */
async function parsed(words: readonly string[]): Promise<void> {
  const program = await build();
  program.configureOutput({ writeErr: () => {}, outputError: () => {} });
  let command = program;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
  }
  command.configureOutput({ writeErr: () => {}, outputError: () => {} });
  let carriedOut = 0;
  command.action(() => {
    carriedOut++;
  });
  await program.parseAsync([...words], { from: "user" });
  assert.equal(carriedOut, 1, `${words.join(" ")}: no command`);
}

test("every command that the page suggests is one that the program takes", () =>
  withFolder(async (empty) => {
    // Nothing was given: every section says how to get what it shows.
    const html = page(
      report({ runs: [], replays: [], measures: [], gates: [], suites: [], histories: [], warnings: [] }),
    );
    const suggested = [...html.matchAll(/<code>((?:eastwest|npm run bench --) [^<]*)<\/code>/g)].map(([, one]) => one);
    assert.ok(suggested.length >= 12, String(suggested));
    for (const name of ["measure sweep --over churn", "measure latency", "gate --base", "trend", "replay"]) {
      assert.ok(
        suggested.some((one) => one.includes(name)),
        name,
      );
    }
    for (const one of suggested) {
      const words = one.split(" ");
      if (words[0] === "eastwest") await parsed(words.slice(1));
      else {
        const suites = join(packageRoot, "dist", "bench", "suites", "main.js");
        const { status, stderr } = spawnSync(process.execPath, [suites, ...words.slice(4), "--help"], { cwd: empty });
        assert.equal(status, 0, String(stderr));
      }
    }
    // What it once suggested, and what it might.
    await assert.rejects(parsed(["measure", "sweep", "--axis", "sizes"]), /unknown option '--axis'/);
    await assert.rejects(parsed(["measure", "sweep", "--over", "frames"]), /Allowed choices are/);
    await assert.rejects(parsed(["replay"]), /missing required argument/);
  }));
