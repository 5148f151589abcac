/**
 * `eastwest run`: the main job. Captures through the article's cluster, with the router on the network node and distributed;
 * everything counted and timed, printed side by side.
 */
import { join } from "node:path";
import { type Command, Option } from "commander";
import { Fabric } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { CheckError, Exit, InputError, isInputError } from "../errors.ts";
import { workTree } from "../git.ts";
import { onInterrupt } from "../interrupt.ts";
import { checkApart, checkWritable, writeText } from "../output-file.ts";
import {
  type ModeName,
  modes,
  type NetworkName,
  networks,
  packageRoot,
  packageVersion,
  scenarioFile,
  shown,
} from "../paths.ts";
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
import { bitRate, byteSize, collect, count, oneOrMoreOf, positive, ringSlots, workerCount } from "./options.ts";

interface RunOptions {
  readonly mode: ModeName[];
  readonly network: NetworkName;
  readonly topology?: string;
  readonly from?: string[];
  readonly workers: number;
  readonly placement: "together" | "hosts";
  readonly ringSlots?: number;
  readonly ringDrop?: boolean;
  readonly repeat?: number;
  readonly seconds?: number;
  readonly timing: boolean;
  readonly loop: number;
  readonly pps?: number;
  readonly multiplier?: number;
  readonly realTime?: boolean;
  readonly nic: number;
  readonly json?: string;
  readonly report?: string;
  readonly write?: string;
  readonly save?: string;
  readonly dumpFlows?: string[];
  readonly memory?: number;
  readonly reader: "own" | "libpcap";
  readonly filter?: string;
  readonly quiet?: boolean;
}

const HELP = `
Without options: the recorded captures of the article's cluster (three hosts, two VMs, GRE), first with the router on the
network node (legacy), then distributed (dvr). Each mode begins cold. Counts, files and dumps come from one pass through
the captures, times from warm passes after it. Of a capture taken at a VM, the frames that the VM sent go in at its port.

Examples:
  $ eastwest run
  $ eastwest run --mode dvr --network vxlan
  $ eastwest run --from vm1=mine.pcap --from vm2=other.pcapng.gz --write out
  $ eastwest run --from test116/eth0=underlay.pcap --mode dvr
  $ eastwest run --topology my/topology.yaml --from vm1=mine.pcap --json result.json --report report.html
  $ eastwest run --no-timing --dump-flows test115/br-int --save state.json
  $ eastwest run --pps 50000 --loop 100
  $ eastwest run --from vm1=mine.pcap --workers 2
  $ eastwest run --placement hosts --ring-drop
  $ eastwest run --from vm1=mine.pcap --filter "tcp port 443"

The JSON of --json is described by bench/result.schema.json. --write makes DIR/MODE/VM.pcap (delivered frames),
DIR/MODE/HOST-PORT.pcap (frames at a host's card) and DIR/MODE/underlay.pcap (frames between the hosts),
in the order in which they passed: a burst leaves by flow, so times step back within one (reordercap sorts a file).

Exit codes: 0 done, 1 counters do not add up, 2 bad usage or input, 130 interrupted (what was done is reported).`;

/** Adds `run` to the program. */
export function register(program: Command): void {
  program
    .command("run")
    .description("put captures through the cluster, in each mode, and say what that costs on every node")
    .addOption(
      new Option("--mode <list>", `router placement: ${modes.join(", ")}, or both`)
        .argParser(oneOrMoreOf(modes))
        .default([...modes], modes.join(",")),
    )
    .addOption(
      new Option("--network <kind>", "tenant networks of the article's cluster").choices(networks).default("gre"),
    )
    .addOption(
      new Option(
        "--topology <file>",
        "another cluster, as YAML (bench/scenarios/README.md), in place of --mode and --network",
      ).conflicts(["mode", "network"]),
    )
    .option("--from <port=file>", "capture to put in at a VM or HOST/PORT; repeatable", collect)
    .addOption(
      new Option("--workers <n>", "threads that share the work; the counts are those of one")
        .argParser(workerCount)
        .default(1)
        .conflicts(["pps", "multiplier", "realTime"]),
    )
    .addOption(
      new Option("--placement <how>", "hosts: every host on a thread of its own, with rings for wires")
        .choices(["together", "hosts"])
        .default("together")
        .conflicts(["workers", "pps", "multiplier", "realTime"]),
    )
    .option("--ring-slots <n>", "frames that a ring between two hosts holds (default: 1024)", ringSlots)
    .option("--ring-drop", "drop and count what finds a ring full, in place of waiting")
    .addOption(
      new Option("--repeat <n>", "measure exactly this many warm passes")
        .argParser(count)
        .conflicts(["seconds", "timing"]),
    )
    .addOption(
      new Option("--seconds <s>", "measure warm passes for this long (default: until the figure is stable)")
        .argParser(positive)
        .conflicts("timing"),
    )
    .option("--no-timing", "count only, no warm passes")
    .option("--loop <n>", "rounds of the counting pass through the captures", count, 1)
    .addOption(
      new Option("--pps <rate>", "pace: frames a second on the wall clock")
        .argParser(positive)
        .conflicts(["multiplier", "realTime"]),
    )
    .addOption(
      new Option("--multiplier <x>", "pace: x times as fast as captured, on the wall clock")
        .argParser(positive)
        .conflicts("realTime"),
    )
    .option("--real-time", "pace: as captured")
    .addOption(
      new Option("--nic <rate>", "card of each node for the capacity of the cluster, bit/s, as in 25G")
        .argParser(bitRate)
        .default(10e9, "10G"),
    )
    .option("--json <file>", 'write every number as JSON; "-" for standard output instead of the report')
    .option("--report <file>", "write the result as a page with pictures, as the command report does")
    .option("--write <dir>", "write pcap files of what was delivered and of the underlay")
    .option(
      "--save <file>",
      "write bridges, rules, counters, MAC tables and megaflows as they are after the counting pass",
    )
    .option("--dump-flows <host/bridge>", "print a bridge's rules with their counters; repeatable", collect)
    .option("--memory <size>", "most memory for one capture, as in 512M (default: 2 GiB of capture)", byteSize)
    .addOption(
      new Option("--reader <which>", "who reads captures: own, or libpcap through node-pcap")
        .choices(["own", "libpcap"])
        .default("own"),
    )
    .option("--filter <expression>", "only frames that pass, as in pcap-filter(7); read through libpcap")
    .option("--quiet", "no report and no progress bar, only warnings")
    .addHelpText("after", HELP)
    .action((options: RunOptions) => run(options));
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
