/** Traces that are too long to lie next to the slots: every frame arrives with its own bytes, in whatever order it is asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { Receiver } from "../../datapath/packet/receiver.ts";
import { longestFrame, type Trace } from "../../datapath/packet/trace.ts";
import { TraceSources } from "../../datapath/packet/trace-sources.ts";
import { TraceWindow } from "../../datapath/packet/trace-window.ts";
import { Random } from "../../pcaps/generate/random.ts";
import { SEED } from "../oracle/property.ts";

/** Whole numbers below 2^31 that follow from a seed. */
function random(seed: number): () => number {
  const numbers = new Random(seed);
  return () => numbers.next() >>> 1;
}

/** Frames of these lengths with gaps of up to `gap` bytes between them, as records of a file have; each byte known by its place. */
function traceOf(lengths: readonly number[], gap: (n: number) => number): Trace {
  const start = new Int32Array(lengths.length);
  let at = 0;
  for (const [n, length] of lengths.entries()) {
    at += gap(n);
    start[n] = at;
    at += length;
  }
  const bytes = new Uint8Array(new SharedArrayBuffer(at));
  for (let i = 0; i < at; i++) bytes[i] = (i ^ (i >>> 8) ^ (i >>> 16)) & 0xff;
  const length = Int32Array.from(lengths);
  const time = new Float64Array(lengths.length);
  return { name: "t", count: length.length, bytes, start, length, wireLength: length, time, epochNs: 0n, warnings: [] };
}

function sameFrame({ bytes, start, length }: Trace, n: number, got: Uint8Array, what: string): void {
  const want = bytes.subarray(start[n], start[n] + length[n]);
  assert.ok(Buffer.from(want).equals(got), `frame ${n}, ${what}`);
}

test("frames at the address that the window tells are the trace's, one by one and in runs, in and out of order", () => {
  const next = random(SEED);
  for (let round = 0; round < 40; round++) {
    const most = [40, 200, 1500][round % 3];
    const lengths = Array.from({ length: 400 }, () => 1 + (next() % most));
    const trace = traceOf(lengths, () => next() % (round % 2 === 0 ? 1 : 90));
    const pool = new PacketPool(4, 60);
    const { arena } = pool;
    const window = new TraceWindow(trace, arena, longestFrame(trace), 4096);
    const memory = new Uint8Array(arena.memory.buffer);
    let at = 0;
    let taken = 0;
    for (let n = 0; n < 800; n++) {
      // Mostly onwards, now and then somewhere else.
      at = next() % 20 === 0 ? next() % 400 : (at + 1) % 400;
      const last = Math.min(399, at + (next() % BURST));
      const base = window.over(at, last);
      if (base === null) continue;
      for (let i = at; i <= last; i++) {
        const from = (base + trace.start[i]) >>> 0;
        sameFrame(trace, i, memory.subarray(from, from + trace.length[i]), `seed ${SEED}, round ${round}`);
        taken++;
      }
    }
    assert.ok(taken > 1000, `seed ${SEED}: ${taken} frames by the window`);
  }
});

test("a window does not go to and fro, and follows when the frames stay elsewhere", () => {
  const trace = traceOf(new Array(400).fill(100), () => 0);
  const pool = new PacketPool(4, 60);
  const window = new TraceWindow(trace, pool.arena, 100, 4096);
  assert.notEqual(window.over(0, 0), null);
  assert.equal(window.over(300, 300), null);
  assert.notEqual(window.over(1, 1), null);
  let refused = 0;
  while (window.over(300, 300) === null) refused++;
  assert.ok(refused > 10 && refused < 100, `${refused} questions`);
  assert.notEqual(window.over(301, 301), null);
  assert.equal(window.over(0, 399), null, "more than fits");
});

test("a receiver and a cluster's sources take frames of a trace of more than 64 MB, with gaps, left out ones and long ones", () => {
  const next = random(SEED);
  const lengths = Array.from({ length: 90_000 }, (_, n) => (n % 1000 === 7 ? 9000 : 60 + (next() % 1440)));
  const trace = traceOf(lengths, () => next() % 64);
  assert.ok(trace.bytes.length > 64 << 20, `${trace.bytes.length} bytes`);
  const pool = new PacketPool(64, 9000);
  const batch = new PacketBatch(pool);
  const receiver = new Receiver(trace, pool);
  const sources = new TraceSources(pool);
  const frames = Int32Array.from({ length: 90_000 }, (_, n) => n).filter(() => next() % 8 !== 0);
  const clock = Float64Array.of(5.5);
  for (let first = 0; first < frames.length; ) {
    const wanted = Math.min(1 + (next() % BURST), frames.length - first);
    assert.equal(receiver.fill(batch, frames, first, wanted, 3, clock), wanted);
    for (let i = 0; i < wanted; i++) {
      const n = frames[first + i];
      sameFrame(trace, n, pool.bytes.subarray(batch.start[i], batch.end[i]), `received, seed ${SEED}`);
      assert.deepEqual([batch.inPort[i], batch.time[i], batch.drop[i], batch.tunDst[i]], [3, 5.5, 0, 0]);
      sources.copy(trace, n, batch.start[i]);
      sameFrame(trace, n, pool.bytes.subarray(batch.start[i], batch.end[i]), `copied, seed ${SEED}`);
      pool.free(batch.slot[i]);
    }
    first += wanted;
  }
  assert.equal(pool.available, pool.slots);
});
