/**
 * What one worker's loop does, iteration by iteration, as Open vSwitch's PMD threads record it (`pmd-perf-show` with
 * other_config:pmd-perf-metrics): time and packets of each iteration in histograms, the last thousand iterations one by one,
 * and a log of those that took too long with their neighbours.
 *
 * An iteration here is `bursts` bursts, and ends with one reading of the clock. Open vSwitch reads the time stamp counter
 * every burst in a few ns; `performance.now()` costs 30 to 300 ns, so there are as many bursts in an iteration as keep it
 * below half a percent. Cost of the whole with alternating passes, MAC rewrite of 60-byte frames, 64 bursts an iteration:
 * 0.5, 0.5 and 1.6 % in three series of 1,500 pairs on a machine that was busy with other work.
 */
import {
  C_EXACT,
  C_LOOKUPS,
  C_MEGAFLOW,
  C_RECEIVED,
  C_SUBTABLE_LOOKUPS,
  C_TRANSMITTED,
  C_UPCALL,
} from "../../datapath/counters.ts";
import { BURST } from "../../datapath/packet/packet-batch.ts";
import type { UpcallHandler } from "../../datapath/upcall.ts";
import { Histogram } from "./histogram.ts";

/** Iterations that are remembered, Open vSwitch's HISTORY_LEN; a power of two near it. */
const HISTORY = 1024;
/** Iterations shown before and after a suspicious one, and how long makes one: defaults of pmd-perf-log-set. */
const BEFORE = 5;
const AFTER = 5;
export const SUSPICIOUS_US = 250;
/** Suspicious iterations that are kept with their neighbours; more are only counted. */
const LOGGED = 5;
/** The clock may take this share of an iteration, and an iteration have this many bursts at most. */
const CLOCK_SHARE = 0.005;
const MOST_BURSTS = 64;
/**
 * What `end` costs, ns: a call into the runtime for the clock, with caches full of packets and not of it. Ten times more than
 * in a loop of its own (160).
 */
const RECORD_NS = 1500;
/** Readings that wait to be worked off; doing that for each one at once cost 3 %. */
const WAITING = 256;

/** One iteration. */
export interface Iteration {
  readonly iteration: number;
  readonly ns: number;
  readonly packets: number;
  readonly batches: number;
  readonly upcalls: number;
  readonly upcallNs: number;
}

export interface Suspicious extends Iteration {
  /** Itself and those around it, in order. */
  readonly neighbours: readonly Iteration[];
}

export interface HistogramResult {
  readonly name: string;
  /** Upper bound of each bin; the last bin, above them all, has none. */
  readonly walls: readonly number[];
  readonly counts: readonly number[];
}

export interface PerfResult {
  readonly burstsPerIteration: number;
  /** What one reading of the clock takes, ns. */
  readonly clockNs: number;
  readonly iterations: number;
  readonly idleIterations: number;
  /** Time in iterations, without revalidation and ageing; time from the first to the last one, s. */
  readonly busySeconds: number;
  readonly seconds: number;
  readonly packets: number;
  readonly passes: number;
  readonly exactHits: number;
  readonly megaflowHits: number;
  readonly subtableLookups: number;
  readonly upcalls: number;
  readonly upcallSeconds: number;
  readonly lostUpcalls: number;
  readonly txPackets: number;
  readonly txBatches: number;
  readonly batches: number;
  readonly histograms: readonly HistogramResult[];
  readonly suspiciousUs: number;
  /** How many iterations took longer than that. */
  readonly suspiciousCount: number;
  readonly suspicious: readonly Suspicious[];
}

/** What the recorder watches; a ReplayEngine is one. */
export interface Watched {
  readonly datapath: { readonly counters: { readonly total: Float64Array } };
  readonly switch: { readonly lost: number };
  readonly housekeeping: Float64Array;
  readonly txBatches: Float64Array;
}

/** Upcalls that a datapath makes, timed. */
export class UpcallWatch {
  /** [0] upcalls, [1] ns in them. */
  readonly total = new Float64Array(2);
  histogram: Histogram | null = null;

  /** The handler with a clock. Sweeps of the revalidator have no side effects and are no upcalls. */
  over(handler: UpcallHandler): UpcallHandler {
    const watch = this;
    return {
      get epoch() {
        return handler.epoch;
      },
      translate(keys, at, now, sideEffects) {
        const begin = performance.now();
        const translation = handler.translate(keys, at, now, sideEffects);
        if (sideEffects) watch.#took((performance.now() - begin) * 1e6);
        return translation;
      },
    };
  }

  #took(ns: number): void {
    this.total[0]++;
    this.total[1] += ns;
    this.histogram?.add(ns);
  }
}

