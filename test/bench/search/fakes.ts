/** Systems under test that are made up: what they forward is a formula, so that a search's answer is known beforehand. */
import type { Measurer, TrialResult } from "../../../bench/search/trial.ts";
import type { Random } from "../statistics/random.ts";

/** A measurer that keeps what it was asked. `overhead`: seconds around each trial that count. */
export class Fake implements Measurer {
  readonly asked: TrialResult[] = [];
  readonly #forwarded: (offered: number, load: number, duration: number) => number;
  readonly #overhead: number;

  constructor(forwarded: (offered: number, load: number, duration: number) => number, overhead = 0) {
    this.#forwarded = forwarded;
    this.#overhead = overhead;
  }

  measure(duration: number, load: number): TrialResult {
    const offered = Math.round(load * duration);
    const forwarded = Math.max(0, Math.min(offered, Math.floor(this.#forwarded(offered, load, duration))));
    const trial = { duration, load, offered, forwarded, effectiveDuration: duration + this.#overhead };
    this.asked.push(trial);
    return trial;
  }
}

/** Forwards exactly `capacity` frames a second, drops what is above. */
export const limited = (capacity: number): Fake =>
  new Fake((offered, _, duration) => Math.min(offered, capacity * duration));

/** Its capacity differs from trial to trial by `spread` (a standard deviation, relative). */
export const noisy = (capacity: number, spread: number, random: Random): Fake =>
  new Fake((offered, _, duration) => Math.min(offered, capacity * duration * (1 + spread * random.gaussian())), 0.5);

/** Loses a little at any load, the more the nearer to its capacity: `1e-3 x (load / capacity)^8` of what it gets. */
export const leaky = (capacity: number): Fake =>
  new Fake((offered, load) => offered * (1 - Math.min(1, 1e-3 * (load / capacity) ** 8)));

/** Loses one trial in `every` badly whatever the load (an interrupt storm); otherwise limited. */
export function disturbed(capacity: number, every: number): Fake {
  let count = 0;
  return new Fake((offered, _, duration) =>
    ++count % every === 0 ? offered * 0.9 : Math.min(offered, capacity * duration),
  );
}
