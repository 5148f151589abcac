/**
 * Curves with their names at their ends, points with intervals, on linear, logarithmic or ordinal axes. Curves differ by
 * colour and, where they would lie on each other, by their dashes, so that a print without colours tells them apart too.
 */
import { type Draw, svg } from "./figure.ts";
import { type Child, el } from "./markup.ts";
import { apart, bottomAxis, leftAxis, line, type Tone, text, textWidth } from "./plot.ts";
import { linearScale, logScale, logScaleAt, ordinalScale, type Scale } from "./scale.ts";

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
  readonly interval?: readonly [number, number] | null;
}

export interface Curve {
  readonly name: string;
  readonly tone: Tone;
  readonly points: readonly CurvePoint[];
  /** "model": a dashed line without marks; "measured": marks with a line; "marks": only marks. */
  readonly kind: "model" | "measured" | "marks" | "line";
  /** 0: whole; 1, 2, 3: shorter and shorter dashes. */
  readonly dash?: 0 | 1 | 2 | 3;
}

export interface CurvePlot {
  readonly title: string;
  readonly description: string;
  readonly curves: readonly Curve[];
  readonly x: Axis;
  readonly y: Axis;
  readonly height?: number;
  /** Named places on the vertical axis. */
  readonly levels?: readonly { readonly value: number; readonly name: string }[];
  /** Places on the horizontal axis, a line up and a word beside it. */
  readonly places?: readonly { readonly x: number; readonly name: string }[];
}

export interface Axis {
  readonly title: string;
  readonly kind: "linear" | "log" | "ordinal";
  readonly tick: (value: number) => string;
  /** The axis begins here, or at 0 when linear, at the least value when logarithmic. */
  readonly low?: number;
  readonly high?: number;
  /** What is named on it, ascending; it begins at the first, and ends at the last or at `high`. All values if ordinal. */
  readonly ticks?: readonly number[];
}

/** A row of the legend, pixels. */
const LEGEND = 20;

/** Draws the plot. */
export function curvePlot(plot: CurvePlot): Draw {
  return (width, id) => {
    const points = plot.curves.flatMap((curve) => curve.points);
    const names = plot.curves.filter(({ name }) => name !== "");
    const narrow = width < 500;
    const room = Math.max(0, ...names.map(({ name }) => textWidth(name, 13)));
    // Names that would take the plot's room away stand under it.
    const legend = room > width * 0.3 ? names : [];
    const height = plot.height ?? (narrow ? 260 : 320);
    const top = (plot.places?.length ?? 0) > 0 ? 44 : 28;
    const bottom = height - 44;
    const yScale = axisScale(
      plot.y,
      points.flatMap(({ y, interval }) => [y, ...(interval ?? [])]),
      [bottom, top],
      narrow ? 4 : 5,
    );
    const left = 10 + Math.max(...yScale.ticks.map((tick) => textWidth(plot.y.tick(tick), 12)));
    const xScaleTo = (end: number): Scale =>
      axisScale(
        plot.x,
        points.map(({ x }) => x),
        [left, end],
        narrow ? 3 : 6,
      );
    // Half of the last tick's name stands right of the plot, too.
    const lastTick = textWidth(plot.x.tick(xScaleTo(width).ticks.at(-1) ?? 0), 12) / 2 + 2;
    const right = width - Math.max(lastTick, legend.length > 0 || names.length === 0 ? 12 : 22 + room);
    const xScale = xScaleTo(right);
    return svg(
      id,
      { width, height: height + LEGEND * legend.length + (legend.length > 0 ? 8 : 0) },
      plot,
      text(0, 14, plot.y.title, { class: "axis-title" }),
      ...bottomAxis(xScale, top, bottom, plot.x.tick, plot.x.title),
      ...leftAxis(yScale, left, right, plot.y.tick),
      line(left, bottom, right, bottom, { class: "axis" }),
      ...(plot.levels ?? []).map(({ value }) =>
        line(left, yScale.at(value), right, yScale.at(value), { class: "level" }),
      ),
      ...placesMarkup(plot.places ?? [], xScale, top, bottom, width),
      ...plot.curves.flatMap((curve) => curveMarkup(curve, xScale, yScale)),
      ...(legend.length > 0 ? legendMarkup(legend, height + 8) : endNames(names, xScale, yScale, right, top, bottom)),
    );
  };
}

