/** Several captures: each as by itself, shared between machines, killed and gone on with, joined to the same. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ReplaySetResult } from "../../../bench/replay/replay-set.ts";
import type { ReplayResult } from "../../../bench/replay/result.ts";
import { eastwestIn, withFolder } from "../cli.ts";

/** A classic pcap of `frames` Ethernet frames of 60 bytes, from MAC address to MAC address. */
function capture(frames: number): Uint8Array {
  const bytes = Buffer.alloc(24 + frames * 76);
  bytes.writeUInt32LE(0xa1b2c3d4, 0);
  bytes.writeUInt16LE(2, 4);
  bytes.writeUInt16LE(4, 6);
  bytes.writeUInt32LE(65535, 16);
  bytes.writeUInt32LE(1, 20);
  for (let n = 0; n < frames; n++) {
    const at = 24 + n * 76;
    bytes.writeUInt32LE(n, at);
    bytes.writeUInt32LE(60, at + 8);
    bytes.writeUInt32LE(60, at + 12);
    bytes.write("0200000000bb0200000000aa88b5", at + 16, "hex");
  }
  return bytes;
}

test("captures in shards, one torn as by a kill, joined: the counts of each by itself", () =>
  withFolder((folder) => {
    const run = (...args: readonly string[]) => eastwestIn(folder, args);
    const json = <T>(file: string): T => JSON.parse(readFileSync(join(folder, file), "utf8"));
    const sizes = [3, 5, 7];
    for (const frames of sizes) writeFileSync(join(folder, `${frames}.pcap`), capture(frames));
    const set = ["replay", ...sizes.map((frames) => `${frames}.pcap`), "--no-timing", "--quiet"];

    const shard = (n: number) => run(...set, "--shard", `${n}/2`, "--out", `part${n}.jsonl`);
    for (const n of [1, 2]) assert.deepEqual(shard(n), { status: 0, stdout: "", stderr: "" });
    // The first shard has captures 1 and 3: killed while it wrote the last line, it does that capture again.
    const whole = readFileSync(join(folder, "part1.jsonl"), "utf8");
    assert.equal(whole.split("\n").length, 4);
    writeFileSync(join(folder, "part1.jsonl"), whole.slice(0, -40));
    const short = run("merge", "part1.jsonl", "part2.jsonl");
    assert.equal(short.status, 2);
    assert.match(short.stderr, /^eastwest: merge: part1\.jsonl has 1 of 2 units\n$/);
    assert.equal(shard(1).status, 0);

    assert.equal(run("merge", "part2.jsonl", "part1.jsonl", "--json", "set.json", "--quiet").status, 0);
    const joined = json<ReplaySetResult>("set.json");
    assert.equal(joined.counts["packets"], 3 + 5 + 7);
    assert.equal(joined.counts["bytes"], 60 * 15);
    assert.deepEqual(joined.captures, { of: 3, finished: 3, missing: [] });
    assert.deepEqual(
      joined.results.map(({ packets, inputs }) => [packets, inputs[0].file]),
      sizes.map((frames) => [frames, `${frames}.pcap`]),
    );
    // One of them as replay has it alone: NORMAL floods to port 2, an upcall for the one flow.
    assert.equal(run("replay", "5.pcap", "--no-timing", "--quiet", "--json", "alone.json").status, 0);
    const alone = json<ReplayResult>("alone.json");
    const { cache, ports, drops } = joined.results[1];
    assert.deepEqual({ cache, ports, drops }, { cache: alone.cache, ports: alone.ports, drops: alone.drops });

    // Without shards it is the same, and a report takes it.
    const direct = run(...set.slice(0, -1), "--json", "direct.json");
    assert.equal(direct.status, 0, direct.stderr);
    assert.match(direct.stdout, /^ +all +15 /m);
    assert.deepEqual(json<ReplaySetResult>("direct.json").counts, joined.counts);
    assert.equal(run("report", "set.json", "-o", "set.html").status, 0);

    // Another capture of the same name is other work.
    writeFileSync(join(folder, "5.pcap"), capture(6));
    const other = shard(2);
    assert.equal(other.status, 2);
    assert.match(other.stderr, /^eastwest: part2\.jsonl is of other work: inputs [^\n]*\n$/);
    for (const [args, message] of [
      [["--write", "out"], /--write: it is of one capture/],
      [["--dump-flows"], /--dump-flows: it is of one capture/],
      [["--shard", "1/2"], /--shard 1\/2: expected --out FILE/],
      [["--out", "-"], /--out -: expected the name of a file/],
    ] as const) {
      const { status, stderr } = run(...set, ...args);
      assert.equal(status, 2);
      assert.match(stderr, message);
      assert.match(stderr, /^eastwest: [^\n]+\n$/);
    }
    assert.equal(execFileSync("ls", { cwd: folder, encoding: "utf8" }).includes("out\n"), false);
  }));
