/**
 * Warm passes on several workers: the first one leads. It takes the samples (sampling.ts) and tells the others before each
 * pass; they follow until there is no more.
 */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Meeting } from "../../workers/control.ts";
import type { Lane } from "../../workers/lane.ts";
import type { Tally } from "../../workers/tally.ts";
import { deliveredBytesNow, deliveredNow, type PassRunner } from "./passes.ts";

/** What the leader says: how many passes, 0 = no more; with this added, the measured times are forgotten first. */
const END = 0;
const RESET = 2 ** 30;

export class LanePasses implements PassRunner {
  readonly #fabric: Fabric;
  readonly #lane: Lane;
  readonly #meeting: Meeting;
  readonly #tally: Tally;
  readonly #start: number;
  #at = 0;
  #reset = 0;
  #ns: Float64Array;

  /** `start`: virtual time of the first pass, ns. `tally` has a number for each host. */
  constructor(fabric: Fabric, lane: Lane, meeting: Meeting, tally: Tally, start: number) {
    this.#fabric = fabric;
    this.#lane = lane;
    this.#meeting = meeting;
    this.#tally = tally;
    this.#start = start;
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

  /** Leader: no more passes. */
  end(): void {
    this.#meeting.agree(END);
  }

  /** The others: what the leader says, to the end. */
  follow(): void {
    for (let what = this.#meeting.agree(END); what !== END; what = this.#meeting.agree(END)) this.#do(what);
  }

  #do(what: number): void {
    if (what >= RESET) this.#fabric.resetTimes();
    this.#reset = 0;
    const to = this.#at + (what % RESET) * this.#lane.bursts;
    this.#lane.run(this.#at, to, this.#start);
    this.#at = to;
    this.#ns = this.#tally.sum(Float64Array.from(this.#fabric.hosts, ({ ns }) => ns[0] + ns[1]));
  }
}
