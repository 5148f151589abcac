/** The order in which frames go in, against a plain sort, for random captures. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { coldSchedule, type Input, type Schedule, warmSchedule } from "../../bench/trial/schedule.ts";

const BURST = 32;

/** A capture that began at `epoch` (ns) with 60-byte frames at `times` (ns). */
function input(port: string, epoch: bigint, times: readonly number[]): Input {
  const count = times.length;
  const trace = {
    name: `${port}.pcap`,
    count,
    bytes: new Uint8Array(60 * count),
    start: Int32Array.from(times, (_, i) => 60 * i),
    length: new Int32Array(count).fill(60),
    wireLength: new Int32Array(count).fill(60),
    time: Float64Array.from(times),
    epochNs: epoch,
    warnings: [],
  };
  return { port, file: trace.name, trace, frames: Int32Array.from(times, (_, i) => i) };
}

const key = (of: Schedule, i: number): string => `${of.input[i]}:${of.frame[i]}`;
const keys = (of: Schedule): string[] => Array.from({ length: of.count }, (_, i) => key(of, i));

/** Distances in ns: many in one burst's reach, some far apart. */
const distances = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ max: 2000, min: 0 }), fc.integer({ max: 3e6, min: 0 })),
  {
    maxLength: 120,
  },
);
const captures = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1e6 }), distances), { minLength: 1, maxLength: 4 })
  .map((list) =>
    list.map(([epoch, gaps], i) => {
      let at = 0;
      return input(
        `p${i}`,
        1_700_000_000_000_000_000n + BigInt(epoch),
        gaps.map((gap, g) => (at += g === 0 ? 0 : gap)),
      );
    }),
  );

test("cold: all frames in the order of their absolute times, bursts of one port within a millisecond", () => {
  fc.assert(
    fc.property(captures, (inputs) => {
      const of = coldSchedule(inputs, {});
      const all = inputs.flatMap(({ trace }, n) =>
        [...trace.time].map((time, f) => ({ n, f, at: Number(trace.epochNs - 1_700_000_000_000_000_000n) + time })),
      );
      all.sort((a, b) => a.at - b.at || a.n - b.n || a.f - b.f);
      assert.deepEqual(
        keys(of),
        all.map(({ n, f }) => `${n}:${f}`),
      );
      for (const [i, { at }] of all.entries()) assert.equal(of.time[i], at - all[0].at);
      assert.equal(of.bytes, 60 * all.length);
      assert.equal(of.burst.at(-1), of.count);
      for (let b = 0; b + 1 < of.burst.length; b++) {
        const [from, to] = [of.burst[b], of.burst[b + 1]];
        assert.ok(to > from && to - from <= BURST);
        assert.equal(new Set(of.input.subarray(from, to)).size, 1);
        assert.ok(of.time[to - 1] - of.time[from] <= 1e6);
      }
    }),
  );
});

test("warm: the same frames, each port's in its order, virtual time never back, bursts of one port as full as can be", () => {
  fc.assert(
    fc.property(captures, (inputs) => {
      const cold = coldSchedule(inputs, {});
      const warm = warmSchedule(cold);
      assert.deepEqual(keys(warm).sort(), keys(cold).sort());
      for (let n = 0; n < inputs.length; n++) {
        const own = (of: Schedule): string[] => keys(of).filter((word) => word.startsWith(`${n}:`));
        assert.deepEqual(own(warm), own(cold));
        const sizes = Array.from({ length: warm.burst.length - 1 }, (_, b) => b)
          .filter((b) => warm.input[warm.burst[b]] === n)
          .map((b) => warm.burst[b + 1] - warm.burst[b]);
        assert.ok(
          sizes.slice(0, -1).every((size) => size === BURST),
          sizes.join(),
        );
      }
      for (let i = 1; i < warm.count; i++) assert.ok(warm.time[i] >= warm.time[i - 1]);
    }),
  );
});

test("a fixed rate and a multiplier stretch the times; a round ends a frame's distance behind the last frame", () => {
  const inputs = [input("vm1", 0n, [0, 100, 300]), input("vm2", 50n, [0])];
  assert.deepEqual([...coldSchedule(inputs, {}).time], [0, 50, 100, 300]);
  assert.equal(coldSchedule(inputs, {}).span, 400);
  assert.deepEqual([...coldSchedule(inputs, { multiplier: 2 }).time], [0, 25, 50, 150]);
  const paced = coldSchedule(inputs, { pps: 1e6 });
  assert.deepEqual([...paced.time], [0, 1000, 2000, 3000]);
  assert.equal(paced.span, 4000);
});

test("a capture that steps back in time does not turn the clock back", () => {
  const of = coldSchedule([input("vm1", 0n, [0, 500, 200, 700])], {});
  assert.deepEqual([...of.frame], [0, 1, 2, 3]);
  assert.deepEqual([...of.time], [0, 500, 500, 700]);
});
