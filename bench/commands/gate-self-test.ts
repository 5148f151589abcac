/** `eastwest gate --self-test`: how often the gate is wrong, measured; and `--from`, the same from recorded pairs. */
import { createHash } from "node:crypto";
import { Exit, InputError } from "../errors.ts";
import { Bench } from "../gate/bench.ts";
import type { GateFile } from "../gate/gate-file.ts";
import { seeded } from "../gate/random.ts";
import type { Timer } from "../gate/result.ts";
import { prepareAll, runGate } from "../gate/run-gate.ts";
import type { Scenario } from "../gate/scenarios.ts";
import {
  GROUPS,
  recordPairs,
  SELF_TEST,
  type SelfTestUnit,
  selfTestUnits,
  turnsPerRatio,
  unitResult,
} from "../gate/self-test.ts";
import { resampleSelfTest } from "../gate/self-test-resample.ts";
import { pairSpreadOf, selfTestResult } from "../gate/self-test-result.ts";
import { Interrupted, Sides } from "../gate/sides.ts";
import { onInterrupt } from "../interrupt.ts";
import { mergeShards } from "../merge/merge.ts";
import { type Shard, unitsOf } from "../merge/shard.ts";
import { readShardFile, ShardWriter, type Work } from "../merge/shard-file.ts";
import { writeText } from "../output-file.ts";
import { shown } from "../paths.ts";
import { Progress } from "../progress.ts";
import { resampledReport, selfTestReport } from "../report/self-test-report.ts";

export interface SelfTestOptions {
  readonly base: string | undefined;
  readonly repository: string | null;
  readonly scenarios: readonly Scenario[];
  readonly gate: GateFile;
  readonly timer: Timer;
  readonly slowDowns: readonly number[];
  readonly runs: number;
  readonly slowRuns: number;
  /** Pairs of each scenario to record for resampling, in place of runs. */
  readonly recordPairs: number | undefined;
  readonly record: string;
  readonly shard: Shard;
  readonly seed: number;
  readonly json: string | undefined;
  readonly quiet: boolean;
}

/** Pairs with and without extra work that the slow-down is calibrated on. */
const CALIBRATION = 5;

type Unit = SelfTestUnit | { readonly name: string; readonly scenario: string; readonly pairs: true };

export async function selfTest(options: SelfTestOptions): Promise<void> {
  const stop = new AbortController();
  const done = onInterrupt(() => stop.abort());
  const bar = new Progress(options.quiet || !process.stderr.isTTY);
  const sides = new Sides(options.repository);
  let interrupted = false;
  try {
    bar.show(0, "building");
    if (options.base === undefined) await sides.addWorkingTree("base", stop.signal);
    else await sides.addCommit("base", options.base, stop.signal);
    for (const side of ["copy", "head"] as const) sides.addCopy(side, "base");
    const bench = new Bench(sides, options.gate.length, stop.signal);
    const ready = await prepareAll(bench, options.scenarios, true, (share, doing) => bar.show(share, doing));
    const about = sides.about.get("base");
    const units = unitsOfWork(options, ready);
    const work: Work = {
      kind: SELF_TEST,
      inputs: digest(options, ready),
      commit: `${about?.commit ?? "unknown"}${about?.dirty === true ? ", changed" : ""}`,
      units: units.length,
    };
    await runUnits(options, work, units, { bench, ready, bar });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    interrupted = true;
  } finally {
    bar.stop();
    sides.remove();
    done();
  }
  report(options, interrupted);
  if (interrupted) process.exitCode = Exit.Interrupted;
}

function unitsOfWork(
  { slowDowns, runs, slowRuns, recordPairs: pairs }: SelfTestOptions,
  ready: readonly Scenario[],
): Unit[] {
  const names = ready.map(({ name }) => name);
  if (pairs === undefined) return selfTestUnits(slowDowns, runs, slowRuns, names);
  return Array.from({ length: Math.ceil(pairs / GROUPS) }, (_, i) =>
    names.map((scenario): Unit => ({ name: `pairs of ${scenario} ${i + 1}`, scenario, pairs: true })),
  ).flat();
}

