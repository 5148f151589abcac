/**
 * One mode's trial from topology to result: build the cluster, put the captures through once and count, then again and
 * again and take the time.
 */
import { join } from "node:path";
import { Fabric, type FabricOptions } from "../../datapath/fabric.ts";
import type { FabricTap } from "../../datapath/fabric-tap.ts";
import { InputError } from "../errors.ts";
import { pingPath } from "../path/ping-path.ts";
import { type CachePoint, CacheSeries } from "./cache-series.ts";
import { count, type Measured } from "./counted.ts";
import { FirstPing } from "./first-ping.ts";
import { FrameFiles } from "./frame-files.ts";
import { runHostThreads } from "./hosts-threads.ts";
import { modeResult } from "./mode-result.ts";
import { runModeThreads } from "./mode-threads.ts";
import type { ModeTrial } from "./mode-trial.ts";
import { coldPass, coldShareOf, WarmRunner, warmPasses } from "./passes.ts";
import type { Placement } from "./placement.ts";
import type { ModeResult } from "./result.ts";
import { coldSchedule, type Input, type Schedule, warmSchedule } from "./schedule.ts";
import type { ClusterState } from "./state.ts";

/** Bytes for packets in flight, at most. */
const POOL_BYTES = 256 << 20;
const POOL_SLOTS = 4096;
/** Shorter frames than this fit always. */
const FRAME_BYTES = 1800;

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
  let done: Measured & { readonly placement?: Placement; readonly cacheSeries?: readonly CachePoint[] };
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

/** All on this thread. */
async function runHere(
  trial: ModeTrial,
  schedule: Schedule,
  fabric: Fabric,
  tap: FabricTap,
): Promise<Measured & { readonly cacheSeries: readonly CachePoint[] }> {
  const { rounds } = trial;
  const series = new CacheSeries(fabric);
  fabric.tap = tap;
  const total = schedule.count * rounds;
  const coldShare = coldShareOf(trial);
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
