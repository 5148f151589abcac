/** `eastwest gate`: is the head slower than its base? Red when, and only when, it surely is. */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { Exit, InputError } from "../errors.ts";
import { Bench, LENGTH, SHORT_LENGTH } from "../gate/bench.ts";
import { DEFAULT_GATE, type GateFile, initialGateFile, readGateFile } from "../gate/gate-file.ts";
import { SHORT_PLAN } from "../gate/plan.ts";
import { seeded } from "../gate/random.ts";
import { GATE_FORMAT, GATE_VERSION, type GateResult, type Timer } from "../gate/result.ts";
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
import { type FormatName, figuresOf, formatNames, gateFormats } from "../gate/write-result.ts";
import { onInterrupt } from "../interrupt.ts";
import { checkApart, checkWritable, writeText } from "../output-file.ts";
import { packageVersion } from "../paths.ts";
import { Progress } from "../progress.ts";
import { gateText } from "../report/gate-report.ts";
import { ConditionsWatch } from "../trial/conditions.ts";
import { environment } from "../trial/environment.ts";
import { collect } from "./options.ts";

interface GateOptions {
  readonly base?: string;
  readonly head?: string;
  readonly scenario?: readonly string[];
  readonly short?: boolean;
  readonly pairs?: readonly number[];
  readonly gateFile?: string;
  readonly init?: string | true;
  readonly seed?: number;
  readonly timer: Timer;
  readonly control: boolean;
  readonly capture?: string;
  readonly baseCapture?: string;
  readonly headCapture?: string;
  readonly rules?: string;
  readonly baseRules?: string;
  readonly headRules?: string;
  readonly baseTopology?: string;
  readonly headTopology?: string;
  readonly port?: readonly string[];
  readonly json?: string;
  readonly junit?: string;
  readonly markdown?: string;
  readonly format?: readonly { readonly name: FormatName; readonly file: string }[];
  readonly quiet?: boolean;
}

const HELP = `
Both sides are built once, in worktrees of their own, and measured as pairs of fresh processes by the same measuring child,
with a control leg (base against a copy of base) beside them. Red needs to be surely slower than the margin (2 %), over all
metrics and looks together, and again on fresh pairs. What must be equal to the last digit (checksums of what leaves,
counts, bytes allocated, ...) is compared exactly. Method and error rates: bench/gate/README.md.

Scenarios: ${scenarios.map(({ name }) => name).join(", ")}; or a topology file.

Examples:
  $ eastwest gate --base origin/main
  $ eastwest gate --base HEAD~1 --head HEAD --short --json gate.json --junit gate.xml
  $ eastwest gate --init gate.yaml && eastwest gate --base origin/main --gate-file gate.yaml
  $ eastwest gate --capture mine.pcap --base-rules old.flows --head-rules new.flows
  $ eastwest gate --base-topology before/topology.yaml --head-topology after/topology.yaml

Exit codes: 0 pass, 1 regression or an exact gate broken, 2 bad usage or input, 3 runner too noisy, 4 inconclusive (a gate
file may let 3 and 4 pass), 130 interrupted (what was measured is reported).`;

/** Adds `gate` to the program. */
export function register(program: Command): void {
  program
    .command("gate")
    .description(
      "is the head slower than its base? Pairs of fresh processes, a control leg, exact gates; red when it surely is",
    )
    .option("--base <ref>", "commit to compare with")
    .option("--head <ref>", "commit to judge (default: the working tree)")
    .option("--scenario <name>", "what is measured; repeatable (default: all)", collect)
    .option("--short", "a set and pair counts for at most a minute")
    .addOption(new Option("--pairs <list>", "pair counts at which it looks, as in 10,20,30").argParser(pairCounts))
    .option("--gate-file <file>", "scenarios, margins, exact gates and error rates in YAML")
    .option("--init [file]", 'write a gate file with the defaults and end ("-" or nothing: to standard output)')
    .addOption(new Option("--seed <n>", "of the order of processes (printed)").argParser(seedOf))
    .addOption(new Option("--timer <which>", "what times are taken with").choices(["cpu", "clock"]).default("cpu"))
    .option("--no-control", "without the control leg")
    .option("--capture <file>", "own capture for both sides, in place of scenarios")
    .option("--base-capture <file>", "capture of the base")
    .option("--head-capture <file>", "capture of the head")
    .option("--rules <file>", "rules for both sides")
    .option("--base-rules <file>", "rules of the base")
    .option("--head-rules <file>", "rules of the head")
    .option("--base-topology <file>", "topology of the base")
    .option("--head-topology <file>", "topology of the head")
    .option(
      "--port <spec>",
      "ports of the bridge that own captures go through, as replay takes them; repeatable",
      collect,
    )
    .option("--json <file>", 'write the result as JSON; "-" for standard output instead of the report')
    .option("--junit <file>", "write JUnit XML")
    .option("--markdown <file>", "write Markdown; $GITHUB_STEP_SUMMARY gets it by itself")
    .addOption(
      new Option("--format <name=file>", `another format, repeatable: ${formatNames.join(", ")}`).argParser(
        formatOption,
      ),
    )
    .option("--quiet", "no report and no progress bar")
    .addHelpText("after", HELP)
    .action((options: GateOptions) => run(options));
}

async function run(options: GateOptions): Promise<void> {
  if (options.init !== undefined) {
    init(options.init);
    return;
  }
  const outputs = outputsOf(options);
  const gate = gateOf(options);
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
    const bench = new Bench(sides, options.short === true ? SHORT_LENGTH : LENGTH, stop.signal);
    const ready = await prepareAll(bench, chosen, options.control, (share, doing) => bar.show(share, doing));
    for (const { scenario, side, why } of bench.missing) {
      process.stderr.write(`eastwest: warning: ${scenario} is not judged: ${side} does not have it (${why})\n`);
    }
    const outcome = await runGate({
      bench,
      scenarios: ready,
      gate,
      timer: options.timer,
      control: options.control,
      uniform: seeded(seed),
      progress: (share, doing) => bar.show(share, doing),
    });
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
  if (short === true) return { ...gate, plan: { ...SHORT_PLAN, ...(pairs === undefined ? {} : { looks: pairs }) } };
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

function pairCounts(text: string): number[] {
  const counts = text.split(",").map((word) => Number(word.trim()));
  if (counts.some((n, i) => !Number.isInteger(n) || n < 6 || n > 200 || n <= (counts[i - 1] ?? 0))) {
    throw new InvalidArgumentError("Expected ascending whole numbers, 6 to 200, as in 10,20,30.");
  }
  return counts;
}

function seedOf(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError("Expected a whole number of at most 10 digits.");
  return Number(text);
}

function formatOption(
  text: string,
  before: readonly { readonly name: FormatName; readonly file: string }[] = [],
): { readonly name: FormatName; readonly file: string }[] {
  const at = text.indexOf("=");
  const name = formatNames.find((known) => known === text.slice(0, at));
  if (name === undefined || at === text.length - 1) {
    throw new InvalidArgumentError(`Expected NAME=FILE with NAME of ${formatNames.join(", ")}.`);
  }
  return [...before, { name, file: text.slice(at + 1) }];
}
