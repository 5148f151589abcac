/** `run --workers N` by the command line: one worker's result, and an end that comes when it is asked for. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readTrace } from "../../pcaps/read-trace.ts";
import { eastwest, interrupted, withFolder } from "./cli.ts";

/** The result without what may differ: when and how it was asked for, what else the machine did, in which cache a hit was. */
function comparable(json: string): unknown {
  const own = new Set([
    "created",
    "command",
    "conditions",
    "environment",
    "workers",
    "cacheSeries",
    "exactHits",
    "megaflowHits",
    "subtableLookups",
  ]);
  return JSON.parse(json, (key, value) => (own.has(key) ? undefined : value));
}

const PCAP_HEADER = 24;

/** Frames of a file, in no order. (Their times are held against one worker's in test/workers/lane.test.ts.) */
async function framesOf(file: string): Promise<string> {
  if (statSync(file).size === PCAP_HEADER) return "no frame";
  const { count, bytes, start, length } = await readTrace(file);
  const frames = Array.from({ length: count }, (_, i) =>
    Buffer.from(bytes.subarray(start[i], start[i] + length[i])).toString("hex"),
  );
  return `${count} frames ${createHash("sha256").update(frames.sort().join("\n")).digest("hex")}`;
}

test("counts, dumps and written frames are those of one worker", async () => {
  await withFolder(async (folder) => {
    const rest = ["--no-timing", "--json", "-", "--loop", "2", "--network", "vxlan"];
    const one = eastwest("run", ...rest, "--write", join(folder, "one"));
    assert.equal(one.status, 0, one.stderr);
    for (const workers of ["2"]) {
      const many = eastwest("run", ...rest, "--workers", workers, "--write", join(folder, workers));
      assert.equal(many.status, 0, many.stderr);
      assert.deepEqual(comparable(many.stdout), comparable(one.stdout));
      for (const mode of ["legacy", "dvr"]) {
        const names = readdirSync(join(folder, "one", mode)).sort();
        assert.deepEqual(readdirSync(join(folder, workers, mode)).sort(), names);
        for (const name of names) {
          const [expected, got] = await Promise.all(
            ["one", workers].map((of) => framesOf(join(folder, of, mode, name))),
          );
          assert.deepEqual(got, expected, `${workers} workers, ${mode}/${name}`);
        }
      }
    }
    const dump = ["run", "--no-timing", "--quiet", "--mode", "legacy", "--dump-flows", "test114/br-tun"];
    assert.equal(eastwest(...dump, "--workers", "2").stdout, eastwest(...dump).stdout);
  });
});

test("interrupted while it measures: what was counted is reported, exit code 130", async () => {
  await withFolder(async (folder) => {
    const args = ["run", "--workers", "2", "--mode", "dvr", "--seconds", "50", "--json", "-"];
    // The threads are at work once the folder of their logs is there.
    const begun = (): boolean => readdirSync(folder).length > 0;
    const ran = await interrupted(args, { signal: "SIGINT", begun, after: 2000, env: { TMPDIR: folder } });
    assert.equal(ran.status, 130, ran.stderr);
    const result = JSON.parse(ran.stdout);
    assert.equal(result.interrupted, true);
    assert.equal(result.modes.dvr.workers, 2);
    assert.ok(result.modes.dvr.packets > 0 && result.modes.dvr.conservation.ok);
    assert.deepEqual(readdirSync(folder), [], "the logs are gone");
  });
});

test("a number of workers that cannot be is refused", () => {
  for (const wrong of ["0", "two", "1000"]) {
    const { status, stderr } = eastwest("run", "--workers", wrong);
    assert.equal(status, 2);
    assert.match(stderr, /^eastwest: option '--workers <n>' argument '.+' is invalid\. Expected .+\n$/);
  }
  const paced = eastwest("run", "--workers", "2", "--pps", "10");
  assert.equal(paced.status, 2);
});
