/**
 * What a speculative stretch (packet/speculation.ts) did to the statistics of megaflows: each one that is hit is noted once,
 * with its numbers before the hit. Either the stretch is undone from here, or the differences are what other threads are
 * told. Costs nothing outside of such a stretch, and one comparison a group of packets within.
 */
import { F_BYTES, F_PACKETS, F_USED, type MegaflowCache, RECORD_F64 } from "./megaflow-cache.ts";

export class FlowJournal {
  count = 0;
  /** Megaflow, and its packets, bytes and time of use before the stretch, by entry. */
  flow = new Int32Array(1024);
  packets = new Float64Array(1024);
  bytes = new Float64Array(1024);
  used = new Float64Array(1024);
  readonly #cache: MegaflowCache;
  /** By megaflow: the stretch that noted it last. */
  #mark = new Int32Array(1024);
  #stretch = 1;

  constructor(cache: MegaflowCache) {
    this.#cache = cache;
  }

  /** Notes megaflows[0, groups), before their statistics change; -1 stands for none. */
  note(megaflows: Int32Array, groups: number): void {
    const { f64 } = this.#cache;
    const stretch = this.#stretch;
    if (this.#mark.length < f64.length / RECORD_F64) this.#growMarks(f64.length / RECORD_F64);
    const mark = this.#mark;
    for (let g = 0; g < groups; g++) {
      const f = megaflows[g];
      if (f < 0 || mark[f] === stretch) continue;
      mark[f] = stretch;
      if (this.count === this.flow.length) this.#grow();
      const n = this.count++;
      const at = f * RECORD_F64;
      this.flow[n] = f;
      this.packets[n] = f64[at + F_PACKETS];
      this.bytes[n] = f64[at + F_BYTES];
      this.used[n] = f64[at + F_USED];
    }
  }

  /** Begins a new stretch. */
  clear(): void {
    this.count = 0;
    this.#stretch = (this.#stretch + 1) | 0;
    if (this.#stretch === 0) {
      this.#mark.fill(0);
      this.#stretch = 1;
    }
  }

  /** Puts every noted megaflow back to what it was before the stretch, and begins a new one. */
  undo(): void {
    const { f64 } = this.#cache;
    for (let n = 0; n < this.count; n++) {
      const at = this.flow[n] * RECORD_F64;
      f64[at + F_PACKETS] = this.packets[n];
      f64[at + F_BYTES] = this.bytes[n];
      f64[at + F_USED] = this.used[n];
    }
    this.clear();
  }

  #grow(): void {
    const larger = 2 * this.flow.length;
    const copy = <T extends Int32Array | Float64Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.flow = copy(new Int32Array(larger), this.flow);
    this.packets = copy(new Float64Array(larger), this.packets);
    this.bytes = copy(new Float64Array(larger), this.bytes);
    this.used = copy(new Float64Array(larger), this.used);
  }

  #growMarks(flows: number): void {
    const mark = new Int32Array(flows);
    mark.set(this.#mark);
    this.#mark = mark;
  }
}
