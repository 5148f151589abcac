/**
 * Sums over all workers: each writes its row, they meet, each adds up all rows. Two sets of rows are used in turn, so that
 * the next sum does not write over rows that somebody still reads.
 */
import type { Meeting } from "./control.ts";

export function tallyBuffer(workers: number, length: number): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * workers * length * 8);
}

export class Tally {
  readonly #rows: Float64Array;
  readonly #meeting: Meeting;
  readonly #length: number;
  readonly #total: Float64Array;
  #parity = 0;

  constructor(buffer: SharedArrayBuffer, meeting: Meeting, length: number) {
    this.#rows = new Float64Array(buffer);
    this.#meeting = meeting;
    this.#length = length;
    this.#total = new Float64Array(length);
  }

  /** The sum of what all workers give here, number by number, until the next one is asked for. A meeting. */
  sum(values: Float64Array): Float64Array {
    const { worker, workers } = this.#meeting;
    const set = this.#parity * workers * this.#length;
    this.#parity ^= 1;
    this.#rows.set(values, set + worker * this.#length);
    this.#meeting.meet();
    const total = this.#total;
    total.fill(0);
    for (let w = 0; w < workers; w++) {
      for (let n = 0; n < this.#length; n++) total[n] += this.#rows[set + w * this.#length + n];
    }
    return total;
  }
}
