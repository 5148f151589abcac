/**
 * The text of rules below the level of rules: pieces of a line that know where they stand, keys and values as ovs-ofctl cuts
 * them (OVS: ofputil_parse_key_value, lib/ofp-util.c), numbers as C's strtoull takes them, and the one error that all
 * malformed text ends in.
 */

/** A rule, group or match that cannot be understood; `message` is one line with file, line, column and what was expected. */
export class FlowSyntaxError extends Error {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** What should have stood there, in words. */
  readonly expected: string;

  constructor(file: string, line: number, column: number, problem: string, expected: string) {
    const where = `${file === "" ? "" : `${file}:`}${line}:${column}`;
    super(printable(`${where}: ${problem}${expected === "" ? "" : `; expected ${expected}`}`));
    this.name = "FlowSyntaxError";
    this.file = file;
    this.line = line;
    this.column = column;
    this.expected = expected;
  }
}

/** One line that does nothing to a terminal: control characters and line separators as \x or \u escapes. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (sign) => {
    const code = sign.codePointAt(0)!;
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });

/** Text in a message: quoted, cut when long. */
export const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** A piece of a line. */
export class Span {
  readonly text: string;
  /** Offset in the line, from 0. */
  readonly at: number;
  readonly file: string;
  readonly line: number;

  constructor(text: string, at: number, file: string, line: number) {
    this.text = text;
    this.at = at;
    this.file = file;
    this.line = line;
  }

  slice(from: number, to = this.text.length): Span {
    return new Span(this.text.slice(from, to), this.at + from, this.file, this.line);
  }

  fail(problem: string, expected: string): never {
    throw new FlowSyntaxError(this.file, this.line, this.at + 1, problem, expected);
  }
}

export interface KeyValue {
  readonly key: Span;
  /** Empty when there is none. */
  readonly value: Span;
  readonly delimiter: string;
}

/** Where the value ends that begins at `at`: at one of `ends`, but not inside parentheses. */
function valueEnd(text: string, at: number, ends: string): number {
  let n = at;
  while (n < text.length && !ends.includes(text[n])) {
    if (text[n] !== "(") {
      n++;
      continue;
    }
    let level = 0;
    do {
      if (n >= text.length) return n;
      if (text[n] === "(") level++;
      else if (text[n] === ")") level--;
      n++;
    } while (level > 0);
  }
  return n;
}

const SPACE = ", \t\r\n";

/** Cuts "key=value,key(value)key:value key" into its pairs. */
export function keyValues(span: Span): KeyValue[] {
  const { text } = span;
  const pairs: KeyValue[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && SPACE.includes(text[at])) at++;
    if (at >= text.length) return pairs;
    const start = at;
    while (at < text.length && !":=(, \t\r\n".includes(text[at])) at++;
    const key = span.slice(start, at);
    const delimiter = at < text.length ? text[at] : "";
    if (at < text.length) at++;
    if (delimiter !== ":" && delimiter !== "=" && delimiter !== "(") {
      pairs.push({ key, value: span.slice(start + key.text.length, start + key.text.length), delimiter: "" });
      continue;
    }
    const from = at;
    at = valueEnd(text, at, delimiter === "(" ? ")" : SPACE);
    if (delimiter === "(" && text.startsWith(")->", at)) at = valueEnd(text, at, SPACE);
    pairs.push({ key, value: span.slice(from, at), delimiter });
    if (at < text.length) at++;
  }
}

/** C's strtoull(text, &tail, 0): decimal, 0x hexadecimal, 0 octal, a plus in front. Returns the value and the length taken, or undefined. */
export function integerPrefix(text: string): { readonly value: bigint; readonly length: number } | undefined {
  const found = /^(\+?)(0[xX][0-9a-fA-F]+|[0-9]+)/.exec(text);
  if (found === null) return undefined;
  const [all, plus, digits] = found;
  if (/^0[xX]/.test(digits)) return { value: BigInt(digits), length: all.length };
  if (digits[0] === "0" && digits.length > 1) {
    const octal = /^0[0-7]*/.exec(digits)![0];
    return { value: octal === "0" ? 0n : BigInt(`0o${octal.slice(1)}`), length: plus.length + octal.length };
  }
  return { value: BigInt(digits), length: all.length };
}

/** A number from 0 to 2^bits - 1; `what` names it in the message. */
export function unsigned(span: Span, bits: number, what: string): bigint {
  const parsed = integerPrefix(span.text);
  if (parsed === undefined || parsed.length !== span.text.length || parsed.value >> BigInt(bits) !== 0n) {
    span.fail(`${what} ${shown(span.text)}`, `a number from 0 to ${bits === 64 ? "2^64-1" : 2 ** bits - 1}`);
  }
  return parsed.value;
}

/** The same where Open vSwitch reads decimal digits only (numbers of tables, all of `learn`): 010 is ten. */
export function decimal(span: Span, bits: number, what: string): number {
  const { text } = span;
  if (!/^\+?\d+$/.test(text) || Number(text) >= 2 ** bits) {
    span.fail(`${what} ${shown(text)}`, `a decimal number from 0 to ${2 ** bits - 1}`);
  }
  return Number(text);
}

export const u8 = (span: Span, what: string): number => Number(unsigned(span, 8, what));
export const u16 = (span: Span, what: string): number => Number(unsigned(span, 16, what));
export const u32 = (span: Span, what: string): number => Number(unsigned(span, 32, what));

/** The words of an integer of up to 128 bits, right-aligned. */
export function wordsOf(value: bigint): Int32Array {
  const out = new Int32Array(4);
  for (let i = 3; i >= 0; i--) {
    out[i] = Number(BigInt.asIntN(32, value));
    value >>= 32n;
  }
  return out;
}

/** The integer that four words are. */
export function bigOf(words: ArrayLike<number>): bigint {
  let value = 0n;
  for (let i = 0; i < 4; i++) value = (value << 32n) | BigInt(words[i] >>> 0);
  return value;
}

/** "0x1f", "0x0". */
export const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
/** C's %#x: "0x1f", but "0". */
export const alternateHex = (value: bigint | number): string => (BigInt(value) === 0n ? "0" : hex(value));
