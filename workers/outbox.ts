/**
 * What a worker tells the others when they meet to merge: how much each of its counters has grown since the last time, and
 * how much each megaflow that it hit. Everybody adds everybody else's; then all copies are the same again, and each of them
 * what one worker alone would have. Doubles that hold integers are exact up to 2^53, so the order of adding does not matter.
 *
 *   worker w, parity p:  entries | growth of each counter | (datapath and megaflow, packets, bytes, time of use)[]
 *
 * There are two for each worker, used in turn: while somebody still reads the last one, the next is being filled.
 */
import type { Datapath } from "../datapath/datapath.ts";
import { F_BYTES, F_PACKETS, F_USED, RECORD_F64 } from "../datapath/lookup/megaflow-cache.ts";

const ENTRY = 4;
/** Megaflow numbers go up to twice the flow limit (400,000); the datapath is above them. */
const DATAPATH_BIT = 2 ** 22;

/** Entries that fit: megaflows hit between two merges, each counted once a window. */
export const OUTBOX_ENTRIES = 1 << 17;

/** Shared memory for the outboxes of `workers` with `counters` counters each. */
export function outboxBuffer(workers: number, counters: number, entries = OUTBOX_ENTRIES): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * 2 * (1 + counters + ENTRY * entries) * 8);
}

export class Outboxes {
  readonly capacity: number;
  /** Entries in the own box since the last merge. */
  count = 0;
  readonly #worker: number;
  readonly #workers: number;
  readonly #counters: number;
  readonly #box: Float64Array;
  readonly #size: number;
  #parity = 0;

  constructor(buffer: SharedArrayBuffer, worker: number, workers: number, counters: number) {
    this.#box = new Float64Array(buffer);
    this.#worker = worker;
    this.#workers = workers;
    this.#counters = counters;
    this.#size = this.#box.length / (2 * workers);
    this.capacity = Math.floor((this.#size - 1 - counters) / ENTRY);
  }

  /** Writes down what the stretch in the journals of the datapaths did, and begins a new stretch there. */
  take(datapaths: readonly Datapath[]): void {
    const box = this.#box;
    let to = this.#at(this.#worker) + 1 + this.#counters + ENTRY * this.count;
    for (let d = 0; d < datapaths.length; d++) {
      const { journal, megaflowCache } = datapaths[d];
      const { flow, packets, bytes } = journal;
      const { f64 } = megaflowCache;
      const n = journal.count;
      for (let i = 0; i < n; i++) {
        const f = flow[i];
        const at = f * RECORD_F64;
        box[to] = f + d * DATAPATH_BIT;
        box[to + 1] = f64[at + F_PACKETS] - packets[i];
        box[to + 2] = f64[at + F_BYTES] - bytes[i];
        box[to + 3] = f64[at + F_USED];
        to += ENTRY;
      }
      this.count += n;
      journal.clear();
    }
  }

  /** Puts the growth of the counters in. After this the workers must meet, then each calls `receive`. */
  send(growth: Float64Array): void {
    const at = this.#at(this.#worker);
    this.#box[at] = this.count;
    this.#box.set(growth, at + 1);
  }

  /** Adds what the other workers sent: counters to `growth`, hits to the megaflows. Then the other box is in use. */
  receive(growth: Float64Array, datapaths: readonly Datapath[]): void {
    const box = this.#box;
    for (let worker = 0; worker < this.#workers; worker++) {
      if (worker === this.#worker) continue;
      const from = this.#at(worker);
      for (let n = 0; n < this.#counters; n++) growth[n] += box[from + 1 + n];
      let at = from + 1 + this.#counters;
      for (let left = box[from]; left > 0; left--, at += ENTRY) {
        const d = Math.floor(box[at] / DATAPATH_BIT);
        const { f64 } = datapaths[d].megaflowCache;
        const to = (box[at] - d * DATAPATH_BIT) * RECORD_F64;
        f64[to + F_PACKETS] += box[at + 1];
        f64[to + F_BYTES] += box[at + 2];
        if (box[at + 3] > f64[to + F_USED]) f64[to + F_USED] = box[at + 3];
      }
    }
    this.count = 0;
    this.#parity ^= 1;
  }

  #at(worker: number): number {
    return (2 * worker + this.#parity) * this.#size;
  }
}
