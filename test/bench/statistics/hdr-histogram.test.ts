/** Ranges and percentiles as HdrHistogram's own tests expect them (3 digits, up to an hour in microseconds); exact adding. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HdrHistogram, type HistogramJson, slotsOf } from "../../../bench/statistics/hdr-histogram.ts";
import { Random } from "./random.ts";

const hour = { highest: 3_600_000_000, digits: 3 };

test("slots are as wide as HdrHistogram's", () => {
  const histogram = new HdrHistogram(hour);
  for (const [value, width] of [
    [1, 1],
    [1025, 1],
    [2047, 1],
    [2048, 2],
    [2500, 2],
    [8191, 4],
    [8192, 8],
    [10_000, 8],
  ]) {
    assert.equal(histogram.slot(histogram.slotOf(value)).width, width, `${value}`);
  }
  // Lowest and highest equivalent values.
  for (const [value, low, high] of [
    [10_007, 10_000, 10_007],
    [10_009, 10_008, 10_015],
    [8180, 8180, 8183],
    [8191, 8188, 8191],
    [8193, 8192, 8199],
    [9995, 9992, 9999],
  ]) {
    const slot = histogram.slot(histogram.slotOf(value));
    assert.deepEqual([slot.low, slot.low + slot.width - 1], [low, high], `${value}`);
  }
});

test("percentiles of ten thousand values of a millisecond and one of 100 s", () => {
  const histogram = new HdrHistogram(hour);
  histogram.record(1000, 10_000);
  histogram.record(100_000_000);
  assert.equal(histogram.total, 10_001);
  for (const percent of [30, 99, 99.99]) assert.equal(histogram.percentile(percent), 1000, `${percent}`);
  for (const percent of [99.999, 100]) assert.ok(Math.abs(histogram.percentile(percent) / 1e8 - 1) < 1e-3);
  assert.equal(histogram.min, 1000);
  assert.ok(Math.abs(histogram.mean / ((10_000 * 1000 + 1e8) / 10_001) - 1) < 1e-3);
});

test("every value falls into its slot, to three digits, up to 2^53", () => {
  const histogram = new HdrHistogram({ highest: Number.MAX_SAFE_INTEGER, digits: 3 });
  const random = new Random(3);
  for (let i = 0; i < 20_000; i++) {
    const value = Math.floor(2 ** (53 * random.uniform())) - 1;
    const { low, width } = histogram.slot(histogram.slotOf(value));
    assert.ok(low <= value && value < low + width && width <= Math.max(1, value / 1000), `${value}: ${low} + ${width}`);
  }
  for (let index = 0; index < histogram.counts.length; index++) {
    const { low } = histogram.slot(index);
    if (low <= histogram.highest) assert.equal(histogram.slotOf(low), index);
  }
});

test("percentiles are those of the sorted values", () => {
  const random = new Random(8);
  const values = Array.from({ length: 5000 }, () => Math.floor(Math.exp(12 * random.uniform())));
  const histogram = new HdrHistogram(hour);
  for (const value of values) histogram.record(value);
  values.sort((a, b) => a - b);
  for (const percent of [0, 1, 50, 90, 99, 99.9, 100]) {
    const exact = values[Math.max(0, Math.ceil((percent / 100) * values.length) - 1)];
    const got = histogram.percentile(percent);
    assert.ok(got >= exact && got <= exact + Math.max(1, exact / 1000), `${percent}: ${got}, expected ${exact}`);
  }
  assert.ok(histogram.max >= values[values.length - 1]);
});

test("parts add up to the whole, through JSON", () => {
  const random = new Random(21);
  const whole = new HdrHistogram(hour);
  const parts = Array.from({ length: 4 }, () => new HdrHistogram(hour));
  for (let i = 0; i < 4000; i++) {
    const value = Math.floor(1e9 * random.uniform() ** 5);
    whole.record(value);
    parts[i % 4].record(value);
  }
  const sum = new HdrHistogram(hour);
  for (const part of parts) sum.add(HdrHistogram.fromJSON(JSON.parse(JSON.stringify(part)) as HistogramJson));
  assert.deepEqual(sum.toJSON(), whole.toJSON());
  assert.throws(() => sum.add(new HdrHistogram({ ...hour, digits: 2 })), /3 digits up to 3600000000 and 2 up to/);
});

test("counts in shared memory; values outside go to the ends; what makes no sense is refused", () => {
  const memory = new SharedArrayBuffer(8 * slotsOf({ highest: 1000, digits: 2 }));
  const histogram = new HdrHistogram({ highest: 1000, digits: 2 }, new Float64Array(memory));
  histogram.record(-5);
  histogram.record(1e9);
  const other = new HdrHistogram({ highest: 1000, digits: 2 }, new Float64Array(memory));
  assert.deepEqual([other.total, other.min], [2, 0]);
  assert.ok(other.max >= 1000 && other.max < 1008);
  const empty = new HdrHistogram(hour);
  assert.deepEqual([empty.percentile(50), empty.mean, empty.min, empty.max], [0, 0, 0, 0]);
  assert.throws(() => slotsOf({ highest: 10, digits: 6 }), /6 digits/);
  assert.throws(() => slotsOf({ highest: 1, digits: 3 }), /up to 1/);
  assert.throws(() => new HdrHistogram(hour, new Float64Array(3)), /3 slots/);
  for (const counts of [
    [5, -1],
    [5, 1, 5, 1],
    [1e9, 1],
    [1, 0.5],
  ]) {
    assert.throws(() => HdrHistogram.fromJSON({ ...hour, counts }), /expected ascending slots and whole counts/);
  }
});
