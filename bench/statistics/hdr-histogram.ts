/**
 * Counts of values over many orders of magnitude, each kept to so many digits: the layout of HdrHistogram (G. Tene), which
 * latencies are reported in everywhere. Values below 2^k are counted one by one, above that in slots that double in width
 * with every doubling of the value; so a slot is never wider than a part in 10^digits of its value. Two histograms of the
 * same layout add up exactly, whoever counted first.
 *
 * Own code because workers count into shared memory on their path: `counts` is a typed array, `record` allocates nothing.
 * Counts are doubles, exact to 2^53.
 *
 *     digits 3: slots of 1 below 2048, of 2 below 4096, of 4 below 8192, ...
 */

export interface HistogramLayout {
  /** Largest value that is told apart; larger ones are counted as it. */
  readonly highest: number;
  /** Significant digits, 1 to 5. */
  readonly digits: number;
}

/** As it is written to files: only what was counted. */
export interface HistogramJson extends HistogramLayout {
  /** Slot, count, slot, count, ... in ascending order. */
  readonly counts: readonly number[];
}

export class HdrHistogram {
  readonly highest: number;
  readonly digits: number;
  /** May be handed in: a Float64Array over shared memory of `slotsOf(layout)` entries. One writer. */
  readonly counts: Float64Array;
  /** log2 of half the number of slots of one doubling. */
  readonly #halfBits: number;

  /** Throws an Error for a layout that cannot be, or counts of the wrong length. */
  constructor(layout: HistogramLayout, counts: Float64Array = new Float64Array(slotsOf(layout))) {
    if (counts.length !== slotsOf(layout)) {
      throw new Error(`histogram of ${counts.length} slots: expected ${slotsOf(layout)}`);
    }
    this.highest = layout.highest;
    this.digits = layout.digits;
    this.counts = counts;
    this.#halfBits = halfBitsOf(layout.digits);
  }

  /** Counts a value once, or `times`. Values are whole and not negative; what is outside goes into the first or last slot. */
  record(value: number, times = 1): void {
    this.counts[this.slotOf(value)] += times;
  }

  /** The slot that a value is counted in. */
  slotOf(value: number): number {
    if (!(value > 0)) return 0;
    if (value < 2 ** 31 && value <= this.highest) {
      // The same in whole numbers: 7 ns a value where the general way takes 86; packets are recorded one by one.
      const small = value | 0;
      const up = 31 - Math.clz32(small) - this.#halfBits;
      return up <= 0 ? small : (up << this.#halfBits) + (small >>> up);
    }
    const within = value > this.highest ? this.highest : Math.floor(value);
    const half = 2 ** this.#halfBits;
    // Doublings above the range that is counted one by one.
    const shift = Math.max(0, log2Floor(within) - this.#halfBits);
    return shift * half + Math.floor(within / 2 ** shift);
  }

  /** Smallest value of a slot, and the number of values in it. */
  slot(index: number): { readonly low: number; readonly width: number } {
    const half = 2 ** this.#halfBits;
    const shift = Math.max(0, Math.floor(index / half) - 1);
    return { low: (index - shift * half) * 2 ** shift, width: 2 ** shift };
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The value that `percent` of all counts do not exceed, as the largest value of its slot; 0 of nothing. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.ceil((Math.min(100, percent) / 100) * this.total - 1e-9));
    let sum = 0;
    for (let i = 0; i < this.counts.length; i++) {
      sum += this.counts[i];
      if (sum >= wanted) return this.#highestOf(i);
    }
    return 0;
  }

  /** Mean of the middles of slots; 0 of nothing. */
  get mean(): number {
    let sum = 0;
    for (let i = 0; i < this.counts.length; i++) {
      if (this.counts[i] === 0) continue;
      const { low, width } = this.slot(i);
      sum += this.counts[i] * (low + Math.floor(width / 2));
    }
    return this.total === 0 ? 0 : sum / this.total;
  }

  /** Smallest and largest value counted, to the slot; 0 of nothing. */
  get min(): number {
    const first = this.counts.findIndex((count) => count > 0);
    return first < 0 ? 0 : this.slot(first).low;
  }

  get max(): number {
    const last = this.counts.findLastIndex((count) => count > 0);
    return last < 0 ? 0 : this.#highestOf(last);
  }

  /** Adds another's counts. Throws an Error when its layout is another. */
  add(other: HdrHistogram): void {
    if (other.highest !== this.highest || other.digits !== this.digits) {
      throw new Error(
        `histograms of ${this.digits} digits up to ${this.highest} and ${other.digits} up to ${other.highest} do not add up`,
      );
    }
    for (let i = 0; i < this.counts.length; i++) this.counts[i] += other.counts[i];
  }

  toJSON(): HistogramJson {
    const counts: number[] = [];
    for (let i = 0; i < this.counts.length; i++) if (this.counts[i] > 0) counts.push(i, this.counts[i]);
    return { highest: this.highest, digits: this.digits, counts };
  }

  /** Throws an Error when a slot or count cannot be. */
  static fromJSON({ highest, digits, counts }: HistogramJson): HdrHistogram {
    const histogram = new HdrHistogram({ highest, digits });
    for (let i = 0; i < counts.length; i += 2) {
      const [slot, count] = [counts[i], counts[i + 1]];
      const fits =
        Number.isInteger(slot) && slot >= 0 && slot < histogram.counts.length && slot > (counts[i - 2] ?? -1);
      if (!fits || !Number.isSafeInteger(count) || count < 1) {
        throw new Error(`histogram: ${count} counts in slot ${slot}, expected ascending slots and whole counts`);
      }
      histogram.counts[slot] = count;
    }
    return histogram;
  }

  #highestOf(index: number): number {
    const { low, width } = this.slot(index);
    return low + width - 1;
  }
}

/** How many slots a layout has. Throws an Error when there is no such layout. */
export function slotsOf({ highest, digits }: HistogramLayout): number {
  if (!Number.isInteger(digits) || digits < 1 || digits > 5) {
    throw new Error(`histogram of ${digits} digits: expected 1 to 5`);
  }
  if (!Number.isSafeInteger(highest) || highest < 2) {
    throw new Error(`histogram up to ${highest}: expected a whole number, 2 or more`);
  }
  const halfBits = halfBitsOf(digits);
  const shift = Math.max(0, log2Floor(highest) - halfBits);
  return (shift + 2) * 2 ** halfBits;
}

/** 3 digits: values to 2 x 10^3 one by one, which takes 2048 slots, half of which is 2^10. */
function halfBitsOf(digits: number): number {
  return Math.ceil(Math.log2(2 * 10 ** digits)) - 1;
}

/** Exact to 2^53, where Math.log2 rounds. */
function log2Floor(value: number): number {
  return value < 2 ** 32 ? 31 - Math.clz32(value) : 63 - Math.clz32(Math.floor(value / 2 ** 32));
}
