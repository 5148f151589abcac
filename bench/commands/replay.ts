/** `eastwest replay CAPTURE`: any capture through one bridge with any rules. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { Trace } from "../../datapath/packet/trace.ts";
import { CheckError, Exit, InputError, messageOf } from "../errors.ts";
import { checkRoom, readText } from "../input-file.ts";
import { onInterrupt } from "../interrupt.ts";
import { checkApart, checkWritable, makeFolder, removeFolders, writeText } from "../output-file.ts";
import { shown } from "../paths.ts";
import { Progress } from "../progress.ts";
import { type BridgeSetup, makeSwitch, type RuleText } from "../replay/bridge.ts";
import { SUSPICIOUS_US } from "../replay/perf.ts";
import {
  DEFAULT_PORTS,
  formatPort,
  isTunnel,
  type PortSpec,
  parsePorts,
  portName,
  UNDERLAY,
} from "../replay/port-spec.ts";
import { replay } from "../replay/replay.ts";
import type { ReplayResult } from "../replay/result.ts";
import type { ReplayOutcome, ReplayTrial } from "../replay/trial.ts";
import { stationOf } from "../replay/underlay.ts";
import { writtenFiles } from "../replay/written-files.ts";
import { replayReport } from "../report/replay-report.ts";
import { Captures, type InputResult } from "../trial/inputs.ts";
import { allFrames, type Input } from "../trial/schedule.ts";
import { type ReplayOptions, replayCommand } from "./replay-options.ts";
import { replaySet } from "./replay-set.ts";

/** Adds `replay` to the program. */
export function register(program: Command): void {
  replayCommand(program).action((captures: string[], options: ReplayOptions) => run(captures, options));
}

async function run(captures: readonly string[], options: ReplayOptions): Promise<void> {
  if (options.suspicious !== undefined && options.perf !== true) {
    throw new InputError(
      `--suspicious ${options.suspicious}: there are no iterations to log, expected --perf beside it`,
    );
  }
  if (options.write === "") throw new InputError('--write "": expected the name of a folder');
  const ports = parsePorts(options.port ?? DEFAULT_PORTS);
  const tunnel = ports.find(isTunnel);
  if (options.underlayMac !== undefined && tunnel === undefined) {
    throw new InputError(
      `--underlay-mac ${options.underlayMac}: there is no tunnel, expected a --port of gre or vxlan`,
    );
  }
  const plain: BridgeSetup = {
    ports,
    rules: ruleText(options.rules),
    groups: ruleText(options.groups),
    vlanLimit: Number(options.vlanLimit),
    emc: options.emc === undefined ? undefined : { entries: options.emc },
  };
  for (const { kind, file } of ports) if (kind === "write") checkWritable(file);
  checkWritable(options.json);
  checkWritable(options.out);
  checkApart(
    [
      ...captures,
      options.rules,
      options.groups,
      ...ports.filter(({ kind }) => kind === "pcap").map(({ file }) => file),
    ],
    [options.json, options.out, ...writtenFiles(ports, options.write).values()],
  );
  makeSwitch(plain); // mistakes in rules show before a long capture is read
  const bridge: Bridge = { ports, plain, tunnel };
  if (captures.length > 1 || options.out !== undefined || options.shard !== undefined) {
    await runSet(captures, bridge, options);
    return;
  }
  const bar = new Progress(options.quiet === true || !process.stderr.isTTY);
  let loaded: Loaded;
  try {
    loaded = await load(captures[0], bridge, options, (share, doing) => bar.show(share, doing));
  } finally {
    bar.stop();
  }
  let stopped = false;
  const done = onInterrupt(() => {
    stopped = true;
  });
  let outcome: ReplayOutcome;
  let made: readonly string[] = [];
  try {
    if (options.write !== undefined) made = makeFolder(options.write);
    outcome = await replay(
      trialOf(loaded, options, (share, doing) => {
        bar.show(share, doing);
        return !stopped;
      }),
    );
  } catch (error) {
    removeFolders(made);
    throw error;
  } finally {
    bar.stop();
    done();
  }
  deliver(options, outcome);
}

