/**
 * PLRsearch: its functions against printed tables and numerical integrals of their definitions, its sums against a finer grid,
 * its answer against systems whose critical load is known.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  criticalLoad,
  erf,
  type LossModel,
  logIerfc,
  logLossRatio,
  stretch,
} from "../../../bench/search/loss-model.ts";
import { PLR_SOAK, type PlrConfig, plrSearch } from "../../../bench/search/plr-search.ts";
import { Posterior } from "../../../bench/search/posterior.ts";
import { Random } from "../statistics/random.ts";
import { Fake, limited } from "./fakes.ts";

const near = (actual: number, expected: number, relative: number, what: string): void =>
  assert.ok(Math.abs(actual / expected - 1) < relative, `${what}: ${actual}, expected ${expected}`);

/** Simpson's rule. */
function integral(of: (x: number) => number, from: number, to: number, steps = 20_000): number {
  const h = (to - from) / steps;
  let sum = of(from) + of(to);
  for (let i = 1; i < steps; i++) sum += of(from + i * h) * (i % 2 === 1 ? 4 : 2);
  return (sum * h) / 3;
}

test("ierfc is that of the tables, and has no seam", () => {
  // Carslaw and Jaeger, Conduction of Heat in Solids, appendix II, table I: four decimals.
  for (const [t, value] of [
    [0, 0.5642],
    [0.1, 0.4698],
    [0.5, 0.1996],
    [1, 0.0503],
    [1.5, 0.0086],
    [2, 0.001],
  ] as const) {
    assert.ok(Math.abs(Math.exp(logIerfc(t)) - value) < 5.1e-5, `ierfc(${t})`);
  }
  // d/dt ierfc = -erfc, d/dt erfc = -2/sqrt(pi) exp(-t^2): twice integrated from far out.
  for (const t of [-3, -0.5, 0, 0.7, 1.9, 2.1, 5, 11.9]) {
    const density = (x: number): number => ((x - t) * 2 * Math.exp(t * t - x * x)) / Math.sqrt(Math.PI);
    near(Math.exp(logIerfc(t) + t * t), integral(density, t, t + 12), 1e-9, `ierfc(${t}) exp(t^2)`);
  }
  for (const seam of [0, 2, 30]) {
    const [below, above] = [logIerfc(seam - 1e-12), logIerfc(seam + 1e-12)];
    assert.ok(Math.abs(below - above) < 1e-9, `at ${seam}: ${below} and ${above}`);
  }
});

test("both models are the integrals they are said to be", () => {
  const steps: Record<LossModel["name"], (x: number, mrr: number, spread: number) => number> = {
    stretch: (x, mrr, spread) => 1 / (1 + Math.exp(-(x - mrr) / spread)),
    // erfc by its own integral, written out for a mrr of many spreads, where erfc(-mrr / spread) is 2.
    erf: (x, mrr, spread) => {
      const t = (mrr - x) / spread;
      return integral((y) => Math.exp(-y * y), t, Math.max(t, 0) + 6, 1600) / Math.sqrt(Math.PI);
    },
  };
  for (const model of [stretch, erf]) {
    for (const [load, mrr, spread] of [
      [1e6, 1e6, 1e5],
      [1.5e6, 1e6, 1e5],
      [0.8e6, 1e6, 1e5],
      [0.5e6, 1e6, 1e5],
      [3e6, 1e6, 2e5],
    ]) {
      const expected = integral((x) => steps[model.name](x, mrr, spread), 0, load, 1000);
      near(Math.exp(model.logLossRate(load, mrr, spread)), expected, 1e-6, `${model.name} ${load} ${mrr} ${spread}`);
    }
  }
});

test("loss ratios grow with the load, down to those that no double holds", () => {
  for (const model of [stretch, erf]) {
    for (const spread of [1, 30, 1e3, 1e5, 9e5]) {
      let before = Number.NEGATIVE_INFINITY;
      for (let load = 1e4; load < 4e6; load *= 1.01) {
        const log = logLossRatio(model, load, 1e6, spread);
        assert.ok(log >= before || Math.abs(log - before) < 1e-9, `${model.name}, spread ${spread}, load ${load}`);
        before = log;
      }
    }
  }
});

const range = { minLoad: 1e3, maxLoad: 5e6, lossRatio: 1e-7 };

test("the grid is fine enough: four times as many cells a side say the same", () => {
  const random = new Random(7);
  const system = drawn(stretch, 1e6, 3e4, random);
  for (const loads of [
    [2.5e6, 5e6],
    [2.5e6, 5e6, 1.2e6, 9e5, 8e5, 7e5, 6.5e5],
  ]) {
    const trials = loads.map((load) => system.measure(5, load));
    for (const model of [stretch, erf]) {
      const [coarse, fine] = [new Posterior(model, range).of(trials), new Posterior(model, range).of(trials, 4)];
      const what = `${model.name}, ${loads.length} trials: ${JSON.stringify([coarse, fine])}`;
      assert.ok(Math.abs(coarse.mean - fine.mean) < 0.05 * fine.deviation, what);
      near(coarse.deviation, fine.deviation, 0.05, what);
    }
  }
  assert.throws(() => new Posterior(stretch, range).of([]), /no trials/);
});

