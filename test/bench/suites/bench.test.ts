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
  const subjects =
    "extract: IPv4 UDP|extract: IPv6 TCP|extract: VXLAN|hash|exact match: hit|exact match: miss|megaflow: 1 mask|" +
    "megaflow: 8 masks|megaflow: 32 masks|megaflow: 128 masks|translate|execute: set IPv4|gre push|gre pop|vxlan push|" +
    "vxlan pop|checksum|NORMAL, whole way|router|ring: push and pop|capture: pcap";
  for (const subject of subjects.split("|")) {
    assert.ok(
      names.some((name) => name.includes(subject)),
      `no task for ${subject}`,
    );
  }
});

test("the reader of a pipe has enough: quiet, exit code 0", { skip: process.platform === "win32" }, () => {
  const program = join(packageRoot, "dist", "bench", "suites", "main.js");
  // The task at hand is written when nobody reads any more.
  for (const [options, limit] of [
    ["--ms 1 hash", 1],
    ["--list", 0],
  ]) {
    const script = `{ "$0" "$1" ${options}; echo "code $?" >&2; } | head -n ${limit}`;
    const { stderr } = spawnSync("bash", ["-c", script, process.execPath, program], { encoding: "utf8" });
    assert.equal(stderr, "code 0\n");
  }
});

test("a word chooses; what is wrong is one line", () => {
  const { stdout, status } = bench("hash", "16", "--ms", "1");
  assert.equal(status, 0);
  assert.match(stdout, /^hash: 16 words +[\d.]+/m);
  assert.doesNotMatch(stdout, /extract/);
  for (const args of [
    ["nothing-like-it"],
    ["--ms", "0"],
    ["--speed"],
    ["--json", "/no/such/folder/x.json"],
    ["curves", "no-such"],
    ["compute-node", "ipip"],
  ]) {
    const ran = bench(...args);
    assert.equal(ran.status, 2, args.join(" "));
    assert.match(ran.stderr, /^bench: [^\n]+\n$/);
  }
});

interface CurveFile {
  readonly interrupted: boolean;
  readonly curves: readonly {
    readonly name: string;
    readonly points: readonly Readonly<Record<string, number>>[];
    readonly fit: { readonly nsPerProbe: number } | null;
  }[];
}

test("curves: as many masks are probed as there are, and hosts deliver every frame", () => {
  const { stdout, status, stderr } = bench("curves", "masks", "hosts", "hosts-sorted", "--ms", "5", "--json", "-");
  assert.equal(status, 0, stderr);
  const { curves, interrupted } = JSON.parse(stdout) as CurveFile;
  assert.equal(interrupted, false);
  const [masks, hosts, sorted] = curves;
  assert.deepEqual(
    masks.points.map((point) => point["masks"]),
    [1, 2, 4, 8, 16, 32, 64, 128],
  );
  // Each mask has its share of the flows: half of the masks are tried on average, and no hit is found without trying one.
  for (const { masks: count, probesPerPacket, exactShare } of masks.points) {
    assert.equal(exactShare, 0);
    assert.ok(probesPerPacket >= 1 && probesPerPacket <= count, `${probesPerPacket} subtables of ${count}`);
  }
  assert.ok((masks.fit?.nsPerProbe ?? 0) > 0);
  assert.deepEqual(
    hosts.points.map((point) => point["x"]),
    [2, 3, 10, 30, 100],
  );
  // The same megaflows, only fuller bursts.
  for (const [n, point] of hosts.points.entries()) {
    assert.equal(sorted.points[n]["megaflows"], point["megaflows"]);
    if (point["x"] > 3) assert.ok(sorted.points[n]["packetsPerBurst"] > 2 * point["packetsPerBurst"]);
  }
});

test("the compute node: two passes and a routing for each packet, stages add up to the node", () => {
  const { stdout, status, stderr } = bench("compute-node", "--ms", "100", "--json", "-");
  assert.equal(status, 0, stderr);
  const node = JSON.parse(stdout) as Record<string, number> & { stages: { name: string; ns: number }[] };
  assert.equal(node["datapathPasses"], 2);
  assert.equal(node["routed"], 1);
  const sum = node.stages.reduce((all, { ns }) => all + ns, 0);
  assert.ok(Math.abs(sum - (node["nsNode"] ?? 0)) < 1e-6 && node.stages.every(({ ns }) => ns > 0));
});
