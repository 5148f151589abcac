/** Warm passes with every host on its own thread: host 0 leads, as in lane-passes.ts. */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Meeting } from "../../workers/control.ts";
import type { HostRunner } from "../../workers/host-runner.ts";
import type { Work } from "../../workers/replica.ts";
import type { Tally } from "../../workers/tally.ts";
import { deliveredBytesNow, deliveredNow, type PassRunner } from "./passes.ts";

const END = 0;
/** Added to the number of passes: the measured times are forgotten first. */
const RESET = 2 ** 30;

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
  readonly #of: HostWork;
  #round = 0;
  #reset = 0;
  #sums: Float64Array;

  constructor(fabric: Fabric, runner: HostRunner, meeting: Meeting, tally: Tally, of: HostWork) {
    this.#fabric = fabric;
    this.#runner = runner;
    this.#meeting = meeting;
    this.#tally = tally;
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

  end(): void {
    this.#meeting.agree(END);
  }

  /** The others: what the leader says, to the end. */
  follow(): void {
    for (let what = this.#meeting.agree(END); what !== END; what = this.#meeting.agree(END)) this.#do(what);
  }

  #do(what: number): void {
    const fabric = this.#fabric;
    if (what >= RESET) fabric.resetTimes();
    this.#reset = 0;
    const { work, entries, mine, start } = this.#of;
    for (let left = what % RESET; left > 0 && !this.#meeting.poisoned; left--) {
      this.#runner.pass(work, entries, mine, start + this.#round++ * work.span);
    }
    const times = fabric.hosts.map(({ ns }) => ns[0] + ns[1]);
    this.#sums = this.#tally.sum(Float64Array.of(deliveredNow(fabric), deliveredBytesNow(fabric), ...times));
  }
}