/** Loses a Poisson number of frames around what a model says. */
function drawn(model: LossModel, mrr: number, spread: number, random: Random): Fake {
  return new Fake((offered, load, duration) => {
    const mean = duration * Math.exp(model.logLossRate(load, mrr, spread));
    if (mean > 50) return offered - Math.round(Math.max(0, mean + Math.sqrt(mean) * random.gaussian()));
    let lost = 0;
    for (let left = Math.exp(-mean), p = random.uniform(); p > left; p *= random.uniform()) lost++;
    return offered - lost;
  });
}

const soak: PlrConfig = { ...range, ...PLR_SOAK, duration: 160 };

test("systems that lose as the models say: the critical load is within three standard deviations", async () => {
  for (const model of [stretch, erf]) {
    for (const seed of [1, 2]) {
      const [mrr, spread] = [0.6e6 * (1 + seed), 2e4 * seed];
      const known = criticalLoad(model, 1e-7, mrr, spread, range.minLoad, range.maxLoad);
      const found = await plrSearch(soak, drawn(model, mrr, spread, new Random(seed)));
      assert.ok(found !== null);
      const { mean, deviation } = found[model.name];
      const what = `${model.name}, seed ${seed}: ${mean} +- ${deviation}, known ${known}`;
      assert.ok(Math.abs(mean - known) < 3 * deviation, what);
      assert.ok(deviation < 0.1 * known, what);
      // The other model is wrong about the tail, and both together say so by a larger deviation.
      assert.ok(Math.abs(found.critical.mean - known) < 3 * found.critical.deviation, what);
      assert.equal(found.interrupted, false);
      assert.ok(found.seconds <= 160 && found.seconds > 160 - (5.1 + 0.1 * found.trials.length), `${found.seconds} s`);
    }
  }
});

test("trial by trial gives what all at once give", () => {
  const system = drawn(erf, 1.2e6, 2e4, new Random(1));
  const trials = [
    2.5e6, 5e6, 1.2e6, 1.19e6, 8e5, 1.1e6, 1.18e6, 1.14e6, 1.15e6, 1.16e6, 1.155e6, 1.145e6, 1.15e6, 1.15e6,
  ].map((load) => system.measure(5, load));
  for (const model of [stretch, erf]) {
    const growing = new Posterior(model, range);
    for (let count = 1; count <= trials.length; count++) {
      const [grown, anew] = [
        growing.of(trials.slice(0, count)),
        new Posterior(model, range).of(trials.slice(0, count)),
      ];
      const what = `${model.name}, ${count} trials: ${JSON.stringify([grown, anew])}`;
      assert.ok(Math.abs(grown.mean - anew.mean) < 0.3 * anew.deviation, what);
    }
  }
});

test("a system with a sharp edge, which neither model has: within five percent of it", async () => {
  const found = await plrSearch(soak, limited(1_234_567));
  assert.ok(found !== null);
  near(found.critical.mean, 1_234_567, 0.05, "edge");
});

test("trials: the middle, the top, what gets through; each longer than the one before", async () => {
  const fake = limited(1e6);
  await plrSearch({ ...soak, duration: 60 }, fake);
  const [first, second, third, fourth] = fake.asked.map(({ load }) => load);
  assert.deepEqual([first, second], [(1e3 + 5e6) / 2, 5e6]);
  near(third, 1e6, 1e-6, "third");
  near(fourth, 1e6, 1e-5, "fourth");
  for (const [i, { duration }] of fake.asked.entries()) near(duration, 5.1 + 0.1 * i, 1e-12, `trial ${i}`);
  assert.ok(fake.asked.every(({ load }) => load >= 1e3 && load <= 5e6));
});

test("stopped: what there is until then; before the first trial nothing", async () => {
  const stop = new AbortController();
  const fake = limited(1e6);
  const found = await plrSearch(soak, fake, {
    signal: stop.signal,
    onTrial: () => {
      if (fake.asked.length === 5) stop.abort();
    },
  });
  assert.equal(found?.trials.length, 5);
  assert.equal(found?.interrupted, true);
  assert.equal(await plrSearch(soak, fake, { signal: stop.signal }), null);
  await assert.rejects(plrSearch({ ...soak, maxLoad: 1 }, fake), /expected 0 < min < max/);
  await assert.rejects(plrSearch({ ...soak, lossRatio: 0 }, fake), /loss ratio 0/);
  await assert.rejects(plrSearch({ ...soak, firstTrial: 0 }, fake), /above 0/);
});
