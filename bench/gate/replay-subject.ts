/** One bridge as the gate measures it: bursts of a trace through its datapath, or only through extraction. */

import { C_UPCALL } from "../../datapath/counters.ts";
import { extract } from "../../datapath/flow/extract.ts";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { longestFrame } from "../../datapath/packet/trace.ts";
import { ReplayEngine } from "../replay/engine.ts";
import { parsePorts } from "../replay/port-spec.ts";
import { coldPass, entriesOf } from "../trial/passes.ts";
import { allFrames, coldSchedule, type Schedule, warmSchedule } from "../trial/schedule.ts";
import type { ExactCounts, ReplayWork, Sink, Subject } from "./subject.ts";

function engineOf(work: ReplayWork): ReplayEngine {
  return new ReplayEngine(
    {
      ports: parsePorts(work.ports),
      rules: work.rules === null ? undefined : { text: work.rules, file: work.rulesFile },
      groups: undefined,
      vlanLimit: 1,
      emc: work.exactMatchCache ? undefined : { entries: 0 },
    },
    { longest: longestFrame(work.trace) },
  );
}

export class ReplaySubject implements Subject {
  readonly frames: number;
  readonly #engine: ReplayEngine;
  readonly #cold: Schedule;
  readonly #warm: Schedule;
  readonly #entries: Int32Array;
  #base = 0;

  constructor(work: ReplayWork) {
    const { trace, port } = work;
    this.#engine = engineOf(work);
    const frames = allFrames(trace);
    this.#cold = coldSchedule([{ port, file: trace.name, trace, frames }], {});
    this.#warm = warmSchedule(this.#cold);
    this.#entries = entriesOf(this.#engine, this.#warm);
    this.frames = this.#cold.count;
  }

  async cold(sink: Sink | null): Promise<ExactCounts> {
    const engine = this.#engine;
    engine.tap = sink;
    const { end } = await coldPass(engine, this.#cold, { rounds: 1, realTime: false, progress: () => true });
    engine.tap = null;
    this.#base = end;
    engine.datapath.flushStats();
    const wrong = engine.violations();
    if (wrong.length > 0) throw new Error(`counters do not add up: ${wrong.join("; ")}`);
    const counts = engine.datapath.counters.snapshot();
    const { megaflowCache } = engine.datapath;
    return {
      packets: counts.transmitted,
      bytes: counts.transmittedBytes,
      drops: dropsText(counts.drops),
      passes: counts.lookups,
      masks: megaflowCache.masks,
      megaflows: megaflowCache.count,
      "lookups-per-hit": counts.megaflow === 0 ? 0 : counts.subtableLookups / counts.megaflow,
    };
  }

  pass(extra: (() => void) | null): void {
    const engine = this.#engine;
    const entries = this.#entries;
    const { inputs, burst, input, frame, time, span } = this.#warm;
    const base = this.#base;
    for (let b = 0; b + 1 < burst.length; b++) {
      const first = burst[b];
      const from = input[first];
      engine.clock[0] = base + time[first];
      engine.advanceToClock();
      if (extra !== null) extra();
      engine.burst(entries[from], inputs[from].trace, frame, first, burst[b + 1] - first);
    }
    this.#base = base + span;
  }

  upcalls(): number {
    return this.#engine.datapath.counters.total[C_UPCALL];
  }
}

/** Bursts of an extraction pass. */
const BURSTS = 256;

export class ExtractSubject implements Subject {
  readonly frames = BURSTS * BURST;
  readonly #batches: readonly PacketBatch[];

  constructor(work: ReplayWork) {
    const engine = engineOf(work);
    const { pool } = engine;
    const { bytes, start, length, count } = work.trace;
    this.#batches = Array.from({ length: Math.floor(Math.min(count, 16 * BURST) / BURST) }, (_, n) => {
      const batch = new PacketBatch(pool);
      pool.allocInto(batch.slot, BURST);
      for (let i = 0; i < BURST; i++) {
        const at = pool.home(batch.slot[i]);
        const from = start[n * BURST + i];
        pool.bytes.set(bytes.subarray(from, from + length[n * BURST + i]), at);
        batch.start[i] = at;
        batch.end[i] = at + length[n * BURST + i];
        batch.inPort[i] = engine.entry(work.port);
      }
      batch.count = BURST;
      return batch;
    });
    if (this.#batches.length === 0) throw new Error(`${work.trace.name}: fewer than ${BURST} frames`);
  }

  /** What leaves are the keys; a frame that is none is a drop. */
  async cold(sink: Sink | null): Promise<ExactCounts> {
    let packets = 0;
    let bad = 0;
    for (const batch of this.#batches) {
      bad += extract(batch, 1);
      packets += batch.count;
      const { keys } = batch;
      const words = keys.length / BURST;
      for (let i = 0; i < batch.count && sink !== null; i++) {
        const key = keys.slice(i * words, (i + 1) * words);
        sink(0, new Uint8Array(key.buffer), 0, key.byteLength);
      }
    }
    return { packets, drops: dropsText(bad === 0 ? {} : { Truncated: bad }) };
  }

  pass(extra: (() => void) | null): void {
    const batches = this.#batches;
    for (let n = 0; n < BURSTS; n++) {
      if (extra !== null) extra();
      extract(batches[n % batches.length], 1);
    }
  }

  upcalls(): number {
    return 0;
  }
}

/** "NoAction 3, Truncated 1", by name; "none". */
export function dropsText(drops: Readonly<Record<string, number>>): string {
  const some = Object.entries(drops).filter(([, count]) => count > 0);
  return some.length === 0
    ? "none"
    : some
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([why, count]) => `${why} ${count}`)
        .join(", ");
}
