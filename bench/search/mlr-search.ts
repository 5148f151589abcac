/**
 * MLRsearch: the highest loads that meet several goals, found in one search (RFC 9971; FD.io CSIT's method). What it does
 * better than bisecting once per goal:
 *
 * - every trial counts for every goal;
 * - a load is classified by as many trials as it takes to be sure, and no more (classification.ts);
 * - short, wide targets come first (target.ts), so long measurements begin near the answer;
 * - loads are bisected as ratios, and cut so that intervals end exactly at the goal width;
 * - the first loads are guessed from the forwarding rate at the largest load;
 * - outside of the known bounds steps grow until there is one.
 *
 * The lowest load that any goal asks for is measured first: bounds found low are not overthrown later.
 */
import { conditionalThroughput } from "./classification.ts";
import { checkGoal, type SearchGoal } from "./goal.ts";
import { fit, LoadGrid } from "./load-grid.ts";
import { type Nomination, Selector } from "./selector.ts";
import { type Target, targetsOf } from "./target.ts";
import { forwardingRate, lossRatio, type Measurer, type TrialResult } from "./trial.ts";
import { type Bounds, TrialLog } from "./trial-log.ts";

export interface SearchConfig {
  readonly goals: readonly SearchGoal[];
  /** Frames a second. */
  readonly minLoad: number;
  readonly maxLoad: number;
  /** Seconds after which the search ends with what it has. */
  readonly searchDurationMax: number;
  /** Seconds of a first trial at the largest load, whose result is not used; 0: none. */
  readonly warmupDuration: number;
}

/** CSIT's settings; goals and the largest load are the caller's. */
export const SEARCH_DEFAULTS = { minLoad: 9001, maxLoad: 1e9, searchDurationMax: 1200, warmupDuration: 1 } as const;

export interface SearchOptions {
  /** Called after each trial that counts. */
  readonly onTrial?: (trial: TrialResult) => void;
  /** Ends the search after the trial under way; results are then irregular. */
  readonly signal?: AbortSignal;
  /** Seconds; the clock of searchDurationMax. */
  readonly clock?: () => number;
}

export interface BoundResult {
  /** Frames a second. */
  readonly load: number;
  readonly trials: readonly TrialResult[];
}

export interface GoalResult {
  readonly goal: SearchGoal;
  /** Both bounds are known and no further apart than the goal's width. */
  readonly regular: boolean;
  /** Why not; null when regular. */
  readonly reason: string | null;
  readonly lower: BoundResult | null;
  readonly upper: BoundResult | null;
  /** Frames a second at the lower bound; null without one. What is reported as NDR or PDR. */
  readonly conditionalThroughput: number | null;
}

export interface SearchResult {
  readonly goals: readonly GoalResult[];
  /** Trials that counted. */
  readonly trials: number;
  /** Sum of their effective durations, seconds. */
  readonly trialSeconds: number;
  /** null: went to its end. */
  readonly stopped: string | null;
}

/** Searches. Throws an Error for goals or limits that make no sense; whatever the measurer throws ends the search. */
export async function mlrSearch(
  config: SearchConfig,
  measurer: Measurer,
  options: SearchOptions = {},
): Promise<SearchResult> {
  return await new Search(config, measurer, options).run();
}

class Search {
  readonly #config: SearchConfig;
  readonly #measurer: Measurer;
  readonly #options: SearchOptions;
  readonly #grid: LoadGrid;
  readonly #log = new TrialLog();
  readonly #targets: readonly (readonly Target[])[];
  #trials = 0;
  #seconds = 0;

  constructor(config: SearchConfig, measurer: Measurer, options: SearchOptions) {
    if (config.goals.length === 0) throw new Error("search without goals: expected at least one");
    for (const goal of config.goals) checkGoal(goal);
    this.#config = config;
    this.#measurer = measurer;
    this.#options = options;
    this.#grid = new LoadGrid(config.minLoad, config.maxLoad, Math.min(...config.goals.map(({ width }) => width)));
    this.#targets = config.goals.map((goal) => targetsOf(goal, this.#grid));
  }

