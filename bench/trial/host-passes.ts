/** Warm passes with every host on its own thread: each counts and measures its own. */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Meeting } from "../../workers/control.ts";
import type { HostRunner } from "../../workers/host-runner.ts";
import type { Work } from "../../workers/replica.ts";
import type { Tally } from "../../workers/tally.ts";
import { LedPasses } from "./led-passes.ts";
import { deliveredBytesNow, deliveredNow, type PassRunner } from "./passes.ts";

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

export class HostPasses extends LedPasses implements PassRunner {
  readonly #fabric: Fabric;
  readonly #runner: HostRunner;
  readonly #tally: Tally;
  readonly #of: HostWork;
  #round = 0;
  readonly #own: Float64Array;
  #sums: Float64Array;

  /** `tally` has `tallyLength` numbers, `heaps` HEAP_TALLY. */
  constructor(fabric: Fabric, runner: HostRunner, meeting: Meeting, tally: Tally, heaps: Tally, of: HostWork) {
    super(meeting, heaps, fabric);
    this.#fabric = fabric;
    this.#runner = runner;
    this.#tally = tally;
    this.#own = new Float64Array(tallyLength(fabric.hosts.length));
    this.#of = of;
    this.#sums = new Float64Array(tallyLength(fabric.hosts.length));
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

  protected packets(): number {
    return this.delivered();
  }

  protected run(passes: number): void {
    const { work, entries, mine, start } = this.#of;
    for (let left = passes; left > 0 && !this.meeting.poisoned; left--) {
      this.#runner.pass(work, entries, mine, start + this.#round++ * work.span);
    }
  }

  protected override sum(): void {
    const fabric = this.#fabric;
    const own = this.#own;
    own[0] = deliveredNow(fabric);
    own[1] = deliveredBytesNow(fabric);
    for (let h = 0; h < fabric.hosts.length; h++) own[2 + h] = fabric.hosts[h].ns[0] + fabric.hosts[h].ns[1];
    this.#sums = this.#tally.sum(own);
  }
}
