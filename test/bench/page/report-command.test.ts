/** `eastwest report` and `run --report` by the command line: what is written, and one line for what cannot be used. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eastwest, withFolder } from "../cli.ts";

test("run --report and report write the same numbers; --svg every plot", () =>
  withFolder((folder) => {
    const [json, direct, made, plots] = ["r.json", "direct.html", "made.html", "plots"].map((n) => join(folder, n));
    const ran = eastwest("run", "--repeat", "20", "--json", json, "--report", direct);
    assert.equal(ran.status, 0, ran.stderr);
    assert.match(ran.stdout, /wrote .*direct\.html: the same as a page/);
    const { status, stdout, stderr } = eastwest("report", json, "-o", made, "--svg", plots);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^wrote .*made\.html: open it in a browser\nwrote \d+ plots to .*plots\n$/);
    const values = (file: string): string[] => readFileSync(file, "utf8").match(/<data value="[^"]*">/g) ?? [];
    assert.ok(values(made).length > 200, `${values(made).length} numbers`);
    assert.deepEqual(values(made), values(direct));
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
  }));

test("what is no result, of another version, given twice or from another machine is one line and exit code 2", () =>
  withFolder((folder) => {
    const at = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const good = join(folder, "good.json");
    assert.equal(eastwest("run", "--no-timing", "--quiet", "--json", good).status, 0);
    const result = JSON.parse(readFileSync(good, "utf8"));
    const other = { ...result, environment: { ...result.environment, cpu: "another" } };
    const output = join(folder, "o.html");
    const cases: [string[], RegExp][] = [
      [[at("text", "hello")], /text: no JSON of eastwest, expected a result of run, replay/],
      [[at("empty", "")], /empty: no JSON of eastwest/],
      [[at("null", "null")], /null: format is null, expected/],
      [[at("array", "[]")], /array: format is null, expected/],
      [[at("proto", '{"format":"constructor"}')], /format is "constructor", expected/],
      [[at("new", JSON.stringify({ ...result, version: 99 }))], /version is 99, this program reads version 1/],
      [[at("less", JSON.stringify({ ...result, modes: { a: {} } }))], /less: \/modes\/a/],
      [[at("gate", '{"format":"eastwest gate","version":1}')], /gate: has no "verdict"/],
      [[good, good], /good\.json: the same result as .*good\.json, expected another one/],
      [[good, at("other", JSON.stringify(other))], /other: from another, .* expected results of one machine/],
      [[join(folder, "none")], /none: no such file/],
    ];
    for (const [files, message] of cases) {
      const { status, stderr, stdout } = eastwest("report", ...files, "-o", output);
      assert.equal(status, 2, `${files}: ${stderr}`);
      assert.match(stderr, message);
      assert.match(stderr, /^eastwest: [^\n]+\n$/);
      assert.equal(stdout, "");
      assert.ok(!existsSync(output), "something was written");
    }
    for (const args of [
      ["report", good, "-o", join(folder, "no", "o.html")],
      ["report", good, "-o", folder],
      ["report", good, "-o", good],
      ["report", good, "-o", output, "--svg", at("file", "")],
      ["run", "--no-timing", "--report", join(folder, "no", "o.html")],
      ["run", "--no-timing", "--report", "-"],
    ]) {
      const { status, stderr } = eastwest(...args);
      assert.equal(status, 2, `${args}: ${stderr}`);
      assert.match(stderr, /^eastwest: [^\n]+\n$/);
    }
  }));

test("a result of an older program, of one mode, without times, interrupted: a page all the same", () =>
  withFolder((folder) => {
    const json = join(folder, "r.json");
    assert.equal(eastwest("run", "--no-timing", "--quiet", "--mode", "dvr", "--json", json).status, 0);
    const result = JSON.parse(readFileSync(json, "utf8"));
    for (const mode of Object.values(result.modes) as Record<string, unknown>[]) {
      for (const name of ["cluster", "path", "cacheSeries"]) delete mode[name];
    }
    const old = join(folder, "old.json");
    writeFileSync(old, JSON.stringify({ ...result, interrupted: true }));
    const { status, stdout, stderr } = eastwest("report", old, "-o", "-");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /Interrupted: what follows is as far as it went\./);
    assert.match(stdout, /of an older program: it does not say which way packets went/);
    assert.match(stdout, /took no time \(--no-timing\)/);
    writeFileSync(old, JSON.stringify({ ...result, modes: {}, interrupted: true }));
    assert.equal(eastwest("report", old, "-o", "-").status, 0);
  }));

test("names from a result cannot become markup", () =>
  withFolder((folder) => {
    const json = join(folder, "r.json");
    assert.equal(eastwest("run", "--no-timing", "--quiet", "--json", json).status, 0);
    const evil = `<script>alert("1")</script><img src=x onerror='alert(2)'>&amp;\\u0000`;
    const text = readFileSync(json, "utf8").replaceAll("test115", JSON.stringify(evil).slice(1, -1));
    const changed = join(folder, "evil.json");
    writeFileSync(changed, text);
    const plots = join(folder, "plots");
    const { status, stdout, stderr } = eastwest("report", changed, "-o", "-", "--svg", plots);
    assert.equal(status, 0, stderr);
    for (const out of [stdout, ...readdirSync(plots).map((name) => readFileSync(join(plots, name), "utf8"))]) {
      assert.doesNotMatch(out, /<script|<img|onerror='/);
    }
    assert.ok(stdout.includes("&lt;script&gt;alert(&quot;1&quot;)"));
  }));

test("a folder for plots that may not be written is one line", () =>
  withFolder((folder) => {
    const json = join(folder, "r.json");
    assert.equal(eastwest("run", "--no-timing", "--quiet", "--mode", "dvr", "--json", json).status, 0);
    const locked = join(folder, "locked");
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    const target = process.getuid?.() === 0 ? "/proc/plots" : join(locked, "plots");
    const { status, stderr } = eastwest("report", json, "-o", join(folder, "o.html"), "--svg", target);
    assert.equal(status, 2);
    assert.match(stderr, /^eastwest: [^\n]+\n$/);
    assert.ok(!existsSync(join(folder, "o.html")));
  }));
