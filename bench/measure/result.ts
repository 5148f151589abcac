/**
 * What `eastwest measure` writes as JSON, as bench/search/measure.schema.json describes it. A case is one figure's whole
 * story: what was measured, on what machine in what state, every trial's counts, and what was made of them. Counts are
 * primary; rates are derived and name their frame size. What a kind of measurement does not have is null.
 */
import type { WorkTree } from "../git.ts";
import type { BlockedDifference } from "../search/blocked-time.ts";
import { layer1Rate, layer2Rate } from "../search/frame-profile.ts";
import type { HistogramJson } from "../statistics/hdr-histogram.ts";
import type { Conditions } from "../trial/conditions.ts";
import type { Environment } from "../trial/environment.ts";

export const MEASURE_FORMAT = "eastwest measure";
export const MEASURE_VERSION = 1;

export const kinds = ["ndrpdr", "mrr", "latency", "soak", "plrsearch", "reconf", "sweep"] as const;
export type Kind = (typeof kinds)[number];

export interface MeasureResult {
  readonly format: typeof MEASURE_FORMAT;
  readonly version: typeof MEASURE_VERSION;
  readonly eastwest: string;
  /** ISO 8601. */
  readonly created: string;
  readonly command: readonly string[];
  readonly kind: Kind;
  /** The program's; null outside of a repository. */
  readonly commit: WorkTree | null;
  /** Cases or trials are missing: stopped by a signal, or shards were. */
  readonly interrupted: boolean;
  /** Of a sweep: how many points there are, and which shards of it are missing or short. */
  readonly points: { readonly of: number; readonly finished: number; readonly missing: readonly string[] } | null;
  readonly cases: readonly MeasureCase[];
}

export interface MeasureCase {
  /** "64B-1w-ovsmf-macrewrite-1kflows-ndrpdr": frame size, datapath threads, what, which test. */
  readonly name: string;
  readonly subject: SubjectResult;
  readonly frames: FramesResult;
  /** Where a point of a sweep lies; null elsewhere. */
  readonly axis: AxisResult | null;
  readonly environment: Environment;
  readonly conditions: Conditions;
  /** Descriptors of each receive queue, and frames that are taken from it at once. */
  readonly queue: number;
  readonly burst: number;
  /** Frames a second, all directions together: the largest load that was offered, and what the sender can do. */
  readonly maxLoad: number;
  readonly senderLimit: number | null;
  readonly warmUp: WarmUpResult;
  readonly goals: readonly GoalJson[];
  readonly mrr: MrrJson | null;
  readonly latency: readonly LatencyJson[] | null;
  readonly soak: SoakJson | null;
  readonly critical: CriticalJson | null;
  readonly reconf: ReconfJson | null;
  /** In the order in which they were done. */
  readonly trials: readonly TrialJson[];
  /** Why not everything was done; null when it was. */
  readonly stopped: string | null;
}

export interface SubjectResult {
  readonly kind: "bridge" | "cluster";
  /** Of a cluster. */
  readonly mode: string | null;
  readonly network: string | null;
  /** What the rules are, or where they are from. */
  readonly rules: string;
  readonly inputs: readonly { readonly port: string; readonly file: string; readonly frames: number }[];
}

export interface FramesResult {
  /** "64B", "IMIX_v4_1", "genome:...", "capture". */
  readonly profile: string;
  /** Bytes of a frame, FCS included. */
  readonly meanBytes: number;
  /** null: as the capture has them. */
  readonly flows: number | null;
}

export const axes = ["sizes", "flows", "churn", "first-packets"] as const;
export type AxisName = (typeof axes)[number];

export interface AxisResult {
  readonly name: AxisName;
  /** Bytes with FCS, flows, rule changes a second, share of first packets. */
  readonly value: number;
  readonly unit: string;
  readonly label: string;
}

export interface WarmUpResult {
  /** Passes through all frames before the first trial; the last one made no upcall, unless the case says otherwise. */
  readonly passes: number;
  readonly upcallsInLastPass: number;
  readonly megaflows: number;
  readonly masks: number;
}

export interface Rate {
  readonly framesPerSecond: number;
  /** Bits of frames, FCS included. */
  readonly layer2BitsPerSecond: number;
  /** Preamble and gap between frames included: what a link's speed is said in. */
  readonly layer1BitsPerSecond: number;
}

