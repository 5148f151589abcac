/** How the caches fill in the cold pass: counts of all hosts so far, against the frames that went in. */
import { C_EXACT, C_LOOKUPS, C_MEGAFLOW, C_UPCALL } from "../../datapath/counters.ts";
import type { Fabric } from "../../datapath/fabric.ts";

/** Counts since the beginning of the pass. */
export interface CachePoint {
  readonly frames: number;
  readonly lookups: number;
  readonly exactHits: number;
  readonly megaflowHits: number;
  readonly upcalls: number;
}

export class CacheSeries {
  readonly points: CachePoint[] = [];
  readonly #fabric: Fabric;

  constructor(fabric: Fabric) {
    this.#fabric = fabric;
  }

  /** Notes the counts after `frames` frames; a second call with the same number is the same point. */
  sample(frames: number): void {
    if (this.points.at(-1)?.frames === frames) return;
    const sum = (counter: number): number =>
      this.#fabric.datapaths.reduce((total, { counters }) => total + counters.total[counter], 0);
    this.points.push({
      frames,
      lookups: sum(C_LOOKUPS),
      exactHits: sum(C_EXACT),
      megaflowHits: sum(C_MEGAFLOW),
      upcalls: sum(C_UPCALL),
    });
  }
}
