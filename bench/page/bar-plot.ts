/** Horizontal bars from zero, each with its interval and its number at the end; groups of them under a heading. */
import { type Draw, svg } from "./figure.ts";
import { el, type Markup } from "./markup.ts";
import { bottomAxis, line, type Tone, text, textWidth } from "./plot.ts";
import { linearScale } from "./scale.ts";

export interface Bar {
  readonly name: string;
  readonly tone: Tone;
  readonly value: number;
  /** 95 % interval; null without one. */
  readonly interval: readonly [number, number] | null;
  /** The number as it stands at the bar's end, with its unit. */
  readonly shown: string;
}

export interface BarGroup {
  /** "" without a heading. */
  readonly name: string;
  readonly bars: readonly Bar[];
}

export interface BarPlot {
  readonly title: string;
  readonly description: string;
  readonly groups: readonly BarGroup[];
  readonly axis: string;
  readonly tick: (value: number) => string;
}

const BAR = 22;
const GAP = 7;
const HEADING = 24;

/** Draws the plot. */
export function barPlot(plot: BarPlot): Draw {
  return (width, id) => {
    const bars = plot.groups.flatMap((group) => group.bars);
    const left = Math.min(width * 0.34, 14 + Math.max(...bars.map(({ name }) => textWidth(name, 13))));
    const endRoom = 12 + Math.max(...bars.map(({ shown }) => textWidth(shown, 13)));
    const high = Math.max(...bars.map(({ value, interval }) => Math.max(value, interval?.[1] ?? 0)), Number.MIN_VALUE);
    // The longest bar leaves room for its number, which stands behind the interval.
    const scale = linearScale(high, [left, width - endRoom], width < 500 ? 3 : 6);
    const drawn: Markup[] = [];
    let y = 6;
    for (const [g, group] of plot.groups.entries()) {
      if (g > 0) y += 12;
      if (group.name !== "") {
        drawn.push(text(0, y + 14, group.name, { class: "group" }));
        y += HEADING;
      }
      for (const bar of group.bars) {
        drawn.push(...barMarkup(bar, y, left, scale.at));
        y += BAR + GAP;
      }
    }
    return svg(id, { width, height: y + 42 }, plot, ...bottomAxis(scale, 0, y, plot.tick, plot.axis), ...drawn);
  };
}

function barMarkup(bar: Bar, y: number, left: number, at: (value: number) => number): Markup[] {
  const middle = y + BAR / 2;
  const end = at(bar.value);
  const parts = [
    text(left - 10, middle + 4.5, bar.name, { class: "name", "text-anchor": "end" }),
    el("rect", { x: left, y, width: Math.max(end - left, 0.5), height: BAR, class: `fill ${bar.tone}` }),
  ];
  let behind = end;
  if (bar.interval !== null) {
    const [low, high] = bar.interval.map(at);
    behind = Math.max(end, high);
    parts.push(
      line(low, middle, high, middle, { class: "whisker" }),
      line(low, middle - 5, low, middle + 5, { class: "whisker" }),
      line(high, middle - 5, high, middle + 5, { class: "whisker" }),
    );
  }
  parts.push(text(behind + 8, middle + 4.5, bar.shown, { class: "value" }));
  return parts;
}
