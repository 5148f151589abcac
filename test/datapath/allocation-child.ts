/**
 * Measures the heap over packets on the hit path, in a process of its own: node --expose-gc --max-semi-space-size=64
 * allocation-child.js MODE PACKETS [FEW]. Prints a JSON line. Modes: "clean"; "planted" makes one small object a packet;
 * "deopt" only runs, between two marks on stdout, for --trace-deopt.
 */
import { writeSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { Datapath } from "../../datapath/datapath.ts";
import { KEY_WORDS, W_ETH0, W_IN_PORT, W_TYPE, W_VLAN0 } from "../../datapath/flow/flow-key.ts";
import { copyBytes } from "../../datapath/packet/copy.ts";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
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

/** A workload ready to run: its frames in one array, and a datapath of its own. */
class Runner {
  readonly name: string;
  readonly #datapath: Datapath;
  readonly #view: DataView;
  readonly #start: Int32Array;
  readonly #port: number;
  #cursor = 0;

  constructor(workload: Workload) {
    this.name = workload.name;
    this.#port = workload.port;
    this.#datapath = new Datapath(pool, new Handler(workload), { ports: 8, emc: { insertInverse: 20 } });
    this.#start = new Int32Array(workload.frames.length + 1);
    let at = 0;
    for (const [n, frame] of workload.frames.entries()) {
      this.#start[n] = at;
      at += frame.length;
    }
    this.#start[workload.frames.length] = at;
    const bytes = new Uint8Array(at);
    for (const [n, frame] of workload.frames.entries()) bytes.set(frame, this.#start[n]);
    this.#view = new DataView(bytes.buffer);
  }

  burst(): void {
    const { slot, start, end, inPort, drop, time } = batch;
    const frames = this.#start.length - 1;
    for (let i = 0; i < BURST; i++) {
      const s = pool.alloc();
      const at = pool.home(s);
      const from = this.#start[this.#cursor];
      const length = this.#start[this.#cursor + 1] - from;
      copyBytes(this.#view, from, pool.view, at, length);
      slot[i] = s;
      start[i] = at;
      end[i] = at + length;
      inPort[i] = this.#port;
      drop[i] = 0;
      time[i] = this.#cursor * 1000.5;
      this.#cursor = this.#cursor + 1 === frames ? 0 : this.#cursor + 1;
    }
    batch.count = BURST;
    this.#datapath.process(batch);
    const { tx } = this.#datapath;
    for (let port = 0; port < tx.length; port++) {
      while (tx[port].shiftInto(sink, port) > 0) for (let i = 0; i < sink.count; i++) pool.free(sink.slot[i]);
    }
    if (pool.available !== pool.slots) throw new Error(`${this.name}: ${pool.slots - pool.available} slots lost`);
  }
}

const runners = allWorkloads().map((workload) => new Runner(workload));
let kept: { n: number } = { n: 0 };
let collections = 0;
const observer = new PerformanceObserver((list) => {
  collections += list.getEntries().length;
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

if (mode === "deopt") {
  // In parts, so that the end of the measuring loop itself has been seen.
  for (let part = 0; part < 40; part++) growth(runners, 100_000);
  writeSync(1, "MARK\n");
  growth(runners, most);
  writeSync(1, "MARK\n");
} else {
  // All of them warm first: measured code must not be compiled anew when another workload comes by.
  growth(runners, 4_000_000);
  const sets = [
    ...runners.map((runner) => ({ name: runner.name, which: [runner] })),
    { name: "all in turn", which: runners },
  ];
  const results = [];
  for (const { name, which } of sets) {
    // Three brackets, the first of them warm the bracket itself; the least growth is what the code needs: the engine's own
    // work on other threads (finishing a compilation) can only add.
    let bracket = Number.POSITIVE_INFINITY;
    let short = Number.POSITIVE_INFINITY;
    let long = Number.POSITIVE_INFINITY;
    let inBetween = 0;
    for (let round = 0; round < 3; round++) {
      collect();
      await tick();
      collections = 0;
      bracket = Math.min(bracket, growth(which, 0));
      short = Math.min(short, growth(which, few));
      long = Math.min(long, growth(which, most));
      await tick();
      inBetween += collections;
    }
    results.push({ name, bracket, short: short - bracket, long: long - bracket, collections: inBetween });
  }
  writeSync(1, `${JSON.stringify({ results, kept: kept.n })}\n`);
}
observer.disconnect();
