/** `eastwest merge SHARD...`: the files of shards joined to the result that one machine would have written. */
import type { Command } from "commander";
import { Exit, InputError } from "../errors.ts";
import { SELF_TEST } from "../gate/self-test.ts";
import { selfTestResult } from "../gate/self-test-result.ts";
import { sweepResult } from "../measure/sweep-result.ts";
import { type Merged, mergeShards } from "../merge/merge.ts";
import { readShardFile } from "../merge/shard-file.ts";
import { checkApart, checkWritable, writeText } from "../output-file.ts";
import { shown } from "../paths.ts";
import { REPLAY_SET, replaySetReport, replaySetResult } from "../replay/replay-set.ts";
import { measureReport } from "../report/measure-report.ts";
import { selfTestReport } from "../report/self-test-report.ts";

interface MergeOptions {
  readonly json?: string;
  readonly partial?: boolean;
  readonly quiet?: boolean;
}

/** What the joined shards of a kind of work are, as JSON and for people. */
type Join = (merged: Merged) => { readonly result: unknown; readonly report: string };

/** By the kind that the shards' first lines say. */
const joins: Readonly<Record<string, Join>> = {
  [SELF_TEST]: (merged) => {
    const result = selfTestResult(merged);
    return { result, report: selfTestReport(result) };
  },
  [REPLAY_SET]: (merged) => {
    const result = replaySetResult(merged);
    return { result, report: replaySetReport(result) };
  },
  sweep: (merged) => {
    const result = sweepResult(merged);
    return { result, report: measureReport(result) };
  },
};

const HELP = `
Shards are the files that --shard writes, a line a finished part. Joined, they are what one machine would have written:
counts add up, histograms slot by slot. Refused: other inputs, rules, options or commit in one of them, a part that is there
twice, and (without --partial) one that is missing.

Examples:
  $ eastwest measure sweep --over sizes --shard 1/2 --out part1.jsonl
  $ eastwest merge part1.jsonl part2.jsonl --json sweep.json
  $ eastwest merge part*.jsonl --partial

Exit codes: 0 done, 2 bad usage, or files that do not belong together, 130 with --partial and something missing.`;

/** Adds `merge` to the program. */
export function register(program: Command): void {
  program
    .command("merge")
    .description("join the files of shards to one result")
    .argument("<shard...>", "files that --shard has written")
    .option("--json <file>", 'write the result as JSON; "-" for standard output instead of the report')
    .option("--partial", "join what is there, and say what is missing")
    .option("--quiet", "no report")
    .addHelpText("after", HELP)
    .action((files: string[], options: MergeOptions) => {
      checkWritable(options.json);
      checkApart(files, [options.json]);
      const shards = files.map((file) => ({ ...readShardFile(file), name: shown(file) }));
      const merged = mergeShards(shards, options.partial);
      const join = joins[merged.work.kind];
      if (join === undefined) {
        throw new InputError(
          `${shown(files[0])}: a part of "${merged.work.kind}", expected one of ${Object.keys(joins).join(", ")}`,
        );
      }
      const { result, report } = join(merged);
      const json = `${JSON.stringify(result, null, 2)}\n`;
      if (options.json === "-") process.stdout.write(json);
      else {
        if (options.json !== undefined) writeText(options.json, json);
        if (options.quiet !== true) process.stdout.write(report);
      }
      if (merged.missing.length > 0) process.exitCode = Exit.Interrupted;
    });
}
