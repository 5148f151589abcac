/**
 * Bytes that a packet leaves on the heap. The heap's size is read before and after some passes and before and after twice as
 * many; the difference of the two growths is free of what reading itself allocates (the empty bracket is in both). V8's own
 * work, such as the end of a compilation, only adds: of several rounds the least growth of each counts. A garbage collection
 * in between spoils a round, so it is tried again with fewer passes.
 *
 * Where several threads share the work, each reads its own heap around the same passes, and the growths are added up.
 */
import { PerformanceObserver } from "node:perf_hooks";
import type { Tally } from "../../workers/tally.ts";
import { breathe } from "./sampling.ts";

/** Packets of the shorter stretch, about; more make small leaks visible, fewer keep collections away. */
const PACKETS = 200_000;
/** Nor does it take longer, about, ms, and no round begins after ALL_MS: a pass may be slow (rules with many outputs). */
const STRETCH_MS = 500;
const ALL_MS = 20_000;
const TRIES = 12;
/** Rounds whose least growth counts, when the first was not without any. */
const ROUNDS = 4;

/** What came of some passes on all threads that share them. */
export interface Growth {
  readonly bytes: number;
  readonly packets: number;
  /** Garbage collections in that time. */
  readonly collections: number;
}

/**
 * `grow` does so many passes, warm ones, and says what came of them. Null when no stretch stayed free of collections, no
 * packet came through, or `goOn` says to stop.
 */
export async function bytesPerPacket(
  grow: (passes: number) => Promise<Growth>,
  goOn: () => boolean,
): Promise<number | null> {
  const began = performance.now();
  const { packets } = await grow(1);
  if (packets === 0) return null;
  let passes = Math.max(1, Math.round(PACKETS / packets));
  let passMs = performance.now() - began;
  if (passes * passMs > STRETCH_MS) {
    // Twice, because a moment without the core is not the pass's own.
    const again = performance.now();
    await grow(1);
    passMs = Math.min(passMs, performance.now() - again);
    passes = Math.max(1, Math.min(passes, Math.floor(STRETCH_MS / passMs)));
  }
  let least = Number.POSITIVE_INFINITY;
  let short = Number.POSITIVE_INFINITY;
  let long = Number.POSITIVE_INFINITY;
  let rounds = 0;
  for (let i = 0; i < TRIES && rounds < ROUNDS && least > 0 && performance.now() - began < ALL_MS; i++) {
    if (!goOn()) return null;
    const few = await grow(passes);
    if (!goOn()) return null;
    const many = await grow(2 * passes);
    if (few.collections + many.collections === 0) {
      rounds++;
      short = Math.min(short, few.bytes);
      long = Math.min(long, many.bytes);
      least = Math.max(0, long - short) / (many.packets - few.packets);
    } else if (rounds === 0 && passes > 1) passes >>= 1;
  }
  return rounds === 0 ? null : least;
}

/** This thread's heap. */
export class HeapWatch {
  #collections = 0;
  readonly #observer: PerformanceObserver;

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      this.#collections += list.getEntries().length;
    });
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Bytes by which the heap grew while `run` ran, and collections in that time. */
  async over(run: () => void): Promise<{ readonly bytes: number; readonly collections: number }> {
    const collections = this.#collections;
    const before = process.memoryUsage().heapUsed;
    run();
    const bytes = process.memoryUsage().heapUsed - before;
    // Collections are reported a turn later.
    await breathe();
    await breathe();
    return { bytes, collections: this.#collections - collections };
  }

  close(): void {
    this.#observer.disconnect();
  }
}

/** Numbers of a tally for `SharedHeaps`. */
export const HEAP_TALLY = 2;

/** This thread's heap among those of all that share the work; all call `over` at the same time. */
export class SharedHeaps {
  readonly #tally: Tally;
  readonly #watch = new HeapWatch();
  readonly #own = new Float64Array(HEAP_TALLY);

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Bytes by which all heaps together grew while each ran its `run`, and collections in that time. A meeting. */
  async over(run: () => void): Promise<{ readonly bytes: number; readonly collections: number }> {
    const own = await this.#watch.over(run);
    this.#own[0] = own.bytes;
    this.#own[1] = own.collections;
    const [bytes, collections] = this.#tally.sum(this.#own);
    return { bytes, collections };
  }

  close(): void {
    this.#watch.close();
  }
}
