/** Gate files: defaults, patterns, errors with their place; the file that --init writes is one. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DEFAULT_GATE, exactGates, GATE_SCHEMA, initialGateFile, readGateFile } from "../../../bench/gate/gate-file.ts";
import { DEFAULT_PLAN } from "../../../bench/gate/plan.ts";
import { withFolder } from "../cli.ts";

async function read(text: string): Promise<ReturnType<typeof readGateFile>> {
  return await withFolder((folder) => {
    const file = join(folder, "gate.yaml");
    writeFileSync(file, text);
    return readGateFile(file);
  });
}

async function refused(text: string): Promise<string> {
  try {
    await read(text);
  } catch (error) {
    return (error as Error).message.replace(/^.*gate\.yaml:/, "");
  }
  assert.fail(`accepted: ${text}`);
}

test("what --init writes reads back as the default", async () => {
  const gate = await read(initialGateFile(["gre-legacy", "gre-dvr"]));
  assert.deepEqual(gate.plan, DEFAULT_PLAN);
  assert.deepEqual(gate.exact, DEFAULT_GATE.exact);
  assert.deepEqual(gate.allow, []);
  assert.deepEqual(gate.scenarios, ["gre-legacy", "gre-dvr"]);
  assert.deepEqual(gate.metric("gre-dvr/ns"), DEFAULT_GATE.metric("gre-dvr/ns"));
});

test("the shortest file is the default too; schema and code know the same exact gates", async () => {
  const gate = await read("version: 1\n");
  assert.deepEqual(gate.plan, DEFAULT_PLAN);
  assert.equal(gate.scenarios, null);
  const schema = JSON.parse(readFileSync(GATE_SCHEMA, "utf8"));
  assert.deepEqual(schema.properties.exact.items.enum, [...exactGates]);
});

test("later patterns add to earlier ones; * is any part, the rest is literal", async () => {
  const gate = await read(`version: 1
pairs: {looks: [8, 16], confirm: 10}
errors: {suspicion: 1%}
allow: [noisy]
metrics:
  "*": {margin: 3 %}
  "gre-*/ns": {tolerance: 0.5 %}
  "*/a.b": {gate: false}
`);
  assert.deepEqual(gate.plan.looks, [8, 16]);
  assert.deepEqual([gate.plan.confirmPairs, gate.plan.suspicion, gate.plan.misses], [10, 0.01, DEFAULT_PLAN.misses]);
  assert.deepEqual(gate.metric("gre-dvr/ns"), { name: "gre-dvr/ns", margin: 0.03, tolerance: 0.005 });
  assert.deepEqual(gate.metric("vlan-dvr/ns"), { name: "vlan-dvr/ns", margin: 0.03, tolerance: 0.02 });
  assert.equal(gate.metric("x/a.b"), null);
  assert.notEqual(gate.metric("x/aXb"), null);
  assert.deepEqual(gate.allow, ["noisy"]);
});

test("errors are one line with file, line and column", async () => {
  assert.match(await refused("version: 2\n"), /^1:10: version: 2 must be equal to constant/);
  assert.match(await refused("scenarios: [a]\n"), /^1:1: the file: key "version" is missing/);
  assert.match(
    await refused("version: 1\nmargins: 2\n"),
    /^2:1: the file: unknown key "margins", expected one of version, /,
  );
  assert.match(
    await refused('version: 1\nmetrics:\n  "*": {margin: 0.02}\n'),
    /^3:17: metrics\.\*\.margin: 0.02 is not a string/,
  );
  assert.match(await refused('version: 1\nmetrics:\n  "*": {margin: much}\n'), /"much" is not a percentage as in 2 %/);
  assert.match(
    await refused("version: 1\npairs: {looks: [20, 10]}\n"),
    /^2:16: looks at 20, 10 pairs: expected ascending/,
  );
  assert.match(
    await refused("version: 1\nexact: [checksums]\n"),
    /^2:9: exact\.0: "checksums" is not one of checksum, /,
  );
  assert.match(
    await refused("version: 1\nerrors: {misses: 60 %}\n"),
    /^2:9: misses 0\.6: expected above 0, below 0\.5/,
  );
  assert.match(await refused("version: 1\nallow: [red]\n"), /"red" is not one of noisy, inconclusive/);
  assert.match(await refused("version: [\n"), /not YAML/);
});
