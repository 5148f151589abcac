/** `eastwest gate`: is the head slower than its base? Red when, and only when, it surely is. */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";
import type { Command } from "commander";
import { Exit, InputError } from "../errors.ts";
import { Bench } from "../gate/bench.ts";
import { DEFAULT_GATE, type GateFile, initialGateFile, readGateFile } from "../gate/gate-file.ts";
import { SHORT_PLAN } from "../gate/plan.ts";
import { SHORT_LENGTH } from "../gate/protocol.ts";
import { seeded } from "../gate/random.ts";
import { GATE_FORMAT, GATE_VERSION, type GateResult } from "../gate/result.ts";
import { type GateOutcome, prepareAll, runGate } from "../gate/run-gate.ts";
import {
  replayScenario,
  type Scenario,
  scenarios,
  scenariosNamed,
  shortSet,
  topologyScenario,
} from "../gate/scenarios.ts";
import { Interrupted, Sides } from "../gate/sides.ts";
import { exitCode } from "../gate/verdict.ts";
import { type FormatName, figuresOf, gateFormats } from "../gate/write-result.ts";
import { onInterrupt } from "../interrupt.ts";
import { WHOLE } from "../merge/shard.ts";
import { checkApart, checkWritable, writeText } from "../output-file.ts";
import { packageVersion } from "../paths.ts";
import { Progress } from "../progress.ts";
import { gateText } from "../report/gate-report.ts";
import { ConditionsWatch } from "../trial/conditions.ts";
import { environment } from "../trial/environment.ts";
import { type GateOptions, gateCommand } from "./gate-options.ts";
import { fromRecorded, selfTest } from "./gate-self-test.ts";

/** Adds `gate` to the program. */
export function register(program: Command): void {
  gateCommand(program).action((options: GateOptions) => run(options));
}

async function run(options: GateOptions): Promise<void> {
  if (options.init !== undefined) {
    init(options.init);
    return;
  }
  const outputs = outputsOf(options);
  const gate = gateOf(options);
  if (options.selfTest === true || options.from !== undefined) {
    await errorRatesOf(options, gate);
    return;
  }
  if (options.record !== undefined) throw new InputError("--record: belongs to --self-test");
  const { chosen, inputsOnly } = chosenScenarios(options, gate);
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  const stop = new AbortController();
  const done = onInterrupt(() => stop.abort());
  const bar = new Progress(options.quiet === true || !process.stderr.isTTY);
  const began = performance.now();
  const watch = new ConditionsWatch();
  const sides = new Sides(repository());
  let result: GateResult;
  try {
    bar.show(0, "building");
    await addSides(sides, options, inputsOnly, stop.signal);
    const bench = new Bench(sides, gate.length, stop.signal);
    const outcome = await measured(options, gate, bench, chosen, seed, bar);
    result = resultOf(outcome, { options, gate, bench, sides, seed, began, watch });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write("eastwest: interrupted before anything was measured\n");
    process.exitCode = Exit.Interrupted;
    return;
  } finally {
    bar.stop();
    sides.remove();
    done();
  }
  deliver(result, outputs, options);
}

/** What is known when Ctrl-C comes before the first pair. */
const NOTHING: GateOutcome = {
  interrupted: true,
  verdict: "inconclusive",
  metrics: [],
  exact: {},
  broken: [],
  pairs: [],
};

async function measured(
  options: GateOptions,
  gate: GateFile,
  bench: Bench,
  chosen: readonly Scenario[],
  seed: number,
  bar: Progress,
): Promise<GateOutcome> {
  const progress = (share: number, doing: string): void => bar.show(share, doing);
  try {
    const ready = await prepareAll(bench, chosen, options.control, progress);
    for (const { scenario, side, why } of bench.missing) {
      process.stderr.write(`eastwest: warning: ${scenario} is not judged: ${side} does not have it (${why})\n`);
    }
    const { timer, control } = options;
    return await runGate({ bench, scenarios: ready, gate, timer, control, uniform: seeded(seed), progress });
  } catch (error) {
    if (error instanceof Interrupted) return NOTHING;
    throw error;
  }
}

/** Runs of --self-test unless it says otherwise, and of --from. */
const RUNS = 60;
const DRAWN_RUNS = 2000;

async function errorRatesOf(options: GateOptions, gate: GateFile): Promise<void> {
  const { from, json, quiet = false, seed = 1, record } = options;
  if (from !== undefined) {
    checkApart(from, [json]);
    fromRecorded({ files: from, gate, runs: options.runs ?? DRAWN_RUNS, seed, json, quiet });
    return;
  }
  if (record === undefined) throw new InputError("--self-test: expected --record FILE too, where runs are written");
  checkWritable(record);
  const { chosen, inputsOnly } = chosenScenarios({ ...options, base: options.base ?? "HEAD" }, gate);
  if (inputsOnly || options.head !== undefined) throw new InputError("--self-test: takes --base and --scenario only");
  const runs = options.runs ?? RUNS;
  await selfTest({
    base: options.base,
    repository: repository(),
    scenarios: chosen,
    gate,
    timer: options.timer,
    slowDowns: options.slowDown,
    runs,
    slowRuns: options.slowRuns ?? Math.max(1, Math.round(runs / 3)),
    recordPairs: options.recordPairs,
    record,
    shard: options.shard ?? WHOLE,
    seed,
    json,
    quiet,
  });
}

