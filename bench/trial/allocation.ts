/**
 * Bytes that a packet leaves on the heap. The heap's size is read before and after some passes and before and after twice as
 * many; the difference of the two growths is free of what reading itself allocates. A garbage collection in between spoils
 * the figure, so it is tried again with fewer passes.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { breathe } from "./sampling.ts";

/** Packets of the shorter stretch, about; more make small leaks visible, fewer keep collections away. */
const PACKETS = 500_000;
const TRIES = 12;

/**
 * Null when no stretch stayed free of collections. `pass` must be warm, `packets` says how many have come through so far.
 */
export async function bytesPerPacket(pass: () => void, packets: () => number): Promise<number | null> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  try {
    const first = packets();
    pass();
    let passes = Math.max(1, Math.round(PACKETS / Math.max(1, packets() - first)));
    for (let i = 0; i < TRIES; i++) {
      const before = collections;
      const short = grow(pass, packets, passes);
      const long = grow(pass, packets, 2 * passes);
      // Collections are reported a turn later.
      await breathe();
      await breathe();
      if (collections === before) {
        const bytes = Math.max(0, long.bytes - short.bytes);
        return bytes / (long.packets - short.packets);
      }
      if (passes > 1) passes >>= 1;
    }
    return null;
  } finally {
    observer.disconnect();
  }
}

function grow(pass: () => void, packets: () => number, passes: number): { bytes: number; packets: number } {
  const first = packets();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < passes; i++) pass();
  const bytes = process.memoryUsage().heapUsed - before;
  return { bytes, packets: packets() - first };
}
