/**
 * Warm passes on several workers: the first one leads. It takes the samples (sampling.ts) and tells the others before each
 * pass; they follow until there is no more.
 */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Meeting } from "../../workers/control.ts";
import type { Lane } from "../../workers/lane.ts";
import type { Tally } from "../../workers/tally.ts";
import { type Growth, SharedHeaps } from "./allocation.ts";
import { deliveredBytesNow, deliveredNow, type PassRunner } from "./passes.ts";

/** What the leader says: how many passes, 0 = no more; with these added, the heaps are watched, measured times forgotten. */
const END = 0;
const WATCH = 2 ** 29;
const RESET = 2 ** 30;
const PASSES = WATCH - 1;

export class LanePasses implements PassRunner {
  readonly #fabric: Fabric;
  readonly #lane: Lane;
  readonly #meeting: Meeting;
  readonly #tally: Tally;
  readonly #heaps: SharedHeaps;
  /** Time in each host in the last passes: own, and of all workers. */
  readonly #own: Float64Array;
  #at = 0;
  #reset = 0;
  #ns: Float64Array;

  /** `tally` has a number for each host, `heaps` HEAP_TALLY. */
  constructor(fabric: Fabric, lane: Lane, meeting: Meeting, tally: Tally, heaps: Tally) {
    this.#fabric = fabric;
    this.#lane = lane;
    this.#meeting = meeting;
    this.#tally = tally;
    this.#heaps = new SharedHeaps(heaps);
    this.#own = new Float64Array(fabric.hosts.length);
    this.#ns = new Float64Array(fabric.hosts.length);
  }

  /** Leader: one pass of all workers. */
  pass(): void {
    this.passes(1);
  }

  passes(count: number): void {
    this.#do(this.#meeting.agree(count + this.#reset));
  }

  /** Leader: measured times count from the next pass on. */
  reset(): void {
    this.#reset = RESET;
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

  /** Leader: passes with everybody's heap watched, without the clock at each host. */
  async grow(count: number): Promise<Growth> {
    return this.#watched(this.#meeting.agree(WATCH + count));
  }

  /** Leader: no more passes. */
  end(): void {
    this.#meeting.agree(END);
    this.#heaps.close();
  }

  /** The others: what the leader says, to the end. */
  async follow(): Promise<void> {
    for (let what = this.#meeting.agree(END); what !== END; what = this.#meeting.agree(END)) {
      if ((what & WATCH) !== 0) await this.#watched(what);
      else this.#do(what);
    }
    this.#heaps.close();
  }

  async #watched(what: number): Promise<Growth> {
    const first = this.delivered();
    this.#fabric.keepTimes(false);
    const grown = await this.#heaps.over(() => this.#run(what & PASSES));
    this.#fabric.keepTimes(true);
    return { ...grown, packets: this.delivered() - first };
  }

  #do(what: number): void {
    if ((what & RESET) !== 0) this.#fabric.resetTimes();
    this.#reset = 0;
    this.#run(what & PASSES);
    const { hosts } = this.#fabric;
    for (let h = 0; h < hosts.length; h++) this.#own[h] = hosts[h].ns[0] + hosts[h].ns[1];
    this.#ns = this.#tally.sum(this.#own);
  }

  #run(passes: number): void {
    const to = this.#at + passes * this.#lane.bursts;
    this.#lane.run(this.#at, to);
    this.#at = to;
  }
}
