/**
 * The pipelines of bench/formats/README.md: their shell lines, run as they stand by a shell with what the system sets, over
 * a repository of a few lines and with settings that take a second. EASTWEST_GATE=all runs those of every system.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import type { GateResult } from "../../../bench/gate/result.ts";
import type { SelfTestResult } from "../../../bench/gate/self-test-result.ts";
import { packageRoot } from "../../../bench/paths.ts";
import { program } from "../cli.ts";
import { tinyRepository } from "./tiny-repository.ts";

const readme = readFileSync(join(packageRoot, "bench", "formats", "README.md"), "utf8");
const [github, gitlab, sharded] = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => parse(text));
const skip = process.env["EASTWEST_GATE"] === "all" ? false : "EASTWEST_GATE=all";
const SETTINGS = " --gate-file gate.yaml";

const folder = mkdtempSync(join(tmpdir(), "eastwest-"));
const clone = join(folder, "clone");
before(() => {
  const origin = join(folder, "origin");
  tinyRepository(origin);
  execFileSync("git", ["branch", "trunk", "base"], { cwd: origin });
  execFileSync("git", ["clone", "--quiet", origin, clone], { stdio: "ignore" });
  execFileSync("git", ["checkout", "--quiet", "equal"], { cwd: clone, stdio: "ignore" });
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "tmp"));
  writeFileSync(join(folder, "bin", "eastwest"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(folder, "bin", "eastwest"), 0o755);
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly text: string;
}

function start(
  line: string,
  env: Readonly<Record<string, string>>,
): { readonly kill: () => void; readonly ended: Promise<Ran> } {
  const child = spawn("sh", ["-c", line], {
    cwd: clone,
    detached: true,
    env: {
      ...process.env,
      GITHUB_STEP_SUMMARY: "",
      TMPDIR: join(folder, "tmp"),
      PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
      ...env,
    },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  const ended = new Promise<Ran>((resolve) => child.once("close", (status) => resolve({ status, text })));
  return { kill: () => process.kill(-(child.pid as number), "SIGKILL"), ended };
}
const shell = (line: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> => start(line, env).ended;

/** The line that begins so; every line of ours is one that a shell can run. */
function lineOf(lines: readonly (string | undefined)[], begin: string): string {
  const found = lines.find((line) => line?.startsWith(begin));
  assert.ok(found !== undefined, `no line begins with ${begin}`);
  return found;
}

test("the pipelines build before they use the program, and have the history that --base needs", () => {
  const { steps } = github.jobs.gate;
  assert.equal(steps[0].with["fetch-depth"], 0);
  assert.equal(gitlab.gate.variables.GIT_DEPTH, 0);
  const scripts: readonly (string | undefined)[][] = [
    steps.map(({ run }: { run?: string }) => run),
    gitlab.gate.script,
    sharded["self-test"].script,
    sharded["self-test-joined"].script,
  ];
  for (const lines of scripts) {
    assert.ok(lines.indexOf(lineOf(lines, "npm ci")) < lines.indexOf(lineOf(lines, "eastwest")), "built first");
  }
});

test("GitHub: the step compares with the target branch and writes its files and the summary", { skip }, async () => {
  const summary = join(folder, "summary.md");
  writeFileSync(summary, "");
  const line = lineOf(
    github.jobs.gate.steps.map(({ run }: { run?: string }) => run),
    "eastwest",
  );
  const env = { GITHUB_BASE_REF: "trunk", GITHUB_STEP_SUMMARY: summary };
  const ran = await shell(line + SETTINGS, env);
  assert.equal(ran.status, 0, ran.text);
  const result = JSON.parse(readFileSync(join(clone, "gate.json"), "utf8")) as GateResult;
  assert.equal(result.sides.base.name, "origin/trunk");
  assert.match(readFileSync(join(clone, "gate.xml"), "utf8"), /^<\?xml/);
  assert.equal(JSON.parse(readFileSync(join(clone, "gate.smaller.json"), "utf8"))[0].unit, "ns/packet");
  assert.match(readFileSync(summary, "utf8"), /^## eastwest gate: pass/);
});

test("GitLab: the script fetches the target branch and compares with it", { skip }, async () => {
  const { script } = gitlab.gate;
  const env = { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "trunk" };
  const fetched = await shell(lineOf(script, "git fetch"), env);
  assert.equal(fetched.status, 0, fetched.text);
  const ran = await shell(lineOf(script, "eastwest") + SETTINGS, env);
  assert.equal(ran.status, 0, ran.text);
  assert.match(ran.text, /base origin\/trunk/);
});

test("self-test in shards, one killed and started again: joined, every run is there once", { skip }, async () => {
  const line = `${lineOf(sharded["self-test"].script, "eastwest").replace(" --short", "")}${SETTINGS} --runs 4 --slow-down 0`;
  const env = (index: number): Record<string, string> => ({ CI_NODE_INDEX: `${index}`, CI_NODE_TOTAL: "2" });
  const file = join(clone, "self-test-1.jsonl");
  const lines = (): number => {
    try {
      return readFileSync(file, "utf8").split("\n").length - 1;
    } catch {
      return 0;
    }
  };
  const first = start(line, env(1));
  const other = shell(line, env(2));
  let over = false;
  void first.ended.then(() => {
    over = true;
  });
  while (lines() < 2 && !over) await sleep(50);
  assert.ok(!over, "killed in its second run");
  first.kill();
  await first.ended;
  const had = lines();
  const again = await shell(line, env(1));
  assert.equal(again.status, 0, again.text);
  assert.equal((await other).status, 0);
  assert.ok(had >= 2 && lines() === 3, "a head and two runs");
  const joined = await shell(lineOf(sharded["self-test-joined"].script, "eastwest"));
  assert.equal(joined.status, 0, joined.text);
  const { rows } = JSON.parse(readFileSync(join(clone, "self-test.json"), "utf8")) as SelfTestResult;
  assert.deepEqual(
    rows.map(({ slowDown, runs }) => ({ slowDown, runs })),
    [{ slowDown: 0, runs: 4 }],
  );
});
