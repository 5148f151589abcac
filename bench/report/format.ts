/** Numbers and tables for people. */

/** 1234567 -> "1,234,567". */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** "1 core", "2 cores". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Three significant digits or more, without exponent: 0.123, 12.3, 1,234. "-" for what there is none of. */
export function number(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return whole(value);
  return value.toFixed(value === 0 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}

export function percent(share: number | null): string {
  return share === null || !Number.isFinite(share) ? "-" : `${(100 * share).toFixed(1)} %`;
}

/** Rows of cells with aligned columns: the first to the left, the others to the right; "" for an empty table. */
export function table(rows: readonly (readonly string[])[], indent = "  "): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [c, cell] of row.entries()) widths[c] = Math.max(widths[c] ?? 0, cell.length);
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c])));
      return `${indent}${cells.join("  ")}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join("");
}

/** A line of a list, wrapped, its continuation indented further. */
export function item(text: string): string {
  return wrapped(text, 96, "    ").replace(/^ {4}/, "  ");
}

/** `text` in lines of at most `width` characters, all indented; a longer word has a line of its own. "" for "". */
export function wrapped(text: string, width = 100, indent = "  "): string {
  const lines: string[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else if (word !== "") lines.push(indent + word);
  }
  return lines.map((line) => `${line}\n`).join("");
}
