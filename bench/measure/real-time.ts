/**
 * Trials in real time: a sender on one core, the datapath on another, receive queues between them. They live as long as what
 * is measured, so caches and compiled code are warm from trial to trial.
 */
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runThreads } from "../../workers/pool.ts";
import { CheckError, InputError } from "../errors.ts";
import type { Measurer, TrialResult } from "../search/trial.ts";
import { HdrHistogram } from "../statistics/hdr-histogram.ts";
import { queueBuffer } from "./descriptor-ring.ts";
import { LATENCY_LAYOUT, latencyBuffer } from "./latency.ts";
import type { TrialJson } from "./result.ts";
import { LATE_NS } from "./sender.ts";
import type { SubjectPlan, Traffic } from "./subject.ts";
import type { MeasureTask } from "./thread.ts";
import { type Counted, type Order, TrialWords, trialMemory, type WarmUp } from "./trial-words.ts";

const module = new URL("./thread.js", import.meta.url).href;

/** A trial of which too much was unsent is done so often. */
const ATTEMPTS = 2;
const POLL_MS = 1;
/**
 * Every reading of the clock makes an object of 32 bytes, up to 25 million a second, and a thread's young generation begins
 * with 1 MB: 400 collections a second of some 30 us. With this much, MB, there are 50.
 */
const YOUNG = 16;
/** Frames of a trial are numbered in 31 bits. */
const MOST_FRAMES = 2 ** 31 - 1;
/** A load that no sender can offer, for how long and how often it tries. */
const ENDLESS = 1e9;
const CALIBRATION_SECONDS = 0.04;
const CALIBRATIONS = 5;

export interface RealTimeOptions {
  readonly plan: SubjectPlan;
  readonly traffic: Traffic;
  /** Descriptors of each receive queue. */
  readonly queue: number;
  readonly warm: boolean;
  readonly signal: AbortSignal;
  /** Called after each trial. */
  readonly onTrial?: (trial: TrialJson) => void;
}

/** What all following trials are to be like. */
export interface Manner extends Omit<Order, "load" | "seconds"> {
  readonly purpose: TrialJson["purpose"];
}

export const PLAIN: Manner = {
  purpose: "search",
  changesPerSecond: 0,
  reconfigure: false,
  fresh: false,
  discard: false,
};

/** Throws an InputError on a machine where sender and datapath would take turns. */
export function checkCores(cores = availableParallelism()): void {
  if (cores < 2) {
    throw new InputError(
      `measure: needs two cores, one for the sender and one for the datapath, and may use only ${cores} here`,
    );
  }
}

export class RealTimeMeasurer implements Measurer {
  manner: Manner = PLAIN;
  readonly trials: TrialJson[] = [];
  /** Seconds that rules took to be replaced in the last trial. */
  changeSeconds = 0;
  readonly #options: RealTimeOptions;
  readonly #words: TrialWords;
  readonly #latency: readonly SharedArrayBuffer[];
  readonly #running: Promise<string[][]>;
  #failed = false;