  async run(): Promise<SearchResult> {
    const clock = this.#options.clock ?? (() => performance.now() / 1000);
    const end = clock() + this.#config.searchDurationMax;
    const why = (): string | null => {
      if (this.#options.signal?.aborted === true) return "interrupted";
      return clock() >= end ? `not done after ${this.#config.searchDurationMax} s` : null;
    };
    if (this.#config.warmupDuration > 0) {
      await this.#measurer.measure(this.#config.warmupDuration, this.#grid.load(this.#grid.top));
    }
    const initial = await this.#firstTrials(() => why() !== null);
    const selectors = this.#targets.map((targets) => new Selector(targets, this.#log, this.#grid.top, initial));
    let stopped = why();
    while (stopped === null) {
      const nominations = selectors.map((selector) => selector.nominate());
      stopped = this.#hopeless(nominations);
      const next = first(nominations);
      if (stopped !== null || next === null) break;
      await this.#measure(next);
      for (const [i, nomination] of nominations.entries()) {
        if (nomination?.load === next.load && nomination.duration === next.duration) selectors[i].measured();
      }
      stopped = why();
    }
    return {
      goals: this.#config.goals.map((goal, i) => this.#result(goal, this.#targets[i], stopped)),
      trials: this.#trials,
      trialSeconds: this.#seconds,
      stopped,
    };
  }

  /** Guesses from the forwarding rate at the largest load: the loads between which the first targets begin. */
  async #firstTrials(stop: () => boolean): Promise<Bounds> {
    const { goals } = this.#config;
    const strictest = goals.reduce((a, b) => (b.lossRatio < a.lossRatio ? b : a));
    const [{ width }] = this.#targets[goals.indexOf(strictest)];
    const duration = Math.max(...goals.map((goal) => goal.initialTrialDuration));
    const { top } = this.#grid;
    // All of a loss is taken to be load that the system cannot carry.
    const guess = (trial: TrialResult): number => this.#grid.index(forwardingRate(trial) / (1 - strictest.lossRatio));
    const atTop = await this.#measure({ load: top, duration });
    const carried = fit(guess(atTop), width, null, top, top);
    if (lossRatio(atTop) <= strictest.lossRatio || carried === null || stop()) return { lower: top, upper: top };
    const atCarried = await this.#measure({ load: carried, duration });
    const second =
      lossRatio(atCarried) > strictest.lossRatio
        ? fit(Math.min(guess(atCarried), carried), width, null, carried, top)
        : fit(carried + width, width, carried, top, top);
    if (second === null || stop()) return { lower: carried, upper: top };
    await this.#measure({ load: second, duration });
    return { lower: Math.min(carried, second), upper: Math.max(carried, second) };
  }

  async #measure({ load, duration }: Nomination): Promise<TrialResult> {
    const trial = await this.#measurer.measure(duration, this.#grid.load(load));
    if (!(trial.effectiveDuration > 0)) {
      throw new Error(`trial of ${duration} s took ${trial.effectiveDuration} s, expected more than 0`);
    }
    this.#log.add(load, trial);
    this.#trials++;
    this.#seconds += trial.effectiveDuration;
    this.#options.onTrial?.(trial);
    return trial;
  }

  /** The smallest load does not meet a goal that gives up then. */
  #hopeless(nominations: readonly (Nomination | null)[]): string | null {
    for (const [i, goal] of this.#config.goals.entries()) {
      if (nominations[i] !== null || !goal.failFast) continue;
      const { lower } = this.#log.bounds(this.#targets[i].at(-1) as Target);
      if (lower === null) return `the smallest load does not meet ${goal.name}`;
    }
    return null;
  }

  #result(goal: SearchGoal, targets: readonly Target[], stopped: string | null): GoalResult {
    const final = targets[targets.length - 1];
    const { lower, upper } = this.#log.bounds(final);
    const near = lower !== null && upper !== null && upper - lower <= final.width;
    const bound = (index: number | null): BoundResult | null =>
      index === null ? null : { load: this.#grid.load(index), trials: this.#log.at(index) };
    return {
      goal,
      regular: near,
      reason: near ? null : reasonOf(lower, upper, this.#grid.top, stopped),
      lower: bound(lower),
      upper: bound(upper),
      conditionalThroughput:
        lower === null ? null : conditionalThroughput(this.#grid.load(lower), this.#log.at(lower), goal),
    };
  }
}

function reasonOf(lower: number | null, upper: number | null, top: number, stopped: string | null): string {
  if (upper === null && lower === top) return "the largest load meets the goal";
  if (lower === null && upper === 0) return "the smallest load does not meet the goal";
  return stopped ?? "bounds further apart than the goal's width";
}

/** The lowest load, then the longest trial. */
function first(nominations: readonly (Nomination | null)[]): Nomination | null {
  let best: Nomination | null = null;
  for (const nomination of nominations) {
    if (nomination === null) continue;
    const better =
      best === null ||
      nomination.load < best.load ||
      (nomination.load === best.load && nomination.duration > best.duration);
    if (better) best = nomination;
  }
  return best;
}
