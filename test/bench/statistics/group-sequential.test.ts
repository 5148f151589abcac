/**
 * Boundaries as published: Lan and DeMets' spending functions with O'Brien-Fleming and Pocock shape for two-sided 0.05 (the
 * tables that the WinLD program of Reboussin, DeMets et al. prints), one-sided 0.025 here. Crossing rates by simulation.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { boundaries, nominalLevels, spent } from "../../../bench/statistics/group-sequential.ts";
import { Random } from "./random.ts";

const fractions = (looks: number): number[] => Array.from({ length: looks }, (_, k) => (k + 1) / looks);

test("O'Brien-Fleming boundaries are the published ones", () => {
  const published: readonly (readonly number[])[] = [
    [2.963, 1.969],
    [3.71, 2.511, 1.993],
    [4.333, 2.963, 2.359, 2.014],
    [4.877, 3.357, 2.68, 2.29, 2.031],
  ];
  for (const expected of published) {
    const z = boundaries("obrien-fleming", 0.025, fractions(expected.length));
    for (const [k, value] of expected.entries()) {
      assert.ok(Math.abs(z[k] - value) < 0.003, `${expected.length} looks: ${z.join(", ")}`);
    }
  }
});

test("Pocock-type boundaries are nearly the same at every look", () => {
  const z = boundaries("pocock", 0.025, fractions(5));
  // Published: 2.438, 2.427, 2.410, 2.397, 2.386.
  for (const [k, value] of [2.438, 2.427, 2.41, 2.397, 2.386].entries()) {
    assert.ok(Math.abs(z[k] - value) < 0.01, z.join(", "));
  }
});

test("one look is the plain test; the spending ends at the level", () => {
  assert.ok(Math.abs(boundaries("obrien-fleming", 0.025, [1])[0] - 1.959964) < 1e-5);
  assert.equal(spent("pocock", 0.01, 1), 0.01);
  assert.equal(spent("obrien-fleming", 0.01, 1), 0.01);
  assert.throws(() => boundaries("pocock", 0.05, [0.5]), /end with 1/);
  assert.throws(() => boundaries("pocock", 0.05, [0.5, 0.4, 1]), /ascending/);
});

test("simulated: all looks together cross as often as the level says", () => {
  const random = new Random(20_240_611);
  for (const spending of ["obrien-fleming", "pocock"] as const) {
    const z = boundaries(spending, 0.05, [1 / 3, 2 / 3, 1]);
    let crossed = 0;
    const runs = 40_000;
    for (let run = 0; run < runs; run++) {
      let sum = 0;
      for (let k = 0; k < 3; k++) {
        sum += random.gaussian() * Math.sqrt(1 / 3);
        if (sum / Math.sqrt((k + 1) / 3) > z[k]) {
          crossed++;
          break;
        }
      }
    }
    // Four standard errors.
    assert.ok(
      Math.abs(crossed / runs - 0.05) < 4 * Math.sqrt((0.05 * 0.95) / runs),
      `${spending}: ${crossed} of ${runs}`,
    );
  }
});

test("nominal levels rise and end below the level", () => {
  const levels = nominalLevels("obrien-fleming", 0.01, [10, 20, 30]);
  assert.ok(levels[0] < levels[1] && levels[1] < levels[2] && levels[2] < 0.01, levels.join(", "));
});
