/** Latencies as they are reported: percentiles, the string that others' tools read, the counts. */
import { HdrHistogram } from "../statistics/hdr-histogram.ts";
import { hdrhText } from "../statistics/hdrh.ts";
import type { DirectionLatency } from "./result.ts";

/** ns, to a minute, to a part in a thousand. */
export const LATENCY_LAYOUT = { highest: 60_000_000_000, digits: 3 } as const;

/** Up to where FD.io CSIT draws. */
export const PERCENTS = [50, 90, 99, 99.9, 99.99, 99.9999] as const;

/** What is said of the latencies of frames that came in by a port. */
export function directionLatency(port: string, histogram: HdrHistogram): DirectionLatency {
  return {
    port,
    frames: histogram.total,
    min: histogram.min,
    mean: histogram.mean,
    max: histogram.max,
    percentiles: PERCENTS.map((percent) => ({ percent, ns: histogram.percentile(percent) })),
    hdrh: hdrhText(histogram),
    histogram: histogram.toJSON(),
  };
}

/** A histogram in memory that threads share. */
export function latencyBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(8 * new HdrHistogram(LATENCY_LAYOUT).counts.length);
}
