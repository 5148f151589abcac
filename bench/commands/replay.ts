/** `eastwest replay CAPTURE`: any capture through one bridge with any rules. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Trace } from "../../datapath/packet/trace.ts";
import { macToText, parseMac } from "../../datapath/wire/addresses.ts";
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
import type { Input } from "../trial/schedule.ts";
import { byteSize, collect, count, positive, workerCount } from "./options.ts";
import { replaySet, type SetOptions } from "./replay-set.ts";

interface ReplayOptions extends SetOptions {
  readonly rules?: string;
  readonly groups?: string;
  readonly port?: string[];
  readonly underlayMac?: string;
  readonly workers: number;
  readonly frames?: number;
  readonly repeat?: number;
  readonly seconds?: number;
  readonly timing: boolean;
  readonly emc?: number;
  readonly vlanLimit: string;
  readonly perf?: boolean;
  readonly suspicious?: number;
  readonly write?: string;
  readonly dumpFlows?: boolean;
  readonly dumpMegaflows?: boolean;
  readonly memory?: number;
  readonly reader: "own" | "libpcap";
  readonly filter?: string;
}

const HELP = `
Ports, by OpenFlow number (default: 1=pcap 2=null):
  1=pcap                    CAPTURE comes in here; what is sent to it is counted and gone
  3=pcap:FILE               another capture does, in step with the first by its timestamps
  2=null                    what is sent to it is counted and gone
  2=write:FILE              what is sent to it in the counting pass is written to a capture
  2=gre:LOCAL:REMOTE[:KEY]  a tunnel; the key is the flow's tunnel ID (set_tunnel) where KEY is left out
  2=vxlan:LOCAL:REMOTE[:VNI]
  underlay=pcap[:FILE], underlay=write:FILE
                            the card behind the tunnels: takes tunnelled frames in, or keeps what leaves
LOCAL is this end: tunnelled frames that come in go from REMOTE to LOCAL. Tunnels come with what Open vSwitch needs for
them: a bridge with the address LOCAL, a neighbour for each REMOTE. That bridge's MAC address is the one that most frames
to LOCAL go to in the capture of the underlay; --underlay-mac says another. Without such a capture it is 02:00 and LOCAL.

Rules are read as ovs-ofctl add-flows does, in OpenFlow 1.0 and where they need more in 1.5. Without --rules the bridge does
NORMAL, as a new one of Open vSwitch. The bridge begins cold: counts, files and dumps come from one pass through the
captures, times from warm passes after it. Receiving, which is the copy of each frame into a packet slot, is in the time.

A file of rules, one a line:
  priority=100,in_port=1,udp,tp_dst=53,actions=drop
  priority=50,in_port=1,ip,actions=mod_dl_dst:02:00:00:00:00:bb,output:2
  priority=0,actions=NORMAL

Examples:
  $ eastwest replay mine.pcap
  $ eastwest replay mine.pcap --rules mac.flows --seconds 5 --json result.json
  $ eastwest replay mine.pcap --rules tunnel.flows --port 1=pcap --port 2=gre:10.11.1.115:10.11.1.116
  $ eastwest generate underlay.pcap --scenario underlay --encap vxlan --key 5
  $ eastwest replay underlay.pcap --port underlay=pcap --port 1=vxlan:10.11.1.116:10.11.1.115:5 --port 2=null
  $ eastwest replay mine.pcap --rules mac.flows --emc off --perf
  $ eastwest replay mine.pcap --rules mac.flows --no-timing --write out --dump-flows
  $ eastwest replay monday.pcap tuesday.pcap wednesday.pcap --rules mac.flows --shard 1/2 --out part1.jsonl

Several captures take turns, each with a cold bridge; --out keeps each that is finished, and the same command goes on where
it was killed. --shard 2/8 replays every eighth one, the second first; auto takes the number from JOB_COMPLETION_INDEX (with
/COUNT) or CI_NODE_INDEX and CI_NODE_TOTAL; eastwest merge joins the files. The JSON of several captures holds that of each.

The JSON of --json is described by bench/replay.schema.json. --write makes DIR/port-NUMBER.pcap and DIR/underlay.pcap.

Exit codes: 0 done, 1 counters do not add up, 2 bad usage or input, 130 interrupted (what was done is reported).`;

/** Adds `replay` to the program. */
export function register(program: Command): void {
  program
    .command("replay")
    .description("put a capture through one bridge with rules of your own, and say what a packet costs")
    .argument("<capture...>", "pcap or pcapng files, gzipped or not; several: each through a bridge of its own")
    .option("--rules <file>", "rules of the bridge, as ovs-ofctl add-flows takes them (default: NORMAL)")
    .option("--groups <file>", "its groups, as ovs-ofctl add-groups takes them")
    .option("--port <number=kind>", "what stands behind a port, see below; repeatable", collect)
    .option("--underlay-mac <mac>", "MAC address at which the underlay takes tunnels off, see below", macAddress)
    .option("--workers <n>", "threads that share the work; the counts are those of one", workerCount, 1)
    .option("--frames <n>", "frames of the counting pass, over and over (default: each once)", count)
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
    .option("--emc <entries>", 'size of the exact-match cache, "off" for none (default: 16384)', entries)
    .addOption(new Option("--vlan-limit <n>", "VLAN tags that are parsed").choices(["1", "2"]).default("1"))
    .option("--perf", "record every iteration of the loop, as Open vSwitch's pmd-perf-show")
    .option(
      "--suspicious <us>",
      `log iterations that take longer than this, with --perf (default: ${SUSPICIOUS_US})`,
      positive,
    )
    .option("--out <file>", "keep each finished capture as a line of this file, and go on with it")
    .option("--shard <i/n>", "only every n-th capture, see below; with --out")
    .option("--json <file>", 'write every number as JSON; "-" for standard output instead of the report')
    .option("--write <dir>", "write pcap files of what left by each port")
    .option("--dump-flows", "print the rules with their counters, as ovs-ofctl dump-flows")
    .option("--dump-megaflows", "print the megaflows, as ovs-appctl dpctl/dump-flows")
    .option("--memory <size>", "most memory for one capture, as in 512M (default: 2 GiB of capture)", byteSize)
    .addOption(
      new Option("--reader <which>", "who reads captures: own, or libpcap through node-pcap")
        .choices(["own", "libpcap"])
        .default("own"),
    )
    .option("--filter <expression>", "only frames that pass, as in pcap-filter(7); read through libpcap")
    .option("--quiet", "no report and no progress bar, only warnings")
    .addHelpText("after", HELP)
    .action((captures: string[], options: ReplayOptions) => run(captures, options));
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
    inputs.push({ port, file: shown(file), trace, frames: Int32Array.from({ length: trace.count }, (_, i) => i) });
    const sentBytes = trace.length.reduce((sum, length) => sum + length, 0);
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

function macAddress(text: string): string {
  const mac = parseMac(text);
  if (mac === undefined || (mac.high & 0x01000000) !== 0) {
    throw new InvalidArgumentError("Expected the MAC address of one station, as in 52:54:00:0a:01:74.");
  }
  return macToText(mac.high, mac.low);
}

function entries(text: string): number {
  if (text === "off") return 0;
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > 2 ** 22) {
    throw new InvalidArgumentError('Expected a number of entries, 1 to 4194304, or "off".');
  }
  return Number(text);
}
