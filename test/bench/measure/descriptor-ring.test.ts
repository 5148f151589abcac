/** A receive queue: nothing lost, nothing twice, times right, many times round, also where the counters wrap. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QueueReader, QueueWriter, queueBuffer } from "../../../bench/measure/descriptor-ring.ts";
import { Random } from "../statistics/random.ts";

test("what goes in comes out in order with its time, or is refused because the queue is full", () => {
  const random = new Random(7);
  const buffer = queueBuffer(64);
  // A few steps before the counters wrap.
  for (const word of [0, 16]) new Int32Array(buffer)[word] = 2 ** 31 - 100;
  const writer = new QueueWriter(buffer);
  const reader = new QueueReader(buffer);
  const numbers = new Int32Array(32);
  const times = new Float64Array(32);
  const expected: { number: number; time: number }[] = [];
  let begin = 1000;
  writer.move(0, begin);
  let next = 0;
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    if (random.uniform() < 0.2) {
      begin += Math.floor(100 * random.uniform());
      writer.move(next, begin);
    }
    for (let n = Math.floor(24 * random.uniform()) + 1; n > 0; n--) {
      const full = expected.length === 64;
      assert.equal(writer.put(next), !full);
      if (full) refused++;
      else expected.push({ number: next, time: begin + 10 * next });
      next++;
    }
    writer.publish();
    const count = reader.take(numbers, times, 1 + Math.floor(32 * random.uniform()), 10);
    assert.ok(count > 0);
    for (const [i, one] of expected.splice(0, count).entries()) {
      assert.deepEqual({ number: numbers[i], time: times[i] }, one);
    }
    assert.equal(reader.empty, expected.length === 0);
  }
  assert.ok(refused > 0, "the queue was never full");
});

test("queues that cannot be", () => {
  for (const slots of [0, 16, 100, 1 << 17]) assert.throws(() => queueBuffer(slots), new RegExp(`queue of ${slots}: `));
});
