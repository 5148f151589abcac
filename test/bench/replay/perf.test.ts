/** Histograms, the text in Open vSwitch's layout against what Open vSwitch printed, and what a packet leaves on the heap. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BINS, Histogram } from "../../../bench/replay/histogram.ts";
import { PerfRecorder } from "../../../bench/replay/perf.ts";
import { mergePerf } from "../../../bench/replay/perf-result.ts";
import { UpcallWatch } from "../../../bench/replay/upcall-watch.ts";
import { perfText } from "../../../bench/report/perf-report.ts";
import { bytesPerPacket, HeapWatch } from "../../../bench/trial/allocation.ts";
import { C_EXACT, C_LOOKUPS, C_RECEIVED, Counters } from "../../../datapath/counters.ts";
import { recorded } from "../peers/recorded.ts";

test("histograms: each sample in the first bin whose wall is not below it", () => {
  for (const histogram of [
    Histogram.linear(0, 30),
    Histogram.logarithmic(0, 1000),
    Histogram.logarithmic(200, 9.6e6),
  ]) {
    const { walls, counts } = histogram;
    assert.equal(walls.length, BINS);
    for (let b = 1; b < BINS; b++) assert.ok(walls[b] > walls[b - 1], `${walls[b - 1]} before ${walls[b]}`);
    const expected = new Float64Array(BINS);
    const values = [...walls.subarray(0, -1)].flatMap((wall) => [wall, wall + 0.5, wall - 0.5, wall, wall]);
    for (const value of [...values, 1e12, 0]) {
      histogram.add(value);
      expected[walls.findIndex((wall) => value <= wall)]++;
    }
    assert.deepEqual(counts, expected);
  }
  // lib/dpif-netdev-perf.c: packets/it from 0 to 1000.
  const packets = Histogram.logarithmic(0, 1000);
  assert.equal(packets.walls[0], 0);
  assert.equal(packets.walls[BINS - 2], 1000);
});

/** A loop that is driven by hand. */
function loop(): { total: Float64Array; recorder: PerfRecorder } {
  const counters = new Counters(1);
  const watched = {
    datapath: { counters },
    switch: { lost: 0 },
    housekeeping: new Float64Array(1),
    txBatches: new Float64Array(1),
  };
  const options = { upcalls: new UpcallWatch(), suspiciousUs: 20_000, droppable: true };
  const recorder = new PerfRecorder(watched, options, 1);
  recorder.begin();
  return { total: counters.total, recorder };
}

function iterate({ total, recorder }: ReturnType<typeof loop>, ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
  for (const counter of [C_RECEIVED, C_LOOKUPS, C_EXACT]) total[counter] += 32;
  recorder.batches[32]++;
  recorder.countdown--;
  recorder.end();
}

test("a slow iteration is logged with its neighbours", () => {
  const watched = loop();
  for (let i = 0; i < 40; i++) iterate(watched, i === 20 ? 25 : 0);
  const { suspicious, iterations, packets } = watched.recorder.result();
  assert.equal(iterations, 40);
  assert.equal(packets, 40 * 32);
  const found = suspicious.find(({ iteration }) => iteration === 20);
  assert.ok(found, "iteration 20 is not in the log");
  assert.ok(found.ns >= 25e6);
  // Another process may have held the loop up before: then 20 can only be the neighbour of that.
  assert.deepEqual(
    found.neighbours.map(({ iteration }) => iteration),
    Array.from({ length: 11 }, (_, i) => 15 + i),
  );
});

test("the text has the lines of pmd-perf-show, in its order", () => {
  const watched = loop();
  for (let i = 0; i < 10; i++) iterate(watched, 0);
  const text = perfText(watched.recorder.result(), "worker 0");
  const names = (of: string): string[] => [...of.matchAll(/^ {2}(?:- )?([A-Z][A-Za-z ]+):/gm)].map((match) => match[1]);
  const theirs = names(recorded("pmd-perf-emc-on.txt"));
  const both = names(text).filter((name) => theirs.includes(name));
  assert.deepEqual(
    both,
    theirs.filter((name) => both.includes(name)),
  );
  for (const name of [
    "Iterations",
    "Rx packets",
    "Datapath passes",
    "EMC hits",
    "Megaflow hits",
    "Upcalls",
    "Tx batches",
  ]) {
    assert.ok(both.includes(name), `no line ${name}`);
  }
  assert.match(text, /^ {2}- EMC hits: +320 {2}\(100\.0 %\)$/m);
  assert.match(text, /^ {2}Datapath passes: +320 {2}\(1\.00 passes\/pkt\)$/m);
});

test("a stretch that is dropped never was; what counters do between stretches is not recorded", () => {
  const watched = loop();
  const { total, recorder } = watched;
  for (let i = 0; i < 3; i++) iterate(watched, 0);
  recorder.pause();
  total[C_RECEIVED] += 1000;
  recorder.begin();
  const before = total.slice();
  for (let i = 0; i < 7; i++) iterate(watched, 0);
  total.set(before);
  recorder.drop();
  recorder.begin();
  for (let i = 0; i < 2; i++) iterate(watched, 0);
  const one = recorder.result();
  assert.deepEqual([one.iterations, one.batches, one.packets, one.exactHits], [5, 5, 160, 160]);
  for (const { name, counts } of one.histograms) {
    const sum = counts.reduce((a, b) => a + b);
    assert.equal(sum, name === "ns/upcall" ? 0 : 5, name);
  }
});

test("merged: sums of the workers', under a name of their own", () => {
  const loops = [loop(), loop()];
  for (let i = 0; i < 10; i++) iterate(loops[0], 0);
  for (let i = 0; i < 4; i++) iterate(loops[1], 0);
  const each = loops.map(({ recorder }) => recorder.result());
  const all = mergePerf(each);
  assert.deepEqual([all.workers, all.iterations, all.packets, all.batches], [2, 14, 14 * 32, 14]);
  assert.equal(all.busySeconds, each[0].busySeconds + each[1].busySeconds);
  const packets = all.histograms.find(({ name }) => name === "pkts/batch");
  assert.equal(packets?.counts[packets.walls.indexOf(32)] ?? packets?.counts.at(-1), 14);
  assert.match(perfText(all, "all workers"), /^all workers:$/m);
});

test("bytes by packet: a planted object is seen, nothing is not", async () => {
  const kept: unknown[] = [{}];
  const heap = new HeapWatch();
  const grow = (plant: boolean) => async (passes: number) => {
    const packets = 10_000 * passes;
    const grown = await heap.over(() => {
      for (let i = 0; i < packets; i++) if (plant) kept[0] = { packets, i };
    });
    return { ...grown, packets };
  };
  const planted = await bytesPerPacket(grow(true), () => true);
  assert.ok(planted !== null && planted >= 8, `${planted} bytes`);
  const none = await bytesPerPacket(grow(false), () => true);
  assert.ok(none !== null && none < 1, `${none} bytes`);
  heap.close();
});
