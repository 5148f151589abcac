/**
 * Where in a JSON text a value stands, and where the text stops being JSON: JSON.parse knows neither in all versions of Node.
 */

/** Line and column, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

/** Names and numbers of "bridges[0].ports[2].tag"; names with dots or brackets do not occur. */
export function pathOf(text: string): (string | number)[] {
  return [...text.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? name : Number(index),
  );
}

/** Walks a JSON text; `onValue` is told the path and the offset of each value before what is in it. */
class Walker {
  private at = 0;
  private readonly text: string;
  private readonly onValue: (path: readonly (string | number)[], at: number) => void;

  constructor(text: string, onValue: (path: readonly (string | number)[], at: number) => void) {
    this.text = text;
    this.onValue = onValue;
  }

  /** Returns the offset of the first character that cannot stand there, or -1. */
  run(): number {
    if (!this.value([])) return this.at;
    this.space();
    return this.at === this.text.length ? -1 : this.at;
  }

  private space(): void {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? "")) this.at++;
  }

  private takes(sign: string): boolean {
    this.space();
    if (this.text[this.at] !== sign) return false;
    this.at++;
    return true;
  }

  private token(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private value(path: readonly (string | number)[]): boolean {
    this.space();
    this.onValue(path, this.at);
    if (this.takes("{")) return this.members(path);
    if (this.takes("[")) return this.elements(path);
    return this.token(SCALAR) !== undefined;
  }

  private members(path: readonly (string | number)[]): boolean {
    if (this.takes("}")) return true;
    do {
      this.space();
      const name = this.token(STRING);
      if (name === undefined || !this.takes(":") || !this.value([...path, JSON.parse(name) as string])) return false;
    } while (this.takes(","));
    return this.takes("}");
  }

  private elements(path: readonly (string | number)[]): boolean {
    if (this.takes("]")) return true;
    let index = 0;
    do if (!this.value([...path, index++])) return false;
    while (this.takes(","));
    return this.takes("]");
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings hold none
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = new RegExp(`${STRING.source}|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|true|false|null`, "y");

/** Offset of the first character that is no JSON, -1 when all is. */
export const badOffset = (text: string): number => new Walker(text, () => undefined).run();

/** Where the value at `path` stands, or the nearest one around it. */
export function positionOf(text: string, path: readonly (string | number)[]): Position {
  let best = 0;
  let depth = -1;
  new Walker(text, (here, at) => {
    if (here.length > depth && here.length <= path.length && here.every((step, i) => step === path[i])) {
      depth = here.length;
      best = at;
    }
  }).run();
  return positionAt(text, best);
}
