/** The options of `eastwest gate`, and their help. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Timer } from "../gate/result.ts";
import { scenarios } from "../gate/scenarios.ts";
import { type FormatName, formatNames } from "../gate/write-result.ts";
import { parseShard, type Shard } from "../merge/shard.ts";
import { collect, count } from "./options.ts";

export interface GateOptions {
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
  readonly selfTest?: boolean;
  readonly runs?: number;
  readonly slowRuns?: number;
  readonly slowDown: readonly number[];
  readonly record?: string;
  readonly recordPairs?: number;
  readonly shard?: Shard;
  readonly from?: readonly string[];
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
  $ eastwest gate --self-test --short --runs 60 --slow-runs 20 --record runs.jsonl
  $ eastwest gate --self-test --short --record-pairs 600 --record pairs.jsonl
  $ eastwest gate --short --from runs.jsonl --from pairs.jsonl
  $ eastwest gate --base-topology before/topology.yaml --head-topology after/topology.yaml

Exit codes: 0 pass, 1 regression or an exact gate broken, 2 bad usage or input, 3 runner too noisy, 4 inconclusive (a gate
file may let 3 and 4 pass), 130 interrupted (what was measured is reported).`;

/** The command with its options; what it does is gate.ts. */
export function gateCommand(program: Command): Command {
  return program
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
    .option("--self-test", "measure how often the gate is wrong: equal sides, and slow-downs built in")
    .option("--runs <n>", "runs of equal sides (--self-test), or drawn (--from: 2000)", count)
    .option("--slow-runs <n>", "runs with each slow-down (default: a third of --runs)", count)
    .addOption(
      new Option("--slow-down <list>", "slow-downs in percent, 0 for equal sides")
        .argParser(slowDowns)
        .default([0, 0.03, 0.05, 0.1], "0,3,5,10"),
    )
    .option("--record <file>", "where a self-test writes what it measured; goes on with one that is there")
    .option("--record-pairs <n>", "record so many pairs of each scenario for --from, in place of runs", count)
    .addOption(
      new Option("--shard <i/n>", "do this part of a self-test; auto takes it from the surroundings").argParser(
        shardOf,
      ),
    )
    .option("--from <file>", "error rates from pairs that self-tests recorded; repeatable", collect)
    .option("--json <file>", 'write the result as JSON; "-" for standard output instead of the report')
    .option("--junit <file>", "write JUnit XML")
    .option("--markdown <file>", "write Markdown; $GITHUB_STEP_SUMMARY gets it by itself")
    .addOption(
      new Option("--format <name=file>", `another format, repeatable: ${formatNames.join(", ")}`).argParser(
        formatOption,
      ),
    )
    .option("--quiet", "no report and no progress bar")
    .addHelpText("after", HELP);
}

function pairCounts(text: string): number[] {
  const counts = text.split(",").map((word) => Number(word.trim()));
  if (counts.some((n, i) => !Number.isInteger(n) || n < 6 || n > 200 || n <= (counts[i - 1] ?? 0))) {
    throw new InvalidArgumentError("Expected ascending whole numbers, 6 to 200, as in 10,20,30.");
  }
  return counts;
}

function slowDowns(text: string): number[] {
  const percents = text.split(",").map((word) => (/^\d+(\.\d+)?$/.test(word.trim()) ? Number(word) : Number.NaN));
  if (percents.some((percent) => !(percent >= 0 && percent <= 100)) || new Set(percents).size < percents.length) {
    throw new InvalidArgumentError("Expected percentages from 0 to 100, each once, as in 0,3,5,10.");
  }
  return percents.map((percent) => percent / 100);
}

function shardOf(text: string): Shard {
  try {
    return parseShard(text);
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
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