async function runUnits(
  options: SelfTestOptions,
  work: Work,
  units: readonly Unit[],
  { bench, ready, bar }: { readonly bench: Bench; readonly ready: readonly Scenario[]; readonly bar: Progress },
): Promise<void> {
  const own = unitsOf(units, options.shard);
  const writer = new ShardWriter(options.record, work, options.shard);
  try {
    const left = own.filter(({ name }) => !writer.has(name));
    if (left.length === 0) return;
    const turns = new Map<string, number>();
    for (const { name } of options.slowDowns.some((slowDown) => slowDown > 0) ? ready : []) {
      bar.show(writer.finished / own.length, `calibrating the slow-down of ${name}`);
      turns.set(name, await turnsPerRatio(bench, name, CALIBRATION, seeded(options.seed ^ hash(name))));
    }
    const turnsOf = (scenario: string, slowDown: number): number =>
      Math.max(1, Math.round(slowDown * (turns.get(scenario) ?? 0)));
    for (const unit of left) {
      const share = (part: number): number => (writer.finished + part) / own.length;
      // A seed of its own, so that a run that is done again after a kill is the same.
      const uniform = seeded(options.seed ^ hash(unit.name));
      if ("pairs" in unit) {
        const slowed = options.slowDowns.filter((slowDown) => slowDown > 0);
        const map = new Map(slowed.map((slowDown) => [slowDown, turnsOf(unit.scenario, slowDown)]));
        const doing = (group: number): void => bar.show(share(group / GROUPS), unit.name);
        writer.add(await recordPairs(bench, unit.name, unit.scenario, map, uniform, doing));
        continue;
      }
      const extra = unit.scenario === null ? 0 : turnsOf(unit.scenario, unit.slowDown);
      const began = performance.now();
      const outcome = await runGate({
        bench,
        scenarios: ready,
        gate: options.gate,
        timer: options.timer,
        control: true,
        uniform,
        ...(unit.scenario === null ? {} : { extraTurns: new Map([[unit.scenario, extra]]) }),
        progress: (part, doing) => bar.show(share(part), `run ${unit.name}: ${doing}`),
      });
      if (outcome.interrupted) throw new Interrupted();
      writer.add(unitResult(unit, outcome, extra, (performance.now() - began) / 1000));
    }
  } finally {
    writer.close();
  }
}

/** What is in the file, whether all of it or a part. */
function report({ record, json, quiet }: SelfTestOptions, interrupted: boolean): void {
  const shard = { ...readShardFile(record), name: shown(record) };
  const merged = mergeShards([shard], true);
  const result = { ...selfTestResult(merged), interrupted };
  if (json === "-") process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else {
    if (json !== undefined) writeText(json, `${JSON.stringify(result, null, 2)}\n`);
    if (!quiet) process.stdout.write(selfTestReport(result));
  }
  if (interrupted) process.stderr.write(`eastwest: interrupted; ${merged.finished} units are in ${shown(record)}\n`);
}

export interface FromOptions {
  readonly files: readonly string[];
  readonly gate: GateFile;
  readonly runs: number;
  readonly seed: number;
  readonly json: string | undefined;
  readonly quiet: boolean;
}

/** Error rates drawn from what self-tests have recorded. */
export function fromRecorded({ files, gate, runs, seed, json, quiet }: FromOptions): void {
  const shards = files.map((file) => ({ file, ...readShardFile(file) }));
  for (const { file, head } of shards) {
    if (head.kind !== SELF_TEST) {
      throw new InputError(`${shown(file)}: a part of "${head.kind}", expected what gate --self-test --record wrote`);
    }
    if (head.commit !== shards[0].head.commit) {
      throw new InputError(
        `${shown(file)} is of commit ${head.commit}, ${shown(files[0])} of ${shards[0].head.commit}`,
      );
    }
  }
  const results = shards.flatMap((shard) => shard.results);
  const rows = resampleSelfTest(results, gate.plan, gate.metric, runs, seed);
  const pairSpread = pairSpreadOf(results);
  const text = `${JSON.stringify({ format: "eastwest gate resampled", version: 1, seed, rows, pairSpread }, null, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else {
    if (json !== undefined) writeText(json, text);
    if (!quiet) process.stdout.write(resampledReport(rows, pairSpread));
  }
}

function digest(options: SelfTestOptions, ready: readonly Scenario[]): string {
  const { gate, timer, slowDowns, runs, slowRuns, recordPairs: pairs } = options;
  const names = ready.map(({ name }) => name);
  const margins = names.map((name) => gate.metric(`${name}/`));
  const all = JSON.stringify({
    plan: gate.plan,
    exact: gate.exact,
    margins,
    length: gate.length,
    timer,
    slowDowns,
    runs,
    slowRuns,
    pairs,
    names,
  });
  return `sha256:${createHash("sha256").update(all).digest("hex").slice(0, 32)}`;
}

function hash(text: string): number {
  let value = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}
