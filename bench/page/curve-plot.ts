/** Curves with their names at their ends, points with intervals, on linear or logarithmic axes. */
import { type Draw, svg } from "./figure.ts";
import { el, type Markup } from "./markup.ts";
import { apart, bottomAxis, leftAxis, line, type Tone, text, textWidth } from "./plot.ts";
import { linearScale, logScale, type Scale } from "./scale.ts";

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
}

export interface Axis {
  readonly title: string;
  readonly kind: "linear" | "log";
  readonly tick: (value: number) => string;
  /** The axis begins here, or at 0 when linear, at the least value when logarithmic. */
  readonly low?: number;
  readonly high?: number;
}

/** Draws the plot. */
export function curvePlot(plot: CurvePlot): Draw {
  return (width, id) => {
    const points = plot.curves.flatMap((curve) => curve.points);
    const names = plot.curves.filter(({ name }) => name !== "");
    const narrow = width < 500;
    const height = plot.height ?? (narrow ? 260 : 320);
    const top = 28;
    const bottom = height - 44;
    const yScale = axisScale(
      plot.y,
      points.flatMap(({ y, interval }) => [y, ...(interval ?? [])]),
      [bottom, top],
      narrow ? 4 : 5,
    );
    const left = 10 + Math.max(...yScale.ticks.map((tick) => textWidth(plot.y.tick(tick), 12)));
    const right = width - 14 - Math.max(0, ...names.map(({ name }) => textWidth(name, 13)));
    const xScale = axisScale(
      plot.x,
      points.map(({ x }) => x),
      [left, right],
      narrow ? 3 : 6,
    );
    const ends = names.map((curve) => yScale.at(curve.points.at(-1)?.y ?? 0));
    const labels = apart(ends, 16, top, bottom);
    return svg(
      id,
      { width, height },
      plot,
      text(0, 14, plot.y.title, { class: "axis-title" }),
      ...bottomAxis(xScale, top, bottom, plot.x.tick, plot.x.title),
      ...leftAxis(yScale, left, right, plot.y.tick),
      ...(plot.levels ?? []).map(({ value }) =>
        line(left, yScale.at(value), right, yScale.at(value), { class: "level" }),
      ),
      ...plot.curves.flatMap((curve) => curveMarkup(curve, xScale, yScale)),
      ...names.map((curve, i) => {
        const last = curve.points.at(-1);
        return text(last === undefined ? right : xScale.at(last.x) + 9, labels[i] + 4.5, curve.name, {
          class: `label ${curve.tone}`,
        });
      }),
    );
  };
}

function axisScale(axis: Axis, values: readonly number[], range: readonly [number, number], count: number): Scale {
  const high = axis.high ?? Math.max(...values);
  if (axis.kind === "log") {
    const positive = values.filter((value) => value > 0);
    return logScale(axis.low ?? Math.min(...positive), high, range);
  }
  return linearScale(high, range, count, axis.low ?? 0);
}

function curveMarkup({ points, kind, tone }: Curve, xScale: Scale, yScale: Scale): Markup[] {
  const at = ({ x, y }: CurvePoint): string => `${xScale.at(x).toFixed(2)},${yScale.at(y).toFixed(2)}`;
  const parts: Markup[] = [];
  if (kind !== "marks" && points.length > 1) {
    parts.push(el("polyline", { points: points.map(at).join(" "), class: `curve ${tone} ${kind}` }));
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
