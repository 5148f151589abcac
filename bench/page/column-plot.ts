/** Upright columns side by side, one a bin of a histogram; bins between walls, the last one open. */
import { whole } from "./amount.ts";
import { type Draw, svg } from "./figure.ts";
import { el } from "./markup.ts";
import { leftAxis, line, type Tone, text, textWidth } from "./plot.ts";
import { linearScale } from "./scale.ts";

export interface ColumnPlot {
  readonly title: string;
  readonly description: string;
  /** What is counted, and in which unit: "nanoseconds of an iteration". */
  readonly axis: string;
  /** What a column's height counts. */
  readonly counted: string;
  readonly columns: readonly { readonly name: string; readonly count: number }[];
  readonly tone: Tone;
}

const HEIGHT = 200;
const TOP = 28;

/** Draws the plot. */
export function columnPlot(plot: ColumnPlot): Draw {
  return (width, id) => {
    const { columns, tone } = plot;
    const bottom = HEIGHT - 44;
    const scale = linearScale(Math.max(1, ...columns.map(({ count }) => count)), [bottom, TOP], 3);
    const ticks = scale.ticks.filter(Number.isInteger);
    const left = 10 + Math.max(...ticks.map((tick) => textWidth(whole(tick), 12)));
    const step = (width - left - 2) / Math.max(1, columns.length);
    const at = (i: number): number => left + step * i;
    // As many names as there is room for, each under the middle of its column.
    const room = Math.max(...columns.map(({ name }) => textWidth(name, 12))) + 10;
    const every = Math.max(1, Math.ceil(room / step));
    return svg(
      id,
      { width, height: HEIGHT },
      plot,
      text(0, 14, plot.counted, { class: "axis-title" }),
      ...leftAxis({ ...scale, ticks }, left, width, whole),
      line(left, bottom, width, bottom, { class: "axis" }),
      ...columns.map(({ count }, i) =>
        el("rect", {
          x: at(i) + Math.min(1.5, step * 0.1),
          y: count === 0 ? bottom : Math.min(scale.at(count), bottom - 1),
          width: step - 2 * Math.min(1.5, step * 0.1),
          height: count === 0 ? 0 : Math.max(1, bottom - scale.at(count)),
          class: `fill ${tone}`,
        }),
      ),
      ...columns.map(
        ({ name }, i) =>
          i % every === 0 &&
          at(i) + step / 2 + textWidth(name, 12) / 2 <= width + 2 &&
          text(at(i) + step / 2, bottom + 17, name, { class: "tick", "text-anchor": "middle" }),
      ),
      text(width, bottom + 34, plot.axis, { class: "axis-title", "text-anchor": "end" }),
    );
  };
}
