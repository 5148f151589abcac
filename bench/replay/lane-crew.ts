/** Several workers carry a replay's frames (workers/lane.ts), each with a bridge of its own. */
import { C_RECEIVED } from "../../datapath/counters.ts";
import type { Meeting } from "../../workers/control.ts";
import { Lane, type WindowWatcher } from "../../workers/lane.ts";
import type { Work } from "../../workers/replica.ts";
import { Tally } from "../../workers/tally.ts";
import { HEAP_TALLY } from "../trial/allocation.ts";
import { LedPasses, OWN_WORDS } from "../trial/led-passes.ts";
import type { ColdDone, Crew } from "./crew.ts";
import type { ReplayEngine } from "./engine.ts";
import { burstsPerIteration, type PerfOptions, PerfRecorder } from "./perf.ts";
import type { PerfResult } from "./perf-result.ts";
import { PerfWindows } from "./perf-windows.ts";

/** What the leader says beside passes: hits are credited; iterations are recorded from here on (so many bursts each); no longer. */
const FLUSH = OWN_WORDS;
const RECORD = 2 * OWN_WORDS;
const RECORDED = 4 * OWN_WORDS;

export interface LaneWork {
  readonly cold: Work;
  readonly warm: Work;
  /** Frames of the counting pass. */
  readonly frames: number;
  readonly outbox: SharedArrayBuffer;
  readonly heaps: SharedArrayBuffer;
}

export class LaneCrew extends LedPasses implements Crew {
  readonly #engine: ReplayEngine;
  readonly #entries: Int32Array;
  readonly #work: LaneWork;
  readonly #watcher: WindowWatcher | undefined;
  /** Frames are written down: those of a window are sorted in memory, so it is kept small. */
  readonly #logged: boolean;
  readonly #share: number;
  readonly #perf: PerfOptions | null;
  /** What was recorded on this thread in the timed passes. */
  timed: PerfResult | null = null;
  #lane: Lane | null = null;
  #start = 0;
  #at = 0;

  /** `share`: of the counting pass in all the work, for the progress that the first worker tells. */
  constructor(
    engine: ReplayEngine,
    entries: Int32Array,
    meeting: Meeting,
    work: LaneWork,
    watcher: WindowWatcher | undefined,
    share: number,
    perf: PerfOptions | null,
  ) {
    super(meeting, new Tally(work.heaps, meeting, HEAP_TALLY), engine);
    this.#engine = engine;
    this.#entries = entries;
    this.#work = work;
    this.#perf = perf;
    this.#logged = watcher !== undefined;
    this.#watcher = perf === null ? watcher : new PerfWindows(engine, perf.upcalls, meeting.worker, watcher);
    this.#share = share;
  }

  /** All workers call it. */
  async cold(): Promise<ColdDone> {
    const { cold: work, frames } = this.#work;
    const { traces, burst, input, frame, time, span } = work;
    const perRound = burst.length - 1;
    const rounds = Math.floor(frames / frame.length);
    const rest = frames - rounds * frame.length;
    // Whole bursts of the last round; what is left of one goes in on all copies at the end.
    let last = 0;
    while (last < perRound && burst[last + 1] <= rest) last++;
    const bursts = rounds * perRound + last;
    const lane = new Lane(this.#engine, work, this.#entries, this.meeting, this.#work.outbox, {
      watcher: this.#watcher,
      window: this.#logged ? 64 : undefined,
      progress: (done) => this.meeting.done(Math.floor((1000 * this.#share * done) / bursts)),
    });
    if (this.#perf !== null) this.#engine.perf = new PerfRecorder(this.#engine, this.#perf, 1);
    const began = performance.now();
    const done = lane.run(0, bursts);
    let refused = lane.refused;
    let offered = Math.floor(done / perRound) * frame.length + burst[done % perRound];
    if (done === bursts && burst[last] < rest) {
      const base = rounds * span;
      this.#watcher?.begin(Number.MAX_SAFE_INTEGER, true);
      this.#engine.advance(base + time[burst[last]]);
      for (let i = burst[last]; i < rest; i++) {
        const source = input[i];
        if (!this.#engine.offer(this.#entries[source], traces[source], frame[i], base + time[i])) refused++;
      }
      this.#engine.settle();
      this.#watcher?.end(true);
      offered = frames;
    }
    let bytes = 0;
    for (let i = 0; i < frame.length; i++) {
      const times = Math.floor(offered / frame.length) + (i < offered % frame.length ? 1 : 0);
      bytes += times * traces[input[i]].length[frame[i]];
    }
    const end = Math.ceil(offered / frame.length) * span;
    this.#start = end;
    const wallMs = performance.now() - began;
    return { offered, refused, bytes, end, wallMs, latestMs: 0, interrupted: done < bursts, perf: this.#recorded() };
  }

  sampled(): void {}

  flush(): void {
    this.say(FLUSH);
  }

  record(passNs: number): void {
    if (this.#perf === null) return;
    const own = (this.#work.warm.burst.length - 1) / this.meeting.workers;
    this.say(RECORD + burstsPerIteration(passNs / own));
  }

  recorded(): PerfResult | null {
    if (this.#perf !== null) this.say(RECORDED);
    return this.timed;
  }

  protected packets(): number {
    return this.#engine.datapath.counters.total[C_RECEIVED];
  }

  protected override other(word: number): void {
    if (word === FLUSH) this.#engine.datapath.flushStats();
    else if (word === RECORDED) this.timed = this.#recorded();
    else if (this.#perf !== null) this.#engine.perf = new PerfRecorder(this.#engine, this.#perf, word - RECORD);
  }

  #recorded(): PerfResult | null {
    const result = this.#engine.perf?.result() ?? null;
    this.#engine.perf = null;
    return result;
  }

  protected run(passes: number): void {
    this.#lane ??= new Lane(this.#engine, this.#work.warm, this.#entries, this.meeting, this.#work.outbox, {
      start: this.#start,
      watcher: this.#perf === null ? undefined : this.#watcher,
    });
    const to = this.#at + passes * this.#lane.bursts;
    this.#lane.run(this.#at, to);
    this.#at = to;
  }
}