/** Names right of the plot, each joined to the end of its curve where that is not beside it. */
function endNames(
  curves: readonly Curve[],
  xScale: Scale,
  yScale: Scale,
  right: number,
  top: number,
  bottom: number,
): Child[] {
  const ends = curves.map(({ points }) => points.at(-1) ?? { x: 0, y: 0 });
  const heights = apart(
    ends.map(({ y }) => yScale.at(y)),
    16,
    top,
    bottom,
  );
  return curves.flatMap(({ name, tone }, i) => {
    const [x, y] = [xScale.at(ends[i].x), yScale.at(ends[i].y)];
    const away = right - x > 3 || Math.abs(heights[i] - y) > 6;
    return [
      away && line(x + 2, y, right + 12, heights[i], { class: `leader ${tone}` }),
      text(right + 15, heights[i] + 4.5, name, { class: `label ${tone}` }),
    ];
  });
}

function legendMarkup(curves: readonly Curve[], top: number): Child[] {
  return curves.flatMap((curve, i) => {
    const y = top + LEGEND * (i + 0.5);
    const { name, tone, kind } = curve;
    return [
      kind !== "marks" && line(2, y, 34, y, { class: `curve ${tone} ${kind}${dashOf(curve)}` }),
      (kind === "marks" || kind === "measured") && el("circle", { cx: 18, cy: y, r: 4.5, class: `mark ${tone}` }),
      text(42, y + 4.5, name, { class: `label ${tone}` }),
    ];
  });
}

function placesMarkup(
  places: NonNullable<CurvePlot["places"]>,
  xScale: Scale,
  top: number,
  bottom: number,
  width: number,
): Child[] {
  return places.flatMap(({ x, name }, i) => {
    const at = xScale.at(x);
    const end = at + 5 + textWidth(name, 12) > width;
    // Two heights in turn, so that neighbours can be read.
    return [
      line(at, top - 8 - 12 * (i % 2), at, bottom, { class: "level" }),
      text(end ? at - 5 : at + 5, top - 2 - 12 * (i % 2), name, {
        class: "place",
        "text-anchor": end ? "end" : null,
      }),
    ];
  });
}

function axisScale(axis: Axis, values: readonly number[], range: readonly [number, number], count: number): Scale {
  if (axis.kind === "ordinal") {
    return ordinalScale(axis.ticks ?? [...new Set(values)].sort((a, b) => a - b), range);
  }
  const high = axis.high ?? Math.max(...values);
  if (axis.kind === "log") {
    if (axis.ticks !== undefined) return logScaleAt(axis.ticks, range, axis.high);
    const positive = values.filter((value) => value > 0);
    return logScale(axis.low ?? Math.min(...positive), high, range);
  }
  return linearScale(high, range, count, axis.low ?? 0);
}

const dashOf = ({ dash = 0 }: Curve): string => (dash === 0 ? "" : ` dash-${dash}`);

function curveMarkup(curve: Curve, xScale: Scale, yScale: Scale): Child[] {
  const { points, kind, tone } = curve;
  const at = ({ x, y }: CurvePoint): string => `${xScale.at(x).toFixed(2)},${yScale.at(y).toFixed(2)}`;
  const parts: Child[] = [];
  if (kind !== "marks" && points.length > 1) {
    parts.push(el("polyline", { points: points.map(at).join(" "), class: `curve ${tone} ${kind}${dashOf(curve)}` }));
  }
  if (kind === "model" || kind === "line") return parts;
  for (const point of points) {
    const x = xScale.at(point.x);
    if (point.interval) {
      parts.push(line(x, yScale.at(point.interval[0]), x, yScale.at(point.interval[1]), { class: `whisker ${tone}` }));
    }
    parts.push(el("circle", { cx: x, cy: yScale.at(point.y), r: 4.5, class: `mark ${tone}` }));
  }
  return parts;
}
