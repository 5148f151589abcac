/** Steal and load out of /proc/stat, spin jitter with a clock made by hand; and once on this machine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConditionsWatch, cpuShare, parseCpuTimes, spinJitter } from "../../bench/trial/conditions.ts";

/** A real beginning of /proc/stat (two virtual processors). */
const STAT = `cpu  10132153 290696 3084719 46828483 16683 0 25195 175628 0 0
cpu0 1393280 32966 572056 13343292 6130 0 17875 87814 0 0
intr 1462898 0
`;

test("ticks by the order of proc(5)", () => {
  const total = 10132153 + 290696 + 3084719 + 46828483 + 16683 + 25195 + 175628;
  assert.deepEqual(parseCpuTimes(STAT), { total, idle: 46828483 + 16683, steal: 175628 });
  // Kernels before 2.6 have four columns.
  assert.deepEqual(parseCpuTimes("cpu  1 2 3 4\n"), { total: 10, idle: 4, steal: 0 });
  assert.equal(parseCpuTimes("intr 5\n"), null);
});

test("shares between two readings", () => {
  const begin = { total: 1000, idle: 500, steal: 10 };
  assert.deepEqual(cpuShare(begin, { total: 1200, idle: 600, steal: 30 }), { steal: 0.1, busy: 0.4 });
  assert.equal(cpuShare(begin, begin), null);
  assert.equal(cpuShare(null, begin), null);
  assert.deepEqual(cpuShare(begin, { total: 1100, idle: 499, steal: 10 }), { steal: 0, busy: 1 });
});

test("spin jitter is the share of time in gaps", () => {
  let now = 0;
  let read = 0;
  // A reading every microsecond; every thousandth comes 1 ms late.
  const clock = (): number => (now += ++read % 1000 === 0 ? 1 : 0.001);
  const { lost, longest, ms } = spinJitter(100, clock);
  assert.ok(Math.abs(lost - 0.5) < 0.01 && Math.abs(longest - 1) < 1e-9 && ms >= 100, `${lost} ${longest}`);
  const smooth = spinJitter(10, () => (now += 0.001));
  assert.equal(smooth.lost, 0);
});

test("on this machine: shares are shares", () => {
  const { load, steal, busy, spin } = new ConditionsWatch().end();
  assert.ok(load.length === 3 && spin.ms >= 50 && spin.lost >= 0 && spin.lost <= 1);
  for (const share of [steal, busy]) assert.ok(share === null || (share >= 0 && share <= 1));
});
