/**
 * From rounds to numbers. The processes of a pair are alive at the same time and do their rounds in turn, a few milliseconds
 * each: whatever else happens on the machine in these milliseconds, caches and memory that others use above all, happens to
 * all of them. (Both at once, on two cores, is what Bulej et al., "Duet Benchmarking", ICPE 2020, do for the same reason; in
 * turn they need one core only, and do not disturb each other.)
 */
export interface Round {
  /** ns a frame, by the clock and by the process's own processor time. */
  readonly clock: number;
  readonly cpu: number;
}

/** What one process measured. */
export interface Sample {
  readonly nsPerPacket: number;
  readonly cpuNsPerPacket: number;
}

/**
 * The number of each process, from its rounds; `legs[0]` is the one that the others are compared with. Its own is the lower
 * quartile of its rounds; that of another is as much larger as the median round is than the first one's beside it.
 * Throws an Error unless all have the same number of rounds.
 */
export function samplesOf(legs: readonly (readonly Round[])[]): Sample[] {
  const [first] = legs;
  if (first === undefined || first.length === 0 || legs.some((rounds) => rounds.length !== first.length)) {
    throw new Error(`rounds of ${legs.map((rounds) => rounds.length).join(", ")}: expected as many of each, above 0`);
  }
  const clock = lowerQuartile(first.map((round) => round.clock));
  const cpu = lowerQuartile(first.map((round) => round.cpu));
  return legs.map((rounds) => ({
    nsPerPacket: clock * middleRatio(rounds, first, "clock"),
    cpuNsPerPacket: cpu * middleRatio(rounds, first, "cpu"),
  }));
}

function middleRatio(rounds: readonly Round[], beside: readonly Round[], which: keyof Round): number {
  if (rounds === beside) return 1;
  const logs = rounds.map((round, i) => Math.log(round[which] / beside[i][which])).sort((a, b) => a - b);
  const half = logs.length >> 1;
  return Math.exp(logs.length % 2 === 1 ? logs[half] : (logs[half - 1] + logs[half]) / 2);
}

function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2];
}
