/**
 * Measures the heap over packets on the hit path, in a process of its own: node --expose-gc --no-memory-reducer
 * --max-semi-space-size=64 allocation-child.js MODE PACKETS [FEW]. Prints a JSON line. Modes: "clean"; "planted" makes one
 * small object a packet; "deopt" only runs, between two marks on stdout, for --trace-deopt, "deopt-planted" with a loop of
 * them; "miss" says what an upcall leaves and allocates.
 */
import { writeSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { Datapath } from "../../datapath/datapath.ts";
import { KEY_WORDS, W_ETH0, W_IN_PORT, W_TYPE, W_VLAN0 } from "../../datapath/flow/flow-key.ts";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { Receiver } from "../../datapath/packet/receiver.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import type { Translation, UpcallHandler } from "../../datapath/upcall.ts";
import { allWorkloads, type Workload } from "./workloads.ts";

const [mode, packetsText, fewText] = process.argv.slice(2);
const most = Number(packetsText);
const few = Number(fewText ?? most / 10);
if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
const collect: () => void = globalThis.gc as () => void;

const pool = new PacketPool(256, 1800);
const batch = new PacketBatch(pool);
const sink = new PacketBatch(pool);
const clock = new Float64Array(1);

class Handler implements UpcallHandler {
  readonly epoch = 1;
  readonly workload: Workload;
  constructor(workload: Workload) {
    this.workload = workload;
  }
  translate(keys: Int32Array, at: number): Translation {
    const mask = new Int32Array(KEY_WORDS);
    for (const w of [W_IN_PORT, W_ETH0, W_ETH0 + 1, W_TYPE, W_VLAN0]) mask[w] = -1;
    const actions = this.workload.actions.get(keys[at + W_IN_PORT]) ?? [];
    return { mask, actions, slow: [], error: undefined, effects: { credit() {}, refresh() {} }, lookups: 1 };
  }
}

/** The frames of a workload as a capture. */
function traceOf({ name, frames }: Workload): Trace {
  const length = Int32Array.from(frames, (frame) => frame.length);
  const start = new Int32Array(frames.length);
  for (let n = 1; n < frames.length; n++) start[n] = start[n - 1] + length[n - 1];
  const bytes = new Uint8Array(start[frames.length - 1] + length[frames.length - 1]);
  for (const [n, frame] of frames.entries()) bytes.set(frame, start[n]);
  const time = new Float64Array(frames.length);
  return { name, count: frames.length, bytes, start, length, wireLength: length, time, epochNs: 0n, warnings: [] };
}

/** A workload ready to run: its frames in one array, and a datapath of its own. */
class Runner {
  readonly name: string;
  readonly #datapath: Datapath;
  readonly #receiver: Receiver;
  readonly #frames: Int32Array;
  readonly #port: number;
  #cursor = 0;
  #bursts = 0;

  constructor(workload: Workload, n: number) {
    this.name = workload.name;
    this.#port = workload.port;
    // Every other one leaves the exact-match cache out while it does not pay.
    const emc = n % 2 === 0 ? { insertInverse: 20 } : {};
    this.#datapath = new Datapath(pool, new Handler(workload), { ports: 8, emc });
    this.#receiver = new Receiver(traceOf(workload), pool);
    this.#frames = Int32Array.from(workload.frames, (_, frame) => frame);
  }

  /** Frames come in by kernel and by JavaScript in turn, and leave by both. */
  burst(): void {
    const count = this.#frames.length;
    clock[0] = this.#cursor * 1000.5;
    if (++this.#bursts % 2 === 0 && count >= BURST) {
      if (this.#cursor + BURST > count) this.#cursor = 0;
      this.#receiver.fill(batch, this.#frames, this.#cursor, BURST, this.#port, clock);
      this.#cursor += BURST;
    } else {
      pool.allocInto(batch.slot, BURST);
      for (let i = 0; i < BURST; i++) {
        if (this.#cursor >= count) this.#cursor = 0;
        this.#receiver.place(batch, i, this.#frames[this.#cursor++], this.#port, clock);
      }
      batch.count = BURST;
    }
    this.#datapath.process(batch);
    const { tx } = this.#datapath;
    for (let port = 0; port < tx.length; port++) {
      if (this.#bursts % 3 === 0) tx[port].discard(pool);
      while (tx[port].shiftInto(sink, port) > 0) for (let i = 0; i < sink.count; i++) pool.free(sink.slot[i]);
    }
    if (pool.available !== pool.slots) throw new Error(`${this.name}: ${pool.slots - pool.available} slots lost`);
  }
}

const runners = allWorkloads().map((workload, n) => new Runner(workload, n));
let kept: { n: number } = { n: 0 };
let collections = 0;
let since = Number.POSITIVE_INFINITY;
const observer = new PerformanceObserver((list) => {
  // Reported some time later: those that were asked for, before the measure, do not count.
  for (const { startTime } of list.getEntries()) if (startTime >= since) collections++;
});
observer.observe({ entryTypes: ["gc"] });

/** Heap growth in bytes over `packets` packets of the given runners, in turn. */
function growth(which: readonly Runner[], packets: number): number {
  const before = process.memoryUsage().heapUsed;
  for (let done = 0; done < packets; ) {
    for (let r = 0; r < which.length; r++) {
      which[r].burst();
      done += BURST;
      if (mode === "planted") for (let i = 0; i < BURST; i++) kept = { n: i };
    }
  }
  return process.memoryUsage().heapUsed - before;
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

/**
 * A deoptimisation loop: code made anew again and again (closures that are built in a loop do the same), compiled for the
 * objects that it sees first, and thrown away at the first of another shape.
 */
function deoptimised(): void {
  const read = new Function("of", "return of.n + 1;") as (of: { n: number }) => number;
  for (let i = 0; i < 300_000; i++) read({ n: i });
  for (let i = 0; i < 100; i++) read({ other: 0, n: 0.5 } as { n: number });
}

if (mode === "deopt" || mode === "deopt-planted") {
  // In parts, so that the end of the measuring loop itself has been seen.
  for (let part = 0; part < 40; part++) growth(runners, 100_000);
  writeSync(1, "MARK\n");
  growth(runners, most);
  if (mode === "deopt-planted") for (let round = 0; round < 20; round++) deoptimised();
  writeSync(1, "MARK\n");
} else if (mode === "miss") {
  // Every packet is of a new flow: an upcall and a megaflow each, 200,000 first to warm up and to grow all tables.
  const [workload] = allWorkloads();
  const frames = workload.frames.slice(0, 1);
  const trace = traceOf({ ...workload, frames: Array.from({ length: BURST }, () => frames[0]) });
  const exact = new Int32Array(KEY_WORDS).fill(-1);
  const effects = { credit() {}, refresh() {} };
  const translation = { mask: exact, actions: workload.actions.get(workload.port) ?? [], slow: [], error: undefined };
  const handler = { epoch: 1, translate: (): Translation => ({ ...translation, effects, lookups: 1 }) };
  const datapath = new Datapath(pool, handler, { ports: 8 });
  const receiver = new Receiver(trace, pool);
  const all = Int32Array.from({ length: BURST }, (_, n) => n);
  let flow = 0;
  const upcalls = (count: number): number => {
    const before = process.memoryUsage().heapUsed;
    for (let done = 0; done < count; done += BURST) {
      receiver.fill(batch, all, 0, BURST, workload.port, clock);
      for (let i = 0; i < BURST; i++) pool.view.setInt32(batch.start[i] + 6, flow++);
      datapath.process(batch);
      for (const queue of datapath.tx) queue.discard(pool);
    }
    return process.memoryUsage().heapUsed - before;
  };
  for (let part = 0; part < 10; part++) {
    upcalls(most);
    datapath.purge();
  }
  collect();
  const allocated = upcalls(most) / most;
  collect();
  const before = process.memoryUsage().heapUsed;
  const made = datapath.megaflowCache.count;
  datapath.purge();
  collect();
  const kept = (before - process.memoryUsage().heapUsed) / made;
  writeSync(1, `${JSON.stringify({ upcalls: datapath.counters.get("upcall"), allocated, kept })}\n`);
} else {
  // All of them warm first: measured code must not be compiled anew when another workload comes by.
  growth(runners, 4_000_000);
  const sets = [
    ...runners.map((runner) => ({ name: runner.name, which: [runner] })),
    { name: "all in turn", which: runners },
  ];
  const results = [];
  for (const { name, which } of sets) {
    // Three brackets at least, the first of them warm the bracket itself; the least growth is what the code needs: the engine's
    // own work (a function compiled anew) can only add, and falls into some.
    let bracket = Number.POSITIVE_INFINITY;
    let short = Number.POSITIVE_INFINITY;
    let long = Number.POSITIVE_INFINITY;
    let inBetween = 0;
    for (let round = 0; round < 3 || (round < 10 && Math.abs(long - short) > 64); round++) {
      collect();
      collections = 0;
      since = performance.now();
      bracket = Math.min(bracket, growth(which, 0));
      short = Math.min(short, growth(which, few));
      long = Math.min(long, growth(which, most));
      await tick();
      inBetween += collections;
      since = Number.POSITIVE_INFINITY;
    }
    results.push({ name, bracket, short: short - bracket, long: long - bracket, collections: inBetween });
  }
  writeSync(1, `${JSON.stringify({ results, kept: kept.n })}\n`);
}
observer.disconnect();
