/**
 * One mode's trial from topology to result: build the cluster, put the captures through once and count, then again and
 * again and take the time.
 */
import { join } from "node:path";
import type { ClusterCounters } from "../../datapath/cluster-counters.ts";
import { Fabric, type FabricOptions } from "../../datapath/fabric.ts";
import type { FabricTap } from "../../datapath/fabric-tap.ts";
import type { Topology } from "../../datapath/topology.ts";
import { InputError } from "../errors.ts";
import { pingPath } from "../path/ping-path.ts";
import { type CachePoint, CacheSeries } from "./cache-series.ts";
import { FirstPing } from "./first-ping.ts";
import { FrameFiles } from "./frame-files.ts";
import { type Placement, runHostThreads } from "./hosts-threads.ts";
import type { Inputs } from "./inputs.ts";
import type { ModeDone } from "./mode-thread.ts";
import { runModeThreads } from "./mode-threads.ts";
import { coldPass, WarmRunner, warmPasses } from "./passes.ts";
import { type ModeResult, modeResult } from "./result.ts";
import { coldSchedule, type Input, type Pace, type Schedule, warmSchedule } from "./schedule.ts";
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
  /** Threads that share the work; 1 = this one. */
  readonly workers: number;
  /** Every host on its own thread; null: together. */
  readonly placement: { readonly ringSlots: number; readonly ringDrop: boolean } | null;
  /** Share of this mode's work that is done, 0 to 1, and what is being done; false stops. */
  readonly progress: (done: number, doing: string) => boolean;
}

export interface ModeOutcome {
  readonly result: ModeResult;
  readonly state: ClusterState | null;
  /** By "HOST/BRIDGE", as `ovs-ofctl dump-flows`. */
  readonly dumps: ReadonlyMap<string, string>;
  readonly files: readonly { readonly path: string; readonly frames: number; readonly rebased: boolean }[];
  readonly interrupted: boolean;
}

export async function runMode(trial: ModeTrial): Promise<ModeOutcome> {
  const { topology, loaded } = trial;
  const schedule = coldSchedule(loaded.inputs, trial.pace);
  if (schedule.count === 0) {
    throw new InputError(`${loaded.inputs.map((input) => input.file).join(", ")}: no frame to put in at the port`);
  }
  const options = fabricOptions(trial);
  // On several workers, this one only knows names.
  const fabric = new Fabric(
    topology,
    trial.workers > 1 || trial.placement !== null ? { ...options, poolSlots: 1 } : options,
  );
  const ping = new FirstPing(topology);
  const files =
    trial.write === undefined ? null : new FrameFiles(join(trial.write, topology.mode), fabric, epoch(loaded.inputs));
  let done: Omit<ModeDone, "stats"> & { readonly placement?: Placement; readonly cacheSeries?: readonly CachePoint[] };
  let written: ModeOutcome["files"];
  try {
    done =
      trial.placement !== null
        ? await runHostThreads(trial, schedule, options, files !== null, tapOf(ping, files))
        : trial.workers > 1
          ? await runModeThreads(trial, schedule, options, files !== null, tapOf(ping, files))
          : await runHere(trial, schedule, fabric, tapOf(ping, files));
    written = files === null ? [] : files.close();
  } catch (error) {
    files?.abort();
    throw error;
  }
  const { cold, warm, counters, dumps, state } = done;
  const untimed = trial.timing && !cold.interrupted && warm === null && trial.progress(1, "timing");
  const result = modeResult({
    topology,
    file: trial.file,
    inputs: loaded.results,
    answering: loaded.answering,
    notes: untimed ? [...loaded.notes, UNTIMED] : loaded.notes,
    workers: trial.workers,
    placement: done.placement ?? null,
    cold,
    counters,
    warm: warm?.passes ? warm : null,
    firstPing: ping.lines,
    path: pingPath(topology, loaded, schedule, options.frameBytes ?? FRAME_BYTES),
    cacheSeries: done.cacheSeries ?? null,
    violations: [...done.violations, ...done.after.map((line) => `after the warm passes: ${line}`)],
    nic: trial.nic,
    pace: trial.paceText,
  });
  return { result, state, dumps, files: written, interrupted: cold.interrupted || (warm?.interrupted ?? false) };
}

/** Why a mode that should have been timed was not. */
const UNTIMED = "not timed: no frame reached a VM in the warm passes, and times are those of a delivered packet";

/** What is known after the counting pass. */
export interface Counted {
  readonly counters: ClusterCounters;
  readonly violations: readonly string[];
  readonly dumps: ReadonlyMap<string, string>;
  readonly state: ClusterState | null;
}

/** Reads the counters of a fabric at virtual time `end` (ns), with the hits so far credited. */
export function count(fabric: Fabric, dumpFlows: readonly string[], save: boolean, end: number): Counted {
  for (const host of fabric.hosts) host.datapath.flushStats();
  return {
    counters: fabric.snapshot(),
    violations: fabric.check(),
    dumps: new Map(dumpFlows.map((path) => [path, dumpBridge(fabric, path, end)])),
    state: save ? clusterState(fabric, end) : null,
  };
}

/** All on this thread. */
async function runHere(
  trial: ModeTrial,
  schedule: Schedule,
  fabric: Fabric,
  tap: FabricTap,
): Promise<Omit<ModeDone, "stats"> & { readonly cacheSeries: readonly CachePoint[] }> {
  const { rounds } = trial;
  const series = new CacheSeries(fabric);
  fabric.tap = tap;
  const total = schedule.count * rounds;
  const coldShare = trial.timing ? 0.2 : 1;
  const cold = await coldPass(fabric, schedule, {
    rounds,
    realTime: trial.paceText !== null,
    progress: (frames) => trial.progress((coldShare * frames) / total, "counting"),
    sample: (frames) => series.sample(frames),
  });
  const cacheSeries = series.points;
  fabric.tap = null;
  const counted = count(fabric, trial.dumpFlows, trial.save, cold.end);
  if (!trial.timing || cold.interrupted) return { ...counted, cold, cacheSeries, warm: null, after: [] };
  const warm = await warmPasses(fabric, new WarmRunner(fabric, warmSchedule(schedule), cold.end), {
    repeat: trial.repeat,
    seconds: trial.seconds,
    progress: (done) => trial.progress(coldShare + (1 - coldShare) * done, "timing"),
  });
  const after = warm === null ? [] : fabric.check().filter((line) => !counted.violations.includes(line));
  return { ...counted, cold, cacheSeries, warm, after };
}

/** Packet buffers that hold the longest frame of the captures, and so on. */
function fabricOptions(trial: ModeTrial): FabricOptions {
  const { loaded } = trial;
  let longest = FRAME_BYTES;
  for (const { trace, frames } of loaded.inputs) {
    for (const i of frames) if (trace.length[i] > longest) longest = trace.length[i];
  }
  const poolSlots = Math.min(POOL_SLOTS, Math.floor(POOL_BYTES / (longest + 256)));
  return { poolSlots, frameBytes: longest, timing: trial.timing, answering: loaded.answering };
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
