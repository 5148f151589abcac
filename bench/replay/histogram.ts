/**
 * A histogram of 32 bins with fixed upper walls, the last one open, as Open vSwitch's PMD statistics have them
 * (lib/dpif-netdev-perf.h). A sample mostly falls where the one before it fell, so that bin is tried first.
 */
export const BINS = 32;

export class Histogram {
  /** Uppermost value of each bin, the last one without bound. */
  readonly walls = new Float64Array(BINS);
  readonly counts = new Float64Array(BINS);
  #last = 0;

  constructor(walls: readonly number[]) {
    this.walls.set(walls);
    this.walls[BINS - 1] = Number.POSITIVE_INFINITY;
  }

  /** Equal steps from `min` to `max`. */
  static linear(min: number, max: number): Histogram {
    return new Histogram(Array.from({ length: BINS - 1 }, (_, i) => Math.round(min + (i * (max - min)) / (BINS - 2))));
  }

  /** Equal ratios from `min` to `max`, each wall a whole number above the one before it; `min` may be 0. */
  static logarithmic(min: number, max: number): Histogram {
    const low = Math.log(Math.max(min, 1));
    const step = (Math.log(max) - low) / (BINS - 2);
    const walls = [min];
    for (let i = 1; i < BINS - 1; i++) walls.push(Math.max(walls[i - 1] + 1, Math.round(Math.exp(low + i * step))));
    return new Histogram(walls);
  }

  add(value: number): void {
    const { walls } = this;
    let bin = this.#last;
    if (value > walls[bin] || (bin > 0 && value <= walls[bin - 1])) {
      bin = 0;
      while (value > walls[bin]) bin++;
      this.#last = bin;
    }
    this.counts[bin]++;
  }

  /** `times` samples of the same value. */
  addMany(value: number, times: number): void {
    if (times === 0) return;
    this.add(value);
    this.counts[this.#last] += times - 1;
  }
}
