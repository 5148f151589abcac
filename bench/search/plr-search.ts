/**
 * PLRsearch, FD.io CSIT's soak: the critical load, at which one frame in ten million is lost on average, however long it
 * goes on. No trial can show that by itself (at 1 Mpps it is a frame in 10 s); so trials at loads around it are put into two
 * models of how loss grows (loss-model.ts), and what both make of all trials (posterior.ts) is the estimate, and the next
 * load to try. Written against an injected measurer, as MLRsearch here.
 *
 * Method: FD.io CSIT, methodology/measurements/plr_search; draft-vpolak-bmwg-plrsearch. What differs: the posterior is summed
 * over a grid in place of Monte Carlo, and the time that counts is that of the traffic.
 */
import { erf, stretch } from "./loss-model.ts";
import { type Estimate, type LoadRange, Posterior } from "./posterior.ts";
import { forwardingRate, lossRatio, type Measurer, type TrialResult } from "./trial.ts";

export interface PlrConfig extends LoadRange {
  /** Seconds of traffic altogether. */
  readonly duration: number;
  /** Of the first trial, and how much longer each next one is. */
  readonly firstTrial: number;
  readonly increment: number;
}

/** CSIT's: half an hour, trials of 5.1 s, 5.2 s, ... */
export const PLR_SOAK = { lossRatio: 1e-7, duration: 1800, firstTrial: 5.1, increment: 0.1 } as const;

export interface PlrResult {
  /** Both models together, and each by itself. */
  readonly critical: Estimate;
  readonly stretch: Estimate;
  readonly erf: Estimate;
  readonly trials: readonly TrialResult[];
  readonly seconds: number;
  readonly interrupted: boolean;
}

export interface PlrProgress {
  readonly signal?: AbortSignal;
  readonly onTrial?: (trial: TrialResult, critical: Estimate) => void;
}

/** Searches. Null when stopped before the first trial was done. Throws an Error for numbers that make no sense. */
export async function plrSearch(
  config: PlrConfig,
  measurer: Measurer,
  { signal, onTrial }: PlrProgress = {},
): Promise<PlrResult | null> {
  check(config);
  const { minLoad, maxLoad, duration, firstTrial, increment } = config;
  const trials: TrialResult[] = [];
  const choice = new NextLoad(config);
  const models = [new Posterior(stretch, config), new Posterior(erf, config)];
  let load = (minLoad + maxLoad) / 2;
  let seconds = 0;
  let found: Pick<PlrResult, "critical" | "stretch" | "erf"> | null = null;
  const stopped = (): boolean => signal?.aborted === true;
  for (;;) {
    const trialSeconds = firstTrial + increment * trials.length;
    const over = seconds + trialSeconds > duration + 5e-4 && found !== null;
    if (over || stopped()) break;
    const trial = await measurer.measure(trialSeconds, load);
    // One that was cut off by the signal says nothing.
    if (stopped()) break;
    trials.push(trial);
    seconds += trial.duration;
    const [one, other] = models.map((model) => model.of(trials));
    found = { critical: together(one, other), stretch: one, erf: other };
    onTrial?.(trial, found.critical);
    load = Math.min(maxLoad, Math.max(minLoad, choice.after(trial, trials.length, found.critical.mean)));
  }
  return found === null ? null : { ...found, trials, seconds, interrupted: stopped() };
}

/** Either model may be the right one: the mean of both, and their difference is doubt as well. */
function together(a: Estimate, b: Estimate): Estimate {
  const mean = (a.mean + b.mean) / 2;
  const apart = (a.mean - b.mean) / 2;
  return { mean, deviation: Math.sqrt((a.deviation ** 2 + b.deviation ** 2) / 2 + apart ** 2) };
}

/**
 * Where the next trial says most: around the critical load. The first ones come down from the top by what gets through; after
 * trials without any loss the load goes up, towards the smallest one that lost too much so far.
 */
class NextLoad {
  readonly #config: PlrConfig;
  /** Loads that lost more than the target, ascending; the more often, the longer it had been quiet before. */
  #lossy: number[];
  /** Trials without any loss, in a row. */
  #quiet = 0;

  constructor(config: PlrConfig) {
    this.#config = config;
    this.#lossy = [config.maxLoad];
  }

  after(trial: TrialResult, count: number, estimate: number): number {
    const { maxLoad, lossRatio: target } = this.#config;
    this.#quiet++;
    if (lossRatio(trial) >= target) {
      this.#lossy.push(...new Array<number>(4 * this.#quiet).fill(trial.load));
      this.#lossy.sort((a, b) => a - b);
    }
    if (trial.offered > trial.forwarded) this.#quiet = 0;
    if (count === 1) return maxLoad;
    if (count <= 3) return forwardingRate(trial) / (1 - target);
    if (this.#quiet === 0) return estimate;
    const [lowest] = this.#lossy;
    const share = 2 ** (1 - this.#quiet);
    // Quiet trials use up the small loads that once lost: they may have been bad luck.
    if (this.#lossy.length > 3) this.#lossy = this.#lossy.slice(3);
    return lowest > estimate ? (lowest + share * estimate) / (1 + share) : estimate;
  }
}

function check({ minLoad, maxLoad, lossRatio: target, duration, firstTrial, increment }: PlrConfig): void {
  if (!(minLoad > 0 && maxLoad > minLoad))
    throw new Error(`loads from ${minLoad} to ${maxLoad}: expected 0 < min < max`);
  if (!(target > 0 && target < 1)) throw new Error(`loss ratio ${target}: expected above 0, below 1`);
  if (!(firstTrial > 0 && increment >= 0 && duration > 0)) {
    throw new Error(`${duration} s in trials of ${firstTrial} s, each ${increment} s longer: expected numbers above 0`);
  }
}
