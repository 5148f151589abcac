/**
 * HTML and SVG as text. Every string that comes from outside goes through `escaped`; what is markup already is a `Markup`,
 * which only `el`, `join` and `raw` make, so that a forgotten escape is a type error.
 */

/** Text that is markup already. */
export interface Markup {
  readonly markup: string;
}

export type Child = Markup | string | number | null | undefined | false;
export type Attributes = Readonly<Record<string, string | number | null | undefined | false | true>>;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** Elements of HTML that have no end tag. */
const VOID: ReadonlySet<string> = new Set(["br", "hr", "img", "input", "link", "meta", "col", "wbr"]);
/** Neither HTML nor XML may hold these, escaped or not. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** `text` as HTML and XML have it, in elements and in quoted attributes; control characters become U+FFFD. */
export function escaped(text: string): string {
  return text.replace(FORBIDDEN, "\ufffd").replace(/[&<>"']/g, (one) => ENTITIES[one]);
}

/** An element; attributes that are null, undefined or false are left out, true has no value. */
export function el(name: string, attributes: Attributes, ...children: readonly Child[]): Markup {
  const text = Object.entries(attributes)
    .filter(([, value]) => value !== null && value !== undefined && value !== false)
    .map(([key, value]) =>
      value === true ? ` ${key}` : ` ${key}="${escaped(attributeText(value as string | number))}"`,
    )
    .join("");
  if (VOID.has(name)) return { markup: `<${name}${text}>` };
  return { markup: `<${name}${text}>${join(children).markup}</${name}>` };
}

/** Coordinates to a hundredth of a pixel. */
const attributeText = (value: string | number): string =>
  typeof value === "number" ? String(Math.round(value * 100) / 100) : value;

/** Children one after the other. */
export function join(children: readonly Child[], between = ""): Markup {
  return {
    markup: children
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => (typeof child === "object" ? (child as Markup).markup : escaped(String(child))))
      .join(between),
  };
}

/** Markup that this program wrote itself: never for anything read from a file. */
export const raw = (markup: string): Markup => ({ markup });

/** A number for people that keeps its exact value for programs. */
export function datum(value: number | null, shown: string): Child {
  return value === null ? shown : el("data", { value: String(value) }, shown);
}
