/**
 * `eastwest run`: the main job. Captures through the article's cluster, with the router on the network node and distributed;
 * everything counted and timed, printed side by side.
 */
import { join } from "node:path";
import type { Command } from "commander";
import { Fabric } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { CheckError, Exit, InputError, isInputError } from "../errors.ts";
import { workTree } from "../git.ts";
import { onInterrupt } from "../interrupt.ts";
import { checkApart, checkWritable, writeText } from "../output-file.ts";
import { packageRoot, packageVersion, scenarioFile, shown } from "../paths.ts";
import { Progress } from "../progress.ts";
import { disturbance, runReport } from "../report/run-report.ts";
import { loadTopology } from "../scenarios/loader.ts";
import { type Conditions, ConditionsWatch } from "../trial/conditions.ts";
import { environment } from "../trial/environment.ts";
import { frameFiles } from "../trial/frame-files.ts";
import { Captures, checkPort, type Inputs, loadInputs, parseSource, recordedSources } from "../trial/inputs.ts";
import { type ModeResult, RESULT_FORMAT, RESULT_VERSION, type RunResult } from "../trial/result.ts";
import { type ModeOutcome, runMode } from "../trial/run-mode.ts";
import type { Pace } from "../trial/schedule.ts";
import { bridgeNamed, STATE_FORMAT, STATE_VERSION } from "../trial/state.ts";
import { type RunOptions, runCommand } from "./run-options.ts";

/** Adds `run` to the program. */
export function register(program: Command): void {
  runCommand(program).action((options: RunOptions) => run(options));
}

interface Prepared {
  readonly topology: Topology;
  readonly file: string;
  readonly loaded: Inputs;
}

/** Frames that a ring between two hosts holds. */
const RING_SLOTS = 1024;

async function run(options: RunOptions): Promise<void> {
  for (const [name, value] of Object.entries({ "--ring-slots": options.ringSlots, "--ring-drop": options.ringDrop })) {
    if (value !== undefined && options.placement !== "hosts") {
      throw new InputError(`${name}: there are no rings, expected --placement hosts beside it`);
    }
  }
  const bar = new Progress(options.quiet === true || !process.stderr.isTTY);
  let prepared: Prepared[];
  try {
    prepared = await prepare(options, (share, doing) => bar.show(share, doing));
  } finally {
    bar.stop();
  }
  warnOnce(prepared);
  let stopped = false;
  const done = onInterrupt(() => {
    stopped = true;
  });
  const outcomes: ModeOutcome[] = [];
  const watch = new ConditionsWatch();
  try {
    for (const [index, { topology, file, loaded }] of prepared.entries()) {
      if (stopped) break;
      const outcome = await runMode({
        topology,
        file,
        loaded,
        ...pacing(options),
        rounds: options.loop,
        workers: options.workers,
        placement:
          options.placement === "hosts"
            ? { ringSlots: options.ringSlots ?? RING_SLOTS, ringDrop: options.ringDrop ?? false }
            : null,
        timing: options.timing,
        repeat: options.repeat,
        seconds: options.seconds,
        nic: options.nic,
        write: options.write,
        save: options.save !== undefined,
        dumpFlows: options.dumpFlows ?? [],
        progress: (share, doing) => {
          bar.show((index + share) / prepared.length, `${topology.mode}: ${doing}`);
          return !stopped;
        },
      });
      outcomes.push(outcome);
    }
  } finally {
    bar.stop();
    done();
  }
  await deliver(options, outcomes, watch.end(), stopped);
}

/** Topologies and captures, all read before anything runs: mistakes show at once. */
async function prepare(options: RunOptions, progress: (done: number, doing: string) => void): Promise<Prepared[]> {
  const sources = (options.from ?? []).map(parseSource);
  const files =
    options.topology === undefined
      ? options.mode.map((mode) => scenarioFile(options.network, mode))
      : [options.topology];
  const captures = new Captures({
    memory: options.memory,
    libpcap: options.reader === "libpcap",
    filter: options.filter,
    progress,
  });
  const { json, save, report: pageFile } = options;
  if (save === "-") throw new InputError("--save -: expected the name of a file, or /dev/stdout");
  if (pageFile === "-") throw new InputError("--report -: expected the name of a file, or /dev/stdout");
  if (options.write === "") throw new InputError('--write "": expected the name of a folder');
  for (const file of [json, save, pageFile]) checkWritable(file);
  const prepared: Prepared[] = [];
  for (const file of files) {
    const topology = loadTopology(file);
    // Rules are parsed where a cluster is built; those of the second mode must not fail when the first has run.
    try {
      new Fabric(topology, { poolSlots: 1 });
    } catch (error) {
      throw placed(error, file);
    }
    for (const path of options.dumpFlows ?? []) bridgeNamed(topology.hosts, path);
    for (const { port } of sources) checkPort(topology, port);
    const used = sources.length > 0 ? sources : recordedSources(topology);
    if (used.length === 0) {
      throw new InputError(`${shown(file)}: no recorded captures belong to it, give some with --from PORT=FILE`);
    }
    prepared.push({ topology, file: shown(file), loaded: await loadInputs(topology, used, captures) });
  }
  const frames = prepared.flatMap(({ topology }) =>
    options.write === undefined ? [] : frameFiles(join(options.write, topology.mode), topology),
  );
  checkApart([...sources.map(({ file }) => file), options.topology], [json, save, pageFile, ...frames]);
  return prepared;
}

