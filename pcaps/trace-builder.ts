/**
 * A Trace made frame by frame in memory: what the libpcap reader and the generator fill, and what tests make by hand.
 */
import type { Trace } from "../datapath/packet/trace.ts";
import { COLUMN_BYTES, FrameColumns } from "./frame-columns.ts";
import { InputError } from "./input-error.ts";

const MAX_BYTES = 2 ** 31 - 1;

export class TraceBuilder {
  readonly name: string;
  readonly #memory: number;
  readonly #columns = new FrameColumns(1024);
  #bytes = new Uint8Array(new SharedArrayBuffer(1 << 16));
  #filled = 0;

  /** `memory`: most bytes for frames and columns together. */
  constructor(name: string, memory = Infinity) {
    this.name = name;
    this.#memory = memory;
  }

  get count(): number {
    return this.#columns.total;
  }

  /** Appends a copy of frame[start, end), at a time since 1970. Throws InputError beyond the memory limit or 2 GiB. */
  add(
    frame: Uint8Array,
    start: number,
    end: number,
    seconds: number,
    nanoseconds: number,
    wireLength = end - start,
  ): void {
    const length = end - start;
    const needed = this.#filled + length;
    if (needed > MAX_BYTES || needed + (this.count + 1) * COLUMN_BYTES > this.#memory) {
      const limit = Math.min(this.#memory, MAX_BYTES);
      throw new InputError(`${this.name}: needs more than ${limit} bytes of memory as one trace, which is the limit`);
    }
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(
        new SharedArrayBuffer(Math.min(Math.max(this.#bytes.length * 2, needed), MAX_BYTES)),
      );
      larger.set(this.#bytes.subarray(0, this.#filled));
      this.#bytes = larger;
    }
    this.#bytes.set(start === 0 && end === frame.length ? frame : frame.subarray(start, end), this.#filled);
    this.#columns.add(this.#filled, length, wireLength, seconds, nanoseconds);
    this.#filled = needed;
  }

  /** The trace; `warnings` come before those about clock and lengths. */
  build(warnings: readonly string[] = []): Trace {
    return this.#columns.trace(this.name, this.#bytes, [...warnings, ...this.#columns.warnings()]);
  }
}