  constructor(options: RealTimeOptions) {
    const { plan, traffic, queue, warm } = options;
    setFlagsFromString(`--min-semi-space-size=${YOUNG}`);
    this.#options = options;
    const memory = trialMemory(traffic.ports.length);
    this.#words = new TrialWords(memory);
    this.#latency = traffic.ports.map(latencyBuffer);
    const task: MeasureTask = {
      epoch: process.hrtime.bigint(),
      memory,
      queues: traffic.ports.map(() => queueBuffer(queue)),
      latency: this.#latency,
      traffic,
      plan,
      warm,
    };
    this.#running = runThreads<string[]>({ module, tasks: [task, task] });
    this.#running.catch(() => {
      this.#failed = true;
    });
    options.signal.addEventListener("abort", this.#stop);
  }

  readonly #stop = (): void => this.#words.stop();

  /** Waits until caches and code are warm. */
  async ready(): Promise<WarmUp> {
    while (!this.#words.isReady(1)) await this.#pause(POLL_MS);
    return this.#words.warmUp();
  }

  /** Frames a second that the sender can offer to a datapath that only takes them. */
  async senderLimit(): Promise<number> {
    let best = 0;
    for (let i = 0; i < CALIBRATIONS; i++) {
      const order = { ...PLAIN, discard: true, load: ENDLESS, seconds: CALIBRATION_SECONDS };
      const { offered, elapsedNs } = await this.#perform(order);
      best = Math.max(best, offered.reduce((sum, n) => sum + n, 0) / (elapsedNs / 1e9));
    }
    return best;
  }

  /** Performs a trial. Throws an InputError for one of too many frames, a CheckError when a thread fails. */
  async measure(duration: number, load: number): Promise<TrialResult> {
    if (load * duration > MOST_FRAMES) {
      throw new InputError(
        `a trial of ${duration} s at ${Math.round(load)} frames/s: expected at most ${MOST_FRAMES} frames, so a shorter one`,
      );
    }
    const { signal, onTrial } = this.#options;
    const began = performance.now();
    let counted = await this.#perform({ ...this.manner, load, seconds: duration });
    const broken = (): boolean => counted.unsent > (load * LATE_NS) / 1e9 && !signal.aborted;
    for (let attempt = 1; broken() && attempt < ATTEMPTS; attempt++) {
      counted = await this.#perform({ ...this.manner, load, seconds: duration });
    }
    const trial = this.#trial(duration, load, counted, broken());
    this.trials.push(trial);
    onTrial?.(trial);
    this.changeSeconds = counted.changeNs / 1e9;
    return {
      // A trial that was stopped is only as long as it was.
      duration: signal.aborted ? Math.min(duration, counted.elapsedNs / 1e9) : duration + counted.senderStalledNs / 1e9,
      load,
      // What ended within was not to be forwarded; what a sender could not send counts as lost.
      offered: trial.offered - trial.dropped + (trial.broken ? trial.unsent : 0),
      forwarded: trial.forwarded,
      effectiveDuration: (performance.now() - began) / 1000,
    };
  }

  /** The latencies of the last trial, by port. */
  latency(): HdrHistogram[] {
    return this.#latency.map((counts) => new HdrHistogram(LATENCY_LAYOUT, new Float64Array(counts)));
  }

  /** Ends the threads. Throws a CheckError when counters do not add up. */
  async close(): Promise<void> {
    this.#end();
    const violations = (await this.#threads())[0];
    if (violations.length > 0) throw new CheckError(`counters do not add up: ${violations.join("; ")}`);
  }

  /** Ends the threads after an error, which is the one to be told. */
  async abandon(): Promise<void> {
    this.#end();
    await this.#running.catch(() => undefined);
  }

  #end(): void {
    this.#options.signal.removeEventListener("abort", this.#stop);
    this.#words.end();
  }

  async #threads(): Promise<string[][]> {
    try {
      return await this.#running;
    } catch (error) {
      throw new CheckError(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  async #perform(order: Order): Promise<Counted> {
    const command = this.#words.order(order);
    if (this.#options.signal.aborted) this.#words.stop();
    await this.#pause(Math.max(0, order.seconds * 1000 - POLL_MS));
    while (!this.#words.done(command)) await this.#pause(POLL_MS);
    return this.#words.counted();
  }

  /** Sleeps, less long when somebody stops it; throws what a thread has thrown. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(end, ms);
      function end(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      }
      if (ms > POLL_MS) signal.addEventListener("abort", end);
    });
    if (this.#failed) await this.#threads();
  }

  #trial(seconds: number, load: number, counted: Counted, broken: boolean): TrialJson {
    const { offered: byPort, lost: lostByPort, taken, lostWithin } = counted;
    const sum = (values: readonly number[]): number => values.reduce((total, n) => total + n, 0);
    const offered = sum(byPort);
    if (taken + sum(lostByPort) !== offered) {
      throw new CheckError(`${offered} frames offered, ${taken} taken and ${sum(lostByPort)} lost at full queues`);
    }
    // Flooded copies that are dropped count each; a frame does not end more than once.
    const dropped = Math.min(counted.dropped, taken - lostWithin);
    return {
      purpose: this.manner.purpose,
      seconds,
      load,
      intended: counted.intended,
      offered,
      forwarded: taken - lostWithin - dropped,
      lost: sum(lostByPort) + lostWithin,
      dropped,
      unsent: counted.unsent,
      broken,
      senderStalls: counted.senderStalls,
      senderStalledNs: counted.senderStalledNs,
      senderLatestNs: counted.senderLatestNs,
      upcalls: counted.upcalls,
      ruleChanges: counted.ruleChanges,
      directions: this.#options.traffic.ports.map((port, p) => ({ port, offered: byPort[p], lost: lostByPort[p] })),
    };
  }
}
