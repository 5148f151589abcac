/** One case from plan to figures: start the threads, warm up, do the trials that its kind asks for, say what came out. */
import { BURST } from "../../datapath/packet/packet-batch.ts";
import { blockedDifference, blockedTime } from "../search/blocked-time.ts";
import { lineRate } from "../search/frame-profile.ts";
import type { SearchGoal } from "../search/goal.ts";
import { type GoalResult, mlrSearch, SEARCH_DEFAULTS } from "../search/mlr-search.ts";
import { measureMrr } from "../search/mrr.ts";
import { PLR_SOAK, plrSearch } from "../search/plr-search.ts";
import { soak } from "../search/soak.ts";
import type { RateInterval } from "../statistics/binomial.ts";
import { ConditionsWatch } from "../trial/conditions.ts";
import { environment } from "../trial/environment.ts";
import { median } from "../trial/statistics.ts";
import { directionLatency } from "./latency.ts";
import { type Manner, PLAIN, RealTimeMeasurer } from "./real-time.ts";
import {
  type AxisResult,
  type CriticalJson,
  type GoalJson,
  type IntervalJson,
  type Kind,
  type LatencyJson,
  type MeasureCase,
  type MrrJson,
  type ReconfJson,
  rateOf,
  type SoakJson,
  type SubjectResult,
  type TrialJson,
} from "./result.ts";
import type { Settings } from "./settings.ts";
import type { SubjectPlan } from "./subject.ts";
import type { Prepared } from "./traffic.ts";

/** Share of what the sender can offer that a search offers at most: it needs time to look at the clock as well. */
const SENDER_SHARE = 0.8;
/** And what a 40 Gbit/s link carries of the smallest frames: more is asked for by hand. */
const MOST_LOAD = lineRate(40e9, 64);
/** A first trial shows whether any frame comes out. */
const PROBE_SECONDS = 0.05;

export interface Job {
  readonly name: string;
  readonly kind: Exclude<Kind, "sweep">;
  readonly plan: SubjectPlan;
  readonly subject: SubjectResult;
  readonly prepared: Prepared;
  readonly axis: AxisResult | null;
  readonly settings: Settings;
}

export interface Watcher {
  readonly signal: AbortSignal;
  readonly doing: (text: string) => void;
}

type Figures = Pick<MeasureCase, "goals" | "mrr" | "latency" | "soak" | "critical" | "reconf" | "stopped">;
const NOTHING: Figures = {
  goals: [],
  mrr: null,
  latency: null,
  soak: null,
  critical: null,
  reconf: null,
  stopped: null,
};

/** Performs a case; one that is stopped has what there was until then, and says so. */
export async function perform(job: Job, { signal, doing }: Watcher): Promise<MeasureCase> {
  const watch = new ConditionsWatch();
  const { prepared, settings } = job;
  let count = 0;
  const measurer = new RealTimeMeasurer({
    plan: job.plan,
    traffic: prepared.traffic,
    queue: settings.queue,
    warm: !settings.fresh,
    signal,
    onTrial: (trial) => doing(`${job.name}: ${trial.purpose}, trial ${++count}, ${said(trial)}`),
  });
  try {
    return await performWith(measurer, job, { signal, doing }, watch);
  } catch (error) {
    await measurer.abandon();
    throw error;
  }
}

async function performWith(
  measurer: RealTimeMeasurer,
  job: Job,
  { signal, doing }: Watcher,
  watch: ConditionsWatch,
): Promise<MeasureCase> {
  const { prepared, settings } = job;
  doing(`${job.name}: warming up`);
  const warmUp = await measurer.ready();
  const senderLimit = await measurer.senderLimit();
  const maxLoad = settings.maxLoad ?? Math.min(MOST_LOAD, twoDigits(SENDER_SHARE * senderLimit));
  const worker = new CaseWorker(job, measurer, maxLoad, signal);
  const figures = signal.aborted ? { ...NOTHING, stopped: "interrupted" } : await worker.run();
  await measurer.close();
  return {
    name: job.name,
    subject: job.subject,
    frames: prepared.frames,
    axis: job.axis,
    environment: environment(),
    conditions: watch.end(),
    queue: settings.queue,
    burst: BURST,
    maxLoad,
    senderLimit,
    warmUp,
    ...figures,
    trials: measurer.trials,
  };
}

class CaseWorker {
  readonly #job: Job;
  readonly #measurer: RealTimeMeasurer;
  readonly #maxLoad: number;
  readonly #signal: AbortSignal;

