/** What the suites of the datapath are made of: a bridge with rules, generated frames, and passes of whole bursts over them. */
import { extract } from "../../datapath/flow/extract.ts";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { longestFrame, type Trace } from "../../datapath/packet/trace.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import type { GenerateOptions } from "../../pcaps/generate/plan.ts";
import { ReplayEngine } from "../replay/engine.ts";
import { parsePorts } from "../replay/port-spec.ts";
import { entriesOf } from "../trial/passes.ts";
import { allFrames, coldSchedule, type Schedule, warmSchedule } from "../trial/schedule.ts";
import type { Task } from "./harness.ts";

/** Frames of a task: 64 bursts. */
export const FRAMES = 64 * BURST;

export const frames = (options: GenerateOptions = {}): Trace =>
  generateTrace({ frames: FRAMES, flows: 500, size: "60", seed: 1, ...options });

export interface Replayed {
  readonly trace?: Trace;
  /** Undefined: NORMAL. */
  readonly rules?: string;
  readonly ports?: readonly string[];
  /** Where the frames come in. */
  readonly port?: string;
  readonly emc?: boolean;
}

/** An engine through which the frames went a few times: caches are filled, code is compiled. */
export function warmEngine({
  trace = frames(),
  rules,
  ports = ["1=pcap", "2=null"],
  port = "1",
  emc = true,
}: Replayed): {
  readonly engine: ReplayEngine;
  readonly pass: () => void;
  readonly trace: Trace;
} {
  const engine = new ReplayEngine(
    {
      ports: parsePorts(ports),
      rules: rules === undefined ? undefined : { text: rules, file: "rules" },
      groups: undefined,
      vlanLimit: 1,
      emc: emc ? undefined : { entries: 0 },
    },
    { longest: longestFrame(trace) },
  );
  const all = allFrames(trace);
  const schedule: Schedule = warmSchedule(coldSchedule([{ port, file: trace.name, trace, frames: all }], {}));
  const entries = entriesOf(engine, schedule);
  const base = new Float64Array(1);
  const pass = (): void => {
    engine.pass(schedule, entries, base);
  };
  for (let i = 0; i < 20; i++) pass();
  const { dropped } = engine.datapath.counters;
  if (dropped > 0) throw new Error(`${dropped} packets dropped, expected all to leave: ${rules ?? "NORMAL"}`);
  return { engine, pass, trace };
}

/** The whole way of a packet as a task. */
export function replayTask(name: string, replayed: () => Replayed): Task {
  return { name, unit: "packet", operations: FRAMES, make: () => warmEngine(replayed()).pass };
}

/** The first 32 frames of a trace in a batch of an engine's pool, extracted. */
export function extractedBatch(engine: ReplayEngine, trace: Trace, port = "1"): PacketBatch {
  const batch = new PacketBatch(engine.pool);
  const { slot, start, end, inPort } = batch;
  const count = engine.pool.allocInto(slot, BURST);
  for (let i = 0; i < count; i++) {
    const at = engine.pool.home(slot[i]);
    engine.pool.bytes.set(trace.bytes.subarray(trace.start[i], trace.start[i] + trace.length[i]), at);
    start[i] = at;
    end[i] = at + trace.length[i];
    inPort[i] = engine.entry(port);
  }
  batch.count = count;
  if (extract(batch, 1) > 0) throw new Error(`${trace.name}: frames that are no frames`);
  return batch;
}

/** Calls what `make` gives as often as a task has bursts. */
export function burstTask(name: string, make: () => () => void): Task {
  return {
    name,
    unit: "packet",
    operations: FRAMES,
    make: () => {
      const run = make();
      return () => {
        for (let burst = 0; burst < FRAMES / BURST; burst++) run();
      };
    },
  };
}
