import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { RingReader, type RingShape, RingWriter, ringBuffer, startRingAt } from "../../workers/frame-ring.ts";

function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const CANARY = 0xa5;

/** The frame with this number: its length, and each byte, follow from it. */
function fill(bytes: Uint8Array, at: number, n: number, length: number): void {
  for (let i = 0; i < length; i++) bytes[at + i] = (n * 31 + i * 7) & 0xff;
}

const lengthOf = (n: number, most: number): number => 1 + (((n * 2654435761) >>> 0) % most);

test("a hundred rounds: every frame once, whole and in order, nothing written beside its slot", () => {
  for (const first of [0, 2 ** 31 - 700, -300]) {
    const seed = 0x51ed270b;
    const next = random(seed);
    const { buffer, shape } = ringBuffer(16, 100);
    assert.deepEqual(shape, { slots: 16, stride: 128 });
    startRingAt(buffer, first);
    const writer = new RingWriter(buffer, shape);
    const reader = new RingReader(buffer, shape);
    const slots = new Uint8Array(buffer, buffer.byteLength - 16 * 128);
    slots.fill(CANARY);
    let written = 0;
    let read = 0;
    let full = 0;
    let empty = 0;
    const time = new Float64Array(1);
    while (read < 100 * 16) {
      for (let burst = next() % 24; burst > 0; burst--) {
        const at = writer.slot();
        if (at < 0) {
          full++;
          assert.equal(writer.free, 0);
          break;
        }
        const length = lengthOf(written, 100);
        fill(writer.bytes, at, written, length);
        writer.wrote(length, written ^ 0x1234, Float64Array.of(written / 4));
        written++;
      }
      const unpublished = reader.count;
      assert.ok(unpublished <= written - read, `seed ${seed}`);
      writer.publish();
      assert.equal(reader.count, written - read);
      let taken = Math.min(next() % 24, reader.count);
      if (reader.count === 0) empty++;
      const release = taken;
      for (let n = 0; taken > 0; n++, taken--, read++) {
        const length = lengthOf(read, 100);
        assert.equal(reader.length(n), length, `seed ${seed}, frame ${read}`);
        assert.equal(reader.meta(n), read ^ 0x1234);
        reader.timeTo(time, n);
        assert.equal(time[0], read / 4);
        const expected = new Uint8Array(128).fill(CANARY);
        fill(expected, 0, read, length);
        const got = reader.bytes.subarray(reader.at(n), reader.at(n) + 128);
        assert.deepEqual(got.subarray(0, length), expected.subarray(0, length), `seed ${seed}, frame ${read}`);
        assert.deepEqual(got.subarray(100), expected.subarray(100), "behind the longest frame nothing is written");
      }
      reader.release(release);
    }
    assert.ok(full > 10 && empty > 3, `${full} times full, ${empty} times empty`);
    assert.equal(writer.refused, 0);
  }
});

test("nothing is seen before it is published; a second publish is none", () => {
  const { buffer, shape } = ringBuffer(4, 64);
  const writer = new RingWriter(buffer, shape);
  const reader = new RingReader(buffer, shape);
  for (let n = 0; n < 4; n++) {
    assert.ok(writer.slot() >= 0);
    writer.wrote(60, n, new Float64Array(1));
  }
  assert.equal(writer.slot(), -1);
  assert.equal(reader.count, 0);
  assert.ok(writer.publish());
  assert.ok(!writer.publish());
  assert.equal(reader.count, 4);
  assert.equal(writer.slot(), -1);
  reader.release(1);
  assert.ok(writer.slot() >= 0);
  writer.refuse();
  assert.equal(reader.refused, 1);
});

test("a ring whose slots are no power of two is refused", () => {
  const { buffer } = ringBuffer(8, 64);
  assert.throws(() => new RingWriter(buffer, { slots: 6, stride: 64 }), /6 slots, expected a power of two/);
});

/** The other thread: writes `frames` frames in bursts of odd sizes, spinning where the ring is full. */
const writerSource = `
  const { workerData } = require("node:worker_threads");
  import(workerData.module).then(({ RingWriter }) => {
    const { buffer, shape, frames } = workerData;
    const ring = new RingWriter(buffer, shape);
    for (let n = 0; n < frames; ) {
      for (let burst = 1 + (n % 13); burst > 0 && n < frames; burst--) {
        const at = ring.slot();
        if (at < 0) break;
        for (let i = 0; i < 60; i++) ring.bytes[at + i] = (n * 31 + i * 7) & 0xff;
        ring.wrote(60, n, new Float64Array(1));
        n++;
      }
      ring.publish();
    }
  });
`;

test("from one thread to another, each frame is whole when it is seen", async () => {
  const frames = 50_000;
  const { buffer, shape }: { buffer: SharedArrayBuffer; shape: RingShape } = ringBuffer(64, 60);
  const reader = new RingReader(buffer, shape);
  const module = new URL("../../workers/frame-ring.js", import.meta.url).href;
  const worker = new Worker(writerSource, { eval: true, workerData: { buffer, shape, frames, module } });
  let wrong = 0;
  let read = 0;
  while (read < frames) {
    const count = reader.count;
    for (let n = 0; n < count; n++, read++) {
      const at = reader.at(n);
      if (reader.meta(n) !== read || reader.length(n) !== 60) wrong++;
      for (let i = 0; i < 60; i++) if (reader.bytes[at + i] !== ((read * 31 + i * 7) & 0xff)) wrong++;
    }
    reader.release(count);
    if (count === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(wrong, 0);
  await worker.terminate();
});
