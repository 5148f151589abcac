/** What `eastwest measure` and `merge` print of measurements. */
import type { LatencyJson, MeasureCase, MeasureResult, Rate, ReconfJson } from "../measure/result.ts";
import { number, percent, plural, table, whole, wrapped } from "./format.ts";

/** Shares of time without a core above this are said to disturb. */
const DISTURBED = 0.02;

const mega = (framesPerSecond: number): string => number(framesPerSecond / 1e6);
const giga = (bits: number): string => number(bits / 1e9);

/** A sweep is a table a curve, everything else a block a case. */
export function measureReport(result: MeasureResult): string {
  const blocks = result.kind === "sweep" ? sweepBlocks(result.cases) : result.cases.map(caseBlock);
  return `${[...blocks, machine(result)].join("\n")}`;
}

function machine({ cases, commit, points }: MeasureResult): string {
  const lines: string[] = [];
  for (const { environment: e } of cases) {
    const line = `${e.cpu}, ${plural(e.cores, "core")}, ${e.platform}, Node ${e.node.replace(/^v/, "")}, V8 ${e.v8}`;
    if (!lines.includes(line)) lines.push(line);
  }
  const worst = (of: (one: MeasureCase) => number): number => Math.max(0, ...cases.map(of));
  const spin = worst(({ conditions }) => conditions.spin.lost);
  const steal = worst(({ conditions }) => conditions.steal ?? 0);
  const noise = `noise: ${percent(spin)} of the time a spinning thread did not run, ${percent(steal)} stolen (worst case)`;
  const disturbed =
    spin > DISTURBED || steal > DISTURBED
      ? ["the machine was not quiet: figures are those of what else ran on it, too; measure again on free cores"]
      : [];
  const at = commit === null ? [] : [`commit ${commit.commit.slice(0, 12)}${commit.dirty ? " with changes" : ""}`];
  const missing = points?.missing.map((what) => `missing: ${what}`) ?? [];
  return [...lines, noise, ...disturbed, ...at, ...missing].map((line) => wrapped(line)).join("");
}

function caseBlock(one: MeasureCase): string {
  const { frames, subject, trials } = one;
  const flows = frames.flows === null ? "" : `, ${whole(frames.flows)} flows`;
  const head = `${one.name}\n${wrapped(
    `${subject.kind}, rules ${subject.rules}; frames ${frames.profile}, ${number(frames.meanBytes)} bytes with FCS${flows}; ` +
      `queues of ${one.queue}, bursts of ${one.burst}; largest load ${mega(one.maxLoad)} Mpps`,
  )}`;
  const parts = [
    goalTable(one),
    mrrLine(one),
    soakLine(one),
    criticalLine(one),
    reconfLine(one),
    latencyTable(one.latency ?? []),
  ];
  const stalls = trials.reduce((sum, { senderStalls }) => sum + senderStalls, 0);
  const seconds = trials.reduce((sum, trial) => sum + trial.seconds, 0);
  const traffic = `${whole(trials.length)} trials, ${number(seconds)} s of traffic`;
  const said = `  ${traffic}; the sender was late ${whole(stalls)} times\n`;
  const broken = trials.filter((trial) => trial.broken).length;
  const unsent =
    broken === 0
      ? ""
      : wrapped(`in ${broken} of them the sender could not offer the load: what was unsent counts as lost`);
  const stopped = one.stopped === null ? "" : wrapped(`not complete: ${one.stopped}`);
  return `${head}${parts.join("")}${said}${unsent}${stopped}`;
}

function rateCells(rate: Rate | null): string[] {
  if (rate === null) return ["-", "-", "-"];
  return [mega(rate.framesPerSecond), giga(rate.layer2BitsPerSecond), giga(rate.layer1BitsPerSecond)];
}

function goalTable({ goals }: MeasureCase): string {
  if (goals.length === 0) return "";
  const rows = goals.map((goal) => [
    goal.name,
    ...rateCells(goal.throughput),
    goal.lower === null ? "-" : mega(goal.lower.framesPerSecond),
    goal.upper === null ? "-" : mega(goal.upper.framesPerSecond),
    percent(goal.lossRatio),
    goal.regular ? "" : `irregular: ${goal.reason}`,
  ]);
  return table([["", "Mpps", "Gbit/s L2", "L1", "lower", "upper", "loss", ""], ...rows]);
}

function mrrLine({ mrr }: MeasureCase): string {
  if (mrr === null) return "";
  const [frames, layer2, layer1] = rateCells(mrr.average);
  return (
    `  MRR ${frames} Mpps, standard deviation ${mega(mrr.deviation)}, ` +
    `of ${mrr.samples.length} trials of ${mrr.trialSeconds} s; ` +
    `${layer2} Gbit/s layer 2, ${layer1} layer 1\n  samples ${mrr.samples.map(mega).join(" ")}\n`
  );
}

