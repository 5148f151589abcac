/**
 * The two ways to put a schedule through a fabric. The cold pass begins with empty caches and is exact: every count and
 * every written file comes from it. The warm passes follow in the same fabric, virtual time running on, and are only timed:
 * the copy of each frame from the trace into a packet buffer is inside the clock, reading the capture is not.
 */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Schedule } from "./schedule.ts";
import { relativeSpread, type Spread, spread } from "./statistics.ts";

/** A sample holds as many passes as take at least this long, so that reading the clock does not count, ms. */
const SAMPLE_MS = 10;
/** Passes run unmeasured for this long first, ms: the compiler has then seen every branch of the path. */
const WARM_UP_MS = 700;
/** Without `--seconds` and `--repeat`: at least 15 samples, until the interval is this narrow, but no longer than this. */
const MIN_SAMPLES = 15;
const STABLE = 0.01;
const MAX_MS = 4000;

export const stabilityRule =
  `${WARM_UP_MS / 1000} s of passes unmeasured, then samples of at least ${SAMPLE_MS} ms; at least ${MIN_SAMPLES} samples, ` +
  `until the 95 % interval of the median is within ${100 * STABLE} % of it or ${MAX_MS / 1000} s have passed; virtual time runs at ` +
  "1 us a frame";

/** Entry numbers of a schedule's inputs in a fabric. Throws for ports that the topology does not have. */
export function entriesOf(fabric: Fabric, schedule: Schedule): Int32Array {
  return Int32Array.from(schedule.inputs, ({ port }) => fabric.entry(port));
}

export interface ColdOptions {
  /** Rounds through the capture, virtual time running on. */
  readonly rounds: number;
  /** Frames enter when their time has come on the wall clock too. */
  readonly realTime: boolean;
  /** Called now and then with the frames offered so far; false stops the pass. */
  readonly progress: (frames: number) => boolean;
}

export interface ColdResult {
  /** Frames that went in, and those that found no buffer. */
  readonly offered: number;
  readonly refused: number;
  readonly bytes: number;
  /** Virtual time at the end, ns. */
  readonly end: number;
  /** Wall clock: how long it took, and how late the latest frame was when paced, ms. */
  readonly wallMs: number;
  readonly latestMs: number;
  readonly interrupted: boolean;
}

/** Every frame once per round, in time order, each burst carried to its end before the next goes in. */
export async function coldPass(fabric: Fabric, schedule: Schedule, options: ColdOptions): Promise<ColdResult> {
  const { inputs, burst, input, frame, time, span } = schedule;
  const entries = entriesOf(fabric, schedule);
  const bursts = burst.length - 1;
  const began = performance.now();
  let looked = began;
  let offered = 0;
  let refused = 0;
  let bytes = 0;
  let latestMs = 0;
  let base = 0;
  let interrupted = false;
  for (let round = 0; round < options.rounds && !interrupted; round++, base += span) {
    for (let b = 0; b < bursts; b++) {
      const at = base + time[burst[b]];
      if (options.realTime) {
        const due = began + at / 1e6;
        if (due - performance.now() > 1) interrupted = !(await sleepUntil(due, () => options.progress(offered)));
        while (performance.now() < due && !interrupted);
        latestMs = Math.max(latestMs, performance.now() - due);
      } else if ((b & 63) === 0 && performance.now() - looked > 50) {
        looked = performance.now();
        interrupted = !options.progress(offered);
        await breathe();
      }
      if (interrupted) break;
      fabric.advance(at);
      const from = input[burst[b]];
      const { trace } = inputs[from];
      for (let i = burst[b]; i < burst[b + 1]; i++) {
        if (!fabric.offer(entries[from], trace, frame[i], base + time[i])) refused++;
        bytes += trace.length[frame[i]];
      }
      offered += burst[b + 1] - burst[b];
      fabric.settle();
    }
  }
  options.progress(offered);
  return { offered, refused, bytes, end: base, wallMs: performance.now() - began, latestMs, interrupted };
}

export interface WarmOptions {
  /** Exactly this many measured passes. */
  readonly repeat?: number | undefined;
  /** Measure for this long, s. */
  readonly seconds?: number | undefined;
  /** Virtual time of the first pass, ns. */
  readonly start: number;
  /** Called after every sample with the share of the work done, 0 to 1; false stops. */
  readonly progress: (done: number) => boolean;
}

export interface WarmResult {
  readonly warmUpPasses: number;
  readonly passes: number;
  /** Frames given to VMs in the measured passes, and their bytes. */
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly seconds: number;
  /** Per delivered packet: all together, then by host in the fabric's order. */
  readonly nsPerPacket: Spread;
  readonly nodes: readonly Spread[];
  /** Revalidation and ageing by delivered packet, beside `nsPerPacket` and not in it: how often they happen is a setting. */
  readonly housekeeping: Spread;
  readonly interrupted: boolean;
}

/**
 * Passes in full bursts until the figure is stable (see `stabilityRule`), or as many or as long as asked. Null when no frame
 * reaches a VM: there is nothing to divide by.
 */
