/** `eastwest gate` as people call it: a repository whose head is slower, wrong, equal, or lacks what is asked for. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { GateResult } from "../../../bench/gate/result.ts";
import { packageRoot } from "../../../bench/paths.ts";
import { eastwest, eastwestIn, interrupted, type Ran, withFolder } from "../cli.ts";
import { tinyRepository } from "./tiny-repository.ts";

const folder = mkdtempSync(join(tmpdir(), "eastwest-"));
const repository = join(folder, "tiny");
/** Where worktrees go: empty again after every run. */
const scratch = join(folder, "scratch");

before(() => {
  mkdirSync(scratch);
  tinyRepository(repository);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The whole list of what can be different or wrong takes half a minute of processor time: .ci/run does it all. */
const thorough = process.env["EASTWEST_GATE"] === "all";

const env = { TMPDIR: scratch, GITHUB_STEP_SUMMARY: "" };
const gate = (...args: readonly string[]): Ran =>
  eastwestIn(repository, ["gate", "--gate-file", "gate.yaml", ...args], env);
const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(join(packageRoot, "bench", "gate", "result.schema.json"), "utf8")),
);

/** A result that was written, held against its schema. */
function json(file: string): GateResult {
  const result: unknown = JSON.parse(readFileSync(join(folder, file), "utf8"));
  assert.ok(validate(result), JSON.stringify(validate.errors));
  return result as GateResult;
}

function nothingLeft(): void {
  assert.deepEqual(readdirSync(scratch), [], "worktrees are removed");
  const known = execFileSync("git", ["worktree", "list"], { cwd: repository, encoding: "utf8" });
  assert.equal(known.trim().split("\n").length, 1, "git knows of none");
}

