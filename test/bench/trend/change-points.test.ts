/**
 * Groups and bits against FD.io's jumpavg: starts and bits of its partitions were computed with the formulas and the search of version 0.4.1.
 * Power against a simulation of CSIT's per-patch check (5 results a side), made beforehand with jumpavg itself.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { descriptionLength, findGroups, MOST_VALUES } from "../../../bench/trend/change-points.ts";
import { Random } from "../statistics/random.ts";

const jumpavg: readonly {
  readonly values: readonly number[];
  readonly starts: readonly number[];
  readonly bits: number;
}[] = [
  {
    values: [
      100.0947, 101.25, 99.0686, 100.9924, 99.7408, 99.7385, 101.8997, 100.1575, 99.9571, 100.7295, 101.1269, 99.9692,
      100.588, 99.0263, 99.6332, 99.5619, 98.6677, 98.4915, 98.3731, 99.7613,
    ],
    starts: [],
    bits: 164.726221,
  },
  {
    values: [
      99.8276, 99.6797, 100.0691, 98.6644, 99.9205, 100.2381, 100.751, 99.1538, 99.6001, 97.9848, 99.4964, 97.8033,
      91.5806, 94.1015, 90.7984, 93.7986, 93.3279, 92.6877, 93.4593, 93.5275,
    ],
    starts: [12],
    bits: 182.548653,
  },
  {
    values: [
      50.5227, 49.8848, 49.7039, 49.6977, 49.5068, 49.9775, 49.6071, 50.5343, 49.0653, 49.4531, 52.5234, 51.9536,
      53.9511, 51.7958, 52.8584, 52.7374, 53.828, 52.0073, 53.5359, 52.6343, 49.9224, 49.6645, 50.3202, 49.4312,
      49.9606, 50.1767, 50.9201, 48.7974, 50.7626, 50.474,
    ],
    starts: [10, 20],
    bits: 281.859354,
  },
  {
    values: [
      197.0985, 201.8296, 197.204, 209.8804, 201.2575, 198.7067, 198.6316, 198.8007, 198.9403, 194.7261, 212.35,
      188.534, 178.3655, 199.2629, 199.1206, 182.2346, 178.773, 179.1113, 181.9941, 185.8105, 177.3121, 177.7631,
      191.6431, 183.1802, 174.0873, 193.9437, 184.6554, 176.466, 172.9535, 181.7899,
    ],
    starts: [11],
    bits: 309.162465,
  },
  {
    values: [9.9917, 9.9894, 9.987, 9.9949, 10.0111, 9.9957, 9.9855, 10.0067, 10.0007, 7.0084],
    starts: [9],
    bits: 67.86053,
  },
  {
    values: [
      102.4035, 99.6625, 99.7103, 99.909, 97.7308, 101.338, 102.7444, 100.3476, 103.5251, 103.4802, 102.4388, 102.3921,
      103.1983, 88.3161, 89.1253, 86.8454, 90.7002, 90.0982, 87.695, 85.4035,
    ],
    starts: [13],
    bits: 198.022772,
  },
];

const startsOf = (values: readonly number[]): number[] =>
  findGroups(values)
    .slice(1)
    .map(({ start }) => start);

test("bits are jumpavg's; our partition is never worse than its own", () => {
  for (const { values, starts, bits } of jumpavg) {
    assert.ok(
      Math.abs(descriptionLength(values, starts) - bits) < 1e-5,
      `${descriptionLength(values, starts)}, expected ${bits}`,
    );
    const ours = startsOf(values);
    const length = descriptionLength(values, ours);
    if (length < bits - 1e-9) continue;
    assert.deepEqual(ours, starts);
  }
  // Where its search does find the best partition, which is nearly always, the starts are the same.
  assert.ok(jumpavg.filter(({ values, starts }) => `${startsOf(values)}` === `${starts}`).length >= 5);
});

test("the partition is the best of all: every one of a short series tried", () => {
  const random = new Random(9);
  for (let run = 0; run < 30; run++) {
    const values = Array.from({ length: 9 }, (_, i) => 50 + random.gaussian() + (i > 4 ? 4 * random.uniform() : 0));
    let best = Number.POSITIVE_INFINITY;
    for (let cuts = 0; cuts < 1 << 8; cuts++) {
      const starts = Array.from({ length: 8 }, (_, i) => i + 1).filter((i) => (cuts >> (i - 1)) & 1);
      best = Math.min(best, descriptionLength(values, starts));
    }
    assert.ok(Math.abs(descriptionLength(values, startsOf(values)) - best) < 1e-9);
  }
});

test("power of five results against five is that of CSIT's per-patch check (seed 77)", () => {
  // Coefficient of variation, drop, share found: 600 (the last three: 300) trials a cell.
  const table: readonly (readonly [number, number, number])[] = [
    [0.005, 0.02, 0.19],
    [0.005, 0.03, 0.69],
    [0.005, 0.05, 1],
    [0.01, 0.03, 0.07],
    [0.01, 0.05, 0.54],
    [0.02, 0.1, 0.74],
    [0.02, 0.05, 0.06],
    [0.05, 0.2, 0.59],
    [0.05, 0.25, 0.9],
    [0.02, 0.15, 0.99],
    [0.05, 0, 0],
  ];
  const random = new Random(77);
  const trials = 600;
  for (const [variation, drop, expected] of table) {
    let found = 0;
    for (let trial = 0; trial < trials; trial++) {
      const side = (level: number): number[] =>
        Array.from({ length: 5 }, () => level * (1 + variation * random.gaussian()));
      const values = [...side(100), ...side(100 * (1 - drop))];
      if (descriptionLength(values, [5]) < descriptionLength(values, [])) found++;
    }
    const slack = 4 * Math.sqrt((expected * (1 - expected) + 0.005) * (1 / trials + 1 / 300)) + 0.01;
    assert.ok(
      Math.abs(found / trials - expected) < slack,
      `CV ${variation}, drop ${drop}: ${found / trials}, expected ${expected}`,
    );
  }
});

test("no change, no group; a group begins only where it may", () => {
  assert.deepEqual(findGroups([]), []);
  assert.equal(findGroups([5]).length, 1);
  assert.equal(findGroups(new Array(40).fill(7)).length, 1);
  const values = [10, 10.1, 9.9, 10, 10.05, 20, 20.1, 19.9, 20, 20.05];
  assert.deepEqual(startsOf(values), [5]);
  const mayStart = values.map((_, i) => i !== 5);
  assert.notDeepEqual(
    findGroups(values, mayStart).map(({ start }) => start),
    [0, 5],
  );
  const [low, high] = findGroups(values);
  assert.ok(Math.abs(low.average - 10.01) < 1e-9 && Math.abs(high.average - 20.01) < 1e-9 && high.end === 10);
});

test("values that make no sense are refused; 300 values take no time", () => {
  assert.throws(() => findGroups([0, 0]), /expected none below 0, one above/);
  assert.throws(() => findGroups([1, -1]), /from -1 to 1/);
  assert.throws(() => findGroups([1, Number.NaN]), /NaN/);
  assert.throws(() => findGroups(new Array(MOST_VALUES + 1).fill(1)), /501 values/);
  const random = new Random(4);
  const series = Array.from({ length: 300 }, (_, i) => 1e6 * (1 + 0.01 * random.gaussian()) * (i < 180 ? 1 : 0.93));
  assert.deepEqual(startsOf(series), [180]);
});
