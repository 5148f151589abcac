/** Upcalls with a clock, between a datapath and its switch. */
import type { UpcallHandler } from "../../datapath/upcall.ts";
import type { Histogram } from "./histogram.ts";

/** Upcalls that a datapath makes, timed. */
export class UpcallWatch {
  /** [0] upcalls, [1] ns in them. */
  readonly total = new Float64Array(2);
  histogram: Histogram | null = null;
  /** Upcalls are another worker's to count: all do the same ones now. */
  quiet = false;

  /** The handler with a clock. Sweeps of the revalidator have no side effects and are no upcalls. */
  over(handler: UpcallHandler): UpcallHandler {
    const watch = this;
    return {
      get epoch() {
        return handler.epoch;
      },
      translate(keys, at, now, sideEffects) {
        const begin = performance.now();
        const translation = handler.translate(keys, at, now, sideEffects);
        if (sideEffects) watch.#took((performance.now() - begin) * 1e6);
        return translation;
      },
    };
  }

  #took(ns: number): void {
    if (this.quiet) return;
    this.total[0]++;
    this.total[1] += ns;
    this.histogram?.add(ns);
  }
}
