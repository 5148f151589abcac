/** Dealing out, writing, killing at every byte, going on, joining: the same result as one machine gives, or a refusal. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { mergeShards, type NamedShard } from "../../../bench/merge/merge.ts";
import { parseShard, type Shard, unitsOf } from "../../../bench/merge/shard.ts";
import { readShardFile, ShardWriter, type UnitResult, type Work } from "../../../bench/merge/shard-file.ts";
import { HdrHistogram } from "../../../bench/statistics/hdr-histogram.ts";
import { withFolder } from "../cli.ts";

test("shards by hand, by Kubernetes, by GitLab", () => {
  assert.deepEqual(parseShard("2/8", {}), { index: 2, count: 8 });
  assert.deepEqual(parseShard("auto/8", { JOB_COMPLETION_INDEX: "0" }), { index: 1, count: 8 });
  assert.deepEqual(parseShard("auto/8", { JOB_COMPLETION_INDEX: "7" }), { index: 8, count: 8 });
  assert.deepEqual(parseShard("auto", { JOB_COMPLETION_INDEX: "2", JOB_COMPLETION_COUNT: "8" }), {
    index: 3,
    count: 8,
  });
  assert.deepEqual(parseShard("auto", { CI_NODE_INDEX: "3", CI_NODE_TOTAL: "4" }), { index: 3, count: 4 });
  for (const [text, env, message] of [
    ["0/4", {}, /"0\/4": 0 of 4, expected an index from 1 to 4/],
    ["5/4", {}, /5 of 4/],
    ["1/0", {}, /1 of 0/],
    ["2", {}, /expected INDEX\/COUNT/],
    ["-1/4", {}, /expected INDEX\/COUNT/],
    ["auto", {}, /neither JOB_COMPLETION_INDEX nor CI_NODE_INDEX is set/],
    ["auto", { JOB_COMPLETION_INDEX: "2" }, /number of shards is not known here, expected auto\/COUNT/],
    ["auto/2", { JOB_COMPLETION_INDEX: "2" }, /3 of 2/],
    ["auto", { CI_NODE_INDEX: "x" }, /neither/],
  ] as const) {
    assert.throws(() => parseShard(text, env), message);
  }
});

test("every unit is in exactly one shard", () => {
  const units = Array.from({ length: 23 }, (_, i) => i);
  const dealt = [1, 2, 3, 4].flatMap((index) => unitsOf(units, { index, count: 4 }));
  assert.deepEqual(
    dealt.toSorted((a, b) => a - b),
    units,
  );
});

const layout = { highest: 1_000_000, digits: 2 };
const work: Work = { kind: "self-test", inputs: "sha256:ab", commit: "c0ffee", units: 11 };
const units = Array.from({ length: work.units }, (_, i) => `run ${i}`);

function measure(unit: string): UnitResult {
  const seed = Number(unit.slice(4)) + 1;
  const histogram = new HdrHistogram(layout);
  for (let i = 0; i < 5; i++) histogram.record((seed * 7919 * (i + 1)) % 1000);
  return {
    unit,
    counts: { red: seed % 2, packets: seed * 1000, ...(seed === 3 ? { rare: 1 } : {}) },
    histograms: { "latency µs": histogram.toJSON() },
    values: { ns: [seed, seed / 3] },
  };
}

/** Does a shard's work; `most`: killed after so many units. */
function doWork(file: string, shard: Shard, most = Number.POSITIVE_INFINITY): number {
  const writer = new ShardWriter(file, work, shard);
  let done = 0;
  for (const unit of unitsOf(units, shard)) {
    if (writer.has(unit)) continue;
    if (done === most) break;
    writer.add(measure(unit));
    done++;
  }
  writer.close();
  return done;
}

const load = (file: string): NamedShard => ({ ...readShardFile(file), name: file.slice(file.lastIndexOf("/") + 1) });

test("however the work is cut, the joined result is the same", async () => {
  await withFolder((folder) => {
    const joined = [1, 2, 3, 4, 11].map((count) => {
      const files = Array.from({ length: count }, (_, i) => {
        const file = join(folder, `${count}-${i + 1}`);
        doWork(file, { index: i + 1, count });
        return file;
      });
      // In any order.
      const { shards, ...merged } = mergeShards(files.toReversed().map(load));
      assert.equal(shards, count);
      return merged;
    });
    for (const merged of joined) assert.deepEqual(merged, joined[0]);
    const [one] = joined;
    assert.deepEqual([one.finished, one.missing], [11, []]);
    assert.deepEqual(one.counts, { red: 6, packets: 66_000, rare: 1 });
    assert.equal(HdrHistogram.fromJSON(one.histograms["latency µs"]).total, 55);
    assert.deepEqual(
      one.results.map(({ unit }) => unit),
      units,
    );
  });
});

