/** What all the formats are written from: a list of measured figures, some of them judged. */

export type MetricDirection = "lower-is-better" | "higher-is-better";
export type MetricOutcome = "regression" | "pass" | "improvement" | "inconclusive" | "noisy";

export interface Metric {
  /** "scenario/metric": "gre-dvr/ns per packet". */
  readonly name: string;
  /** "ns/packet", "Mpps", "%". */
  readonly unit: string;
  readonly value: number;
  /** Interval of the value; null where there is none. */
  readonly lower: number | null;
  readonly upper: number | null;
  readonly direction: MetricDirection;
  /** What a gate said of it; null: it was only measured. */
  readonly verdict: MetricOutcome | null;
  /** One sentence, why that verdict. */
  readonly reason?: string;
  /** Change against the base as a ratio (0.05: 5 % slower), with its interval, where there is a base. */
  readonly change?: { readonly estimate: number; readonly lower: number | null; readonly upper: number | null };
}

export interface MetricReport {
  /** "eastwest gate". */
  readonly title: string;
  /** "pass", "runner too noisy", ...; null: nothing was judged. */
  readonly verdict: string | null;
  readonly metrics: readonly Metric[];
  /** Exact gates that differ: name, base, head. */
  readonly broken: readonly { readonly name: string; readonly base: string; readonly head: string }[];
  /** ISO 8601. */
  readonly created: string;
  /** Name -> value: commits, machine, pair counts; shown with the figures. */
  readonly properties: Readonly<Record<string, string>>;
  /** Seconds that all of it took. */
  readonly seconds: number;
}

/** "gre-dvr/ns per packet" -> "gre-dvr", "ns per packet"; a name without a slash is its own scenario. */
export function splitName(name: string): { readonly scenario: string; readonly metric: string } {
  const at = name.lastIndexOf("/");
  return at < 0 ? { scenario: name, metric: name } : { scenario: name.slice(0, at), metric: name.slice(at + 1) };
}

/** Metrics by scenario, in order of appearance. */
export function byScenario(metrics: readonly Metric[]): Map<string, Metric[]> {
  const groups = new Map<string, Metric[]>();
  for (const metric of metrics) {
    const { scenario } = splitName(metric.name);
    const group = groups.get(scenario);
    if (group === undefined) groups.set(scenario, [metric]);
    else group.push(metric);
  }
  return groups;
}

/** Half of the interval, when there is one. */
export function halfWidth({ lower, upper }: Metric): number | null {
  return lower === null || upper === null ? null : (upper - lower) / 2;
}
