/** `eastwest report RESULT...`: results as one page that needs nothing else, and its plots as files. */
import { join } from "node:path";
import type { Command } from "commander";
import { InputError } from "../errors.ts";
import { checkApart, checkWritable, makeFolder, writeText } from "../output-file.ts";
import { readReportInputs } from "../page/inputs.ts";
import { drawings, page, report } from "../page/page.ts";
import { shown } from "../paths.ts";

interface ReportOptions {
  readonly output: string;
  readonly svg?: string;
}

/** Adds `report` to the program. */
export function register(program: Command): void {
  program
    .command("report")
    .description("make one page of results: pictures, the finding of each in a sentence, the numbers under it")
    .argument("<result...>", "files of run, replay, measure, gate or npm run bench --json, and histories of trend")
    .option("-o, --output <file>", 'the page, HTML; "-" for standard output', "report.html")
    .option("--svg <dir>", "write every plot as an SVG file too")
    .addHelpText(
      "after",
      `
The page holds everything itself: no script, no font, nothing from the network. It reads in print, in the dark, by
keyboard, with a screen reader and on a telephone. Results of run from different machines or programs are refused: side
by side they would look like a difference of the designs.

Examples:
  $ eastwest run --json run.json
  $ eastwest report run.json
  $ eastwest report run.json replay.json history.jsonl -o out.html --svg plots

Exit codes: 0 done; 2 bad usage, a file that is no result, or one that cannot be written.`,
    )
    .action((files: string[], options: ReportOptions) => makeReport(files, options));
}

function makeReport(files: readonly string[], { output, svg }: ReportOptions): void {
  if (svg === "") throw new InputError('--svg "": expected the name of a folder');
  checkWritable(output);
  checkApart(files, [output]);
  const made = report(readReportInputs(files));
  for (const warning of made.inputs.warnings) process.stderr.write(`eastwest: warning: ${warning}\n`);
  const html = page(made);
  const plots = svg === undefined ? [] : [...drawings(made)];
  if (svg !== undefined) makeFolder(svg);
  if (output === "-") process.stdout.write(html);
  else {
    writeText(output, html);
    process.stdout.write(`wrote ${shown(output)}: open it in a browser\n`);
  }
  for (const [name, text] of plots) writeText(join(svg as string, `${name}.svg`), text);
  if (plots.length > 0 && output !== "-")
    process.stdout.write(`wrote ${plots.length} plots to ${shown(svg as string)}\n`);
}
