/** `eastwest measure KIND`: trials and searches in real time, a sender on one core and the datapath on another. */
import type { Command } from "commander";
import { Exit, InputError } from "../errors.ts";
import { workTree } from "../git.ts";
import { onInterrupt } from "../interrupt.ts";
import { type Job, perform, type Watcher } from "../measure/perform.ts";
import { checkCores } from "../measure/real-time.ts";
import { MEASURE_FORMAT, MEASURE_VERSION, type MeasureCase, type MeasureResult } from "../measure/result.ts";
import { jobOf, type Point, sweepPoints } from "../measure/sweep.ts";
import { commitText, sweepResult } from "../measure/sweep-result.ts";
import { mergeShards } from "../merge/merge.ts";
import { type Shard, unitsOf } from "../merge/shard.ts";
import { readShardFile, ShardWriter, type Work } from "../merge/shard-file.ts";
import { checkApart, checkWritable, writeText } from "../output-file.ts";
import { packageRoot, packageVersion, shown } from "../paths.ts";
import { Progress } from "../progress.ts";
import { measureReport } from "../report/measure-report.ts";
import { parseFrameProfiles } from "../search/frame-profile.ts";
import { addKinds } from "./measure-kinds.ts";
import { candidatesOf, digestOfMeasure, type MeasureOptions, settingsOf } from "./measure-options.ts";
import { shardOption } from "./shard-option.ts";

/** Adds `measure` to the program. */
export function register(program: Command): void {
  addKinds(program, measure);
}

async function measure(
  kind: Job["kind"] | "sweep",
  capture: string | undefined,
  options: MeasureOptions,
): Promise<void> {
  checkCores();
  checkWritable(options.json);
  checkWritable(options.out);
  const read = [capture, options.rules, options.groups, options.topology, ...fromFiles(options)];
  checkApart(read, [options.json, options.out]);
  const shard = shardOption(options.shard, options.out, "points");
  const candidates = await candidatesOf(kind, capture, options);
  const settings = settingsOf(kind, options);
  const [profile, ...others] = parseFrameProfiles(options.size);
  if (others.length > 0) throw new InputError(`--size ${options.size}: expected one, or measure sweep --over sizes`);
  const points: Point[] =
    kind === "sweep"
      ? sweepPoints(candidates, {
          over: options.over ?? "sizes",
          points: options.points,
          profile,
          flows: options.flows,
          kind: options.mrr === true ? "mrr" : "ndrpdr",
          settings,
        })
      : candidates.map((candidate) => ({
          name: candidate.name,
          job: () => jobOf(candidate, kind, candidate.traffic(profile, options.flows), settings, null),
        }));
  const tree = workTree(packageRoot);
  const work: Work = {
    kind: "sweep",
    inputs: digestOfMeasure(points, candidates, settings, options),
    commit: commitText(tree),
    units: points.length,
  };
  const writer = options.out === undefined ? null : new ShardWriter(options.out, work, shard);
  const mine = unitsOf(points, shard);
  const cases = await performAll(mine, writer, options);
  const finished = writer?.finished ?? cases.length;
  writer?.close();
  const interrupted = finished < mine.length || cases.some(({ stopped }) => stopped === "interrupted");
  const plain: MeasureResult = {
    format: MEASURE_FORMAT,
    version: MEASURE_VERSION,
    eastwest: packageVersion,
    created: new Date().toISOString(),
    command: process.argv.slice(2),
    kind,
    commit: tree,
    interrupted,
    points: kind === "sweep" ? { of: points.length, finished: cases.length, missing: [] } : null,
    cases,
  };
  // What the file holds from before counts too.
  const result =
    options.out === undefined
      ? plain
      : sweepResult(mergeShards([{ ...readShardFile(options.out), name: shown(options.out) }], true));
  deliver(options, result, shard);
  if (interrupted) process.exitCode = Exit.Interrupted;
}

const fromFiles = ({ from }: MeasureOptions): string[] => (from ?? []).map((text) => text.slice(text.indexOf("=") + 1));

/** One after the other; a point that was interrupted is among the cases, but not in the shard's file. */
async function performAll(
  points: readonly Point[],
  writer: ShardWriter | null,
  options: MeasureOptions,
): Promise<MeasureCase[]> {
  const stop = new AbortController();
  const done = onInterrupt(() => stop.abort());
  const bar = new Progress(options.quiet === true || !process.stderr.isTTY);
  const cases: MeasureCase[] = [];
  try {
    for (const [index, point] of points.entries()) {
      if (stop.signal.aborted) break;
      if (writer?.has(point.name) === true) continue;
      let steps = 0;
      const watcher: Watcher = {
        signal: stop.signal,
        // How many trials a search takes is not known: the bar nears the point's end ever more slowly.
        doing: (text) => bar.show((index + 1 - 1 / (1 + ++steps / 30)) / points.length, text),
      };
      const one = await perform(point.job(), watcher);
      cases.push(one);
      if (one.stopped !== "interrupted")
        writer?.add({ unit: point.name, counts: countsOf(one), histograms: {}, values: {}, detail: one });
    }
  } finally {
    bar.stop();
    done();
  }
  return cases;
}

function countsOf({ trials }: MeasureCase): Record<string, number> {
  const sum = (of: "offered" | "forwarded" | "lost" | "dropped" | "unsent"): number =>
    trials.reduce((total, trial) => total + trial[of], 0);
  return {
    trials: trials.length,
    offered: sum("offered"),
    forwarded: sum("forwarded"),
    lost: sum("lost"),
    dropped: sum("dropped"),
    unsent: sum("unsent"),
  };
}

function deliver(options: MeasureOptions, result: MeasureResult, shard: Shard): void {
  const json = `${JSON.stringify(result, null, 2)}\n`;
  if (options.json === "-") process.stdout.write(json);
  else {
    if (options.json !== undefined) writeText(options.json, json);
    if (options.quiet !== true) {
      process.stdout.write(measureReport(result));
      if (shard.count > 1)
        process.stdout.write(`  shard ${shard.index} of ${shard.count}: join them with eastwest merge\n`);
    }
  }
}
