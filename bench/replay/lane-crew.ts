/**
 * Several workers carry a replay's frames (workers/lane.ts): the first leads, as if it were alone, and tells the others what
 * comes next; they follow until there is no more.
 */
import type { Meeting } from "../../workers/control.ts";
import { Lane, type WindowWatcher } from "../../workers/lane.ts";
import type { Work } from "../../workers/replica.ts";
import type { ColdResult } from "../trial/passes.ts";
import type { ReplayEngine } from "./engine.ts";
import type { Crew } from "./trial.ts";

/** What the leader says: how many passes, 0 = no more; or one of these. */
const END = 0;
const FLUSH = 2 ** 29;
/** Added: measured times are forgotten first. */
const RESET = 2 ** 30;

export interface LaneWork {
  readonly cold: Work;
  readonly warm: Work;
  /** Frames of the counting pass. */
  readonly frames: number;
  readonly outbox: SharedArrayBuffer;
}

export class LaneCrew implements Crew {
  readonly #engine: ReplayEngine;
  readonly #entries: Int32Array;
  readonly #meeting: Meeting;
  readonly #work: LaneWork;
  readonly #watcher: WindowWatcher | undefined;
  readonly #share: number;
  #lane: Lane | null = null;
  #start = 0;
  #at = 0;
  #reset = 0;

  /** `share`: of the counting pass in all the work, for the progress that the first worker tells. */
  constructor(
    engine: ReplayEngine,
    entries: Int32Array,
    meeting: Meeting,
    work: LaneWork,
    watcher: WindowWatcher | undefined,
    share: number,
  ) {
    this.#engine = engine;
    this.#entries = entries;
    this.#meeting = meeting;
    this.#work = work;
    this.#watcher = watcher;
    this.#share = share;
  }

  /** All workers call it. */
  async cold(): Promise<ColdResult> {
    const { cold: work, frames } = this.#work;
    const { traces, burst, input, frame, time, span } = work;
    const perRound = burst.length - 1;
    const rounds = Math.floor(frames / frame.length);
    const rest = frames - rounds * frame.length;
    // Whole bursts of the last round; what is left of one goes in on all copies at the end.
    let last = 0;
    while (last < perRound && burst[last + 1] <= rest) last++;
    const bursts = rounds * perRound + last;
    const lane = new Lane(this.#engine, work, this.#entries, this.#meeting, this.#work.outbox, {
      watcher: this.#watcher,
      window: this.#watcher === undefined ? undefined : 64,
      progress: (done) => this.#meeting.done(Math.floor((1000 * this.#share * done) / bursts)),
    });
    const began = performance.now();
    const done = lane.run(0, bursts, 0);
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
    return { offered, refused, bytes, end, wallMs, latestMs: 0, interrupted: done < bursts };
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

  flush(): void {
    this.#do(this.#meeting.agree(FLUSH));
  }

  /** Leader: there is no more. */
  end(): void {
    this.#meeting.agree(END);
  }

  /** The others: what the leader says, to the end. */
  follow(): void {
    for (let what = this.#meeting.agree(END); what !== END; what = this.#meeting.agree(END)) this.#do(what);
  }

  #do(what: number): void {
    if (what === FLUSH) {
      this.#engine.datapath.flushStats();
      return;
    }
    if (what >= RESET) this.#engine.resetTimes();
    this.#reset = 0;
    this.#lane ??= new Lane(this.#engine, this.#work.warm, this.#entries, this.#meeting, this.#work.outbox);
    const to = this.#at + (what % RESET) * this.#lane.bursts;
    this.#lane.run(this.#at, to, this.#start);
    this.#at = to;
  }
}
