/** What the options of `eastwest measure` mean. */
import { InputError } from "../errors.ts";
import { readText } from "../input-file.ts";
import type { AxisName, Kind } from "../measure/result.ts";
import { goalsOf, type Profile, type Settings } from "../measure/settings.ts";
import { bridgeCandidate, type Candidate, clusterCandidate, digestOf, ownRules } from "../measure/subjects.ts";
import type { Point } from "../measure/sweep.ts";
import { type ModeName, type NetworkName, shown } from "../paths.ts";
import type { RuleText } from "../replay/bridge.ts";
import { SEARCH_DEFAULTS } from "../search/mlr-search.ts";
import { Captures, parseSource } from "../trial/inputs.ts";

export interface MeasureOptions {
  readonly rules?: string;
  readonly groups?: string;
  readonly port?: string[];
  readonly vlanLimit: string;
  readonly emc?: number;
  readonly mode?: ModeName[];
  readonly network: NetworkName;
  readonly topology?: string;
  readonly from?: string[];
  readonly size: string;
  readonly flows: number;
  readonly queue: number;
  readonly profile: Profile;
  readonly goal?: string[];
  readonly duration?: number;
  readonly minLoad: number;
  readonly maxLoad?: number;
  readonly searchTime: number;
  readonly load?: number;
  readonly latency?: boolean;
  readonly trials: number;
  readonly seconds: number;
  readonly changes: number;
  readonly over?: AxisName;
  readonly points?: string;
  readonly mrr?: boolean;
  readonly shard?: string;
  readonly out?: string;
  readonly json?: string;
  readonly memory?: number;
  readonly reader: "own" | "libpcap";
  readonly filter?: string;
  readonly quiet?: boolean;
}

/** What is measured: a bridge, or a cluster in each mode. Throws an InputError for options that contradict each other. */
export async function candidatesOf(
  kind: Kind,
  capture: string | undefined,
  options: MeasureOptions,
): Promise<Candidate[]> {
  const { mode, network, topology, from } = options;
  const captures = new Captures({
    memory: options.memory,
    libpcap: options.reader === "libpcap",
    filter: options.filter,
  });
  if (mode === undefined && topology === undefined) {
    if (from !== undefined)
      throw new InputError("--from: belongs to a cluster, expected --mode or --topology beside it");
    const byFlow = kind === "sweep" && (options.over === "flows" || options.over === "first-packets");
    const own = byFlow ? ownRules.macrewriteflow : ownRules.macrewrite;
    const request = {
      capture,
      // As for replay: a capture without rules goes through a bridge that does NORMAL.
      rules: ruleText(options.rules) ?? (capture === undefined && options.port === undefined ? own : undefined),
      groups: ruleText(options.groups),
      ports: options.port,
      vlanLimit: Number(options.vlanLimit),
      emc: options.emc,
    };
    return [await bridgeCandidate(request, captures)];
  }
  for (const [name, value] of Object.entries({
    CAPTURE: capture,
    "--rules": options.rules,
    "--port": options.port?.[0],
  })) {
    if (value !== undefined) {
      throw new InputError(`${name} ${value}: belongs to one bridge, expected neither --mode nor --topology beside it`);
    }
  }
  const sources = (from ?? []).map(parseSource);
  if (topology !== undefined) return [await clusterCandidate({ file: topology }, sources, captures)];
  const candidates: Candidate[] = [];
  for (const one of mode ?? []) candidates.push(await clusterCandidate({ mode: one, network }, sources, captures));
  return candidates;
}

function ruleText(file: string | undefined): RuleText | undefined {
  return file === undefined ? undefined : { text: readText(file), file: shown(file) };
}

/** Durations and loads. Throws an InputError for those that make no sense together. */
export function settingsOf(kind: Kind, options: MeasureOptions): Settings {
  const names =
    options.goal ??
    (kind === "latency" && options.profile !== "rfc2544" && options.profile !== "tst009" ? ["PDR"] : undefined);
  const goals = goalsOf(options.profile, names, options.duration);
  const { minLoad, maxLoad, load } = options;
  for (const [name, value] of Object.entries({ "--max-load": maxLoad, "--load": load })) {
    if (value !== undefined && value < minLoad) {
      throw new InputError(`${name} ${value}: expected at least the smallest load, ${minLoad} frames/s (--min-load)`);
    }
  }
  return {
    goals,
    trialSeconds: options.duration ?? goals[0].finalTrialDuration,
    queue: options.queue,
    maxLoad: maxLoad === undefined || maxLoad > minLoad ? (maxLoad ?? null) : minLoad * 1.01,
    minLoad,
    searchSeconds: options.searchTime,
    load: load ?? null,
    mrrTrials: options.trials,
    soakSeconds: options.seconds,
    reconfigurations: options.trials,
    changesPerSecond: kind === "sweep" ? 0 : options.changes,
    latencyShares: kind === "latency" || (kind === "ndrpdr" && options.latency !== false) ? [0.1, 0.5, 0.9] : [],
    fresh: false,
  };
}

export const MIN_LOAD = SEARCH_DEFAULTS.minLoad;
export const SEARCH_TIME = SEARCH_DEFAULTS.searchDurationMax;

/** A digest of everything that decides what is measured: shards of other work are told by it. */
export function digestOfMeasure(
  points: readonly Point[],
  candidates: readonly Candidate[],
  settings: Settings,
  options: MeasureOptions,
): string {
  return digestOf([
    points.map(({ name }) => name),
    candidates.map(({ digest }) => digest),
    settings,
    options.size,
    options.flows,
    options.mrr ?? false,
  ]);
}
