/**
 * A capture in memory: frames back to back in one shared byte array, and columns beside it. Read once, outside the clock,
 * and only read after that, so workers share it.
 */
export interface Trace {
  /** Where it came from, for messages. */
  readonly name: string;
  readonly count: number;
  /** Frame i lies in bytes[start[i], start[i] + length[i]). A plain Uint8Array over a SharedArrayBuffer, never a Buffer. */
  readonly bytes: Uint8Array;
  readonly start: Int32Array;
  /** Captured bytes of frame i. */
  readonly length: Int32Array;
  /** Bytes that frame i had on the wire; more than `length` when the capture was snapped. */
  readonly wireLength: Int32Array;
  /** ns since `epochNs`, never falling back below 0. */
  readonly time: Float64Array;
  /** Time of the first frame in ns since 1970, for writers. */
  readonly epochNs: bigint;
  /** What was odd on reading: cut off, snapped, skipped blocks; a sentence each. */
  readonly warnings: readonly string[];
}

/** Bytes of its longest frame. */
export function longestFrame({ count, length }: Trace): number {
  let longest = 0;
  for (let n = 0; n < count; n++) if (length[n] > longest) longest = length[n];
  return longest;
}
