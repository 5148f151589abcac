/** Generated frames into a file, streamed, or into a Trace in memory. */
import type { Trace } from "../../datapath/packet/trace.ts";
import { TraceBuilder } from "../trace-builder.ts";
import { PcapWriter } from "../write-pcap.ts";
import { PcapngWriter } from "../write-pcapng.ts";
import { FrameGenerator } from "./frame-generator.ts";
import { type GenerateOptions, makePlan, type Plan } from "./plan.ts";

export interface Generated {
  readonly path: string;
  readonly plan: Plan;
  readonly frames: number;
  /** Bytes of frames, tags and tunnels included, without FCS. */
  readonly bytes: number;
  /** Flows that have at least one frame. */
  readonly flows: number;
  /** Time from the first frame to the last, ns. */
  readonly spanNs: number;
}

/** Frames from one pause of `generating` to the next. */
const PAUSE = 1 << 16;

/**
 * Writes a generated capture: pcapng when the name ends in .pcapng (or .pcapng.gz), pcap otherwise, both with nanoseconds,
 * gzip when it ends in .gz. Throws InputError for values that do not fit, and when the file cannot be written.
 */
export function generateFile(path: string, options: GenerateOptions = {}): Generated {
  const steps = generating(path, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** `generateFile` with pauses, so that others have their turn; who leaves it at one (`return`) leaves no file. */
export function* generating(path: string, options: GenerateOptions = {}): Generator<undefined, Generated> {
  const plan = makePlan(options);
  const generator = new FrameGenerator(plan);
  const { frame } = generator;
  const seen = new Uint8Array(plan.flows);
  let flows = 0;
  let bytes = 0;
  const ng = /\.pcapng(\.gz)?$/.test(path) ? new PcapngWriter(path, plan.startNs) : undefined;
  const port = ng?.addInterface(plan.scenario.name, plan.scenario.about) ?? 0;
  const classic = ng === undefined ? new PcapWriter(path, plan.startNs) : undefined;
  try {
    while (generator.next()) {
      if (classic !== undefined) classic.write(frame, 0, generator.length, generator.time);
      else ng?.write(port, frame, 0, generator.length, generator.time);
      bytes += generator.length;
      flows += 1 - seen[generator.flow];
      seen[generator.flow] = 1;
      if (generator.made % PAUSE === 0) yield;
    }
    classic?.close();
    ng?.close();
  } finally {
    // Harmless behind `close`.
    classic?.abort();
    ng?.abort();
  }
  return { path, plan, frames: generator.made, bytes, flows, spanNs: generator.time };
}

/** The same frames as a Trace, for benchmarks and tests that need no file. */
export function generateTrace(options: GenerateOptions = {}): Trace {
  const plan = makePlan(options);
  const generator = new FrameGenerator(plan);
  const builder = new TraceBuilder(`generated ${plan.scenario.name}, seed ${plan.seed}`);
  const seconds = Number(plan.startNs / 1_000_000_000n);
  const nanoseconds = Number(plan.startNs % 1_000_000_000n);
  while (generator.next()) {
    const ns = nanoseconds + generator.time;
    const whole = Math.floor(ns / 1e9);
    builder.add(generator.frame, 0, generator.length, seconds + whole, ns - whole * 1e9);
  }
  return builder.build();
}