/** Columns of the history. */
const NS = 0;
const PACKETS = 1;
const BATCHES = 2;
const UPCALLS = 3;
const UPCALL_NS = 4;
const COLUMNS = 5;

/** Columns of a reading. */
const AT_CLOCK = 0;
const AT_RECEIVED = 1;
const AT_UPCALLS = 2;
const AT_ASIDE = 3;
const AT_UPCALL_NS = 4;
const AT_BATCHES = 5;
const READING = 8; // a cache line

export class PerfRecorder {
  readonly bursts: number;
  /** Bursts until the iteration ends; whoever runs them counts down and calls `end` at 0. */
  countdown: number;
  /** By frames in it: bursts. */
  readonly batches = new Float64Array(BURST + 1);
  readonly #watched: Watched;
  readonly #upcalls: UpcallWatch;
  readonly #clockNs: number;
  readonly #threshold: number;
  readonly #ns = Histogram.logarithmic(200, 9_600_000);
  readonly #packets = Histogram.logarithmic(0, 2048);
  readonly #perPacket = Histogram.logarithmic(10, 10_000);
  readonly #upcallCount = Histogram.linear(0, 30);
  readonly #upcallNs = Histogram.logarithmic(400, 400_000);
  readonly #history = new Float64Array(HISTORY * COLUMNS);
  readonly #zero: Float64Array;
  readonly #zeroLost: number;
  readonly #zeroTxBatches: number;
  readonly #zeroUpcallNs: number;
  /** The last reading that was worked off, and those that wait, READING values each. */
  readonly #before = new Float64Array(READING);
  readonly #readings = new Float64Array(WAITING * READING);
  #waiting = 0;
  #busyNs = 0.5;
  readonly #began = performance.now();
  #iterations = 0;
  #idle = 0;
  #suspiciousCount = 0;
  /** The iteration whose neighbours are not all there yet, -1: none. */
  #pending = -1;
  readonly #suspicious: Suspicious[] = [];

  /** `burstNs`: what a burst takes, for the length of an iteration; 0 makes each burst an iteration. */
  constructor(watched: Watched, upcalls: UpcallWatch, burstNs: number, suspiciousUs: number) {
    this.#watched = watched;
    this.#upcalls = upcalls;
    this.#clockNs = clockCost();
    this.#threshold = suspiciousUs * 1000;
    this.bursts = 1;
    const spent = this.#clockNs + RECORD_NS;
    while (this.bursts < MOST_BURSTS && spent > CLOCK_SHARE * this.bursts * burstNs && burstNs > 0) this.bursts *= 2;
    this.countdown = this.bursts;
    this.#zero = watched.datapath.counters.total.slice();
    this.#zeroLost = watched.switch.lost;
    this.#zeroTxBatches = watched.txBatches[0];
    this.#zeroUpcallNs = upcalls.total[1];
    upcalls.histogram = this.#upcallNs;
    this.begin();
  }

  /** An iteration begins now, after a pause. */
  begin(): void {
    this.#digest();
    this.countdown = this.bursts;
    this.#read(this.#before, 0);
  }

  /** Ends the iteration, and the next one begins. */
  end(): void {
    this.#read(this.#readings, this.#waiting * READING);
    this.countdown = this.bursts;
    if (++this.#waiting === WAITING) this.#digest();
  }

  #read(to: Float64Array, at: number): void {
    const { total } = this.#watched.datapath.counters;
    to[at + AT_RECEIVED] = total[C_RECEIVED];
    to[at + AT_UPCALLS] = total[C_UPCALL];
    to[at + AT_ASIDE] = this.#watched.housekeeping[0];
    to[at + AT_UPCALL_NS] = this.#upcalls.total[1];
    to[at + AT_BATCHES] = this.bursts - this.countdown;
    to[at + AT_CLOCK] = performance.now();
  }

