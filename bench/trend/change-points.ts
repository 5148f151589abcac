/**
 * Where a series of results changed: it is cut into consecutive groups, each taken to be normally distributed, so that
 * telling somebody the groups and then the values takes the fewest bits (minimum description length). A cut must pay for
 * itself, so noise makes none. The code is that of jumpavg 0.4.1, FD.io CSIT's trend analysis: a largest value is 4096 units;
 * a group of k costs log2 k(k+1) for its length, its average, its deviation (the smaller the cheaper), then the values on
 * their sphere; an average near the one before it costs more than one far away.
 *
 * Every partition is considered (jumpavg keeps only the best one up to each value, which can miss the best of all, because a
 * group's cost depends on the one before): O(n^3), 0.1 s for 300 values. Known weakness, as there: two humps in one group.
 */
import { logGamma } from "../statistics/special-functions.ts";

/** Units in the largest value: 12 bits, half of a 0.5 % search width. More of them see smaller changes in quieter series. */
export const UNITS = 4096;
/** More than this many values take seconds. */
export const MOST_VALUES = 500;

export interface Group {
  /** Values [start, end). */
  readonly start: number;
  readonly end: number;
  readonly average: number;
  /** As of a population. */
  readonly deviation: number;
}

/**
 * The groups of the best partition, in order. `mayStart[i]` false: value i belongs with the one before it (the same
 * commit). Throws an Error for values below 0 or none above it, and for more than MOST_VALUES.
 */
export function findGroups(values: readonly number[], mayStart?: readonly boolean[], units = UNITS): Group[] {
  const n = values.length;
  if (n === 0) return [];
  if (n > MOST_VALUES) throw new Error(`${n} values: expected at most ${MOST_VALUES}`);
  const coder = new Coder(values, units);
  // best[i][j]: fewest bits of values 0..j when the last group is i..j; from[i][j]: where the group before it starts.
  const best = Array.from({ length: n }, () => new Float64Array(n).fill(Number.POSITIVE_INFINITY));
  const from = Array.from({ length: n }, () => new Int32Array(n).fill(-1));
  for (let i = 0; i < n; i++) {
    if (i > 0 && mayStart?.[i] === false) continue;
    for (let j = i; j < n; j++) {
      const own = coder.ownBits(i, j);
      if (i === 0) {
        best[i][j] = own + coder.firstAverageBits();
        continue;
      }
      const average = coder.average(i, j);
      let least = Number.POSITIVE_INFINITY;
      for (let h = 0; h < i; h++) {
        const bits = best[h][i - 1] + coder.averageBits(average, coder.average(h, i - 1));
        if (bits < least) {
          least = bits;
          from[i][j] = h;
        }
      }
      best[i][j] = own + least;
    }
  }
  let start = 0;
  for (let i = 1; i < n; i++) if (best[i][n - 1] < best[start][n - 1]) start = i;
  const groups: Group[] = [];
  for (let end = n - 1; end >= 0; ) {
    groups.unshift(coder.group(start, end));
    const before = from[start][end];
    end = start - 1;
    start = before;
  }
  return groups;
}

/** Bits of one partition: groups begin at 0 and at `starts`. */
export function descriptionLength(values: readonly number[], starts: readonly number[], units = UNITS): number {
  const coder = new Coder(values, units);
  const begins = [0, ...starts];
  let bits = coder.firstAverageBits();
  for (const [g, i] of begins.entries()) {
    const j = (begins[g + 1] ?? values.length) - 1;
    bits += coder.ownBits(i, j);
    if (g > 0) bits += coder.averageBits(coder.average(i, j), coder.average(begins[g - 1], i - 1));
  }
  return bits;
}

/** Bits of groups of one series; sums are kept so that any group's average and deviation are at hand. */
class Coder {
  readonly #units: number;
  readonly #unit: number;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  /** Values are counted from the first one, so that squares do not lose digits. */
  readonly #origin: number;

  constructor(values: readonly number[], units: number) {
    this.#units = units;
    const largest = Math.max(...values);
    if (!(largest > 0) || values.some((value) => !(value >= 0))) {
      throw new Error(`values from ${Math.min(...values)} to ${largest}: expected none below 0, one above`);
    }
    this.#unit = largest / units;
    this.#origin = values[0] / this.#unit;
    this.#sums = new Float64Array(values.length + 1);
    this.#squares = new Float64Array(values.length + 1);
    for (const [i, value] of values.entries()) {
      const off = value / this.#unit - this.#origin;
      this.#sums[i + 1] = this.#sums[i] + off;
      this.#squares[i + 1] = this.#squares[i] + off * off;
    }
  }

  /** Average of values i..j, in units. */
  average(i: number, j: number): number {
    return this.#origin + (this.#sums[j + 1] - this.#sums[i]) / (j + 1 - i);
  }

  group(i: number, j: number): Group {
    return {
      start: i,
      end: j + 1,
      average: this.average(i, j) * this.#unit,
      deviation: this.#deviation(i, j) * this.#unit,
    };
  }

  /** Length, deviation and values of a group; everything but its average. */
  ownBits(i: number, j: number): number {
    const size = j + 1 - i;
    const length = Math.log2(size * (size + 1));
    if (size < 2) return length;
    const deviation = this.#deviation(i, j);
    // A deviation is likelier the smaller it is, as lengths are; the last term is for its end at the largest value.
    const spread = Math.log2((deviation + 1) * (deviation + 2)) + Math.log2(1 - 1 / (this.#units + 2));
    const dimensions = size - 1;
    const area =
      Math.LN2 +
      (dimensions / 2) * Math.log(Math.PI) -
      halfLogGamma(dimensions) +
      (size - 2) * (Math.log(deviation + 1) + Math.log(size) / 2);
    return length + spread + area / Math.LN2;
  }

  firstAverageBits(): number {
    return Math.log2(this.#units + 1);
  }

  /** An average, given the one before: likelier the further away. */
  averageBits(average: number, before: number): number {
    const norm = before * before - (before - 1) * this.#units + (this.#units * this.#units) / 2;
    return -Math.log2((Math.abs(average - before) + 1) / norm);
  }

  #deviation(i: number, j: number): number {
    const size = j + 1 - i;
    const mean = (this.#sums[j + 1] - this.#sums[i]) / size;
    return Math.sqrt(Math.max(0, (this.#squares[j + 1] - this.#squares[i]) / size - mean * mean));
  }
}

const halves: number[] = [];

/** ln Gamma(k / 2), kept: groups of the same size ask for it over and over. */
function halfLogGamma(k: number): number {
  halves[k] ??= logGamma(k / 2);
  return halves[k];
}
