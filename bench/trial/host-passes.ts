/** Warm passes with every host on its own thread: host 0 leads, as in lane-passes.ts. */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Meeting } from "../../workers/control.ts";
import type { HostRunner } from "../../workers/host-runner.ts";
import type { Work } from "../../workers/replica.ts";
import type { Tally } from "../../workers/tally.ts";
import { type Growth, SharedHeaps } from "./allocation.ts";
import { deliveredBytesNow, deliveredNow, type PassRunner } from "./passes.ts";

const END = 0;
/** Added to the number of passes: the heaps are watched; the measured times are forgotten first. */
const WATCH = 2 ** 29;
const RESET = 2 ** 30;
const PASSES = WATCH - 1;

/** Numbers that are summed up over the hosts: delivered frames and bytes, time in each host. */
export const tallyLength = (hosts: number): number => 2 + hosts;

export interface HostWork {
  readonly work: Work;
  readonly entries: Int32Array;
  /** By input: it goes in at this host. */
  readonly mine: readonly boolean[];
  /** Virtual time of the first pass, ns. */
  readonly start: number;
}

export class HostPasses implements PassRunner {
  readonly #fabric: Fabric;
  readonly #runner: HostRunner;
  readonly #meeting: Meeting;
  readonly #tally: Tally;
  readonly #heaps: SharedHeaps;
  readonly #of: HostWork;
  #round = 0;
  #reset = 0;
  readonly #own: Float64Array;
  #sums: Float64Array;

  /** `tally` has `tallyLength` numbers, `heaps` HEAP_TALLY. */
  constructor(fabric: Fabric, runner: HostRunner, meeting: Meeting, tally: Tally, heaps: Tally, of: HostWork) {
    this.#fabric = fabric;
    this.#runner = runner;
    this.#meeting = meeting;
    this.#tally = tally;
    this.#heaps = new SharedHeaps(heaps);
    this.#own = new Float64Array(tallyLength(fabric.hosts.length));
    this.#of = of;
    this.#sums = new Float64Array(tallyLength(fabric.hosts.length));
  }

  pass(): void {
    this.passes(1);
  }

  passes(count: number): void {
    this.#do(this.#meeting.agree(count + this.#reset));
  }

  reset(): void {
    this.#reset = RESET;
  }

  nodeNs(): readonly number[] {
    return [...this.#sums.subarray(2)];
  }

  delivered(): number {
    return this.#sums[0];
  }

  deliveredBytes(): number {
    return this.#sums[1];
  }

  /** Leader: passes with everybody's heap watched, without the clock at each host. */
  async grow(count: number): Promise<Growth> {
    return this.#watched(this.#meeting.agree(WATCH + count));
  }

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
    this.#sum();
    return { ...grown, packets: this.delivered() - first };
  }

  #do(what: number): void {
    if ((what & RESET) !== 0) this.#fabric.resetTimes();
    this.#reset = 0;
    this.#run(what & PASSES);
    this.#sum();
  }

  #run(passes: number): void {
    const { work, entries, mine, start } = this.#of;
    for (let left = passes; left > 0 && !this.#meeting.poisoned; left--) {
      this.#runner.pass(work, entries, mine, start + this.#round++ * work.span);
    }
  }

  #sum(): void {
    const fabric = this.#fabric;
    const own = this.#own;
    own[0] = deliveredNow(fabric);
    own[1] = deliveredBytesNow(fabric);
    for (let h = 0; h < fabric.hosts.length; h++) own[2 + h] = fabric.hosts[h].ns[0] + fabric.hosts[h].ns[1];
    this.#sums = this.#tally.sum(own);
  }
}
