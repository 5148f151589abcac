/**
 * Programs (program.ts) are kept once for all megaflows that run the same one: with 100,000 megaflows and one action list the
 * code stays in the first-level cache.
 */
import type { Arena } from "../wasm/arena.ts";
import { Op } from "./opcodes.ts";

/** Words of the operations that do something to each packet alone. */
const STRAIGHT = new Map<number, number>([
  [Op.SetEth, 4],
  [Op.SetEthMasked, 7],
  [Op.SetTtl, 2],
  [Op.SetIpv4, 7],
  [Op.SetTcp, 3],
  [Op.SetUdp, 3],
  [Op.PushVlan, 2],
  [Op.PopVlan, 1],
  [Op.Headroom, 2],
]);

/** Only operations on single packets, then an output or a drop. */
function isStraight(program: readonly number[]): boolean {
  let pc = 0;
  for (;;) {
    const op = program[pc];
    if (op === Op.Output || op === Op.Drop) return true;
    const words = op === Op.PushTunnel ? 6 + ((program[pc + 3] + 3) >> 2) : STRAIGHT.get(op);
    if (words === undefined) return false;
    pc += words;
  }
}

const FIRST_WORDS = 4096;

/** All programs in use, each once, in one array. */
export class ProgramStore {
  /** Replaced when it grows: read it anew for each burst. */
  code: Int32Array;
  /** Its address, for kernels. */
  codeAt: number;
  readonly #arena: Arena;
  #top = 0;
  readonly #offsets = new Map<string, number>();
  readonly #names = new Map<number, { readonly name: string; readonly words: number; users: number }>();
  readonly #free = new Map<number, number[]>();

  constructor(arena: Arena) {
    this.#arena = arena;
    this.codeAt = arena.alloc(4 * FIRST_WORDS);
    this.code = arena.i32(this.codeAt, FIRST_WORDS);
  }

  /** Different programs in use. */
  get size(): number {
    return this.#names.size;
  }

  /** Packets of several flows may run it as one chain: everything happens to each packet alone, then one operation ends it. */
  isStraight(offset: number): boolean {
    return this.code[offset - 1] !== 0;
  }

  /** Offset in `code` of a program, which is stored if it is new. Every call needs one `release`. */
  retain(program: readonly number[]): number {
    const name = program.join(",");
    const known = this.#offsets.get(name);
    if (known !== undefined) {
      const entry = this.#names.get(known);
      if (entry === undefined) throw new Error(`program at ${known} has an offset and no entry`);
      entry.users++;
      return known;
    }
    // The word before a program says whether it is straight.
    const offset = this.#free.get(program.length)?.pop() ?? this.#place(program.length + 1) + 1;
    this.code[offset - 1] = isStraight(program) ? 1 : 0;
    this.code.set(program, offset);
    this.#offsets.set(name, offset);
    this.#names.set(offset, { name, words: program.length, users: 1 });
    return offset;
  }

  release(offset: number): void {
    const entry = this.#names.get(offset);
    if (entry === undefined) throw new Error(`no program at ${offset}`);
    if (--entry.users > 0) return;
    this.#names.delete(offset);
    this.#offsets.delete(entry.name);
    const same = this.#free.get(entry.words);
    if (same === undefined) this.#free.set(entry.words, [offset]);
    else same.push(offset);
  }

  #place(words: number): number {
    const offset = this.#top;
    this.#top += words;
    if (this.#top > this.code.length) {
      const words = Math.max(2 * this.code.length, this.#top);
      const at = this.#arena.alloc(4 * words);
      const grown = this.#arena.i32(at, words);
      grown.set(this.code);
      this.#arena.free(this.codeAt, 4 * this.code.length);
      this.codeAt = at;
      this.code = grown;
    }
    return offset;
  }
}