export async function warmPasses(fabric: Fabric, schedule: Schedule, options: WarmOptions): Promise<WarmResult | null> {
  const runner = new WarmRunner(fabric, schedule, options.start);
  const { repeat, seconds } = options;
  let warmUpPasses = 0;
  let interrupted = false;
  const warmUpMs = Math.min(WARM_UP_MS, seconds === undefined ? WARM_UP_MS : seconds * 1000);
  const began = performance.now();
  let perPass = Number.POSITIVE_INFINITY;
  while (performance.now() - began < warmUpMs && !interrupted) {
    const start = performance.now();
    runner.pass();
    warmUpPasses++;
    perPass = Math.min(perPass, performance.now() - start);
    if (start - runner.breathed > 50) {
      interrupted = !options.progress(0);
      await runner.breathe();
    }
  }
  if (deliveredNow(fabric) === runner.deliveredAtStart) return null;

  let group = Math.max(1, Math.ceil(SAMPLE_MS / perPass));
  if (repeat !== undefined) group = Math.max(1, Math.min(group, Math.floor(repeat / MIN_SAMPLES)));
  const total: number[] = [];
  const housekeeping: number[] = [];
  const nodes = fabric.hosts.map(() => [] as number[]);
  const firstDelivered = deliveredNow(fabric);
  const firstBytes = deliveredBytesNow(fabric);
  const measured = performance.now();
  let passes = 0;
  let busy = 0;
  for (let done = 0; done < 1 && !interrupted; ) {
    const size = repeat === undefined ? group : Math.min(group, repeat - passes);
    fabric.resetTimes();
    const before = deliveredNow(fabric);
    const start = performance.now();
    for (let i = 0; i < size; i++) runner.pass();
    const apart = fabric.housekeeping[0];
    const ns = (performance.now() - start) * 1e6 - apart;
    const packets = deliveredNow(fabric) - before;
    if (packets === 0) return null;
    passes += size;
    busy += ns;
    total.push(ns / packets);
    housekeeping.push(apart / packets);
    const spent = fabric.snapshot().nodes;
    for (let n = 0; n < nodes.length; n++) nodes[n].push(spent[n].ns / packets);
    done = share(total, passes, performance.now() - measured, repeat, seconds);
    interrupted = !options.progress(done);
    await runner.breathe();
  }
  return {
    warmUpPasses,
    passes,
    delivered: deliveredNow(fabric) - firstDelivered,
    deliveredBytes: deliveredBytesNow(fabric) - firstBytes,
    seconds: busy / 1e9,
    nsPerPacket: spread(total),
    nodes: nodes.map(spread),
    housekeeping: spread(housekeeping),
    interrupted,
  };
}

/** How much of the measuring is done, 1 when it is. */
function share(total: readonly number[], passes: number, ms: number, repeat?: number, seconds?: number): number {
  if (repeat !== undefined) return passes / repeat;
  if (seconds !== undefined) return ms / (seconds * 1000);
  const stable = total.length >= MIN_SAMPLES && relativeSpread(spread(total)) <= STABLE;
  return stable ? 1 : Math.max(ms / MAX_MS, Math.min(0.99, (0.99 * total.length) / (4 * MIN_SAMPLES)));
}

/** One pass after the other over a fixed schedule. */
class WarmRunner {
  readonly deliveredAtStart: number;
  breathed = performance.now();
  readonly #fabric: Fabric;
  readonly #schedule: Schedule;
  readonly #entries: Int32Array;
  #base: number;

  constructor(fabric: Fabric, schedule: Schedule, start: number) {
    this.#fabric = fabric;
    this.#schedule = schedule;
    this.#entries = entriesOf(fabric, schedule);
    this.#base = start;
    this.deliveredAtStart = deliveredNow(fabric);
  }

  pass(): void {
    const fabric = this.#fabric;
    const { inputs, burst, input, frame, time, span } = this.#schedule;
    const base = this.#base;
    for (let b = 0; b + 1 < burst.length; b++) {
      const first = burst[b];
      const end = burst[b + 1];
      const at = base + time[first];
      const { trace } = inputs[input[first]];
      const entry = this.#entries[input[first]];
      fabric.advance(at);
      for (let i = first; i < end; i++) fabric.offer(entry, trace, frame[i], at);
      fabric.settle();
    }
    this.#base = base + span;
  }

  /** Lets signals and the terminal have their turn. */
  async breathe(): Promise<void> {
    await breathe();
    this.breathed = performance.now();
  }
}

function deliveredNow(fabric: Fabric): number {
  let packets = 0;
  for (const vm of fabric.vms) packets += vm.delivered;
  return packets;
}

function deliveredBytesNow(fabric: Fabric): number {
  let bytes = 0;
  for (const vm of fabric.vms) bytes += vm.deliveredBytes;
  return bytes;
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Sleeps until `due` (performance.now()), looking up every 100 ms; false when told to stop. */
async function sleepUntil(due: number, goOn: () => boolean): Promise<boolean> {
  for (let left = due - performance.now() - 1; left > 0; left = due - performance.now() - 1) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 100)));
    if (!goOn()) return false;
  }
  return true;
}
