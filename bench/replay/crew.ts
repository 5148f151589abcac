/** Who carries a replay's frames: one thread, or several (lane-crew.ts), led from one. */
import { C_RECEIVED } from "../../datapath/counters.ts";
import { type Growth, HeapWatch } from "../trial/allocation.ts";
import { OnlyPackets } from "../trial/only-packets.ts";
import { type ColdResult, coldPass, entriesOf, PART_MS } from "../trial/passes.ts";
import type { Schedule } from "../trial/schedule.ts";
import type { ReplayEngine, Tap } from "./engine.ts";
import { burstsPerIteration, type PerfOptions, PerfRecorder } from "./perf.ts";
import type { PerfResult } from "./perf-result.ts";

export interface ColdDone extends ColdResult {
  /** What was recorded of it on this thread; null: nothing was to be. */
  readonly perf: PerfResult | null;
}

export interface Crew {
  /** The counting pass. */
  cold(): Promise<ColdDone>;
  /** A warm pass, or a part of one: false then; after the counting pass, virtual time running on. */
  pass(): unknown;
  /** So many at once, for those to whom beginning and ending one costs something. */
  passes?(count: number): void;
  /** So many warm passes with the heaps of all threads watched. */
  grow(count: number): Promise<Growth>;
  /** Forgets measured times: a sample begins. */
  reset(): void;
  /** It has ended. */
  sampled(): void;
  /** Credits all hits to rules and ports. */
  flush(): void;
  /** Records iterations from here on, where that was asked for; `passNs`: what a pass takes. */
  record(passNs: number): void;
  /** What was recorded on this thread since `record`. */
  recorded(): PerfResult | null;
}

/** This thread alone. */
export class SoleCrew implements Crew {
  readonly #engine: ReplayEngine;
  readonly #cold: () => Promise<ColdResult>;
  readonly #warm: Schedule;
  readonly #entries: Int32Array;
  readonly #perf: PerfOptions | null;
  /** [0] where the next pass begins, ns of virtual time: in an array, as a number it is an object each time it changes. */
  readonly #base = new Float64Array(1);
  /** Where the pass goes on. */
  #burst = 0;

  /** `tap` sees what leaves in the counting pass; `frames` of it are told to `progress`, which says whether to go on. */
  constructor(
    engine: ReplayEngine,
    schedule: Schedule,
    warm: Schedule,
    perf: PerfOptions | null,
    tap: Tap | null,
    frames: number | undefined,
    progress: (frames: number) => boolean,
  ) {
    this.#engine = engine;
    this.#warm = warm;
    this.#entries = entriesOf(engine, warm);
    this.#perf = perf;
    this.#cold = async () => {
      engine.tap = tap;
      if (perf !== null) this.#begin(1);
      const cold = await coldPass(engine, schedule, { rounds: 1, frames, realTime: false, progress });
      engine.tap = null;
      return cold;
    };
  }

  async cold(): Promise<ColdDone> {
    const cold = await this.#cold();
    this.#base[0] = cold.end;
    return { ...cold, perf: this.recorded() };
  }

  /** A pass, or a part of a long one: false then. One that is recorded is whole, as a pause would be in an iteration. */
  pass(): boolean {
    const most = this.#engine.perf === null ? PART_MS : Number.MAX_SAFE_INTEGER;
    this.#burst = this.#engine.part(this.#warm, this.#entries, this.#base, this.#burst, most);
    return this.#burst === 0;
  }

  async grow(count: number): Promise<Growth> {
    const { total } = this.#engine.datapath.counters;
    const first = total[C_RECEIVED];
    const heap = new HeapWatch();
    const only = new OnlyPackets(this.#engine);
    only.begin();
    const grown = await heap.over(() => {
      for (let i = 0; i < count; i++) this.#engine.pass(this.#warm, this.#entries, this.#base);
    });
    only.end();
    heap.close();
    return { ...grown, packets: total[C_RECEIVED] - first };
  }

  reset(): void {
    this.#engine.resetTimes();
    this.#engine.perf?.begin();
  }

  sampled(): void {
    this.#engine.perf?.pause();
  }

  flush(): void {
    this.#engine.datapath.flushStats();
  }

  record(passNs: number): void {
    if (this.#perf !== null) this.#begin(burstsPerIteration(passNs / (this.#warm.burst.length - 1)));
  }

  recorded(): PerfResult | null {
    const result = this.#engine.perf?.result() ?? null;
    this.#engine.perf = null;
    return result;
  }

  #begin(bursts: number): void {
    if (this.#perf === null) return;
    this.#engine.perf = new PerfRecorder(this.#engine, this.#perf, bursts);
    this.#engine.perf.begin();
  }
}
