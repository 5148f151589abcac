/** A picture of the page: what it says in a sentence, how it is drawn, and the numbers that it was drawn from. */
import { type Child, el, join, type Markup } from "./markup.ts";

export interface DataTable {
  readonly caption: string;
  readonly head: readonly string[];
  /** The first cell of a row is its heading. */
  readonly rows: readonly (readonly Child[])[];
  /** Columns of words, which are set to the left; the first always is. */
  readonly words?: readonly number[];
}

/** A drawing for a given width in pixels; `id` makes the ids in it unique on the page. */
export type Draw = (width: number, id: string) => Markup;

export interface Figure {
  /** Unique on the page, also the name of the SVG file. */
  readonly id: string;
  /** What is shown: "Throughput on one core". */
  readonly topic: string;
  /** What it says, computed from the numbers. */
  readonly headline: string;
  readonly text?: readonly Child[];
  /** In one row where there is room. */
  readonly pictures: readonly Picture[];
  readonly notes?: readonly Child[];
  readonly tables: readonly DataTable[];
  /** Tables are wide: one under the other. */
  readonly stacked?: boolean;
  /** Tables that one opens. */
  readonly more?: { readonly summary: string; readonly tables: readonly DataTable[] };
}

export interface Picture {
  /** Appended to the figure's id. */
  readonly name: string;
  readonly caption?: string;
  readonly draw: Draw;
  /** Widths in pixels for a page beside which there is room, and for a telephone. */
  readonly wide: number;
  readonly narrow: number;
}

/** What a section shows in place of a figure for which no result was given. */
export interface Absent {
  readonly id: string;
  readonly topic: string;
  readonly sentence: Child;
}

export const NARROW = 343;
export const WIDE = 760;

/** The opening of every drawing: an image with a name and a description for those who do not see it. */
export function svg(
  id: string,
  size: { readonly width: number; readonly height: number },
  text: { readonly title: string; readonly description: string },
  ...children: readonly Child[]
): Markup {
  const { width, height } = size;
  return el(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${Math.round(height * 100) / 100}`,
      width,
      height,
      role: "img",
      "aria-labelledby": `${id}-t ${id}-d`,
    },
    el("title", { id: `${id}-t` }, text.title),
    el("desc", { id: `${id}-d` }, text.description),
    ...children,
  );
}

export function figureMarkup(figure: Figure): Markup {
  const { id, topic, headline, text = [], pictures, notes = [], tables, stacked = false, more } = figure;
  return el(
    "section",
    { id, "aria-labelledby": `${id}-h` },
    el("h2", { id: `${id}-h` }, el("span", { class: "topic" }, topic), el("span", { class: "headline" }, headline)),
    ...text.map((one) => el("p", { class: "prose" }, one)),
    pictures.length > 0 &&
      el(
        "div",
        { class: pictures.length > 1 ? "pictures several" : "pictures" },
        ...pictures.map((one) => pictureMarkup(id, one)),
      ),
    ...notes.map((note) => el("p", { class: "note" }, note)),
    tablesMarkup(id, tables, stacked),
    more !== undefined &&
      more.tables.length > 0 &&
      el("details", {}, el("summary", {}, more.summary), tablesMarkup(`${id}-more`, more.tables)),
  );
}

function tablesMarkup(id: string, tables: readonly DataTable[], stacked = false): Markup | null {
  if (tables.length === 0) return null;
  return el(
    "div",
    {
      class:
        tables.length < 2 ? "tables" : stacked ? "tables stacked" : `tables several${tables.length > 3 ? " many" : ""}`,
    },
    ...tables.map((one, i) => tableMarkup(`${id}-${i}`, one)),
  );
}

function pictureMarkup(id: string, { name, caption, draw, wide, narrow }: Picture): Markup {
  const drawn = `${id}-${name}`;
  return el(
    "figure",
    {},
    caption !== undefined && el("figcaption", {}, caption),
    el("div", { class: "wide" }, draw(wide, drawn)),
    el("div", { class: "narrow" }, draw(narrow, `${drawn}-narrow`)),
  );
}

export function absentMarkup({ id, topic, sentence }: Absent): Markup {
  return el(
    "section",
    { id, class: "absent", "aria-labelledby": `${id}-h` },
    el("h2", { id: `${id}-h` }, el("span", { class: "topic" }, topic)),
    el("p", { class: "prose" }, sentence),
  );
}

/** A table that scrolls by itself where it is wider than the page; reachable by keyboard for that. */
export function tableMarkup(id: string, { caption, head, rows, words = [] }: DataTable): Markup {
  const left = (column: number): string | null => (column === 0 || words.includes(column) ? "words" : null);
  return el(
    "div",
    { class: "scroll", role: "region", tabindex: 0, "aria-labelledby": `${id}-c` },
    el(
      "table",
      {},
      el("caption", { id: `${id}-c` }, caption),
      el(
        "thead",
        {},
        el("tr", {}, ...head.map((name, c) => el("th", { scope: "col", class: left(c) }, name === "" ? "what" : name))),
      ),
      el(
        "tbody",
        {},
        ...rows.map((row) =>
          el(
            "tr",
            {},
            ...row.map((cell, c) => (c === 0 ? el("th", { scope: "row" }, cell) : el("td", { class: left(c) }, cell))),
          ),
        ),
      ),
    ),
  );
}

/** Children in a row with spaces. */
export const spaced = (...children: readonly Child[]): Markup => join(children, " ");