export interface GoalJson {
  /** "NDR", "PDR". */
  readonly name: string;
  readonly lossRatio: number;
  readonly exceedRatio: number;
  /** Seconds. */
  readonly finalTrialDuration: number;
  readonly durationSum: number;
  readonly width: number;
  /** Both bounds are known and no further apart than the width; otherwise `reason` says why not. */
  readonly regular: boolean;
  readonly reason: string | null;
  readonly lower: Rate | null;
  readonly upper: Rate | null;
  /** The conditional throughput at the lower bound: the figure that is quoted. */
  readonly throughput: Rate | null;
}

export interface MrrJson {
  readonly load: number;
  readonly trialSeconds: number;
  /** Frames a second, trial by trial. */
  readonly samples: readonly number[];
  readonly average: Rate;
  /** Frames a second. */
  readonly deviation: number;
}

export interface LatencyJson {
  /** "no load", "10 % of PDR", ... */
  readonly name: string;
  /** Of PDR; null: no load. */
  readonly share: number | null;
  readonly load: Rate;
  readonly seconds: number;
  readonly lost: number;
  readonly directions: readonly DirectionLatency[];
}

export interface DirectionLatency {
  /** The port at which these frames came in. */
  readonly port: string;
  readonly frames: number;
  /** ns from the time at which a frame was to be sent until it had been worked on. */
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  readonly percentiles: readonly { readonly percent: number; readonly ns: number }[];
  /** The whole histogram of ns, as HdrHistogram's compressed V2 encoding in base64. */
  readonly hdrh: string;
  /** The same as plain slots and counts. */
  readonly histogram: HistogramJson;
}

export interface SoakJson {
  readonly load: Rate;
  readonly seconds: number;
  readonly offered: number;
  readonly lost: number;
  /** Lost share of frames, 0 to 1, and the share of trials that lost any, with 95 % intervals. */
  readonly loss: IntervalJson;
  readonly lossyTrials: IntervalJson;
}

/** PLRsearch: the load at which one frame in 1 / lossRatio is lost, and how sure that is. */
export interface CriticalJson {
  readonly lossRatio: number;
  /** Seconds of traffic, in so many trials. */
  readonly seconds: number;
  readonly trials: number;
  /** Both models together. */
  readonly load: Rate;
  /** Frames a second: standard deviation, also that between the models; and the load less one of it, which is quoted. */
  readonly deviation: number;
  readonly lower: Rate;
  /** Frames a second, of each model by itself. */
  readonly models: readonly { readonly name: "stretch" | "erf"; readonly mean: number; readonly deviation: number }[];
}

export interface IntervalJson {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface ReconfJson {
  /** What was changed, and how often. */
  readonly change: string;
  readonly load: Rate;
  readonly events: readonly {
    readonly lost: number;
    /** lost / load. */
    readonly blockedSeconds: number;
    /** How long the change itself took its thread, seconds. */
    readonly changeSeconds: number;
  }[];
  /** Of trials at the same load without a change: what is lost anyway. */
  readonly lostWithout: readonly number[];
  /** Median over the events. */
  readonly blockedSeconds: number;
  /** What is lost anyway, and what the change adds, in seconds; older results have neither. */
  readonly without?: BlockedDifference["without"];
  readonly difference?: BlockedDifference["difference"];
}

export interface TrialJson {
  /** "control": whether any frame comes out, and what is lost without a reconfiguration. */
  readonly purpose: "warm-up" | "search" | "mrr" | "latency" | "soak" | "reconf" | "control";
  readonly seconds: number;
  /** Frames a second that were to be offered. */
  readonly load: number;
  /** intended = offered + unsent; offered = forwarded + lost + dropped. */
  readonly intended: number;
  readonly offered: number;
  readonly forwarded: number;
  /** Found their queue full, or no buffer within. */
  readonly lost: number;
  /** Ended within: dropped by rule, or taken by a router. */
  readonly dropped: number;
  /** The sender did not get to them. */
  readonly unsent: number;
  /** More than 10 us worth of frames were unsent, twice: these count as lost. */
  readonly broken: boolean;
  /** Times that the sender was late by more than 10 us, by how much altogether and at most (ns): the trial took that longer. */
  readonly senderStalls: number;
  readonly senderStalledNs: number;
  readonly senderLatestNs: number;
  readonly upcalls: number;
  readonly ruleChanges: number;
  readonly directions: readonly {
    readonly port: string;
    readonly offered: number;
    readonly lost: number;
  }[];
}

/** A rate with both of its bit rates, for frames of `meanBytes` bytes with FCS. */
export function rateOf(framesPerSecond: number, meanBytes: number): Rate {
  return {
    framesPerSecond,
    layer2BitsPerSecond: layer2Rate(framesPerSecond, meanBytes),
    layer1BitsPerSecond: layer1Rate(framesPerSecond, meanBytes),
  };
}
