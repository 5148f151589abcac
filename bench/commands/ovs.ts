/**
 * `eastwest ovs [FILE...]`: runs cases of the conformance corpus and answers in the form of its recorded results. Without a
 * file it is a line server: a case a line in, its results a line out.
 */
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { isInputError, messageOf } from "../errors.ts";
import { type OvsCase, parseJson, readCase, readCaseFile } from "../ovs-cases/case.ts";
import { CaseSource } from "../ovs-cases/case-source.ts";
import { runCase } from "../ovs-cases/run-case.ts";

/** Adds `ovs` to the program. */
export function register(program: Command): void {
  program
    .command("ovs")
    .description("run cases recorded from Open vSwitch, or any in their form, and print what this switch does")
    .argument("[files...]", "JSON files with a case or a list of them, plain or gzipped")
    .addHelpText(
      "after",
      `
Each case gives one line: a JSON list with a result for each of its packets, with the fields flow, megaflow, actions,
slow, out (frames in hex by port) and, in stateless cases, upcall. Without files, cases are read from standard input, one
a line, and each is answered at once.

Examples:
  $ eastwest ovs test/golden/ovs-cases/normal.json.gz
  $ eastwest ovs < one-case-a-line.json`,
    )
    .action(async (files: string[]) => {
      if (files.length > 0) for (const file of files) for (const ovsCase of readCaseFile(file)) answer(ovsCase);
      else await serve();
    });
}

function answer(ovsCase: OvsCase): void {
  process.stdout.write(`${JSON.stringify(runCase(ovsCase))}\n`);
}

/** Answers each line of standard input. A case that cannot be run gets an object with its error, so that the next ones still are. */
async function serve(): Promise<void> {
  let number = 0;
  let failed = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    number++;
    if (line.trim() === "") continue;
    try {
      const where = `line ${number}`;
      // Lines are numbered already: a place in one is "line 7:1:12".
      answer(readCase(parseJson(line, where), where, new CaseSource(where, line, [])));
    } catch (error) {
      if (!isInputError(error)) throw error;
      failed++;
      process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`);
      process.stderr.write(`${messageOf(error)}\n`);
    }
  }
  if (failed > 0) process.exitCode = 2;
}
