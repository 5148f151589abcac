/**
 * `npm run bench -- [WORD...]`: what the parts cost, one after the other. A word chooses the tasks whose name holds it.
 *
 *   --ms N       time of each task (default 200, and half of that to warm up)
 *   --json FILE  write the results as JSON too; "-" for standard output instead of the table
 *   --list       only names
 *
 * "curves" and "compute-node" are reports of their own (see HELP).
 */
import { parseArgs } from "node:util";
import { Exit, InputError, isInputError, messageOf } from "../errors.ts";
import { checkWritable, writeText } from "../output-file.ts";
import { networks } from "../paths.ts";
import { ConditionsWatch } from "../trial/conditions.ts";
import { suite as capture } from "./capture.ts";
import { suite as checksum } from "./checksum.ts";
import { computeNodeText, measureComputeNode } from "./compute-node.ts";
import { curveNames, curvesText, measureCurves } from "./curves.ts";
import { suite as execute } from "./execute.ts";
import { suite as extract } from "./extract.ts";
import { resultsText, runTasks, type Suite, type TaskResult } from "./harness.ts";
import { suite as hash } from "./hash.ts";
import { suite as lookup } from "./lookup.ts";
import { suite as normal } from "./normal.ts";
import { suite as queue } from "./queue.ts";
import { computeNodeJson, curvesJson, resultsJson, type SuiteResult } from "./result.ts";
import { suite as ring } from "./ring.ts";
import { suite as router } from "./router.ts";
import { suite as translate } from "./translate.ts";
import { suite as tunnel } from "./tunnel.ts";

const suites: readonly Suite[] = [
  ...[extract, hash, lookup, execute, tunnel, checksum, translate, normal, router, queue, ring, capture],
];

const HELP = `npm run bench -- [WORD...]: what the parts cost, one after the other. A word chooses the tasks whose name holds it.

  --ms N       time of each task (default 200, and half of that to warm up)
  --json FILE  write the results as JSON too; "-" for standard output instead of the table
  --list       only names
  --help       this

Two first words are reports of their own; --ms is the time of each point then:
  curves [NAME...]         a packet's cost with 10 times the flows, masks, hosts, and why: ${curveNames.join(", ")}
  compute-node [NETWORK]   the article's compute node with distributed routing, VM to underlay, by stage: gre, vxlan, vlan
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
  const watch = json === undefined || list ? null : new ConditionsWatch();
  if (words[0] === "curves") return give(json, await curves(words.slice(1), ms, json), watch);
  if (words[0] === "compute-node") return give(json, await computeNode(words.slice(1), ms, json), watch);
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
  give(json, list ? null : resultsJson(results), watch);
}

/** Writes the JSON where it was asked for, if there is any. */
function give(json: string | undefined, result: SuiteResult | null, watch: ConditionsWatch | null): void {
  if (result === null || watch === null) return;
  const about = { created: new Date().toISOString(), command: process.argv.slice(2), conditions: watch.end() };
  const text = `${JSON.stringify({ ...result, ...about }, null, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else if (json !== undefined) writeText(json, text);
}

/** Ctrl-C ends what is measured after the point at hand; a second one ends the program. */
function stoppable(): { readonly stopped: () => boolean } {
  let stopped = false;
  process.once("SIGINT", () => {
    stopped = true;
  });
  return { stopped: () => stopped };
}

async function curves(names: readonly string[], ms: number, json: string | undefined): Promise<SuiteResult> {
  for (const name of names) {
    if (!curveNames.includes(name)) throw new InputError(`curves ${name}: expected ${curveNames.join(", ")}`);
  }
  const signal = stoppable();
  const measured = await measureCurves(names, ms, (what) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
    return !signal.stopped();
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (json !== "-") process.stdout.write(curvesText(measured, signal.stopped()));
  if (signal.stopped()) process.exitCode = Exit.Interrupted;
  return curvesJson(measured, signal.stopped());
}

async function computeNode(
  words: readonly string[],
  ms: number,
  json: string | undefined,
): Promise<SuiteResult | null> {
  const network = networks.find((name) => name === (words[0] ?? "gre"));
  if (network === undefined || words.length > 1) {
    throw new InputError(`compute-node ${words.join(" ")}: expected one of ${networks.join(", ")}`);
  }
  const signal = stoppable();
  const measured = await measureComputeNode(network, ms, () => !signal.stopped());
  if (measured === null) {
    process.stderr.write("bench: interrupted before anything was measured\n");
    process.exitCode = Exit.Interrupted;
    return null;
  }
  if (json !== "-") process.stdout.write(computeNodeText(measured));
  return computeNodeJson(measured);
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // `npm run bench -- --list | head`: the reader has enough.
  if (error.code !== "EPIPE") process.stderr.write(`bench: cannot write standard output: ${messageOf(error)}\n`);
  process.exit(error.code === "EPIPE" ? Exit.Done : Exit.BadInput);
});

try {
  await main(choice());
} catch (error) {
  if (!isInputError(error)) throw error;
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = Exit.BadInput;
}