test("killed at any byte and started again: nothing lost, nothing twice, the file as if never killed", async () => {
  await withFolder((folder) => {
    const shard = { index: 2, count: 4 };
    const file = join(folder, "shard");
    doWork(file, shard);
    const whole = readFileSync(file);
    for (let cut = 0; cut <= whole.length; cut += cut < 40 ? 1 : 13) {
      writeFileSync(file, whole.subarray(0, cut));
      const again = doWork(file, shard);
      assert.deepEqual(readFileSync(file), whole, `cut at ${cut}, ${again} units done again`);
    }
    assert.equal(doWork(file, shard), 0);
  });
});

test("a shard that is missing or short is named; a partial result says what it lacks", async () => {
  await withFolder((folder) => {
    const files = [1, 2, 3].map((index) => join(folder, `s${index}`));
    doWork(files[0], { index: 1, count: 3 });
    doWork(files[1], { index: 2, count: 3 }, 2);
    const some = files.slice(0, 2).map(load);
    assert.throws(() => mergeShards(some), /^InputError: merge: s2 has 2 of 4 units; shard 3\/3 is missing$/);
    const partial = mergeShards(some, true);
    assert.deepEqual([partial.finished, partial.missing.length, partial.work.units], [6, 2, 11]);
    doWork(files[1], { index: 2, count: 3 });
    doWork(files[2], { index: 3, count: 3 });
    assert.equal(mergeShards(files.map(load)).finished, 11);
  });
});

test("mixtures are refused by what differs", async () => {
  await withFolder((folder) => {
    const make = (name: string, shard: Shard, change: Partial<Work> = {}): NamedShard => {
      const writer = new ShardWriter(join(folder, name), { ...work, ...change }, shard);
      writer.close();
      return load(join(folder, name));
    };
    const a = make("a", { index: 1, count: 2 });
    for (const [other, message] of [
      [make("b", { index: 2, count: 2 }, { commit: "beef" }), /b is of other work than a: commit c0ffee and beef/],
      [make("c", { index: 2, count: 2 }, { inputs: "sha256:cd" }), /inputs sha256:ab and sha256:cd/],
      [make("d", { index: 2, count: 2 }, { kind: "sweep" }), /kind self-test and sweep/],
      [make("e", { index: 2, count: 3 }), /e is of other work than a: 2 and 3 shards/],
      [make("f", { index: 1, count: 2 }), /f: shard 1\/2, as a is/],
    ] as const) {
      assert.throws(() => mergeShards([a, other], true), message);
    }
    assert.throws(() => mergeShards([]), /no shard/);
    // The same unit in two shards.
    const twice = make("g", { index: 2, count: 2 });
    const result = measure("run 0");
    assert.throws(
      () =>
        mergeShards(
          [
            { ...a, results: [result] },
            { ...twice, results: [result] },
          ],
          true,
        ),
      /unit "run 0" is in a too/,
    );
    // Going on with a file of other work.
    assert.throws(
      () => new ShardWriter(join(folder, "a"), { ...work, commit: "beef" }, a.head.shard),
      /of other work: commit/,
    );
    assert.throws(() => new ShardWriter(join(folder, "a"), work, { index: 2, count: 2 }), /shard 1\/2 and 2\/2/);
  });
});

test("files that are no shard results are refused, and never overwritten", async () => {
  await withFolder((folder) => {
    const file = join(folder, "x");
    const shard = { index: 1, count: 1 };
    const head = { format: "eastwest shard", version: 1, ...work, shard };
    const line = (value: object): string => `${JSON.stringify(value)}\n`;
    for (const [text, message] of [
      ["hello", /not even its first line is whole/],
      ["hello\n", /x:1: not JSON/],
      [line({ format: "other" }), /format is "other", expected "eastwest shard"/],
      [line({ ...head, version: 9 }), /version is 9, this program reads 1/],
      [line({ ...head, shard: { index: 3, count: 2 } }), /x:1: expected kind, inputs, commit, units and shard/],
      [`${line(head)}17\n`, /x:2: expected unit, counts, histograms and values/],
      [`${line(head)}${line({ ...measure("run 1"), counts: { red: 0.5 } })}`, /x:2: count red is 0\.5/],
      [`${line(head)}${line(measure("run 1"))}${line(measure("run 1"))}`, /x:3: unit "run 1" is there twice/],
    ] as const) {
      writeFileSync(file, text);
      assert.throws(() => readShardFile(file), message);
      assert.throws(() => new ShardWriter(file, work, shard), message);
      assert.equal(readFileSync(file, "utf8"), text);
    }
    // Recordings are kept gzipped: read as they are, never gone on with.
    const whole = `${line(head)}${line(measure("run 1"))}`;
    writeFileSync(file, gzipSync(whole));
    assert.deepEqual(readShardFile(file).results, [measure("run 1")]);
    assert.throws(() => new ShardWriter(file, work, shard), /x is gzipped: unpack it/);
    writeFileSync(file, gzipSync(whole).subarray(0, 40));
    assert.throws(() => readShardFile(file), /gzip data is damaged or cut off/);
    assert.throws(() => readShardFile(join(folder, "none")), /no such file/);
    assert.throws(() => new ShardWriter(join(folder, "no", "x"), work, shard), /no such file or directory/);
  });
});
