/** `eastwest compare A.json B.json`: what differs between two results of `run`. */
import type { Command } from "commander";
import { compareReport } from "../report/compare-report.ts";
import { compareResults } from "../report/compare-results.ts";
import { readResult } from "../trial/result-file.ts";

/** Adds `compare` to the program. */
export function register(program: Command): void {
  program
    .command("compare")
    .description("say what differs between two results that run --json has written")
    .argument("<a>", "result file, the one before")
    .argument("<b>", "result file, the one after")
    .option("--json", "print the differences as JSON")
    .addHelpText(
      "after",
      `
Counts are exact: every difference is listed. Times are listed with their 95 % intervals, and as different only where the
intervals do not overlap, and as disturbed where others had the core for more than 5 % of either measurement. A mode that only one
result has is named.

Examples:
  $ eastwest run --json before.json
  $ eastwest run --json after.json
  $ eastwest compare before.json after.json

Exit codes: 0 done, different or not; 2 bad usage or a file that is no result.`,
    )
    .action((a: string, b: string, options: { readonly json?: boolean }) => {
      const comparison = compareResults(readResult(a), readResult(b));
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ a, b, ...comparison }, null, 2)}\n`
          : compareReport(a, b, comparison),
      );
    });
}
