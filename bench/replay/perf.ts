/**
 * What one worker's loop does, iteration by iteration, as Open vSwitch's PMD threads record it (`pmd-perf-show` with
 * other_config:pmd-perf-metrics): time and packets of each iteration in histograms, the last thousand iterations one by one,
 * and a log of those that took too long with their neighbours.
 *
 * An iteration here is `bursts` bursts, and ends with one reading of the clock. Open vSwitch reads the time stamp counter
 * every burst in a few ns; `performance.now()` costs 30 to 300 ns, so there are as many bursts in an iteration as keep it
 * below half a percent. Cost of the whole with alternating passes, MAC rewrite of 60-byte frames, 64 bursts an iteration:
 * 0.42 % (0.34 to 0.51 %), median of 2,000 pairs (bench/suites/perf-cost.ts).
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
import { Histogram } from "./histogram.ts";
import type { Iteration, PerfResult, Suspicious } from "./perf-result.ts";
import type { UpcallWatch } from "./upcall-watch.ts";

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
/** As many where a stretch may be dropped: a lane's window has at most 1,024 bursts (workers/lane.ts). */
const WAITING_LANE = 1280;

/** What the recorder watches; a ReplayEngine is one. */
export interface Watched {
  readonly datapath: { readonly counters: { readonly total: Float64Array } };
  readonly switch: { readonly lost: number };
  readonly housekeeping: Float64Array;
  readonly txBatches: Float64Array;
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

export interface PerfOptions {
  readonly upcalls: UpcallWatch;
  /** Iterations that take longer are logged, us. */
  readonly suspiciousUs: number;
  /** Stretches may be dropped. */
  readonly droppable: boolean;
}

/** Counters that a stretch adds to. */
const COUNTED = [C_RECEIVED, C_LOOKUPS, C_EXACT, C_MEGAFLOW, C_SUBTABLE_LOOKUPS, C_UPCALL, C_TRANSMITTED] as const;
const SUM_LOST = COUNTED.length;
const SUM_TX_BATCHES = SUM_LOST + 1;
const SUM_UPCALL_NS = SUM_LOST + 2;
const SUMS = SUM_LOST + 3;

/**
 * Records in stretches: from `begin` to `pause` counts; one that ends with `drop` never was. Between them counters may change
 * for other reasons.
 */
export class PerfRecorder {
  readonly bursts: number;
  /** Bursts until the iteration ends; whoever runs them counts down and calls `end` at 0. */
  countdown: number;
  /** By frames in it: bursts. */
  readonly batches = new Float64Array(BURST + 1);
  readonly #watched: Watched;
  readonly #upcalls: UpcallWatch;
  readonly #threshold: number;
  readonly #ns = Histogram.logarithmic(200, 9_600_000);
  readonly #packets = Histogram.logarithmic(0, 2048);
  readonly #perPacket = Histogram.logarithmic(10, 10_000);
  readonly #upcallCount = Histogram.linear(0, 30);
  readonly #upcallNs = Histogram.logarithmic(400, 400_000);
  readonly #history = new Float64Array(HISTORY * COLUMNS);
  /** What the stretches so far counted, and where the one that is under way began. */
  readonly #sums = new Float64Array(SUMS);
  readonly #from = new Float64Array(SUMS);
  readonly #batchesFrom = new Float64Array(BURST + 1);
  #running = false;
  /** The last reading that was worked off, and those that wait, READING values each. */
  readonly #before = new Float64Array(READING);
  readonly #readings: Float64Array;
  readonly #rows: number;
  #waiting = 0;
  #busyNs = 0.5;
  readonly #began = performance.now();
  #iterations = 0;
  #idle = 0;
  #suspiciousCount = 0;
  /** The iteration whose neighbours are not all there yet, -1: none. */
  #pending = -1;
  readonly #suspicious: Suspicious[] = [];

  /** `bursts`: in an iteration. Recording begins with `begin`. */
  constructor(watched: Watched, { upcalls, suspiciousUs, droppable }: PerfOptions, bursts: number) {
    this.#watched = watched;
    this.#upcalls = upcalls;
    this.#threshold = suspiciousUs * 1000;
    this.bursts = bursts;
    this.countdown = bursts;
    this.#rows = droppable ? WAITING_LANE : WAITING;
    this.#readings = new Float64Array(this.#rows * READING);
    upcalls.histogram = this.#upcallNs;
  }

  /** A stretch begins, and an iteration. */
  begin(): void {
    this.pause();
    this.#running = true;
    this.#sum(this.#from);
    this.#batchesFrom.set(this.batches);
    this.countdown = this.bursts;
    this.#read(this.#before, 0);
  }

  /** Ends the iteration, and the next one begins. */
  end(): void {
    this.#read(this.#readings, this.#waiting * READING);
    this.countdown = this.bursts;
    if (++this.#waiting === this.#rows) this.#digest();
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

  /** The stretch ends, and the iteration that is under way, if one is. */
  pause(): void {
    if (!this.#running) return;
    this.#running = false;
    if (this.countdown < this.bursts) this.end();
    this.#digest();
    const sums = this.#sums;
    const from = this.#from;
    for (let n = 0; n < SUMS; n++) sums[n] -= from[n];
    this.#sum(from);
    for (let n = 0; n < SUMS; n++) sums[n] += from[n];
  }

  /** The stretch never was. */
  drop(): void {
    this.#running = false;
    this.#waiting = 0;
    this.batches.set(this.#batchesFrom);
  }

  /** What the counters say. */
  #sum(to: Float64Array): void {
    const { datapath, txBatches } = this.#watched;
    const { total } = datapath.counters;
    for (let n = 0; n < COUNTED.length; n++) to[n] = total[COUNTED[n]];
    to[SUM_LOST] = this.#watched.switch.lost;
    to[SUM_TX_BATCHES] = txBatches[0];
    to[SUM_UPCALL_NS] = this.#upcalls.total[1];
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
    if (this.#pending >= 0) {
      this.#iterations--;
      this.#log();
      this.#iterations++;
    }
    const sums = this.#sums;
    const since = (counter: (typeof COUNTED)[number]): number => sums[COUNTED.indexOf(counter)];
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
      workers: 1,
      burstsPerIteration: this.bursts,
      clockNs: clockNs(),
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
      upcallSeconds: sums[SUM_UPCALL_NS] / 1e9,
      lostUpcalls: sums[SUM_LOST],
      txPackets: since(C_TRANSMITTED),
      txBatches: sums[SUM_TX_BATCHES],
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

/** Bursts in an iteration, for bursts that take `burstNs`. */
export function burstsPerIteration(burstNs: number): number {
  const spent = clockNs() + RECORD_NS;
  let bursts = 1;
  while (bursts < MOST_BURSTS && spent > CLOCK_SHARE * bursts * burstNs) bursts *= 2;
  return bursts;
}

let measured = 0;

/** What one reading of the clock costs, ns: the fastest of some rounds. */
function clockNs(): number {
  if (measured > 0) return measured;
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    const begin = performance.now();
    for (let i = 0; i < 1000; i++) performance.now();
    least = Math.min(least, (performance.now() - begin) * 1000);
  }
  measured = least;
  return least;
}