function resultOf(
  outcome: GateOutcome,
  about: {
    readonly options: GateOptions;
    readonly gate: GateFile;
    readonly bench: Bench;
    readonly sides: Sides;
    readonly seed: number;
    readonly began: number;
    readonly watch: ConditionsWatch;
  },
): GateResult {
  const { options, gate, bench, sides, seed, began, watch } = about;
  const side = (name: "base" | "head") => {
    const found = sides.about.get(name);
    if (found === undefined) throw new Error(`gate: no side "${name}"`);
    return found;
  };
  return {
    format: GATE_FORMAT,
    version: GATE_VERSION,
    eastwest: packageVersion,
    created: new Date().toISOString(),
    command: process.argv.slice(2),
    interrupted: outcome.interrupted,
    verdict: outcome.verdict,
    exitCode: outcome.interrupted ? Exit.Interrupted : exitCode(outcome.verdict, gate.allow),
    seconds: (performance.now() - began) / 1000,
    seed,
    timer: options.timer,
    sides: { base: side("base"), head: side("head") },
    plan: gate.plan,
    scenarios: Object.fromEntries(bench.amounts),
    missing: bench.missing,
    metrics: outcome.metrics,
    figures: figuresOf(outcome.pairs),
    exact: outcome.exact,
    broken: outcome.broken,
    pairs: outcome.pairs,
    processes: bench.processes,
    environment: environment(),
    conditions: watch.end(),
  };
}

interface Outputs {
  readonly json: string | undefined;
  readonly files: readonly { readonly name: FormatName; readonly file: string }[];
}

function outputsOf({ json, junit, markdown, format = [] }: GateOptions): Outputs {
  const files = [
    ...(junit === undefined ? [] : [{ name: "junit" as const, file: junit }]),
    ...(markdown === undefined ? [] : [{ name: "markdown" as const, file: markdown }]),
    ...format,
  ];
  for (const file of [json, ...files.map((one) => one.file)]) checkWritable(file);
  checkApart([], [json, ...files.map(({ file }) => file)]);
  return { json, files };
}

function deliver(result: GateResult, { json, files }: Outputs, { quiet }: GateOptions): void {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else {
    if (json !== undefined) writeText(json, text);
    if (quiet !== true) process.stdout.write(gateText(result));
  }
  for (const { name, file } of files) writeText(file, gateFormats[name](result));
  const summary = process.env["GITHUB_STEP_SUMMARY"];
  if (summary !== undefined && summary !== "" && existsSync(summary))
    appendFileSync(summary, gateFormats.markdown(result));
  process.exitCode = result.exitCode;
}

async function addSides(sides: Sides, options: GateOptions, inputsOnly: boolean, stop: AbortSignal): Promise<void> {
  if (inputsOnly) {
    sides.addInstalled("base");
    sides.addInstalled("head");
  } else {
    await sides.addCommit("base", options.base as string, stop);
    if (options.head === undefined) await sides.addWorkingTree("head", stop);
    else await sides.addCommit("head", options.head, stop);
  }
  if (options.control) sides.addCopy("copy", "base");
}

function gateOf({ gateFile, pairs, short }: GateOptions): GateFile {
  const gate = gateFile === undefined ? DEFAULT_GATE : readGateFile(gateFile);
  if (short === true) {
    const plan = { ...SHORT_PLAN, ...(pairs === undefined ? {} : { looks: pairs }) };
    return { ...gate, plan, length: SHORT_LENGTH };
  }
  return pairs === undefined ? gate : { ...gate, plan: { ...gate.plan, looks: pairs } };
}

/** What is measured; `inputsOnly`: one program, two versions of its input. */
function chosenScenarios(
  options: GateOptions,
  gate: GateFile,
): { readonly chosen: readonly Scenario[]; readonly inputsOnly: boolean } {
  const { base, capture, scenario, short } = options;
  const own: Scenario[] = [];
  const captures = both("capture", capture, options.baseCapture, options.headCapture);
  const rules = both("rules", options.rules, options.baseRules, options.headRules);
  const topologies = both("topology", undefined, options.baseTopology, options.headTopology);
  if (captures !== null) {
    own.push(replayScenario(captures, rules ?? { base: undefined, head: undefined }, options.port));
  } else if (rules !== null) throw new InputError("--rules: they belong to a capture, expected --capture FILE too");
  else if (options.port !== undefined)
    throw new InputError("--port: belongs to a capture, expected --capture FILE too");
  if (topologies !== null) own.push(topologyScenario(topologies.head, topologies));
  if (own.length > 0) {
    if (scenario !== undefined)
      throw new InputError("--scenario: own inputs are given already, expected one or the other");
    return { chosen: own, inputsOnly: base === undefined };
  }
  if (base === undefined) {
    throw new InputError("expected --base REF, as in origin/main, or two versions of an input (--base-rules, ...)");
  }
  const names = scenario ?? gate.scenarios ?? (short === true ? shortSet : scenarios.map(({ name }) => name));
  return { chosen: scenariosNamed(names), inputsOnly: false };
}

function both(
  what: string,
  shared: string | undefined,
  base: string | undefined,
  head: string | undefined,
): { readonly base: string; readonly head: string } | null {
  if (shared === undefined && base === undefined && head === undefined) return null;
  const sides = { base: base ?? shared, head: head ?? shared };
  if (sides.base === undefined || sides.head === undefined) {
    throw new InputError(
      `--${base === undefined ? "head" : "base"}-${what}: expected both --base-${what} and --head-${what}`,
    );
  }
  return sides as { readonly base: string; readonly head: string };
}

function init(file: string | true): void {
  const text = initialGateFile(scenarios.map(({ name }) => name));
  if (file === true || file === "-") {
    process.stdout.write(text);
    return;
  }
  if (existsSync(file)) throw new InputError(`${file}: is there already, expected a new file`);
  checkWritable(file);
  writeText(file, text);
}

/** Top folder of the repository that we are in; null outside of one. */
function repository(): string | null {
  const { status, stdout } = spawnSync("git", ["rev-parse", "--show-toplevel"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}
