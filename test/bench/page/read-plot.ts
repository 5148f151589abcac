/** Reads a drawing back: its axes from where their ticks stand, then the values from where its marks stand. */
import assert from "node:assert/strict";

export interface ReadPlot {
  /** Pixels of the ticks, by name. */
  readonly x: ReadonlyMap<string, number>;
  readonly y: ReadonlyMap<string, number>;
  /** Points of each polyline. */
  readonly curves: readonly (readonly (readonly [number, number])[])[];
  /** Middles of the marks. */
  readonly marks: readonly (readonly [number, number])[];
  readonly markup: string;
}

/** The n-th wide drawing of a section's markup. */
export function readPlot(section: string, n = 0): ReadPlot {
  const drawings = [...section.matchAll(/<div class="wide">(<svg.*?<\/svg>)<\/div>/gs)].map(([, svg]) => svg);
  const markup = drawings[n];
  assert.ok(markup !== undefined, `no drawing ${n} of ${drawings.length}`);
  const ticks = [...markup.matchAll(/<text x="([^"]*)" y="([^"]*)" class="tick" text-anchor="(\w+)">([^<]*)</g)];
  const by = (anchor: string, column: number): Map<string, number> =>
    new Map(
      ticks.filter(([, , , of]) => of === anchor).map((one) => [one[4].replace(/\s/g, " "), Number(one[column])]),
    );
  const attribute = (tag: string, name: string): number => Number(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1]);
  return {
    x: by("middle", 1),
    // Their baseline is 4 pixels under the line.
    y: new Map([...by("end", 2)].map(([name, y]) => [name, y - 4])),
    curves: [...markup.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
      points.split(" ").map((point) => point.split(",").map(Number) as [number, number]),
    ),
    marks: [...markup.matchAll(/<circle [^>]*>/g)].map(([tag]) => [attribute(tag, "cx"), attribute(tag, "cy")]),
    markup,
  };
}

/** Pixel of a value between two named ticks. */
export function between(
  ticks: ReadonlyMap<string, number>,
  low: readonly [string, number],
  high: readonly [string, number],
  value: number,
  map: (value: number) => number = (one) => one,
): number {
  const [from, to] = [ticks.get(low[0]), ticks.get(high[0])];
  assert.ok(from !== undefined && to !== undefined, `ticks ${[...ticks.keys()]}`);
  return from + ((to - from) * (map(value) - map(low[1]))) / (map(high[1]) - map(low[1]));
}
