/**
 * `npm run bench -- [WORD...]`: what the parts cost, one after the other. A word chooses the tasks whose name holds it.
 *
 *   --ms N       time of each task (default 200, and half of that to warm up)
 *   --json FILE  write the results as JSON too; "-" for standard output instead of the table
 *   --list       only names
 */
import { parseArgs } from "node:util";
import { Exit, InputError, isInputError, messageOf } from "../errors.ts";
import { checkWritable, writeText } from "../output-file.ts";
import { suite as capture } from "./capture.ts";
import { suite as checksum } from "./checksum.ts";
import { suite as execute } from "./execute.ts";
import { suite as extract } from "./extract.ts";
import { resultsJson, resultsText, runTasks, type Suite, type TaskResult } from "./harness.ts";
import { suite as hash } from "./hash.ts";
import { suite as lookup } from "./lookup.ts";
import { suite as queue } from "./queue.ts";
import { suite as router } from "./router.ts";
import { suite as translate } from "./translate.ts";
import { suite as tunnel } from "./tunnel.ts";

const suites: readonly Suite[] = [extract, hash, lookup, execute, tunnel, checksum, translate, router, queue, capture];

const HELP = `npm run bench -- [WORD...]: what the parts cost, one after the other. A word chooses the tasks whose name holds it.

  --ms N       time of each task (default 200, and half of that to warm up)
  --json FILE  write the results as JSON too; "-" for standard output instead of the table
  --list       only names
  --help       this
`;

interface Choice {
  readonly words: readonly string[];
  readonly ms: number;
  readonly json: string | undefined;
  readonly list: boolean;
  readonly help: boolean;
}

function choice(): Choice {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    throw new InputError(`${(error as Error).message.split("\n", 1)[0]}; expected [WORD...] --ms N --json FILE --list`);
  }
  const { values, positionals } = parsed;
  const ms = Number(values.ms);
  if (!(ms > 0 && ms <= 60_000))
    throw new InputError(`--ms ${values.ms}: expected milliseconds above 0, at most 60000`);
  checkWritable(values.json);
  return {
    words: positionals.map((word) => word.toLowerCase()),
    ms,
    json: values.json,
    list: values.list,
    help: values.help,
  };
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      ms: { type: "string", default: "200" },
      json: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
}

async function main({ words, ms, json, list, help }: Choice): Promise<void> {
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const results: TaskResult[] = [];
  let found = 0;
  for (const { name, tasks, done } of suites) {
    try {
      // A word that is a suite's name takes all of it.
      const chosen = tasks.filter((task) =>
        words.every((word) => name === word || task.name.toLowerCase().includes(word)),
      );
      found += chosen.length;
      if (chosen.length === 0) continue;
      if (list) {
        process.stdout.write(chosen.map((task) => `${task.name}\n`).join(""));
        continue;
      }
      const measured = await runTasks(chosen, ms);
      results.push(...measured);
      if (json !== "-") process.stdout.write(`${resultsText(measured)}\n`);
    } finally {
      done?.();
    }
  }
  if (found === 0) {
    throw new InputError(`no task has all of "${words.join(" ")}" in its name, --list shows them`);
  }
  const text = `${JSON.stringify(resultsJson(results), null, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else if (json !== undefined) writeText(json, text);
}

try {
  await main(choice());
} catch (error) {
  if (!isInputError(error)) throw error;
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = Exit.BadInput;
}
