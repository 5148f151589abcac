/** `npm run bench` as one types it: chosen by word, as table and JSON, and every task really does its work once. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../../bench/paths.ts";
import type { TaskResult } from "../../../bench/suites/harness.ts";

function bench(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const program = join(packageRoot, "dist", "bench", "suites", "main.js");
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8", timeout: 120_000 });
}

test("every task runs", () => {
  const { status, stdout, stderr } = bench("--ms", "1", "--json", "-");
  assert.equal(status, 0, stderr);
  const { format, version, tasks } = JSON.parse(stdout) as { format: string; version: number; tasks: TaskResult[] };
  assert.equal(format, "eastwest bench result");
  assert.equal(version, 1);
  const names = bench("--list").stdout.trimEnd().split("\n");
  assert.deepEqual(
    tasks.map(({ name }) => name),
    names,
  );
  assert.equal(new Set(names).size, names.length);
  for (const { name, nsMedian, nsMin, samples } of tasks) {
    assert.ok(nsMin > 0 && nsMedian >= nsMin, `${name}: ${nsMin}, ${nsMedian}`);
    assert.ok(samples >= 1, name);
  }
  for (const subject of ["extract", "hash", "exact match", "megaflow: 128", "execute", "gre push", "vxlan pop"]) {
    assert.ok(
      names.some((name) => name.includes(subject)),
      `no task for ${subject}`,
    );
  }
});

test("a word chooses; what is wrong is one line", () => {
  const { stdout, status } = bench("hash", "16", "--ms", "1");
  assert.equal(status, 0);
  assert.match(stdout, /^hash: 16 words +[\d.]+/m);
  assert.doesNotMatch(stdout, /extract/);
  for (const args of [["nothing-like-it"], ["--ms", "0"], ["--speed"], ["--json", "/no/such/folder/x.json"]]) {
    const ran = bench(...args);
    assert.equal(ran.status, 2, args.join(" "));
    assert.match(ran.stderr, /^bench: [^\n]+\n$/);
  }
});