  /** Works off the readings that wait. Its own time falls into the next iteration: 20 us in every 256 of them. */
  #digest(): void {
    const before = this.#before;
    const readings = this.#readings;
    for (let i = 0; i < this.#waiting; i++) {
      const at = i * READING;
      const ns = (readings[at + AT_CLOCK] - before[AT_CLOCK]) * 1e6 - (readings[at + AT_ASIDE] - before[AT_ASIDE]);
      const packets = readings[at + AT_RECEIVED] - before[AT_RECEIVED];
      const upcalls = readings[at + AT_UPCALLS] - before[AT_UPCALLS];
      const upcallNs = readings[at + AT_UPCALL_NS] - before[AT_UPCALL_NS];
      this.#record(ns, packets, readings[at + AT_BATCHES], upcalls, upcallNs);
      for (let c = 0; c < READING; c++) before[c] = readings[at + c];
    }
    this.#waiting = 0;
  }

  #record(ns: number, packets: number, batches: number, upcalls: number, upcallNs: number): void {
    this.#busyNs += ns;
    const row = (this.#iterations & (HISTORY - 1)) * COLUMNS;
    const history = this.#history;
    history[row + NS] = ns;
    history[row + PACKETS] = packets;
    history[row + BATCHES] = batches;
    history[row + UPCALLS] = upcalls;
    history[row + UPCALL_NS] = upcallNs;
    this.#ns.add(ns);
    this.#packets.add(packets);
    if (packets > 0) this.#perPacket.add(ns / packets);
    else this.#idle++;
    this.#upcallCount.add(upcalls);
    if (ns > this.#threshold) this.#suspect();
    else if (this.#pending >= 0 && this.#iterations === this.#pending + AFTER) this.#log();
    this.#iterations++;
  }

  /** Ends the iteration that is under way, if one is: a pause follows. */
  pause(): void {
    if (this.countdown < this.bursts) this.end();
  }

  #suspect(): void {
    this.#suspiciousCount++;
    // While the neighbours of one are awaited, the next one is only counted, as in Open vSwitch (without log extension).
    if (this.#pending < 0 && this.#suspicious.length < LOGGED) this.#pending = this.#iterations;
    else if (this.#pending >= 0 && this.#iterations >= this.#pending + AFTER) this.#log();
  }

  #log(): void {
    const first = Math.max(0, this.#pending - BEFORE);
    const neighbours: Iteration[] = [];
    const last = Math.min(this.#iterations, this.#pending + AFTER);
    for (let i = first; i <= last; i++) neighbours.push(this.#iteration(i));
    this.#suspicious.push({ ...this.#iteration(this.#pending), neighbours });
    this.#pending = -1;
  }

  #iteration(number: number): Iteration {
    const row = (number & (HISTORY - 1)) * COLUMNS;
    const [ns, packets, batches, upcalls, upcallNs] = this.#history.subarray(row, row + COLUMNS);
    return { iteration: number, ns, packets, batches, upcalls, upcallNs };
  }

  /** Everything so far; for when the loop stands. */
  result(): PerfResult {
    this.pause();
    this.#digest();
    if (this.#pending >= 0) {
      this.#iterations--;
      this.#log();
      this.#iterations++;
    }
    const { total } = this.#watched.datapath.counters;
    const since = (counter: number): number => total[counter] - this.#zero[counter];
    const perBatch = Histogram.linear(0, BURST);
    let batches = 0;
    for (const [frames, count] of this.batches.entries()) {
      perBatch.addMany(frames, count);
      batches += count;
    }
    const histograms: readonly (readonly [string, Histogram])[] = [
      ["ns/it", this.#ns],
      ["packets/it", this.#packets],
      ["ns/pkt", this.#perPacket],
      ["pkts/batch", perBatch],
      ["upcalls/it", this.#upcallCount],
      ["ns/upcall", this.#upcallNs],
    ];
    return {
      burstsPerIteration: this.bursts,
      clockNs: this.#clockNs,
      iterations: this.#iterations,
      idleIterations: this.#idle,
      busySeconds: (this.#busyNs - 0.5) / 1e9,
      seconds: (performance.now() - this.#began) / 1000,
      packets: since(C_RECEIVED),
      passes: since(C_LOOKUPS),
      exactHits: since(C_EXACT),
      megaflowHits: since(C_MEGAFLOW),
      subtableLookups: since(C_SUBTABLE_LOOKUPS),
      upcalls: since(C_UPCALL),
      upcallSeconds: (this.#upcalls.total[1] - this.#zeroUpcallNs) / 1e9,
      lostUpcalls: this.#watched.switch.lost - this.#zeroLost,
      txPackets: since(C_TRANSMITTED),
      txBatches: this.#watched.txBatches[0] - this.#zeroTxBatches,
      batches,
      histograms: histograms.map(([name, { walls, counts }]) => ({
        name,
        walls: [...walls.subarray(0, -1)],
        counts: [...counts],
      })),
      suspiciousUs: this.#threshold / 1000,
      suspiciousCount: this.#suspiciousCount,
      suspicious: this.#suspicious,
    };
  }
}

/** What one reading of the clock costs, ns: the fastest of some rounds. */
export function clockCost(): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    const begin = performance.now();
    for (let i = 0; i < 1000; i++) performance.now();
    least = Math.min(least, (performance.now() - begin) * 1000);
  }
  return least;
}
