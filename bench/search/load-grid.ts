/**
 * Loads as whole numbers: a grid of equal ratios between the smallest and the largest load. Widths are then differences, and
 * "twice as wide", "in the middle" and "the same load again" are exact. The step is an eighth of the narrowest goal width.
 */

const STEPS_PER_WIDTH = 8;

export class LoadGrid {
  readonly min: number;
  readonly max: number;
  /** Index of the largest load; the smallest is 0. */
  readonly top: number;
  readonly #step: number;

  /** Loads in frames a second; `narrowest`: the smallest relative width of all goals. Throws an Error for an empty range. */
  constructor(min: number, max: number, narrowest: number) {
    if (!(min > 0 && max > min && Number.isFinite(max))) {
      throw new Error(`search between loads of ${min} and ${max}: expected 0 < smallest < largest`);
    }
    this.min = min;
    this.max = max;
    this.#step = -Math.log1p(-narrowest) / STEPS_PER_WIDTH;
    this.top = Math.ceil(Math.log(max / min) / this.#step);
  }

  /** Frames a second. */
  load(index: number): number {
    return index <= 0 ? this.min : this.max * Math.exp((index - this.top) * this.#step);
  }

  /** The index at or below a load, within the grid. */
  index(load: number): number {
    const at = this.top + Math.floor(Math.log(load / this.max) / this.#step + 1e-9);
    return Math.max(0, Math.min(this.top, at));
  }

  /** A relative width (of the upper end) in steps, rounded down. */
  steps(width: number): number {
    return Math.max(1, Math.floor(-Math.log1p(-width) / this.#step + 1e-9));
  }
}

/**
 * Where to cut an interval: so that one part is the goal width times a power of two, whichever power cuts most evenly, the
 * upper part the wider one of equal choices; further cuts then end exactly at the goal width. Between one and two widths:
 * as if half the width were asked for. Throws an Error for an interval of one width or less.
 */
export function middle(low: number, high: number, width: number): number {
  const span = high - low;
  if (span <= width) throw new Error(`middle of ${low} and ${high}: already within the width ${width}`);
  if (span < 2 * width) return width % 2 === 0 ? middle(low, high, width / 2) : low + (span >> 1);
  let best = width;
  for (let part = width; part < span; part *= 2) {
    if (part * (span - part) > best * (span - best)) best = part;
  }
  return high - best;
}

/**
 * A load that a strategy would like, moved away from what is known already: not nearer than `width` to a bound, and onto the
 * end of the range when nearer than that to it. null: there is no room for a useful load.
 */
export function fit(
  wanted: number,
  width: number,
  lower: number | null,
  upper: number | null,
  top: number,
): number | null {
  const low = lower ?? 0;
  const high = upper ?? top;
  if (high - low <= width) {
    if (lower === null && low !== upper) return low;
    if (upper === null && high !== lower) return high;
    return null;
  }
  let from = low + width;
  let to = high - width;
  if (from > to) from = to = middle(low, high, width);
  if (wanted < from) return lower === null ? low : from;
  if (wanted > to) return upper === null ? high : to;
  return wanted;
}