  constructor(job: Job, measurer: RealTimeMeasurer, maxLoad: number, signal: AbortSignal) {
    this.#job = job;
    this.#measurer = measurer;
    this.#maxLoad = maxLoad;
    this.#signal = signal;
  }

  async run(): Promise<Figures> {
    const { settings } = this.#job;
    this.#as("control");
    await this.#measurer.measure(PROBE_SECONDS, Math.min(this.#maxLoad, settings.minLoad * 10));
    const probe = this.#measurer.trials.at(-1) as TrialJson;
    if (probe.forwarded === 0 && probe.lost === 0 && !this.#signal.aborted) {
      return { ...NOTHING, stopped: "no frame comes out: all are dropped by rule, or end within" };
    }
    const figures = await this.#figures();
    return this.#signal.aborted ? { ...figures, stopped: figures.stopped ?? "interrupted" } : figures;
  }

  async #figures(): Promise<Figures> {
    const { kind, settings } = this.#job;
    if (kind === "plrsearch") return { ...NOTHING, critical: await this.#critical() };
    if (kind === "mrr") return { ...NOTHING, mrr: await this.#mrr() };
    if (kind === "soak" || kind === "reconf") {
      const searched = settings.load === null ? await this.#search(settings.goals.slice(0, 1)) : [];
      const load = settings.load ?? searched[0].lower?.load;
      const goals = searched.map((goal) => this.#goalJson(goal));
      if (load === undefined) return { ...NOTHING, goals, stopped: `there is no load that meets ${goals[0].name}` };
      if (this.#signal.aborted) return { ...NOTHING, goals };
      return kind === "soak"
        ? { ...NOTHING, goals, soak: await this.#soak(load) }
        : { ...NOTHING, goals, reconf: await this.#reconf(load) };
    }
    const known = kind === "latency" ? settings.load : null;
    const searched = known === null ? await this.#search(settings.goals) : [];
    const goals = searched.map((goal) => this.#goalJson(goal));
    const pdr = known ?? searched.at(-1)?.conditionalThroughput ?? null;
    const wanted = settings.latencyShares.length > 0 && pdr !== null && !this.#signal.aborted;
    return {
      ...NOTHING,
      goals,
      latency: wanted ? await this.#latency(pdr, searched.at(-1)?.goal.name ?? "the given load") : null,
    };
  }

  /** What the following trials are for. */
  #as(purpose: Manner["purpose"], more: Partial<Manner> = {}): void {
    const { changesPerSecond, fresh } = this.#job.settings;
    this.#measurer.manner = { ...PLAIN, changesPerSecond, fresh, purpose, ...more };
  }

  /** The first trial at a large load still compiles code: as CSIT's, it is not counted. */
  async #warmUp(load: number): Promise<void> {
    this.#as("warm-up");
    await this.#measurer.measure(Math.min(SEARCH_DEFAULTS.warmupDuration, this.#job.settings.trialSeconds), load);
  }

  async #search(goals: readonly SearchGoal[]): Promise<readonly GoalResult[]> {
    const { settings } = this.#job;
    await this.#warmUp(this.#maxLoad);
    this.#as("search");
    const found = await mlrSearch(
      {
        ...SEARCH_DEFAULTS,
        goals,
        minLoad: settings.minLoad,
        maxLoad: this.#maxLoad,
        searchDurationMax: settings.searchSeconds,
        warmupDuration: 0,
      },
      this.#measurer,
      { signal: this.#signal },
    );
    return found.goals;
  }

  #goalJson({ goal, regular, reason, lower, upper, conditionalThroughput }: GoalResult): GoalJson {
    const rate = (load: number | undefined | null) => (load === undefined || load === null ? null : this.#rate(load));
    const { name, lossRatio, exceedRatio, finalTrialDuration, durationSum, width } = goal;
    return {
      ...{ name, lossRatio, exceedRatio, finalTrialDuration, durationSum, width, regular, reason },
      lower: rate(lower?.load),
      upper: rate(upper?.load),
      throughput: rate(conditionalThroughput),
    };
  }

  async #mrr(): Promise<MrrJson | null> {
    const { mrrTrials: trials, trialSeconds: duration, load } = this.#job.settings;
    const offered = load ?? this.#maxLoad;
    await this.#warmUp(offered);
    this.#as("mrr");
    const mrr = await measureMrr({ load: offered, trials, duration }, this.#measurer, this.#signal);
    if (mrr.trials.length === 0) return null;
    const { rates, average, deviation } = mrr;
    return { load: offered, trialSeconds: duration, samples: rates, average: this.#rate(average), deviation };
  }

  /** At no load, and at shares of the partial drop rate. */
  async #latency(pdr: number, named: string): Promise<LatencyJson[]> {
    const { latencyShares, minLoad, trialSeconds } = this.#job.settings;
    const { ports } = this.#job.prepared.traffic;
    this.#as("latency");
    const results: LatencyJson[] = [];
    for (const share of [null, ...latencyShares]) {
      if (this.#signal.aborted) break;
      const load = share === null ? minLoad : share * pdr;
      const { duration } = await this.#measurer.measure(trialSeconds, load);
      const directions = this.#measurer.latency().map((histogram, p) => directionLatency(ports[p], histogram));
      const { lost } = this.#measurer.trials.at(-1) as TrialJson;
      const name = share === null ? "no load" : `${Math.round(1000 * share) / 10} % of ${named}`;
      results.push({ name, share, load: this.#rate(load), seconds: duration, lost, directions });
    }
    return results;
  }

  async #soak(load: number): Promise<SoakJson | null> {
    const { soakSeconds, trialSeconds } = this.#job.settings;
    this.#as("soak");
    const config = { load, duration: soakSeconds, trialDuration: Math.min(trialSeconds, soakSeconds) };
    const done = await soak(config, this.#measurer, { signal: this.#signal });
    if (done === null) return null;
    const { seconds, loss, lossyTrials } = done;
    const interval = ({ rate, low, high }: RateInterval): IntervalJson => ({ value: rate, low, high });
    return {
      load: this.#rate(load),
      seconds,
      offered: loss.runs,
      lost: loss.events,
      loss: interval(loss),
      lossyTrials: interval(lossyTrials),
    };
  }

  /** Shorter ones than CSIT's half an hour have trials that are shorter in the same measure. */
  async #critical(): Promise<CriticalJson | null> {
    const { soakSeconds, minLoad } = this.#job.settings;
    await this.#warmUp(this.#maxLoad);
    this.#as("soak");
    const { lossRatio, duration, firstTrial, increment } = PLR_SOAK;
    const share = Math.min(1, soakSeconds / duration);
    const config = {
      ...{ lossRatio, minLoad, maxLoad: this.#maxLoad, duration: soakSeconds },
      ...{ firstTrial: firstTrial * share, increment: increment * share },
    };
    const found = await plrSearch(config, this.#measurer, { signal: this.#signal });
    if (found === null) return null;
    const { mean, deviation } = found.critical;
    return {
      ...{ lossRatio, seconds: found.seconds, trials: found.trials.length, load: this.#rate(mean), deviation },
      lower: this.#rate(Math.max(0, mean - deviation)),
      models: (["stretch", "erf"] as const).map((name) => ({ name, ...found[name] })),
    };
  }

  /** As many trials without a change as with one, in turn: what is lost anyway is seen. */
  async #reconf(load: number): Promise<ReconfJson | null> {
    const { reconfigurations, trialSeconds } = this.#job.settings;
    const events: ReconfJson["events"][number][] = [];
    const lostWithout: number[] = [];
    for (let n = 0; n < reconfigurations && !this.#signal.aborted; n++) {
      this.#as("control");
      const without = blockedTime(await this.#measurer.measure(trialSeconds, load)).lost;
      this.#as("reconf", { reconfigure: true });
      if (this.#signal.aborted) break;
      const { lost } = blockedTime(await this.#measurer.measure(trialSeconds, load));
      if (this.#signal.aborted) break;
      lostWithout.push(without);
      events.push({ lost, blockedSeconds: lost / load, changeSeconds: this.#measurer.changeSeconds });
    }
    if (events.length === 0) return null;
    const changed = events.map(({ blockedSeconds }) => blockedSeconds);
    return {
      change: "all rules of the bridge deleted and added again",
      load: this.#rate(load),
      events,
      lostWithout,
      blockedSeconds: median(changed),
      ...blockedDifference(
        changed,
        lostWithout.map((lost) => lost / load),
      ),
    };
  }

  #rate(framesPerSecond: number): ReturnType<typeof rateOf> {
    return rateOf(framesPerSecond, this.#job.prepared.frames.meanBytes);
  }
}

const said = ({ load, offered, lost }: TrialJson): string =>
  `${(load / 1e6).toPrecision(3)} Mpps, ${offered === 0 ? 0 : ((100 * lost) / offered).toPrecision(2)} % lost`;

/** 47,312,000 -> 47,000,000: no more digits than it means. */
function twoDigits(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.max(unit, Math.floor(value / unit) * unit);
}
