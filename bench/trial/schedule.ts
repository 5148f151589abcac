/**
 * In which order frames go in. Several captures, each at its port, become one list in time order (captures of one run share
 * a clock); a round of a `--loop`, a fixed rate or a multiplier stretch the times. Two ways to cut the list into bursts:
 *
 *   cold   consecutive frames of the same port, at most 32 and within 20 us: the exact order, for the counting pass
 *   warm   per port, 32 at a time, the port whose next frame is earliest first: full bursts, for the measured passes. Virtual
 *          time runs at a microsecond a frame there, about as fast as they are really worked off, so that what happens by
 *          the clock (revalidation twice a second, ageing) costs a packet what it costs at full load, not at the capture's
 */
import { BURST } from "../../datapath/packet/packet-batch.ts";
import type { Trace } from "../../datapath/packet/trace.ts";

/** Frames further apart than this are not one burst, in ns: nobody can have answered the first within that time. */
const COLD_BURST_NS = 20e3;

export interface Input {
  /** As given: "vm1", "test116/eth0". */
  readonly port: string;
  readonly file: string;
  readonly trace: Trace;
  /** Frames of the trace that go in, ascending. */
  readonly frames: Int32Array;
}

/** Every frame of a trace, for an input. */
export function allFrames({ count }: Trace): Int32Array {
  const frames = new Int32Array(count);
  // A loop: `Int32Array.from` with a function takes ten times as long.
  for (let i = 0; i < count; i++) frames[i] = i;
  return frames;
}

export interface Schedule {
  readonly inputs: readonly Input[];
  readonly count: number;
  /** Bytes of one round. */
  readonly bytes: number;
  /** By frame: its input, its index in that input's trace, its virtual time in ns from the first frame on. */
  readonly input: Uint16Array;
  readonly frame: Int32Array;
  readonly time: Float64Array;
  /** Burst b is frames [burst[b], burst[b + 1]). */
  readonly burst: Int32Array;
  /** Virtual time that one round takes, so that the next one begins a frame's distance after the last frame, ns. */
  readonly span: number;
}

export interface Pace {
  /** Frames a second, in place of the captured distances. */
  readonly pps?: number | undefined;
  /** Captured distances are divided by this. */
  readonly multiplier?: number | undefined;
}

/** All frames of all inputs in time order; frames of one input keep their order, equal times the order of the inputs. */
export function coldSchedule(inputs: readonly Input[], pace: Pace): Schedule {
  const merged = merge(inputs, pace);
  const { count, input, time } = merged;
  const burst = new Int32Array(count + 1);
  let bursts = 0;
  for (let i = 0, first = 0; i < count; i++) {
    if (i > 0 && input[i] === input[first] && i - first < BURST && time[i] - time[first] <= COLD_BURST_NS) continue;
    burst[bursts++] = i;
    first = i;
  }
  burst[bursts] = count;
  return { ...merged, burst: burst.slice(0, bursts + 1) };
}

/** Virtual time that a frame of a measured pass takes, ns. */
const WARM_NS = 1000;

/** The same frames in bursts of 32 of the same port, a microsecond each. */
export function warmSchedule(cold: Schedule): Schedule {
  const { count, inputs } = cold;
  const queues = framesByInput(cold);
  const next = inputs.map(() => 0);
  const input = new Uint16Array(count);
  const frame = new Int32Array(count);
  const time = new Float64Array(count);
  const burst = new Int32Array(queues.reduce((sum, { length }) => sum + Math.ceil(length / BURST), 1));
  let bursts = 0;
  for (let done = 0; done < count; ) {
    let from = -1;
    for (let q = 0; q < queues.length; q++) {
      if (next[q] < queues[q].length && (from < 0 || queues[q][next[q]] < queues[from][next[from]])) from = q;
    }
    burst[bursts++] = done;
    const queue = queues[from];
    const first = next[from];
    const size = Math.min(BURST, queue.length - first);
    const at = done * WARM_NS;
    for (let i = 0; i < size; i++) {
      input[done] = from;
      frame[done] = cold.frame[queue[first + i]];
      // Virtual time never runs back: the frames of a burst come at the time of its first.
      time[done++] = at;
    }
    next[from] = first + size;
  }
  burst[bursts] = count;
  return { ...cold, input, frame, time, burst, span: count * WARM_NS };
}

/** Numbers of frames in `cold`, ascending, by input. */
function framesByInput({ count, inputs, input }: Schedule): readonly Int32Array[] {
  const filled = new Int32Array(inputs.length);
  for (let i = 0; i < count; i++) filled[input[i]]++;
  const queues = Array.from(filled, (size) => new Int32Array(size));
  filled.fill(0);
  for (let i = 0; i < count; i++) queues[input[i]][filled[input[i]]++] = i;
  return queues;
}

function merge(inputs: readonly Input[], pace: Pace): Omit<Schedule, "burst"> {
  const count = inputs.reduce((sum, { frames }) => sum + frames.length, 0);
  const input = new Uint16Array(count);
  const frame = new Int32Array(count);
  const time = new Float64Array(count);
  const epoch = inputs.map(({ trace }) => trace.epochNs).reduce((a, b) => (b < a ? b : a));
  const offset = inputs.map(({ trace }) => Number(trace.epochNs - epoch));
  const frames = inputs.map((one) => one.frames);
  const times = inputs.map(({ trace }) => trace.time);
  const lengths = inputs.map(({ trace }) => trace.length);
  const next = new Int32Array(inputs.length);
  let bytes = 0;
  let latest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    let from = -1;
    let earliest = Number.POSITIVE_INFINITY;
    for (let q = 0; q < frames.length; q++) {
      if (next[q] >= frames[q].length) continue;
      const at = offset[q] + times[q][frames[q][next[q]]];
      if (from < 0 || at < earliest) {
        from = q;
        earliest = at;
      }
    }
    const index = frames[from][next[from]++];
    input[i] = from;
    frame[i] = index;
    // A capture may step back in time; the clock of a run may not.
    if (earliest > latest) latest = earliest;
    time[i] = latest;
    bytes += lengths[from][index];
  }
  const first = count === 0 ? 0 : time[0];
  for (let i = 0; i < count; i++) {
    time[i] = pace.pps !== undefined ? (i * 1e9) / pace.pps : (time[i] - first) / (pace.multiplier ?? 1);
  }
  const length = count === 0 ? 0 : time[count - 1];
  return { inputs, count, bytes, input, frame, time, span: length + (count > 1 ? length / (count - 1) : 1e6) };
}
