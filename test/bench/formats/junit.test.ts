/** JUnit XML is checked by libxml2 against a schema of what its readers take, and read back. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { attribute, junitXml, text } from "../../../bench/formats/junit.ts";
import { packageRoot } from "../../../bench/paths.ts";
import { empty, NASTY, report } from "./sample.ts";

const schema = join(packageRoot, "test", "bench", "formats", "junit.xsd");
const xmllint = (input: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync("xmllint", ["--nonet", ...args, "-"], { input, encoding: "utf8" });
const skip = spawnSync("xmllint", ["--version"]).status === 0 ? false : "xmllint (libxml2-utils) is not installed";

test("libxml2 takes it and the schema fits", { skip }, () => {
  for (const of of [report, empty]) {
    const { status, stderr } = xmllint(junitXml(of), "--noout", "--schema", schema);
    assert.equal(status, 0, stderr);
  }
  const wrong = xmllint(
    junitXml(report).replace('errors="0" skipped', 'errors="none" skipped'),
    "--noout",
    "--schema",
    schema,
  );
  assert.notEqual(wrong.status, 0);
});

test("what a reader sees: counts, failures, reasons, names to the last character", { skip }, () => {
  const xml = junitXml(report);
  const ask = (path: string): string => xmllint(xml, "--xpath", path).stdout.replace(/\n$/, "");
  assert.equal(ask("string(/testsuites/@tests)"), "7");
  assert.equal(ask("string(/testsuites/@failures)"), "2");
  assert.equal(ask("count(//testcase[failure])"), "2");
  assert.equal(ask("count(//testcase[skipped])"), "2");
  assert.equal(ask("count(//testsuite)"), "5");
  assert.equal(
    ask('string(//testcase[@name="Mpps"]/failure/@message)'),
    "slower by more than 2.0 %, confirmed on fresh pairs",
  );
  assert.equal(
    ask('string(//testcase[@classname="exact gates"]/failure)'),
    "gre-dvr/packets: base 250, head <251>, expected the same",
  );
  assert.equal(ask('string(//testsuite[@name="gre-legacy"]/testcase[2]/@name)'), NASTY.replace("\u0001", "\ufffd"));
  assert.equal(ask('string(//testsuite[1]/properties/property[@name="cpu"]/@value)'), 'AMD "EPYC"');
});

test("characters that XML has no place for become U+FFFD, the rest is escaped", () => {
  assert.equal(text("a\u0000b\u000b\ud800c\uffff😀]]>"), "a\ufffdb\ufffd\ufffdc\ufffd😀]]&gt;");
  assert.equal(attribute('a"b<c>\n\t\r&'), '"a&quot;b&lt;c&gt;&#10;&#9;&#13;&amp;"');
});