/** Several captures, or a share of them: what is of one capture only is refused. */
async function runSet(captures: readonly string[], bridge: Bridge, options: ReplayOptions): Promise<void> {
  const { write, dumpFlows, dumpMegaflows, perf } = options;
  const single = Object.entries({ write, dumpFlows, dumpMegaflows, perf }).find(([, value]) => value !== undefined);
  if (single !== undefined) {
    const name = single[0].replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`);
    throw new InputError(`--${name}: it is of one capture, expected one, without --out and --shard`);
  }
  const written = bridge.ports.find(({ kind }) => kind === "write");
  if (written !== undefined) {
    throw new InputError(
      `--port ${formatPort(written)}: it is of one capture, expected one, without --out and --shard`,
    );
  }
  const { rules, groups, vlanLimit, emc } = bridge.plain;
  const { workers, frames, repeat, seconds, timing, reader, filter, underlayMac } = options;
  const others = bridge.ports.flatMap(({ kind, file }) => (kind === "pcap" && file !== "" ? [file] : []));
  await replaySet(
    {
      captures,
      settings: [
        ...[options.port, rules?.text, groups?.text, vlanLimit, emc, workers, frames, repeat, seconds, timing],
        ...[reader, filter, underlayMac, others.map(digestOfFile)],
      ],
      digest: digestOfFile,
      replay: async (capture, going) => {
        const loaded = await load(capture, bridge, options, (share, doing) => going(share, doing));
        const { result } = await replay(trialOf(loaded, options, going));
        checkConservation(result);
        return result;
      },
    },
    options,
  );
}

interface Bridge {
  readonly ports: readonly PortSpec[];
  readonly plain: BridgeSetup;
  readonly tunnel: PortSpec | undefined;
}

interface Loaded {
  readonly setup: BridgeSetup;
  readonly inputs: Input[];
  readonly results: InputResult[];
}

/** Reads the captures, says what was odd about them, and finds the station of the tunnels. */
async function load(
  capture: string,
  { ports, plain, tunnel }: Bridge,
  options: ReplayOptions,
  progress: (done: number, doing: string) => void,
): Promise<Loaded> {
  const { inputs, results } = await read(capture, ports, options, progress);
  for (const { file, warnings } of results) {
    for (const warning of warnings) {
      process.stderr.write(`eastwest: warning: ${warning.startsWith(file) ? warning : `${file}: ${warning}`}\n`);
    }
  }
  const underlay = inputs.find(({ port }) => port === portName(UNDERLAY))?.trace;
  const setup: BridgeSetup =
    tunnel === undefined ? plain : { ...plain, station: stationOf(tunnel.local, options.underlayMac, underlay) };
  return { setup, inputs, results };
}

const trialOf = (
  { setup, inputs, results }: Loaded,
  options: ReplayOptions,
  progress: ReplayTrial["progress"],
): ReplayTrial => ({
  setup,
  inputs,
  inputResults: results,
  frames: options.frames,
  workers: options.workers,
  timing: options.timing,
  repeat: options.repeat,
  seconds: options.seconds,
  perf: options.perf ?? false,
  suspiciousUs: options.suspicious ?? SUSPICIOUS_US,
  write: options.write,
  dumpFlows: options.dumpFlows ?? false,
  dumpMegaflows: options.dumpMegaflows ?? false,
  progress,
});

/** The captures at their ports: all frames of each. */
async function read(
  capture: string,
  ports: readonly PortSpec[],
  { memory, reader, filter }: ReplayOptions,
  progress: (done: number, doing: string) => void,
): Promise<{ inputs: Input[]; results: InputResult[] }> {
  const captures = new Captures({ memory, libpcap: reader === "libpcap", filter, progress });
  const inputs: Input[] = [];
  const results: InputResult[] = [];
  for (const { ofport, kind, file: own } of ports) {
    if (kind !== "pcap") continue;
    const file = own === "" ? capture : own;
    const trace: Trace = await captures.read(file);
    const port = portName(ofport);
    inputs.push({ port, file: shown(file), trace, frames: allFrames(trace) });
    let sentBytes = 0;
    for (let i = 0; i < trace.count; i++) sentBytes += trace.length[i];
    const counts = { frames: trace.count, sent: trace.count, sentBytes, rule: "all frames" };
    results.push({ port, file: shown(file), ...counts, warnings: [...trace.warnings] });
  }
  return { inputs, results };
}

/** Prints and writes what was asked for, then says by the exit code how it went. */
function deliver(options: ReplayOptions, { result, rules, megaflows, files }: ReplayOutcome): void {
  const json = `${JSON.stringify(result, null, 2)}\n`;
  if (options.json === "-") process.stdout.write(json);
  else {
    if (options.json !== undefined) writeText(options.json, json);
    if (options.quiet !== true) process.stdout.write(replayReport(result));
    if (rules !== "") process.stdout.write(`${options.quiet === true ? "" : "\nRules after the cold pass\n"}${rules}`);
    if (megaflows !== "") {
      process.stdout.write(`${options.quiet === true ? "" : "\nMegaflows after the cold pass\n"}${megaflows}`);
    }
    if (options.quiet !== true) {
      for (const { path, frames } of files) process.stdout.write(`wrote ${shown(path)}: ${frames} frames\n`);
    }
  }
  if (result.interrupted) process.exitCode = Exit.Interrupted;
  checkConservation(result);
}

function checkConservation({ conservation: { ok, violations } }: ReplayResult): void {
  if (!ok) throw new CheckError(`counters do not add up: ${violations.join("; ")}`);
}

/** Of a file's bytes: captures of the same name on two machines are told apart. */
function digestOfFile(file: string): string {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch (error) {
    throw new InputError(`${shown(file)}: ${messageOf(error as Error)}`);
  }
}

function ruleText(file: string | undefined): RuleText | undefined {
  if (file === undefined) return undefined;
  const text = readText(file);
  checkRoom(file, text);
  return { text, file: shown(file) };
}
