/** `run --placement hosts`: every host on its own thread, with the counts of one thread. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { eastwest, interrupted, withFolder } from "./cli.ts";

/** Without what may differ: when and how, on what a machine; which cache had a hit depends on how packets met in a burst. */
function comparable(json: string): unknown {
  const own = new Set([
    "created",
    "command",
    "conditions",
    "placement",
    "cacheSeries",
    "exactHits",
    "megaflowHits",
    "subtableLookups",
  ]);
  return JSON.parse(json, (key, value) => (own.has(key) ? undefined : value));
}

const PCAP_HEADER = 24;

/** Frames of a file, in no order. */
async function framesOf(file: string): Promise<string> {
  if (statSync(file).size === PCAP_HEADER) return "no frame";
  const { count, bytes, start, length } = await readTrace(file);
  const frames = Array.from({ length: count }, (_, i) =>
    Buffer.from(bytes.subarray(start[i], start[i] + length[i])).toString("hex"),
  );
  return `${count} frames ${createHash("sha256").update(frames.sort().join("\n")).digest("hex")}`;
}

for (const [network, mode, slots] of [
  ["gre", "legacy", "1024"],
  ["vlan", "dvr", "2"],
] as const) {
  test(`recorded, ${network}, ${mode}, rings of ${slots} frames: counts, state and files of one thread`, async () => {
    await withFolder(async (folder) => {
      const args = ["run", "--no-timing", "--network", network, "--mode", mode, "--json", "-", "--write"];
      const one = eastwest(...args, join(folder, "one"), "--save", join(folder, "one.json"));
      assert.equal(one.status, 0, one.stderr);
      const placed = ["--placement", "hosts", "--ring-slots", slots];
      const hosts = eastwest(...args, join(folder, "hosts"), ...placed);
      assert.equal(hosts.status, 0, hosts.stderr);
      assert.deepEqual(comparable(hosts.stdout), comparable(one.stdout));
      const { placement } = JSON.parse(hosts.stdout).modes[mode];
      assert.deepEqual([placement.threads, placement.ringDrops, placement.ringSlots], [3, 0, Number(slots)]);
      const names = readdirSync(join(folder, "one", mode)).sort();
      assert.deepEqual(readdirSync(join(folder, "hosts", mode)).sort(), names);
      for (const name of names) {
        const [expected, got] = await Promise.all(["one", "hosts"].map((of) => framesOf(join(folder, of, mode, name))));
        assert.equal(got, expected, `${mode}/${name}`);
      }
    });
  });
}

/** Bursts of 32 at once against rings of 8: what is dropped is counted, and everything else arrives. */
test("--ring-drop: frames that find a ring full are dropped and counted, measured passes as well", async () => {
  await withFolder((folder) => {
    const capture = join(folder, "in.pcap");
    generateFile(capture, { frames: 3000, flows: 50, pps: 10_000_000, seed: 6 });
    const args = ["run", "--mode", "dvr", "--from", `vm1=${capture}`, "--placement", "hosts", "--json", "-"];
    const wait = eastwest(...args, "--ring-slots", "8", "--repeat", "2");
    assert.equal(wait.status, 0, wait.stderr);
    const waited = JSON.parse(wait.stdout).modes.dvr;
    assert.deepEqual([waited.packets, waited.placement.ringDrops, waited.times.passes], [3000, 0, 2]);
    assert.ok(waited.placement.ringWaits > 0);
    assert.equal(waited.times.delivered, 6000);
    const drop = eastwest(...args, "--ring-slots", "8", "--ring-drop", "--no-timing");
    assert.equal(drop.status, 0, drop.stderr);
    const { packets, placement, conservation } = JSON.parse(drop.stdout).modes.dvr;
    assert.ok(placement.ringDrops > 0 && conservation.ok);
    assert.equal(packets + placement.ringDrops, 3000);
  });
});

test("interrupted: exit code 130, what was counted is reported", async () => {
  await withFolder(async (folder) => {
    const args = ["run", "--placement", "hosts", "--mode", "dvr", "--loop", "100000", "--json", "-"];
    // The threads are at work once the folder of their logs is there.
    const begun = (): boolean => readdirSync(folder).length > 0;
    const ran = await interrupted(args, { signal: "SIGTERM", begun, after: 2000, env: { TMPDIR: folder } });
    assert.equal(ran.status, 130, ran.stderr);
    const result = JSON.parse(ran.stdout);
    assert.ok(result.interrupted && result.modes.dvr.conservation.ok);
  });
});
