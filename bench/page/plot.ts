/** What bars and curves share: text, axes, and the colour of a series by its class. */
import { type Attributes, type Child, el, type Markup } from "./markup.ts";
import type { Scale } from "./scale.ts";

/** Names a colour of style.ts. */
export type Tone = "legacy" | "dvr" | "third" | "fourth" | "fifth" | "plain";

const OTHERS: readonly Tone[] = ["third", "fourth", "fifth"];

/** The colour of a mode: legacy and dvr have their own everywhere on the page. */
export function toneOf(mode: string, index = 0): Tone {
  return mode === "legacy" || mode === "dvr" ? mode : OTHERS[index % OTHERS.length];
}

/** How a mode is called in sentences. */
export const modeName = (mode: string): string => (mode === "dvr" ? "DVR" : mode === "legacy" ? "Legacy" : mode);

export function text(x: number, y: number, content: Child, attributes: Attributes = {}): Markup {
  return el("text", { x, y, ...attributes }, content);
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes = {}): Markup {
  return el("line", { x1, y1, x2, y2, ...attributes });
}

/** Width of a text of about 12 px, for making room: digits and letters of the system's fonts are about that wide. */
export const textWidth = (content: string, size = 12): number => content.length * size * 0.62;

/** Lines and names of a horizontal axis under a plot from `top` to `bottom`. */
export function bottomAxis(
  scale: Scale,
  top: number,
  bottom: number,
  name: (value: number) => string,
  title: string,
): Markup[] {
  const [first, last] = scale.domain;
  const marks = thinned(
    scale.ticks,
    (tick) => scale.at(tick),
    (tick) => textWidth(name(tick), 12) + 10,
  );
  return [
    ...scale.ticks.map((tick) =>
      line(scale.at(tick), top, scale.at(tick), bottom, { class: tick === 0 ? "axis" : "grid" }),
    ),
    ...marks.map((tick) => text(scale.at(tick), bottom + 17, name(tick), { class: "tick", "text-anchor": "middle" })),
    text(scale.at(last), bottom + 34, title, { class: "axis-title", "text-anchor": "end" }),
    first !== 0 || scale.kind !== "linear"
      ? line(scale.at(first), bottom, scale.at(last), bottom, { class: "axis" })
      : line(0, 0, 0, 0, { class: "none" }),
  ];
}

/** Lines and names of a vertical axis left of a plot from `left` to `right`. */
export function leftAxis(scale: Scale, left: number, right: number, name: (value: number) => string): Markup[] {
  const marks = thinned(
    scale.ticks,
    (tick) => scale.at(tick),
    () => 18,
  );
  return [
    ...scale.ticks.map((tick) =>
      line(left, scale.at(tick), right, scale.at(tick), { class: tick === scale.domain[0] ? "axis" : "grid" }),
    ),
    ...marks.map((tick) => text(left - 8, scale.at(tick) + 4, name(tick), { class: "tick", "text-anchor": "end" })),
  ];
}

/** Ticks whose names do not run into each other, the first one always among them. */
function thinned(ticks: readonly number[], at: (tick: number) => number, room: (tick: number) => number): number[] {
  const kept: number[] = [];
  for (const tick of ticks) {
    const before = kept.at(-1);
    if (before === undefined || Math.abs(at(tick) - at(before)) >= (room(tick) + room(before)) / 2) kept.push(tick);
  }
  return kept;
}

/** Moves labels at `wanted` heights apart so that each has `room`, keeping their order and staying within [top, bottom]. */
export function apart(wanted: readonly number[], room: number, top: number, bottom: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const placed = [...wanted];
  let least = top;
  for (const i of order) {
    placed[i] = Math.max(wanted[i], least);
    least = placed[i] + room;
  }
  let most = bottom;
  for (const i of order.toReversed()) {
    placed[i] = Math.min(placed[i], most);
    most = placed[i] - room;
  }
  return placed;
}
