/** From values to pixels, with the values that an axis names. */

export interface Scale {
  readonly kind: "linear" | "log" | "ordinal";
  /** Pixel of a value; values outside of the domain are put at its ends. */
  at(value: number): number;
  readonly ticks: readonly number[];
  readonly domain: readonly [number, number];
}

/** From 0 (or `low`) to a round number at or above `high`, with about `count` intervals of 1, 2 or 5 times a power of ten. */
export function linearScale(high: number, range: readonly [number, number], count = 5, low = 0): Scale {
  const span = high > low ? high - low : 1;
  const step = roundStep(span / count);
  const first = Math.floor(low / step + 1e-9) * step;
  const last = Math.ceil((low + span) / step - 1e-9) * step;
  const ticks: number[] = [];
  for (let i = 0; first + i * step <= last + step / 2; i++) ticks.push(clean(first + i * step));
  return scale("linear", [first, last], range, ticks, (value) => value);
}

/** From 1, 2 or 5 times a power of ten at or below `low` to one at or above `high`; over many powers only those are named. */
export function logScale(low: number, high: number, range: readonly [number, number]): Scale {
  if (!(low > 0) || !(high > 0)) throw new Error(`logScale: from ${low} to ${high}, expected positive values`);
  const from = Math.floor(Math.log10(low) + 1e-9);
  const to = Math.ceil(Math.log10(Math.max(high, low * 1.01)) - 1e-9);
  const steps: number[] = [];
  for (let power = from; power <= to; power++) for (const times of [1, 2, 5]) steps.push(clean(times * 10 ** power));
  // The domain begins and ends at a step, as near to the values as there is one.
  const first = steps.findLast((step) => step <= low * (1 + 1e-9)) ?? steps[0];
  const above = steps.find((step) => step >= high * (1 - 1e-9)) ?? steps[steps.length - 1];
  const last = above > first ? above : clean(first * 10);
  const within = steps.filter((step) => step >= first && step <= last);
  const powers = within.filter((step) => isPower(step));
  return scale("log", [first, last], range, powers.length > 3 ? powers : within, Math.log10);
}

/** Log, from the first of `ticks` to `high` (default: the last of them), and these are named. */
export function logScaleAt(
  ticks: readonly number[],
  range: readonly [number, number],
  high = ticks[ticks.length - 1],
): Scale {
  const first = ticks[0];
  const last = Math.max(high, ticks[ticks.length - 1]);
  return scale("log", [first, last > first ? last : first * 10], range, ticks, Math.log10);
}

/** Each of the ascending `values` as far from its neighbours as any other: for axes that have a zero, and names. */
export function ordinalScale(values: readonly number[], range: readonly [number, number]): Scale {
  const place = (value: number): number => Math.max(0, values.indexOf(value));
  const steps = Math.max(1, values.length - 1);
  return {
    kind: "ordinal",
    domain: [values[0], values[values.length - 1]],
    ticks: values,
    at: (value) => range[0] + (place(value) / steps) * (range[1] - range[0]),
  };
}

function scale(
  kind: "linear" | "log",
  domain: readonly [number, number],
  range: readonly [number, number],
  ticks: readonly number[],
  map: (value: number) => number,
): Scale {
  const from = map(domain[0]);
  const width = map(domain[1]) - from || 1;
  return {
    kind,
    domain,
    ticks,
    at(value) {
      const inside = Math.min(Math.max(value, domain[0]), domain[1]);
      return range[0] + ((map(inside) - from) / width) * (range[1] - range[0]);
    },
  };
}

/** 1, 2 or 5 times a power of ten, at least `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const times = [1, 2, 5, 10].find((one) => one * power >= step * (1 - 1e-9)) ?? 10;
  return times * power;
}

/** 0.30000000000000004 -> 0.3 */
const clean = (value: number): number => Number(value.toPrecision(12));

const isPower = (value: number): boolean => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
