/** MRR, soak, blocked time, frame profiles; frame rates against RFC 2544 appendix B and the known 14.88 Mpps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blockedDifference, blockedTime } from "../../../bench/search/blocked-time.ts";
import {
  layer1Rate,
  layer2Rate,
  lineRate,
  parseFrameProfiles,
  RFC2544_SIZES,
} from "../../../bench/search/frame-profile.ts";
import { MRR_TREND, meanAndDeviation, measureMrr } from "../../../bench/search/mrr.ts";
import { soak } from "../../../bench/search/soak.ts";
import { Fake, limited } from "./fakes.ts";

test("line rates are those of RFC 2544 appendix B (10 Mbit/s) and of 10GE", () => {
  const published: readonly (readonly [number, number])[] = [
    [64, 14880],
    [128, 8445],
    [256, 4528],
    [512, 2349],
    [768, 1586],
    [1024, 1197],
    [1280, 961],
    [1518, 812],
  ];
  for (const [size, rate] of published) assert.equal(Math.floor(lineRate(10e6, size)), rate);
  assert.equal(Math.floor(lineRate(10e9, 64)), 14_880_952);
  assert.equal(Math.round(layer1Rate(lineRate(10e9, 353), 353)), 10e9);
  assert.equal(layer2Rate(14_880_952, 64), 7_619_047_424);
});

test("profiles: sizes with FCS, the RFC's seven, IMIX and genomes with their published means", () => {
  assert.deepEqual(
    parseFrameProfiles("rfc2544").map(({ name, generate, meanSize }) => [name, generate, meanSize]),
    RFC2544_SIZES.map((size) => [`${size}B`, String(size - 4), size]),
  );
  const [small, imix, genome] = parseFrameProfiles("64B, imix_v4_1, genome:aaaaaaaddddg");
  assert.deepEqual([small.name, small.meanSize], ["64B", 64]);
  // FD.io CSIT: 353.83 bytes. VSPERF's genome is 7:4:1 of 64, 512 and 1518: 334.5.
  assert.equal(imix.name, "IMIX_v4_1");
  assert.ok(Math.abs(imix.meanSize - 353.83) < 0.005);
  assert.equal(genome.meanSize, 334.5);
  assert.throws(() => parseFrameProfiles("64,large"), /"large"/);
  assert.throws(() => parseFrameProfiles("20"), /"16"/);
});

test("MRR: rates of ten trials at the largest load, mean and deviation", async () => {
  let trial = 0;
  const fake = new Fake((_, __, duration) => (1e6 + 1000 * trial++) * duration);
  const mrr = await measureMrr({ load: 2e6, ...MRR_TREND }, fake);
  assert.equal(mrr.rates.length, 10);
  assert.ok(fake.asked.every(({ load, duration }) => load === 2e6 && duration === 1));
  assert.equal(mrr.average, 1_004_500);
  // Sample deviation of 0..9 is sqrt(82.5 / 9).
  assert.ok(Math.abs(mrr.deviation - 1000 * Math.sqrt(82.5 / 9)) < 1e-6);
  assert.equal(mrr.interrupted, false);
  await assert.rejects(measureMrr({ load: 0, trials: 1, duration: 1 }, fake), /at 0/);
});

test("mean and deviation of large values with a small spread (NIST NumAcc3: mean 1000000.2, deviation 0.1)", () => {
  const values = [1_000_000.2, ...Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 1_000_000.1 : 1_000_000.3))];
  const { average, deviation } = meanAndDeviation(values);
  assert.ok(Math.abs(average - 1_000_000.2) < 1e-9 && Math.abs(deviation - 0.1) < 1e-9);
  assert.equal(meanAndDeviation([5]).deviation, 0);
  assert.ok(Number.isNaN(meanAndDeviation([]).average));
});

test("interrupted: the trials that were done", async () => {
  const control = new AbortController();
  const fake = new Fake((offered) => {
    if (fake.asked.length === 3) control.abort();
    return offered;
  });
  const mrr = await measureMrr({ load: 1e6, ...MRR_TREND }, fake, control.signal);
  assert.deepEqual([mrr.rates.length, mrr.interrupted], [4, true]);
  assert.equal(await soak({ load: 1, duration: 2, trialDuration: 1 }, fake, { signal: control.signal }), null);
});

test("soak: losses over all trials with their interval", async () => {
  let count = 0;
  const fake = new Fake((offered) => (++count % 10 === 0 ? offered - 5 : offered));
  const result = await soak({ load: 1e5, duration: 4, trialDuration: 0.1 }, fake);
  assert.ok(result !== null);
  assert.equal(result.trials.length, 40);
  assert.deepEqual([result.loss.events, result.loss.runs], [20, 400_000]);
  assert.deepEqual([result.lossyTrials.events, result.lossyTrials.runs, result.interrupted], [4, 40, false]);
  assert.ok(result.loss.low < 5e-5 && result.loss.high > 5e-5);
});

test("effective blocked time is lost frames over the offered load", () => {
  // 100 kpps for 10 s, 2,500 frames lost: as if blocked for 25 ms.
  const trial = { duration: 10, load: 1e5, offered: 1e6, forwarded: 997_500, effectiveDuration: 10 };
  assert.deepEqual(blockedTime(trial), { lost: 2500, load: 1e5, seconds: 0.025 });
  assert.equal(blockedTime(limited(1e9).measure(1, 1000)).seconds, 0);
});

test("what a change costs is told from what is lost anyway, by pairs", () => {
  // Noise that both trials of a pair share cancels out: 2 ms more each time, whatever else was lost.
  const noise = [1, 40, 3, 7, 0, 90, 2, 5].map((ms) => ms / 1000);
  const { without, difference } = blockedDifference(
    noise.map((seconds) => seconds + 0.002),
    noise,
  );
  assert.deepEqual(without, { median: 0.004, most: 0.09 });
  for (const one of Object.values(difference)) assert.ok(Math.abs(one - 0.002) < 1e-12, String(one));
  // Of 6 differences the least and the most are the 95 % interval: 2 x 1/64 of all medians lie outside.
  const six = blockedDifference([1, 5, 2, 9, 3, 4], [2, 2, 2, 2, 2, 2]).difference;
  assert.deepEqual(six, { value: 1.5, low: -1, high: 7 });
  assert.throws(() => blockedDifference([1], []), /1 trials with a change and 0 without/);
});
