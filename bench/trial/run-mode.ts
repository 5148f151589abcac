/**
 * One mode's trial from topology to result: build the cluster, put the captures through once and count, then again and
 * again and take the time.
 */
import { join } from "node:path";
import { Fabric, type FabricTap } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { InputError } from "../errors.ts";
import { FirstPing } from "./first-ping.ts";
import { FrameFiles } from "./frame-files.ts";
import type { Inputs } from "./inputs.ts";
import { type ColdResult, coldPass, warmPasses } from "./passes.ts";
import { type ModeResult, modeResult } from "./result.ts";
import { coldSchedule, type Input, type Pace, warmSchedule } from "./schedule.ts";
import { type ClusterState, clusterState, dumpBridge } from "./state.ts";

/** Bytes for packets in flight, at most. */
const POOL_BYTES = 256 << 20;
const POOL_SLOTS = 4096;
/** Shorter frames than this fit always. */
const FRAME_BYTES = 1800;

export interface ModeTrial {
  readonly topology: Topology;
  /** The topology's file, as shown. */
  readonly file: string;
  readonly loaded: Inputs;
  readonly pace: Pace;
  /** What was asked for when frames are paced on the wall clock; null: as fast as they go. */
  readonly paceText: string | null;
  readonly rounds: number;
  /** Warm passes are measured. */
  readonly timing: boolean;
  readonly repeat: number | undefined;
  readonly seconds: number | undefined;
  readonly nic: number;
  /** Folder for pcap files. */
  readonly write: string | undefined;
  readonly save: boolean;
  readonly dumpFlows: readonly string[];
  /** Share of this mode's work that is done, 0 to 1, and what is being done; false stops. */
  readonly progress: (done: number, doing: string) => boolean;
}

export interface ModeOutcome {
  readonly result: ModeResult;
  readonly state: ClusterState | null;
  /** By "HOST/BRIDGE", as `ovs-ofctl dump-flows`. */
  readonly dumps: ReadonlyMap<string, string>;
  readonly files: readonly { readonly path: string; readonly frames: number }[];
  readonly interrupted: boolean;
}

export async function runMode(trial: ModeTrial): Promise<ModeOutcome> {
  const { topology, loaded, rounds } = trial;
  const schedule = coldSchedule(loaded.inputs, trial.pace);
  if (schedule.count === 0) {
    throw new InputError(`${loaded.inputs.map((input) => input.file).join(", ")}: no frame to put in at the port`);
  }
  const fabric = build(trial);
  const ping = new FirstPing(topology);
  const files =
    trial.write === undefined ? null : new FrameFiles(join(trial.write, topology.mode), fabric, epoch(loaded.inputs));
  fabric.tap = tapOf(ping, files);
  const total = schedule.count * rounds;
  const coldShare = trial.timing ? 0.2 : 1;
  let cold: ColdResult;
  let written: ModeOutcome["files"];
  try {
    cold = await coldPass(fabric, schedule, {
      rounds,
      realTime: trial.paceText !== null,
      progress: (frames) => trial.progress((coldShare * frames) / total, "counting"),
    });
    written = files === null ? [] : files.close();
  } catch (error) {
    files?.abort();
    throw error;
  }
  fabric.tap = null;
  for (const host of fabric.hosts) host.datapath.flushStats();
  const counters = fabric.snapshot();
  const violations = fabric.check();
  const dumps = new Map(trial.dumpFlows.map((path) => [path, dumpBridge(fabric, path, cold.end)]));
  const state = trial.save ? clusterState(fabric, cold.end) : null;
  const warm =
    trial.timing && !cold.interrupted
      ? await warmPasses(fabric, warmSchedule(schedule), {
          repeat: trial.repeat,
          seconds: trial.seconds,
          start: cold.end,
          progress: (done) => trial.progress(coldShare + (1 - coldShare) * done, "timing"),
        })
      : null;
  const after = warm === null ? [] : fabric.check().filter((line) => !violations.includes(line));
  const result = modeResult({
    topology,
    file: trial.file,
    inputs: loaded.results,
    answering: loaded.answering,
    notes: loaded.notes,
    cold,
    counters,
    warm: warm?.passes ? warm : null,
    firstPing: ping.lines,
    violations: [...violations, ...after.map((line) => `after the warm passes: ${line}`)],
    nic: trial.nic,
    pace: trial.paceText,
  });
  return { result, state, dumps, files: written, interrupted: cold.interrupted || (warm?.interrupted ?? false) };
}

/** A cluster whose packet buffers hold the longest frame of the captures. Errors in rules are the person's. */
function build(trial: ModeTrial): Fabric {
  const { topology, loaded } = trial;
  let longest = FRAME_BYTES;
  for (const { trace, frames } of loaded.inputs) {
    for (const i of frames) if (trace.length[i] > longest) longest = trace.length[i];
  }
  const poolSlots = Math.min(POOL_SLOTS, Math.floor(POOL_BYTES / (longest + 256)));
  return new Fabric(topology, { poolSlots, frameBytes: longest, timing: trial.timing, answering: loaded.answering });
}

function tapOf(ping: FirstPing, files: FrameFiles | null): FabricTap {
  return {
    delivered: (vm, bytes, start, end, time) => files?.delivered(vm, bytes, start, end, time),
    underlay: (host, port, _direction, bytes, start, end, time) => files?.underlay(host, port, bytes, start, end, time),
    wire: (_wire, bytes, start, end, time) => {
      ping.wire(bytes, start, end, time);
      files?.wire(bytes, start, end, time);
    },
  };
}

/** When virtual time 0 was, ns since 1970: the earliest frame that goes in. */
function epoch(inputs: readonly Input[]): bigint {
  return inputs
    .filter(({ frames }) => frames.length > 0)
    .map(({ trace, frames }) => trace.epochNs + BigInt(Math.round(trace.time[frames[0]])))
    .reduce((a, b) => (b < a ? b : a));
}
