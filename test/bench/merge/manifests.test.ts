/**
 * The manifests of bench/merge/README.md: YAML that says what it should, and their commands, run as they stand by as many
 * processes as there are shards, with points that take no time. EASTWEST_SLOW_TESTS=1 runs those of every system.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import type { MeasureResult } from "../../../bench/measure/result.ts";
import { packageRoot } from "../../../bench/paths.ts";
import { build } from "../../../bench/program.ts";
import { program, withFolder } from "../cli.ts";

const readme = readFileSync(join(packageRoot, "bench", "merge", "README.md"), "utf8");
const [kubernetes, others, github, gitlab] = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) =>
  parse(text),
);
const container = kubernetes.spec.template.spec.containers[0];
const commandOf = (lines: readonly string[], start: string): string => {
  const found = lines.find((line) => line.startsWith(start));
  assert.ok(found !== undefined, `no ${start} in ${lines.join("; ")}`);
  return found;
};
const stepsOf = (job: { steps: { run?: string }[] }): string[] => job.steps.map(({ run }) => run ?? "");
const sweepLine = commandOf(stepsOf(github.jobs.sweep), "eastwest measure");
const joinLine = commandOf(stepsOf(github.jobs.join), "eastwest merge");

/** One measurement a shard, of no time at all. */
const TINY = " --points 64,128,256,512 --mrr --trials 1 --duration 0.01 --max-load 20000 --quiet";

interface System {
  readonly name: string;
  readonly command: string;
  /** What the system sets for job n of `count`, from 0. */
  readonly env: (n: number, count: number) => Readonly<Record<string, string>>;
}

const systems: readonly System[] = [
  {
    name: "Kubernetes",
    command: container.args[0].replace("/results/", ""),
    env: (n, count) => ({ JOB_COMPLETION_INDEX: `${n}`, JOB_COMPLETION_COUNT: `${count}` }),
  },
  { name: "GitHub", command: sweepLine, env: () => ({}) },
  {
    name: "GitLab",
    command: commandOf(gitlab.sweep.script, "eastwest measure"),
    env: (n, count) => ({ CI_NODE_INDEX: `${n + 1}`, CI_NODE_TOTAL: `${count}` }),
  },
];

test("as many shards are said as there are jobs", () => {
  assert.equal(kubernetes.spec.completionMode, "Indexed");
  const count = container.env.find(({ name }: { name: string }) => name === "JOB_COMPLETION_COUNT").value;
  assert.equal(Number(count), kubernetes.spec.completions);
  const { shard } = github.jobs.sweep.strategy.matrix;
  assert.deepEqual(shard, [1, 2, 3, 4]);
  assert.ok(sweepLine.includes(`/${shard.length} `));
  assert.equal(gitlab.sweep.parallel, 4);
});

test("Kubernetes: many captures in one Job, a process a shard, joined; the shard that was killed goes on", () =>
  withFolder(async (folder) => {
    const count = 3;
    install(folder);
    const here = (line: string): string => line.replaceAll(/\/(captures|results)\//g, `${folder}/`);
    for (const frames of [11, 13, 17, 19]) {
      const made = await shell(
        folder,
        `eastwest generate ${frames}.pcap --scenario p2p --frames ${frames} --quiet`,
        {},
      );
      assert.equal(made.status, 0, made.stderr);
    }
    const line = here(commandOf(others.replay, "eastwest replay"));
    const shards = (): Promise<{ status: number | null; stderr: string }[]> =>
      Promise.all(
        Array.from({ length: count }, (_, n) =>
          shell(folder, `${line} --no-timing --quiet`, {
            JOB_COMPLETION_INDEX: `${n}`,
            JOB_COMPLETION_COUNT: `${count}`,
          }),
        ),
      );
    for (const ran of await shards()) assert.equal(ran.status, 0, ran.stderr);
    const first = join(folder, "replay-0.jsonl");
    writeFileSync(first, readFileSync(first, "utf8").slice(0, -1));
    for (const ran of await shards()) assert.equal(ran.status, 0, ran.stderr);
    const joined = await shell(folder, here(commandOf(others.join, "eastwest merge")), {});
    assert.equal(joined.status, 0, joined.stderr);
    const { captures, counts } = JSON.parse(readFileSync(join(folder, "replay.json"), "utf8"));
    assert.deepEqual(captures, { of: 4, finished: 4, missing: [] });
    assert.equal(counts.packets, 11 + 13 + 17 + 19);
  }));

test("the line for the gate's error rates is one that the program takes", async () => {
  const words = commandOf(others["self-test"], "eastwest gate").split(" ");
  const command = await build();
  const gate = command.commands.find((one) => one.name() === "gate");
  let taken = 0;
  gate?.action(() => {
    taken++;
  });
  const job = { JOB_COMPLETION_INDEX: "0", JOB_COMPLETION_COUNT: "4" };
  Object.assign(process.env, job);
  try {
    await command.parseAsync(words.slice(1), { from: "user" });
  } finally {
    for (const name of Object.keys(job)) delete process.env[name];
  }
  assert.equal(taken, 1);
});

const skip = availableParallelism() < 2 ? "needs two cores" : false;
const slow = process.env["EASTWEST_SLOW_TESTS"] === "1";
for (const { name, command, env } of slow ? systems : systems.slice(0, 1)) {
  test(`${name}: the commands of the manifest, a process a shard, joined`, { skip }, () =>
    withFolder(async (folder) => {
      const count = 4;
      install(folder);
      const shells = Array.from({ length: count }, (_, n) =>
        shell(folder, command.replaceAll(/\$\{\{ matrix\.shard \}\}/g, `${n + 1}`) + TINY, env(n, count)),
      );
      for (const ran of await Promise.all(shells)) assert.equal(ran.status, 0, ran.stderr);
      const joined = await shell(folder, joinLine, {});
      assert.equal(joined.status, 0, joined.stderr);
      const result = JSON.parse(readFileSync(join(folder, "sweep.json"), "utf8")) as MeasureResult;
      assert.deepEqual(result.points, { of: 4, finished: 4, missing: [] });
      assert.deepEqual(
        result.cases.map(({ axis }) => axis?.label),
        ["64B", "128B", "256B", "512B"],
      );
    }),
  );
}

/** Puts `eastwest` into the folder bin. */
function install(folder: string): void {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "eastwest"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(bin, "eastwest"), 0o755);
}

/** Runs a line as the system's shell would, with that on the path. */
function shell(
  folder: string,
  line: string,
  env: Readonly<Record<string, string>>,
): Promise<{ status: number | null; stderr: string }> {
  const child = spawn("sh", ["-c", line], {
    cwd: folder,
    env: { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, ...env },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, stderr })));
}
