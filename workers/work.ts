/** Makes a schedule into the work of several workers: columns in shared memory, and whose each frame is. */
import type { Trace } from "../datapath/packet/trace.ts";
import { FlowHasher } from "./flow-hash.ts";
import type { Work } from "./replica.ts";
import { shareOut } from "./shares.ts";

/** As of bench/trial/schedule.ts. */
export interface Columns {
  readonly inputs: readonly { readonly trace: Trace }[];
  readonly count: number;
  readonly input: Uint16Array;
  readonly frame: Int32Array;
  readonly time: Float64Array;
  readonly burst: Int32Array;
  readonly span: number;
}

/** The work of a schedule for `workers` workers. Reads every frame: outside the clock. */
export function workOf(schedule: Columns, workers: number): Work {
  const { inputs, count, input, frame, time, burst, span } = schedule;
  const hasher = new FlowHasher();
  const byInput = inputs.map((_, source) => {
    const at: number[] = [];
    for (let i = 0; i < count; i++) if (input[i] === source) at.push(i);
    return Int32Array.from(at);
  });
  const framesOf = (source: number): Int32Array => byInput[source].map((i) => frame[i]);
  for (const [source, { trace }] of inputs.entries()) hasher.scan(trace, framesOf(source));
  const hashes = new Int32Array(count);
  for (const [source, { trace }] of inputs.entries()) {
    const own = hasher.hash(trace, framesOf(source));
    for (const [n, i] of byInput[source].entries()) hashes[i] = own[n];
  }
  return {
    traces: inputs.map(({ trace }) => trace),
    input: shared(input, Uint16Array),
    frame: shared(frame, Int32Array),
    time: shared(time, Float64Array),
    burst: shared(burst, Int32Array),
    span,
    owner: shared(shareOut(hashes, workers), Uint8Array),
  };
}

type Column = Uint8Array | Uint16Array | Int32Array | Float64Array;

/** A copy in shared memory. */
function shared<T extends Column>(
  column: T,
  make: { new (buffer: SharedArrayBuffer): T; readonly BYTES_PER_ELEMENT: number },
): T {
  const copy = new make(new SharedArrayBuffer(column.length * make.BYTES_PER_ELEMENT));
  copy.set(column);
  return copy;
}
