/** From values to pixels, with the values that an axis names. */

export interface Scale {
  readonly kind: "linear" | "log";
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

/** Powers of ten from that at or below `low` to that at or above `high`; with few of them also 2 and 5 times. */
export function logScale(low: number, high: number, range: readonly [number, number]): Scale {
  if (!(low > 0) || !(high > 0)) throw new Error(`logScale: from ${low} to ${high}, expected positive values`);
  const inner: number[] = [];
  const from = Math.floor(Math.log10(low) + 1e-9);
  const to = Math.ceil(Math.log10(Math.max(high, low * 1.01)) - 1e-9);
  const multiples = to - from <= 3 ? [1, 2, 5] : [1];
  for (let power = from; power <= to; power++) {
    for (const times of multiples) inner.push(clean(times * 10 ** power));
  }
  // The domain begins and ends at a tick, as near to the values as there is one.
  const first = inner.findLast((tick) => tick <= low * (1 + 1e-9)) ?? inner[0];
  const last = inner.find((tick) => tick >= high * (1 - 1e-9)) ?? inner[inner.length - 1];
  const ticks = inner.filter((tick) => tick >= first && tick <= last);
  return scale("log", [first, last > first ? last : first * 10], range, ticks, Math.log10);
}

function scale(
  kind: Scale["kind"],
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
