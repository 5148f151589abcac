/**
 * A small assembler for WebAssembly (Core Specification 2.0), for the few loops that run for every packet. Why not
 * JavaScript: V8 checks the map, the length and the detached state of a typed array or DataView at every access of a loop,
 * and reloads all of that from the object; a load or store here is one instruction, its range guarded by unmapped pages.
 *
 * Expressions are plain byte strings that functions return and that nest as the formula does; statements are written to a
 * `Func`, which knows how deep it is nested, so that a branch is `next(loop)` and not a number.
 *
 *   const sum = func.local(I32);
 *   func.loop(i, count, () => func.set(sum, add(sum, load(at, 8))));
 */

export const I32 = 0x7f;
export const F64 = 0x7c;
export const V128 = 0x7b;
export type ValueType = typeof I32 | typeof F64 | typeof V128;

/** Encoded instructions that leave one value. */
export type Code = readonly number[];
/** A parameter or local variable; it stands for its value where an operand is asked for. */
export class Local {
  readonly index: number;
  readonly type: ValueType;
  constructor(index: number, type: ValueType) {
    this.index = index;
    this.type = type;
  }
}
/** A number is an i32 constant. */
export type Operand = Code | Local | number;

/** LEB128, unsigned and signed (Core Specification 5.2.2). */
export function uleb(value: number): number[] {
  const out: number[] = [];
  let rest = value >>> 0;
  do {
    out.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    rest >>>= 7;
  } while (rest !== 0);
  return out;
}
function sleb(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) return [...out, byte];
    out.push(byte | 0x80);
  }
}

export function code(operand: Operand): Code {
  if (typeof operand === "number") return [0x41, ...sleb(operand)];
  return operand instanceof Local ? [0x20, ...uleb(operand.index)] : operand;
}

const unary =
  (...opcode: number[]) =>
  (a: Operand): Code => [...code(a), ...opcode];
const binary =
  (...opcode: number[]) =>
  (a: Operand, b: Operand): Code => [...code(a), ...code(b), ...opcode];
/** Loads and stores take any alignment; `offset` is a constant that costs nothing. */
const loading =
  (...opcode: number[]) =>
  (at: Operand, offset = 0): Code => [...code(at), ...opcode, 0, ...uleb(offset)];

export const isZero = unary(0x45);
export const equal = binary(0x46);
export const notEqual = binary(0x47);
export const lessSigned = binary(0x48);
export const less = binary(0x49);
export const greater = binary(0x4b);
export const greaterSigned = binary(0x4a);
export const atLeast = binary(0x4f);
export const countTrailingZeros = unary(0x68);
export const add = binary(0x6a);
export const sub = binary(0x6b);
export const mul = binary(0x6c);
export const and = binary(0x71);
export const or = binary(0x72);
export const xor = binary(0x73);
export const shl = binary(0x74);
export const shrSigned = binary(0x75);
export const shr = binary(0x76);
export const rotl = binary(0x77);
export const addF64 = binary(0xa0);
export const greaterF64 = binary(0x64);
/** i32, signed, to f64. */
export const toF64 = unary(0xb7);

export const load = loading(0x28);
export const loadF64 = loading(0x2b);
export const load8 = loading(0x2d);
export const load16 = loading(0x2f);
/** `condition ? a : b`, both evaluated. */
export const select = (condition: Operand, a: Operand, b: Operand): Code => [
  ...code(a),
  ...code(b),
  ...code(condition),
  0x1b,
];

const simd = (opcode: number): number[] => [0xfd, ...uleb(opcode)];
export const load128 = loading(...simd(0x00));
export const and128 = binary(...simd(0x4e));
export const andNot128 = binary(...simd(0x4f));
export const or128 = binary(...simd(0x50));
export const xor128 = binary(...simd(0x51));
export const anyTrue = unary(...simd(0x53));
export const add32x4 = binary(...simd(0xae));
export const mul32x4 = binary(...simd(0xb5));
export const splat32 = unary(...simd(0x11));
export const lane32 = (a: Operand, lane: number): Code => [...code(a), ...simd(0x1b), lane];
export const setLane32 = (a: Operand, lane: number, value: Operand): Code => [
  ...code(a),
  ...code(value),
  ...simd(0x1c),
  lane,
];
/** Bytes 0..15 are those of `a`, 16..31 those of `b`. */
export const shuffle = (a: Operand, b: Operand, bytes: readonly number[]): Code => [
  ...code(a),
  ...code(b),
  ...simd(0x0d),
  ...bytes,
];
/** Byte n of the result is byte bytes[n] of `a`, 0 where that is 16 or more. */
export const pick = (a: Operand, bytes: readonly number[]): Code => [
  ...code(a),
  ...simd(0x0c),
  ...bytes,
  ...simd(0x0e),
];
/** Four words, the first in the lowest lane. */
export const const128 = (words: readonly number[]): Code => [
  ...simd(0x0c),
  ...words.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]),
];

/** A place that `next` and `leave` branch to. */
export interface Loop {
  readonly exit: number;
  readonly body: number;
}

/** A function that is being written. Parameters are i32; so is the result, if it has one. */
export class Func {
  readonly name: string;
  readonly params: readonly Local[];
  readonly hasResult: boolean;
  readonly #locals: ValueType[] = [];
  readonly #bytes: number[] = [];
  #depth = 0;

  constructor(name: string, params: number, hasResult: boolean) {
    this.name = name;
    this.params = Array.from({ length: params }, (_, n) => new Local(n, I32));
    this.hasResult = hasResult;
  }

