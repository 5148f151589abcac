/** Loads on the grid, cutting intervals, keeping away from what is known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NDR } from "../../../bench/search/goal.ts";
import { fit, LoadGrid, middle } from "../../../bench/search/load-grid.ts";
import { targetsOf } from "../../../bench/search/target.ts";

test("the grid holds its ends exactly; an index's load has that index", () => {
  const grid = new LoadGrid(9001, 14_880_952, 0.005);
  assert.deepEqual([grid.load(0), grid.load(grid.top)], [9001, 14_880_952]);
  for (let i = 1; i <= grid.top; i += 97) assert.equal(grid.index(grid.load(i)), i);
  assert.deepEqual([grid.index(1), grid.index(1e12)], [0, grid.top]);
  const width = grid.steps(0.005);
  const [low, high] = [grid.load(5000), grid.load(5000 + width)];
  assert.ok((high - low) / high <= 0.005 + 1e-12 && (high - low) / high > 0.0049);
});

test("the targets of NDR: 21, 4.58 and 1 seconds, widths doubling", () => {
  const grid = new LoadGrid(9001, 1e9, 0.005);
  const targets = targetsOf(NDR, grid);
  assert.deepEqual(
    targets.map((target) => [Number(target.durationSum.toFixed(2)), target.width / grid.steps(0.005)]),
    [
      [1, 4],
      [4.58, 2],
      [21, 1],
    ],
  );
});

test("intervals are cut at powers of two of the width, as evenly as that goes, the upper part the wider", () => {
  assert.equal(middle(0, 16, 8), 8);
  assert.equal(middle(0, 32, 8), 16);
  assert.equal(middle(0, 40, 8), 40 - 16);
  assert.equal(middle(0, 24, 8), 24 - 8);
  assert.equal(middle(100, 112, 8), 112 - 4);
  assert.equal(middle(0, 11, 7), 5);
  assert.throws(() => middle(0, 8, 8), /within the width/);
  // Cutting on ends exactly at the width.
  let high = 8 * 13;
  while (high > 8) high = middle(0, high, 8);
  assert.equal(high, 8);
});

test("loads are moved away from bounds, onto the ends of the range", () => {
  const top = 1000;
  assert.equal(fit(500, 8, 100, 900, top), 500);
  assert.equal(fit(101, 8, 100, 900, top), 108);
  assert.equal(fit(2000, 8, 100, 900, top), 892);
  assert.equal(fit(3, 8, null, 900, top), 0);
  assert.equal(fit(-50, 8, null, 900, top), 0);
  assert.equal(fit(999, 8, 100, null, top), top);
  assert.equal(fit(104, 8, 100, 112, top), 108);
  assert.equal(fit(104, 8, 100, 108, top), null);
  assert.equal(fit(4, 8, null, 6, top), 0);
  assert.equal(fit(998, 8, 995, null, top), top);
  assert.equal(fit(0, 8, null, 0, top), null);
});
