/**
 * Which flow the next frame belongs to. Round robin is the worst case of every cache, uniform the usual benchmark, Zipf what
 * networks look like: the flow of rank k has weight 1 / k^alpha.
 *
 * Zipf draws by the alias method (Vose 1991): two table reads a frame however many flows there are, 12 bytes a flow.
 * Powers are made of exp and log, which V8 computes by its own port of fdlibm: the same on every machine.
 */
import type { Random } from "./random.ts";

export const popularityKinds = ["round-robin", "uniform", "zipf"] as const;
export type PopularityKind = (typeof popularityKinds)[number];

export class Popularity {
  readonly kind: PopularityKind;
  readonly #flows: number;
  readonly #random: Random;
  readonly #keep: Float64Array;
  readonly #alias: Int32Array;
  #next = 0;

  /** `alpha` counts for zipf only. */
  constructor(kind: PopularityKind, flows: number, alpha: number, random: Random) {
    this.kind = kind;
    this.#flows = flows;
    this.#random = random;
    const table = kind === "zipf" ? flows : 0;
    this.#keep = new Float64Array(table);
    this.#alias = new Int32Array(table);
    if (table > 0) this.#fill(alpha);
  }

  /** The flow of the next frame, 0..flows-1. */
  next(): number {
    if (this.kind === "round-robin") {
      const flow = this.#next;
      this.#next = flow + 1 === this.#flows ? 0 : flow + 1;
      return flow;
    }
    const flow = this.#random.below(this.#flows);
    if (this.kind === "uniform" || this.#random.unit() < this.#keep[flow]) return flow;
    return this.#alias[flow];
  }

  #fill(alpha: number): void {
    const n = this.#flows;
    const keep = this.#keep;
    let sum = 0;
    for (let i = 0; i < n; i++) sum += keep[i] = Math.exp(-alpha * Math.log(i + 1));
    // Scaled so that 1 is the average; what is above it is poured into what is below.
    const small = new Int32Array(n);
    const large = new Int32Array(n);
    let smalls = 0;
    let larges = 0;
    for (let i = 0; i < n; i++) {
      keep[i] *= n / sum;
      if (keep[i] < 1) small[smalls++] = i;
      else large[larges++] = i;
    }
    while (smalls > 0 && larges > 0) {
      const low = small[--smalls];
      const high = large[larges - 1];
      this.#alias[low] = high;
      keep[high] -= 1 - keep[low];
      if (keep[high] < 1) {
        larges--;
        small[smalls++] = high;
      }
    }
    while (larges > 0) keep[large[--larges]] = 1;
    while (smalls > 0) keep[small[--smalls]] = 1; // only rounding leaves any
  }
}