/** An error of building a cluster, with the topology's file in front where it names no place (rules name their file). */
function placed(error: unknown, file: string): unknown {
  if (error instanceof RangeError && error.message.includes("of packet memory")) {
    return new InputError(
      `${shown(file)}: such a cluster does not fit into the 2 GiB of packet memory that there is, expected fewer hosts`,
      { cause: error },
    );
  }
  if (!isInputError(error) || /^\S*:\d+:\d+: /.test(error.message)) return error;
  return new InputError(`${shown(file)}: ${error.message}`, { cause: error });
}

/** Warnings of the readers, each capture's once. */
function warnOnce(prepared: readonly Prepared[]): void {
  const said = new Set<string>();
  for (const { loaded } of prepared) {
    for (const { file, warnings } of loaded.results) {
      for (const warning of warnings) said.add(warning.startsWith(file) ? warning : `${file}: ${warning}`);
    }
  }
  for (const line of said) process.stderr.write(`eastwest: warning: ${line}\n`);
}

function pacing({ pps, multiplier, realTime }: RunOptions): { pace: Pace; paceText: string | null } {
  if (pps !== undefined) return { pace: { pps }, paceText: `${pps} frames/s` };
  if (multiplier !== undefined) return { pace: { multiplier }, paceText: `${multiplier} times as fast as captured` };
  return { pace: {}, paceText: realTime === true ? "as captured" : null };
}

/** Prints and writes what was asked for, then says by the exit code how it went. */
async function deliver(
  options: RunOptions,
  outcomes: readonly ModeOutcome[],
  conditions: Conditions,
  stopped: boolean,
): Promise<void> {
  const result: RunResult = {
    format: RESULT_FORMAT,
    version: RESULT_VERSION,
    eastwest: packageVersion,
    created: new Date().toISOString(),
    command: process.argv.slice(2),
    interrupted: stopped,
    environment: environment(),
    commit: workTree(packageRoot),
    conditions,
    modes: Object.fromEntries(outcomes.map(({ result: mode }) => [mode.mode, mode])),
  };
  const json = `${JSON.stringify(result, null, 2)}\n`;
  // What was measured is printed before anything else can fail.
  if (options.json === "-") process.stdout.write(json);
  else if (options.quiet !== true) process.stdout.write(runReport(result));
  if (options.json !== undefined && options.json !== "-") writeText(options.json, json);
  if (options.report !== undefined) {
    // Only here: what makes pages is half as much program again.
    const [{ page, report }, { inputsOfRun }] = await Promise.all([
      import("../page/page.ts"),
      import("../page/inputs.ts"),
    ]);
    writeText(options.report, page(report(inputsOfRun(result))));
    const told = options.json === "-" || options.quiet === true;
    if (!told)
      process.stdout.write(
        `\nwrote ${shown(options.report)}: the same as a page with pictures, open it in a browser\n`,
      );
  }
  if (outcomes.some(({ files }) => files.some(({ rebased }) => rebased))) {
    process.stderr.write(
      "eastwest: warning: --write: the captures begin at a time that pcap cannot hold (1970 to 2106): times in the files count from 1970\n",
    );
  }
  // The report says it where the times are.
  const doubt = disturbance(Object.values(result.modes)).trim();
  if (doubt !== "" && (options.json === "-" || options.quiet === true)) process.stderr.write(`eastwest: ${doubt}\n`);
  if (options.save !== undefined) {
    const saved = Object.fromEntries(outcomes.map(({ result: mode, state }) => [mode.mode, state]));
    writeText(
      options.save,
      `${JSON.stringify({ format: STATE_FORMAT, version: STATE_VERSION, interrupted: stopped, modes: saved }, null, 2)}\n`,
    );
  }
  if (options.json !== "-") {
    for (const { result: mode, dumps, files } of outcomes) {
      for (const [path, text] of dumps) process.stdout.write(`\n${mode.mode} ${path}\n${text}`);
      if (options.quiet === true) continue;
      for (const { path, frames } of files) process.stdout.write(`wrote ${shown(path)}: ${frames} frames\n`);
    }
  }
  if (stopped) process.exitCode = Exit.Interrupted;
  const broken = outcomes.flatMap(({ result: mode }) => violationsOf(mode));
  if (broken.length > 0) throw new CheckError(`counters do not add up: ${broken.join("; ")}`);
}

const violationsOf = (mode: ModeResult): string[] =>
  mode.conservation.violations.map((violation) => `${mode.mode}: ${violation}`);
