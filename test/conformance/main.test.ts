/**
 * `npm run conformance` as a person runs it: a set of every family, with a seed that does not change and with one that each
 * day does, our switch beside a real one; what it leaves behind when it is interrupted. CONFORMANCE_CASES sets how many.
 * Skipped where there is no Open vSwitch.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../bench/paths.ts";
import { sleep } from "../lab/shell.ts";
import { FAMILIES } from "./families.ts";
import { oracleObstacle } from "./ovs-daemons.ts";

const skip = oracleObstacle() ?? false;
const main = join(packageRoot, "dist", "test", "conformance", "main.js");
const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("eastwest-ovs-"));

test("every family, the same cases each time and others each day", { skip }, (t) => {
  const cases = Number(process.env["CONFORMANCE_CASES"] ?? 2 * FAMILIES.length);
  const day = Math.floor(Date.now() / 86_400_000);
  for (const [seed, count] of [
    [20_150_902, cases],
    [day, FAMILIES.length],
  ] as const) {
    const args = [main, "--jobs", "1", "--cases", String(count), "--seed", String(seed)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 900_000 });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const [, done] = /^(\d+) cases .*no difference in meaning$/m.exec(stdout) ?? [];
    assert.equal(Number(done), count, stdout);
    t.diagnostic(stdout.trimEnd().split("\n").at(-1)!);
  }
});

test("a case that differs gives exit code 1 and a command that repeats it", { skip, timeout: 60_000 }, () => {
  // Connection tracking is what Open vSwitch takes and we refuse.
  const bridge = { name: "br0", ports: [{ name: "p1", ofport: 1 }], flows: ["actions=in_port"] };
  const one = { name: "x", stateless: true, bridges: [bridge], packets: [] };
  const refusedByUs = { ...one, bridges: [{ ...bridge, flows: ["actions=ct_clear,in_port"] }] };
  const args = [main, "--case", "-"];
  const wrong = spawnSync(process.execPath, args, { encoding: "utf8", input: JSON.stringify(refusedByUs) });
  assert.equal(wrong.status, 1, wrong.stdout + wrong.stderr);
  assert.match(wrong.stdout, /rules different/);
  const [, again] = /again: echo '(.*)' \| npm run -s conformance -- --case -/.exec(wrong.stdout) ?? [];
  assert.equal(spawnSync(process.execPath, args, { encoding: "utf8", input: again }).status, 1);
  assert.equal(spawnSync(process.execPath, args, { encoding: "utf8", input: JSON.stringify(one) }).status, 0);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const)
  test(`${signal} leaves nothing behind`, { skip, timeout: 60_000 }, async () => {
    const before = new Set(folders());
    const child = spawn(process.execPath, [main, "--jobs", "1", "--cases", "5000"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    while (!said.includes("beside us")) await sleep(20);
    const own = folders().filter((name) => !before.has(name));
    assert.ok(own.length > 0);
    await sleep(500);
    child.kill(signal);
    const code = await ended;
    if (signal !== "SIGKILL") {
      assert.equal(code, signal === "SIGINT" ? 130 : 143);
      assert.match(said, /cases .* packets in .*\ninterrupted\n$/);
    }
    const left = (): boolean => folders().some((name) => own.includes(name));
    for (let wait = 0; left() && wait < 300; wait++) await sleep(50);
    assert.ok(!left(), own.join());
  });

const misuse: readonly (readonly [string[], RegExp])[] = [
  [["--cases", "many"], /^conformance: --cases many: expected a whole number\n$/],
  [["--family", "nix"], /^conformance: no family nix: expected acl, /],
  [["--name", "acl"], /^conformance: --name acl: expected FAMILY-SEED-NUMBER\n$/],
  [["--case", "/nowhere.json"], /^conformance: .*nowhere\.json/],
  [["--nix"], /^conformance: /],
];
test("bad usage is one line and exit code 2", () => {
  for (const [args, message] of misuse) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
    assert.equal(status, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});
