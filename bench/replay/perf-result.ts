/** What was recorded of loops (perf.ts), of one worker and of several together. */

/** One iteration. */
export interface Iteration {
  readonly iteration: number;
  readonly ns: number;
  readonly packets: number;
  readonly batches: number;
  readonly upcalls: number;
  readonly upcallNs: number;
}

export interface Suspicious extends Iteration {
  /** Itself and those around it, in order. */
  readonly neighbours: readonly Iteration[];
}

export interface HistogramResult {
  readonly name: string;
  /** Upper bound of each bin; the last bin, above them all, has none. */
  readonly walls: readonly number[];
  readonly counts: readonly number[];
}

export interface PerfResult {
  /** Workers whose figures these are: 1, or all of a merged result. */
  readonly workers: number;
  readonly burstsPerIteration: number;
  /** What one reading of the clock takes, ns. */
  readonly clockNs: number;
  readonly iterations: number;
  readonly idleIterations: number;
  /** Time in iterations, of all workers, without revalidation and ageing; time from the first to the last one, s. */
  readonly busySeconds: number;
  readonly seconds: number;
  readonly packets: number;
  readonly passes: number;
  readonly exactHits: number;
  readonly megaflowHits: number;
  readonly subtableLookups: number;
  readonly upcalls: number;
  readonly upcallSeconds: number;
  readonly lostUpcalls: number;
  readonly txPackets: number;
  readonly txBatches: number;
  readonly batches: number;
  readonly histograms: readonly HistogramResult[];
  readonly suspiciousUs: number;
  /** How many iterations took longer than that. */
  readonly suspiciousCount: number;
  /** The first ones; none in a merged result, as an iteration is one worker's. */
  readonly suspicious: readonly Suspicious[];
}

/** The results of all workers as one: counts and histograms added up, the longest duration. They have the same bins. */
export function mergePerf(all: readonly PerfResult[]): PerfResult {
  const [first] = all;
  const sum = (of: (one: PerfResult) => number): number => all.reduce((total, one) => total + of(one), 0);
  const most = (of: (one: PerfResult) => number): number => Math.max(...all.map(of));
  return {
    workers: sum(({ workers }) => workers),
    burstsPerIteration: most(({ burstsPerIteration }) => burstsPerIteration),
    clockNs: most(({ clockNs }) => clockNs),
    iterations: sum(({ iterations }) => iterations),
    idleIterations: sum(({ idleIterations }) => idleIterations),
    busySeconds: sum(({ busySeconds }) => busySeconds),
    seconds: most(({ seconds }) => seconds),
    packets: sum(({ packets }) => packets),
    passes: sum(({ passes }) => passes),
    exactHits: sum(({ exactHits }) => exactHits),
    megaflowHits: sum(({ megaflowHits }) => megaflowHits),
    subtableLookups: sum(({ subtableLookups }) => subtableLookups),
    upcalls: sum(({ upcalls }) => upcalls),
    upcallSeconds: sum(({ upcallSeconds }) => upcallSeconds),
    lostUpcalls: sum(({ lostUpcalls }) => lostUpcalls),
    txPackets: sum(({ txPackets }) => txPackets),
    txBatches: sum(({ txBatches }) => txBatches),
    batches: sum(({ batches }) => batches),
    histograms: first.histograms.map(({ name, walls, counts }, h) => ({
      name,
      walls,
      counts: counts.map((_, bin) => sum(({ histograms }) => histograms[h].counts[bin])),
    })),
    suspiciousUs: first.suspiciousUs,
    suspiciousCount: sum(({ suspiciousCount }) => suspiciousCount),
    suspicious: [],
  };
}