test("an equal head passes, in every format; the working tree is the default head", () => {
  const summary = join(folder, "summary.md");
  writeFileSync(summary, "before\n");
  const files = [
    "junit=a.xml",
    "markdown=a.md",
    "bencher=a.bmf",
    "smaller=a.s",
    "bigger=a.b",
    "openmetrics=a.om",
    "csv=a.csv",
  ];
  const formats = files.flatMap((file) => ["--format", file.replace("=", `=${folder}/`)]);
  const ran = eastwestIn(
    repository,
    [
      "gate",
      "--gate-file",
      "gate.yaml",
      "--base",
      "equal",
      "--json",
      join(folder, "equal.json"),
      "--seed",
      "3",
      ...formats,
    ],
    { ...env, GITHUB_STEP_SUMMARY: summary },
  );
  assert.equal(ran.stderr, "");
  assert.equal(ran.status, 0, ran.stdout);
  assert.match(ran.stdout, /head working tree/);
  assert.match(ran.stdout, /\npass\n$/);
  const result = json("equal.json");
  assert.equal(result.verdict, "pass");
  assert.equal(result.seed, 3);
  assert.equal(result.sides.base.commit?.length, 40);
  assert.equal(result.pairs.length, 6);
  assert.ok(result.pairs.every(({ base, head, copy }) => base > 0 && head > 0 && (copy ?? 0) > 0));
  assert.match(result.exact["extract"]["checksum"] as string, /^[0-9a-f]{32}$/);
  assert.match(readFileSync(summary, "utf8"), /^before\n## eastwest gate: pass\n/);
  for (const file of files) assert.ok(readFileSync(join(folder, file.replace(/^.*=/, "")), "utf8").length > 20, file);
  nothingLeft();
});

test("a head that is really slower is red, exit code 1", () => {
  const ran = gate(
    "--base",
    "base",
    "--head",
    "slow",
    "--no-control",
    "--json",
    join(folder, "slow.json"),
    "--junit",
    join(folder, "slow.xml"),
  );
  assert.equal(ran.status, 1, ran.stdout + ran.stderr);
  const [metric] = json("slow.json").metrics;
  assert.equal(metric.verdict, "regression");
  // Three times the work: the estimate has to be far above half as much again, on whatever machine.
  assert.ok(metric.estimate > 0.5, String(metric.estimate));
  assert.equal(metric.confirmPairs, 6);
  assert.match(readFileSync(join(folder, "slow.xml"), "utf8"), /failures="1"/);
  nothingLeft();
});

test("a head whose frames differ is red by its checksum", { skip: !thorough && "EASTWEST_GATE=all" }, () => {
  const ran = gate("--base", "base", "--head", "wrong", "--no-control");
  assert.equal(ran.status, 1, ran.stdout + ran.stderr);
  assert.match(ran.stdout, /^extract\/checksum: base [0-9a-f]{32}, head [0-9a-f]{32}, expected the same$/m);
});

test("what the base lacks is said by name; only when nothing is left it is an error", () => {
  const lacking: readonly (readonly [string, string])[] = [
    ["ancient", "it has no entry for the gate"],
    ["bridgeless", 'it cannot measure "extract"'],
    ["other", "its entry for the gate is version 2, expected 1"],
  ];
  for (const [base, why] of thorough ? lacking : lacking.slice(0, 1)) {
    const ran = gate("--base", base, "--head", "equal");
    assert.equal(ran.status, 2);
    assert.equal(ran.stderr, `eastwest: base has none of the scenarios extract: ${why}\n`);
  }
  if (thorough) {
    const part = gate("--base", "bridgeless", "--head", "equal", "--scenario", "gre-dvr", "--scenario", "extract");
    assert.equal(part.status, 0, part.stdout + part.stderr);
    assert.match(
      part.stderr,
      /^eastwest: warning: extract is not judged: base does not have it \(it cannot measure "extract"\)$/m,
    );
    assert.match(part.stdout, /^extract: not judged/m);
    const head = gate("--base", "equal", "--head", "bridgeless");
    assert.equal(head.status, 2);
    assert.equal(head.stderr, 'eastwest: head has no scenario "extract": it cannot measure "extract"\n');
  }
  nothingLeft();
});

test("Ctrl-C in the middle leaves what was measured, marked, and no worktree", async () => {
  const file = join(folder, "cut.json");
  const begun = (): boolean =>
    readdirSync(scratch).some((name) => existsSync(join(scratch, name, "extract.copy.prepared")));
  const args = ["gate", "--gate-file", "gate.yaml", "--pairs", "200", "--base", "base", "--json", file];
  const ran = await interrupted(args, { signal: "SIGINT", begun, after: 1500, cwd: repository, env });
  assert.equal(ran.status, 130, ran.stderr);
  const result = json("cut.json");
  assert.equal(result.interrupted, true);
  assert.equal(result.verdict, "inconclusive");
  assert.equal(result.metrics[0]?.pairs ?? 0, result.pairs.length);
  assert.match(ran.stdout, /interrupted; until then: inconclusive\n$/);
  nothingLeft();
});

test("bad usage is one line and exit code 2, before anything is built", () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /expected --base REF/],
    [["--base", "nowhere"], /--base nowhere: no such commit/],
    [["--base", "base", "--scenario", "gre-fast"], /scenario "gre-fast": expected gre-legacy, /],
    [["--base", "base", "--pairs", "3"], /Expected ascending whole numbers/],
    [["--base", "base", "--format", "tap=x"], /Expected NAME=FILE/],
    [["--base", "base", "--json", "/nowhere/x.json"], /cannot write \/nowhere\/x.json/],
    [["--base-rules", "a", "--head-rules", "b"], /they belong to a capture/],
    [["--base-topology", "a.yaml"], /expected both --base-topology and --head-topology/],
    [["--base", "base", "--record", "x"], /belongs to --self-test/],
    [["--self-test"], /expected --record FILE/],
    [["--from", "/nowhere"], /\/nowhere/],
  ];
  for (const [args, expected] of thorough ? cases : cases.slice(0, 3)) {
    const ran = gate(...args);
    assert.equal(ran.status, 2, `${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
    assert.match(ran.stderr, expected);
    assert.ok(!/^ +at /m.test(ran.stderr), "no stack");
  }
  nothingLeft();
});

test("--init writes a gate file that the gate takes, and never over another", async () => {
  await withFolder((at) => {
    const file = join(at, "gate.yaml");
    assert.equal(eastwest("gate", "--init", file).status, 0);
    assert.match(readFileSync(file, "utf8"), /^ {2}- gre-dvr$/m);
    const again = eastwest("gate", "--init", file);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /is there already/);
    const used = eastwestIn(repository, ["gate", "--gate-file", file, "--base", "nowhere"]);
    assert.match(used.stderr, /no such commit/);
  });
  assert.match(eastwest("gate", "--init").stdout, /^# Gate file of eastwest/);
});
