/** Warm passes of a cluster on several workers: each has a copy of it, and all counters in the end. */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Meeting } from "../../workers/control.ts";
import type { Lane } from "../../workers/lane.ts";
import type { Tally } from "../../workers/tally.ts";
import { LedPasses } from "./led-passes.ts";
import { deliveredBytesNow, deliveredNow, type PassRunner } from "./passes.ts";

export class LanePasses extends LedPasses implements PassRunner {
  readonly #fabric: Fabric;
  readonly #lane: Lane;
  readonly #tally: Tally;
  /** Time in each host since the last reset: own, and of all workers. */
  readonly #own: Float64Array;
  #ns: Float64Array;
  #at = 0;

  /** `tally` has a number for each host, `heaps` HEAP_TALLY. */
  constructor(fabric: Fabric, lane: Lane, meeting: Meeting, tally: Tally, heaps: Tally) {
    super(meeting, heaps, fabric);
    this.#fabric = fabric;
    this.#lane = lane;
    this.#tally = tally;
    this.#own = new Float64Array(fabric.hosts.length);
    this.#ns = new Float64Array(fabric.hosts.length);
  }

  override reset(): void {
    super.reset();
    this.#ns.fill(0);
  }

  /** Time spent in each host since then, of all workers together, ns. */
  nodeNs(): readonly number[] {
    return [...this.#ns];
  }

  delivered(): number {
    return deliveredNow(this.#fabric);
  }

  deliveredBytes(): number {
    return deliveredBytesNow(this.#fabric);
  }

  protected packets(): number {
    return this.delivered();
  }

  protected run(passes: number): void {
    const to = this.#at + passes * this.#lane.bursts;
    this.#lane.run(this.#at, to);
    this.#at = to;
  }

  protected override sum(): void {
    const { hosts } = this.#fabric;
    for (let h = 0; h < hosts.length; h++) this.#own[h] = hosts[h].ns[0] + hosts[h].ns[1];
    this.#ns = this.#tally.sum(this.#own);
  }
}
