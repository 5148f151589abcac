/** Histograms, the text in Open vSwitch's layout against what Open vSwitch printed, and what a packet leaves on the heap. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BINS, Histogram } from "../../../bench/replay/histogram.ts";
import { PerfRecorder, UpcallWatch } from "../../../bench/replay/perf.ts";
import { perfText } from "../../../bench/report/perf-report.ts";
import { bytesPerPacket } from "../../../bench/trial/allocation.ts";
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
  return { total: counters.total, recorder: new PerfRecorder(watched, new UpcallWatch(), 0, 20_000) };
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
  const text = perfText(watched.recorder.result(), 0);
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

test("bytes by packet: a planted object is seen, nothing is not", async () => {
  const kept: unknown[] = [{}];
  let packets = 0;
  const work = (plant: boolean) => (): void => {
    for (let i = 0; i < 10_000; i++) if (plant) kept[0] = { packets, i };
    packets += 10_000;
  };
  const planted = await bytesPerPacket(work(true), () => packets);
  assert.ok(planted !== null && planted >= 8, `${planted} bytes`);
  const none = await bytesPerPacket(work(false), () => packets);
  assert.ok(none !== null && none < 1, `${none} bytes`);
});