  local(type: ValueType, value?: Operand): Local {
    const local = new Local(this.params.length + this.#locals.length, type);
    this.#locals.push(type);
    if (value !== undefined) this.set(local, value);
    return local;
  }

  #emit(...parts: readonly (Code | number)[]): void {
    for (const part of parts) {
      if (typeof part === "number") this.#bytes.push(part);
      else for (const byte of part) this.#bytes.push(byte);
    }
  }

  set(local: Local, value: Operand): void {
    this.#emit(code(value), 0x21, uleb(local.index));
  }
  /** A statement per width; the order of operands is that of the sentence "store at address value". */
  store(at: Operand, offset: number, value: Operand): void {
    this.#emit(code(at), code(value), 0x36, 0, uleb(offset));
  }
  store16(at: Operand, offset: number, value: Operand): void {
    this.#emit(code(at), code(value), 0x3b, 0, uleb(offset));
  }
  store8(at: Operand, offset: number, value: Operand): void {
    this.#emit(code(at), code(value), 0x3a, 0, uleb(offset));
  }
  storeF64(at: Operand, offset: number, value: Operand): void {
    this.#emit(code(at), code(value), 0x39, 0, uleb(offset));
  }
  store128(at: Operand, offset: number, value: Operand): void {
    this.#emit(code(at), code(value), simd(0x0b), 0, uleb(offset));
  }

  if(condition: Operand, then: () => void, otherwise?: () => void): void {
    this.#emit(code(condition), 0x04, 0x40);
    this.#depth++;
    then();
    if (otherwise !== undefined) {
      this.#emit(0x05);
      otherwise();
    }
    this.#depth--;
    this.#emit(0x0b);
  }

  /** A block that `leave` ends early. */
  block(body: (self: Loop) => void): void {
    this.#emit(0x02, 0x40);
    this.#depth++;
    body({ exit: this.#depth, body: this.#depth });
    this.#depth--;
    this.#emit(0x0b);
  }

  /** `for (i = from; i < to; i++) body`, signed. */
  loop(i: Local, from: Operand, to: Operand, body: (self: Loop) => void): void {
    this.set(i, from);
    this.forever((outer) => {
      this.leave(outer, isZero(lessSigned(i, to)));
      this.block((inner) => body({ exit: outer.exit, body: inner.body }));
      this.set(i, add(i, 1));
    });
  }

  /** Repeats `body` until something leaves; `next` starts it again. */
  forever(body: (self: Loop) => void): void {
    this.#emit(0x02, 0x40, 0x03, 0x40);
    this.#depth += 2;
    const depth = this.#depth;
    body({ exit: depth - 1, body: depth });
    this.#emit(0x0c, uleb(this.#depth - depth), 0x0b, 0x0b);
    this.#depth -= 2;
  }

  /** Ends a loop or block, if `condition` holds. */
  leave(where: Loop, condition?: Operand): void {
    this.#branch(where.exit, condition);
  }
  /** The next turn of a loop. */
  next(where: Loop, condition?: Operand): void {
    this.#branch(where.body, condition);
  }
  #branch(target: number, condition: Operand | undefined): void {
    const label = uleb(this.#depth - target);
    if (condition === undefined) this.#emit(0x0c, label);
    else this.#emit(code(condition), 0x0d, label);
  }

  return(value?: Operand): void {
    if (value !== undefined) this.#emit(code(value));
    this.#emit(0x0f);
  }

  /** Its entry in the code section. */
  get body(): number[] {
    const locals = this.#locals.flatMap((type) => [1, type]);
    const bytes = [...uleb(this.#locals.length), ...locals, ...this.#bytes, ...(this.hasResult ? [0x41, 0] : []), 0x0b];
    return [...uleb(bytes.length), ...bytes];
  }
}

const section = (id: number, content: readonly number[]): number[] => [id, ...uleb(content.length), ...content];
const vector = (items: readonly (readonly number[])[]): number[] => [...uleb(items.length), ...items.flat()];
const text = (value: string): number[] => [
  ...uleb(value.length),
  ...Array.from(value, (letter) => letter.charCodeAt(0)),
];

/** Pages of 64 KB that a memory has at least and at most: a module and its memory must agree (arena.ts). */
export const FIRST_PAGES = 16;
/** Addresses stay below 2^31, so that they are small integers in JavaScript. */
export const MAX_PAGES = 32768;
const SHARED_WITH_MAXIMUM = 3;

/** A module of these functions, all exported, over an imported memory "env" "memory" of an arena. */
export function assemble(functions: readonly Func[]): Uint8Array<ArrayBuffer> {
  const types = functions.map((f) => [
    0x60,
    ...uleb(f.params.length),
    ...f.params.map(() => I32),
    ...(f.hasResult ? [1, I32] : [0]),
  ]);
  const limits = [SHARED_WITH_MAXIMUM, ...uleb(FIRST_PAGES), ...uleb(MAX_PAGES)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([[...text("env"), ...text("memory"), 2, ...limits]])),
    ...section(3, vector(functions.map((_, n) => uleb(n)))),
    ...section(7, vector(functions.map((f, n) => [...text(f.name), 0, ...uleb(n)]))),
    ...section(10, vector(functions.map((f) => f.body))),
    // Names for profilers (Core Specification 7.4.1).
    ...section(0, [...text("name"), ...section(1, vector(functions.map((f, n) => [...uleb(n), ...text(f.name)])))]),
  ]);
}
