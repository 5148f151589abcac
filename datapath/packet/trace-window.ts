/**
 * A window on a trace that is too long to lie next to the slots as a whole: half a MB of it does, and moves on as frames are
 * taken in order. Receiving frames of 60 bytes from a capture of 1 GB takes 21 ns each, 38 where JavaScript copies them one by
 * one (the whole way, MAC rewrite: 48 and 68).
 *
 * All places of the window are cut beforehand, since a view is an object: none is made while frames are taken.
 */
import type { Arena } from "../wasm/arena.ts";
import { BURST } from "./packet-batch.ts";
import type { Trace } from "./trace.ts";

/** From one place of the window to the next, bytes. */
const STEP = 1 << 19;
/** Frames are asked for out of order: so many questions are answered by no before the window follows. */
const PATIENCE = 64;

export class TraceWindow {
  readonly #trace: Trace;
  readonly #places: readonly Uint8Array[];
  /** Where the window's bytes lie in the arena. */
  readonly #at: number;
  readonly #bytes: Uint8Array;
  readonly #step: number;
  #place = -1;
  /** Questions since the last move. */
  #asked = 0;

  /** `longest`: the longest frame, bytes; a burst of such frames reaches over the end of a step. `step`: for tests. */
  constructor(trace: Trace, arena: Arena, longest: number, step = STEP) {
    this.#trace = trace;
    this.#step = step;
    const { bytes } = trace;
    const length = step + 2 * BURST * longest;
    this.#places = Array.from({ length: Math.ceil(bytes.length / step) }, (_, n) =>
      bytes.subarray(n * step, Math.min(bytes.length, n * step + length)),
    );
    this.#at = arena.alloc(length);
    this.#bytes = arena.u8(this.#at, length);
  }

  /**
   * Moves to the place where frame `first` begins. Returns the address in the arena that byte 0 of the trace would have (modulo
   * 2^32; frames `first` to `last` lie at it plus their start), or null: they do not all fit, or are asked for out of order.
   */
  over(first: number, last: number): number | null {
    const { start, length } = this.#trace;
    const step = this.#step;
    const place = Math.floor(start[first] / step);
    this.#asked++;
    if (place !== this.#place) {
      // To and fro between two places would copy half a MB for each frame.
      if (place !== this.#place + 1 && this.#asked <= PATIENCE) return null;
      this.#bytes.set(this.#places[place]);
      this.#place = place;
      this.#asked = 0;
    }
    const end = start[last] + length[last];
    if (end < start[first] || end > place * step + this.#places[place].length) return null;
    return (this.#at - place * step) | 0;
  }
}
