/** `eastwest trend FILE`: a history of results, where they changed, and at which commits. */
import type { Command } from "commander";
import { InputError } from "../errors.ts";
import { commitOf, workTree } from "../git.ts";
import { trendReport } from "../report/trend-report.ts";
import { historyEntry } from "../trend/from-run.ts";
import { appendHistory, type HistoryEntry, readHistory } from "../trend/history.ts";
import { trendOf } from "../trend/trend.ts";
import { readResult } from "../trial/result-file.ts";
import { collect, count } from "./options.ts";

interface TrendOptions {
  readonly add?: string[];
  readonly commit?: string;
  readonly last?: number;
  readonly metric?: string;
  readonly changed?: boolean;
  readonly json?: boolean;
}

/** Adds `trend` to the program. */
export function register(program: Command): void {
  program
    .command("trend")
    .description("find where a history of results changed, and name the commits")
    .argument("<history>", "JSON Lines file, one result a line")
    .option("--add <result>", "first append this result of run --json; repeatable", collect)
    .option("--commit <name>", "the commit that --add measured (default: the one checked out here)")
    .option("--last <n>", "look only at the newest results of each series", count)
    .option("--metric <text>", "only metrics whose name holds this text")
    .option("--changed", "only series that changed")
    .option("--json", "print the series as JSON")
    .addHelpText(
      "after",
      `
Each metric on each machine is a series. It is cut into levels so that describing them and the results takes the fewest bits
(minimum description length, as jumpavg of FD.io CSIT does); a change is where a level begins. Results of one commit in a row
belong together. A level of a single result may be an accident: wait for the next.

Examples:
  $ eastwest run --json result.json && eastwest trend history.jsonl --add result.json
  $ eastwest trend history.jsonl --changed
  $ git bisect start COMMIT AFTER        with the two commits that a change names

Exit codes: 0 done, changed or not; 2 bad usage or a file that is no history.`,
    )
    .action((file: string, options: TrendOptions) => {
      if (options.add !== undefined) appendHistory(file, entriesOf(options.add, options.commit));
      else if (options.commit !== undefined)
        throw new InputError("--commit: there is no --add that it could belong to");
      const { entries, warnings } = readHistory(file);
      for (const warning of warnings) process.stderr.write(`eastwest: ${warning}\n`);
      const series = trendOf(entries, options.last).filter(({ metric }) => metric.includes(options.metric ?? ""));
      if (series.length === 0) {
        throw new InputError(
          options.metric === undefined ? `${file}: no results` : `${file}: no metric holds "${options.metric}"`,
        );
      }
      process.stdout.write(
        options.json === true ? `${JSON.stringify(series, null, 2)}\n` : trendReport(series, options.changed !== true),
      );
    });
}

function entriesOf(files: readonly string[], named: string | undefined): HistoryEntry[] {
  const here = process.cwd();
  const commit = named === undefined ? workTree(here)?.commit : (commitOf(here, named) ?? named);
  if (commit === undefined) throw new InputError("--add: no commit is checked out here, expected --commit NAME");
  return files.map((file) => {
    const entry = historyEntry(readResult(file), commit);
    if (entry === null) throw new InputError(`${file}: nothing was timed in it, expected a result with warm passes`);
    return entry;
  });
}
