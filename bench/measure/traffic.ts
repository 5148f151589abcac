/** The frames of a measurement: captures or generated ones, as one order of (port, frame) that all threads share. */
import type { Trace } from "../../datapath/packet/trace.ts";
import { FrameGenerator } from "../../pcaps/generate/frame-generator.ts";
import { FCS_LENGTH } from "../../pcaps/generate/frame-sizes.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { type GenerateOptions, makePlan } from "../../pcaps/generate/plan.ts";
import { TraceBuilder } from "../../pcaps/trace-builder.ts";
import { InputError } from "../errors.ts";
import type { FrameProfile } from "../search/frame-profile.ts";
import { allFrames, coldSchedule, type Input } from "../trial/schedule.ts";
import type { FramesResult } from "./result.ts";
import type { Traffic } from "./subject.ts";

/** At least so many generated frames, however few flows there are: they go round, and caches should not see a short loop. */
const LEAST_FRAMES = 8192;
const MOST_PORTS = 256;

export interface Prepared {
  readonly traffic: Traffic;
  readonly inputs: readonly Input[];
  readonly frames: FramesResult;
}

/** Captures in the order of their clocks. Throws an InputError when there is no frame. */
export function capturedTraffic(inputs: readonly Input[]): Prepared {
  return prepared(inputs, "capture", null);
}

/** Generated frames for a scenario at each port; all have the same rate. */
export function generatedTraffic(
  ports: readonly { readonly port: string; readonly scenario: string }[],
  profile: FrameProfile,
  flows: number,
): Prepared {
  const inputs = ports.map(({ port, scenario }) => {
    const frames = Math.max(LEAST_FRAMES, flows);
    return inputOf(port, generateTrace({ scenario, frames, flows, size: profile.generate, popularity: "round-robin" }));
  });
  return prepared(inputs, profile.name, flows * ports.length);
}

/**
 * Generated frames of which a share are of flows that come once in all of them, the others of `flows` flows. The first
 * packets are those of one bridge: with all of them it sees `frames` flows.
 */
export function firstPackets(
  port: string,
  profile: FrameProfile,
  flows: number,
  share: number,
  frames: number,
): Prepared {
  const options: GenerateOptions = { scenario: "p2p", size: profile.generate, popularity: "round-robin" };
  const known = new FrameGenerator(makePlan({ ...options, frames, flows }));
  // Another address for senders: no flow is in both.
  const fresh = new FrameGenerator(makePlan({ ...options, frames, flows: frames, vms: 2, seed: 2 }));
  const builder = new TraceBuilder(`generated p2p, ${100 * share} % first packets`);
  for (let n = 0; n < frames; n++) {
    const from = Math.floor((n + 1) * share) > Math.floor(n * share) ? fresh : known;
    from.next();
    builder.add(from.frame, 0, from.length, 0, n);
  }
  const all = prepared([inputOf(port, builder.build())], profile.name, null);
  return { ...all, frames: { ...all.frames, flows: Math.floor(frames * share) + (share < 1 ? flows : 0) } };
}

function inputOf(port: string, trace: Trace): Input {
  return { port, file: trace.name, trace, frames: allFrames(trace) };
}

function prepared(inputs: readonly Input[], profile: string, flows: number | null): Prepared {
  if (inputs.length > MOST_PORTS)
    throw new InputError(`${inputs.length} ports take frames in, expected at most ${MOST_PORTS}`);
  const schedule = coldSchedule(inputs, {});
  if (schedule.count === 0) {
    throw new InputError(`${inputs.map(({ file }) => file).join(", ")}: no frame to put in`);
  }
  const port = new Uint8Array(new SharedArrayBuffer(schedule.count));
  const frame = new Int32Array(new SharedArrayBuffer(4 * schedule.count));
  port.set(schedule.input);
  frame.set(schedule.frame);
  return {
    traffic: { ports: inputs.map((input) => input.port), traces: inputs.map(({ trace }) => trace), port, frame },
    inputs,
    frames: { profile, meanBytes: schedule.bytes / schedule.count + FCS_LENGTH, flows },
  };
}