function soakLine({ soak }: MeasureCase): string {
  if (soak === null) return "";
  const { loss, lossyTrials } = soak;
  const interval = (low: number, high: number): string => `${low.toExponential(1)} to ${high.toExponential(1)}`;
  return (
    `  soak of ${number(soak.seconds)} s at ${mega(soak.load.framesPerSecond)} Mpps: ` +
    `${whole(soak.lost)} of ${whole(soak.offered)} frames lost, ` +
    `ratio ${loss.value.toExponential(1)} (${interval(loss.low, loss.high)})\n` +
    `  trials that lost any: ${percent(lossyTrials.value)} (${percent(lossyTrials.low)} to ${percent(lossyTrials.high)})\n`
  );
}

function criticalLine({ critical }: MeasureCase): string {
  if (critical === null) return "";
  const { load, lower, deviation, models, seconds, trials, lossRatio } = critical;
  const each = models.map(({ name, mean, deviation: d }) => `${name} ${mega(mean)} ±${mega(d)}`).join(", ");
  return (
    `  critical load ${mega(load.framesPerSecond)} Mpps, standard deviation ${mega(deviation)}, ` +
    `at a loss ratio of ${lossRatio} (PLRsearch, ${whole(trials)} trials, ${number(seconds)} s)\n` +
    `  less one deviation ${mega(lower.framesPerSecond)} Mpps, ${giga(lower.layer2BitsPerSecond)} Gbit/s layer 2, ` +
    `${giga(lower.layer1BitsPerSecond)} layer 1; by model, Mpps: ${each}\n`
  );
}

function reconfLine({ reconf }: MeasureCase): string {
  if (reconf === null) return "";
  const ms = (seconds: number): string => number(1000 * seconds);
  return (
    `  ${reconf.change} at ${mega(reconf.load.framesPerSecond)} Mpps: ` +
    `effective blocked time ${ms(reconf.blockedSeconds)} ms (median of ${reconf.events.length})\n` +
    `  each, ms: ${reconf.events.map(({ blockedSeconds }) => ms(blockedSeconds)).join(" ")}; the change itself: ` +
    `${reconf.events.map(({ changeSeconds }) => ms(changeSeconds)).join(" ")}\n` +
    `  frames lost without a change: ${reconf.lostWithout.map(whole).join(" ")}\n${differenceLine(reconf)}`
  );
}

/** What of the blocked time is the change's, and what the machine's. */
function differenceLine({ without, difference, events }: ReconfJson): string {
  if (without === undefined || difference === undefined) return "";
  const ms = (seconds: number): string => number(1000 * seconds);
  const { value, low, high } = difference;
  const interval = events.length < 6 ? "least and most" : "95 % interval";
  const found = low > 0 ? "the change costs something" : "no more than what is lost anyway, as far as this shows";
  return wrapped(
    `without a change ${ms(without.median)} ms (median), ${ms(without.most)} ms (most); with it ${ms(value)} ms more ` +
      `(${interval} ${ms(low)} to ${ms(high)}): ${found}`,
  );
}

function latencyTable(latency: readonly LatencyJson[]): string {
  if (latency.length === 0) return "";
  const us = (ns: number): string => number(ns / 1000);
  const rows = latency.flatMap(({ name, load, directions }) =>
    directions.map(({ port, frames, min, mean, max, percentiles }) => [
      name,
      mega(load.framesPerSecond),
      port,
      whole(frames),
      us(min),
      us(mean),
      ...percentiles.map(({ ns }) => us(ns)),
      us(max),
    ]),
  );
  const percents = latency[0].directions[0]?.percentiles.map(({ percent: p }) => `p${p}`) ?? [];
  return `  latency, us\n${table([["load", "Mpps", "from", "frames", "min", "mean", ...percents, "max"], ...rows])}`;
}

/** What a frame costs at the rate that is measured last. */
function nsOf({ goals, mrr }: MeasureCase): string {
  const rate = mrr?.average.framesPerSecond ?? goals.at(-1)?.throughput?.framesPerSecond;
  return rate === undefined || rate === 0 ? "-" : number(1e9 / rate);
}

/** Cases of one curve: the same axis and the same subject. */
function sweepBlocks(cases: readonly MeasureCase[]): string[] {
  const curves = new Map<string, MeasureCase[]>();
  for (const one of cases) {
    const { subject, axis } = one;
    const what = [subject.mode ?? subject.kind, subject.network ?? ""].join(" ").trim();
    const name = `${axis?.name ?? "points"}, ${what}, rules ${subject.rules}`;
    curves.set(name, [...(curves.get(name) ?? []), one]);
  }
  return [...curves].map(([name, points]) => {
    const goals = points[0].goals.map((goal) => goal.name);
    const what = goals.at(-1) ?? "MRR";
    const header = [
      "",
      ...goals.flatMap((goal) => [`${goal} Mpps`, "Gbit/s L2"]),
      "MRR Mpps",
      `ns a frame (${what})`,
      "",
    ];
    const rows = points.map((one) => [
      one.axis?.label ?? one.name,
      ...one.goals.flatMap(({ throughput }) => rateCells(throughput).slice(0, 2)),
      one.mrr === null ? "" : mega(one.mrr.average.framesPerSecond),
      nsOf(one),
      one.stopped ?? one.goals.map(({ reason }) => reason ?? "").find((reason) => reason !== "") ?? "",
    ]);
    return `${name}\n${table([header, ...rows])}`;
  });
}
