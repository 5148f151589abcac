/**
 * What a replica has counted, at three moments: now, at the start of a window, and after the last merge. And the times that
 * it measured, which are not counts: one copy's are kept where all do the same.
 */
import type { Replica } from "./replica.ts";

export class Books {
  /** Numbers in the ledger. */
  readonly length: number;
  /** How much each counter has grown since the last merge; filled by `grown`. */
  readonly growth: Float64Array;
  readonly #merged: Float64Array;
  readonly #ledger: readonly Float64Array[];
  readonly #clocked: readonly Float64Array[];
  /** Copies, column by column. */
  readonly #before: readonly Float64Array[];
  readonly #grown: readonly Float64Array[];
  readonly #agreed: readonly Float64Array[];
  readonly #times: readonly Float64Array[];

  constructor(replica: Replica) {
    this.#ledger = replica.ledger();
    this.#clocked = replica.clocked;
    this.length = lengthOf(this.#ledger);
    this.growth = new Float64Array(this.length);
    this.#merged = new Float64Array(this.length);
    this.#before = parted(new Float64Array(this.length), this.#ledger);
    this.#grown = parted(this.growth, this.#ledger);
    this.#agreed = parted(this.#merged, this.#ledger);
    this.#times = parted(new Float64Array(lengthOf(this.#clocked)), this.#clocked);
    this.agreed();
  }

  /** A window begins. */
  keep(): void {
    copy(this.#ledger, this.#before);
  }

  /** It is taken back. */
  undo(): void {
    copy(this.#before, this.#ledger);
  }

  /** What is counted now, all copies have. */
  agreed(): void {
    copy(this.#ledger, this.#agreed);
  }

  /** Fills `growth`. */
  grown(): void {
    const { growth } = this;
    const merged = this.#merged;
    copy(this.#ledger, this.#grown);
    for (let n = 0; n < growth.length; n++) growth[n] -= merged[n];
  }

  /** `growth`, now of all workers, makes the counters that all copies have. */
  merge(): void {
    const { growth } = this;
    const merged = this.#merged;
    for (let n = 0; n < growth.length; n++) merged[n] += growth[n];
    copy(this.#agreed, this.#ledger);
  }

  /** Remembers measured times, and turns them back to that. */
  keepTimes(): void {
    copy(this.#clocked, this.#times);
  }

  resetTimes(): void {
    copy(this.#times, this.#clocked);
  }
}

/** Numbers in the ledger of a replica. */
export const ledgerLength = (replica: Replica): number => lengthOf(replica.ledger());

const lengthOf = (columns: readonly Float64Array[]): number => columns.reduce((sum, { length }) => sum + length, 0);

/** Views of `all`, one for each column and as long. */
function parted(all: Float64Array, columns: readonly Float64Array[]): readonly Float64Array[] {
  let at = 0;
  return columns.map(({ length }) => all.subarray(at, (at += length)));
}

/** By whole columns: what happens once a window is not compiled for long, and until then each number read is an object. */
function copy(from: readonly Float64Array[], to: readonly Float64Array[]): void {
  for (let c = 0; c < from.length; c++) to[c].set(from[c]);
}
