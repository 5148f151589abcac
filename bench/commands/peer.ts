/**
 * `eastwest peer ovs-dpdk|testpmd|node-pcap CAPTURE`: others at the same work, on the same core, in the same minutes.
 */
import { type Command, InvalidArgumentError } from "commander";
import { CheckError, InputError } from "../errors.ts";
import { checkApart, checkWritable, makeFolder, writeText } from "../output-file.ts";
import { barCommand, bars, writeBar } from "../peers/bars.ts";
import { type BarRun, barLine, barsFoot, barsHead, barsJson } from "../peers/bars-report.ts";
import { temporaryFolder } from "../peers/child.ts";
import { type FloorReport, floorJson, floorReport } from "../peers/floor-report.ts";
import { lockMachine } from "../peers/machine-lock.ts";
import { nodePcapVersion, runNodePcap } from "../peers/node-pcap.ts";
import { eastwestReplay } from "../peers/ours.ts";
import { type PeerRun, readText, runOvsPeer } from "../peers/ovs-peer.ts";
import { ovsJson, ovsReport } from "../peers/ovs-report.ts";
import { measuredCore, ovsDpdkNeeds, requirePackages, testpmdNeeds } from "../peers/packages.ts";
import { runTestpmd } from "../peers/testpmd.ts";
import type { Undo } from "../peers/undo.ts";
import { withUndo } from "../peers/with-undo.ts";
import { checkPeerPorts, DEFAULT_PORTS, parsePorts } from "../replay/port-spec.ts";

interface Common {
  readonly seconds: number;
  readonly core?: number;
  readonly json?: string;
  readonly quiet?: boolean;
}
interface OvsOptions extends Common {
  readonly rules: string;
  readonly port?: string[];
  readonly pairs: number;
  readonly warmUp: number;
  readonly emc: string;
  readonly alone?: boolean;
}
interface FloorOptions extends Common {
  readonly runs: number;
}

/** Adds `peer` and its subcommands to the program. */
export function register(program: Command): void {
  const peer = program.command("peer").description("the same work by others, measured beside ours on this machine");
  addOvsDpdk(peer);
  addBars(peer);
  addTestpmd(peer);
  addNodePcap(peer);
}

function common(command: Command, seconds: number): Command {
  return command
    .option("--seconds <n>", "length of a timed run", positive, seconds)
    .option("--core <n>", "core to measure on (default: 1)", whole)
    .option("--json <file>", 'write every number as JSON to a file, "-" for standard output instead of the report')
    .option("--quiet", "no progress lines");
}

function addOvsDpdk(peer: Command): void {
  common(peer.command("ovs-dpdk"), 2)
    .description("OVS-DPDK and eastwest in turn: same capture, same rules, same core")
    .argument("<capture>", "pcap or pcapng file, at most 200,000 frames")
    .requiredOption("--rules <file>", "rules of the bridge, as ovs-ofctl add-flows takes them")
    .option(
      "--port <number=kind>",
      "pcap, null, gre:LOCAL:REMOTE or vxlan:LOCAL:REMOTE; repeatable (default: 1=pcap 2=null)",
      collect,
    )
    .option("--pairs <n>", "pairs of runs, 1 to 60", pairCount, 10)
    .option("--warm-up <seconds>", "time OVS forwards before its clock starts", positive, 1)
    .option("--emc <on|off>", "exact-match cache of both sides", "on")
    .option("--alone", "measure only OVS-DPDK")
    .addHelpText(
      "after",
      `
OVS-DPDK is started privately, in a folder and network namespace of its own, and removed afterwards. It needs root, 1.1 GB
of hugepages (reserved for the time of the run and given back) and Debian's
  openvswitch-switch-dpdk librte-net-pcap23 librte-net-null23 librte-mempool-ring23

First the capture goes once through both: the same frames must leave and every rule must be used as often, else the
command stops with what differs (exit 1). Then the timed runs, and the ratio of packets a second with its interval.

Examples:
  $ eastwest peer ovs-dpdk udp.pcap --rules mac.flows
  $ eastwest peer ovs-dpdk udp.pcap --rules mac.flows --port 1=pcap --port 2=gre:10.11.1.115:10.11.1.116
  $ eastwest peer ovs-dpdk udp.pcap --rules masks.flows --emc off --pairs 20 --json result.json`,
    )
    .action(ovsDpdk);
}

async function ovsDpdk(capture: string, options: OvsOptions): Promise<void> {
  if (options.emc !== "on" && options.emc !== "off") throw new InputError(`--emc ${options.emc}: expected on or off`);
  const ports = parsePorts(options.port ?? DEFAULT_PORTS);
  checkPeerPorts(ports);
  readText(options.rules);
  checkJson(options, capture, options.rules);
  requirePackages("ovs-dpdk", ovsDpdkNeeds);
  requireRoot("ovs-dpdk");
  const { rules, pairs, seconds, warmUp } = options;
  const work = {
    capture,
    rules,
    ports,
    pairs,
    seconds,
    warmUp,
    exactMatchCache: options.emc === "on",
    core: measuredCore(options.core),
  };
  let done: PeerRun | undefined;
  const result = await withUndo(
    async (undo) => {
      await lock(undo, options);
      const ours = options.alone ? undefined : eastwestReplay;
      return await runOvsPeer(undo, work, ours, progress(options), (run) => {
        done = run;
      });
    },
    warn,
    () => {
      const run = done;
      if (run === undefined) process.stderr.write("eastwest: interrupted before a pair was run\n");
      else print(options, ovsReport(run), () => ovsJson(run));
    },
  );
  print(options, ovsReport(result), () => ovsJson(result));
  if (result.differences.length > 0)
    throw new CheckError(`OVS-DPDK and eastwest did not do the same: ${result.differences[0]}`);
}

interface BarsOptions extends Common {
  readonly only?: string[];
  readonly pairs: number;
  readonly warmUp: number;
  readonly write?: string;
}

function addBars(peer: Command): void {
  common(peer.command("bars"), 2)
    .description("what eastwest has to reach against OVS-DPDK: five comparisons in one table")
    .option("--only <name>", `one of ${bars.map(({ name }) => name).join(", ")}; repeatable`, collect)
    .option("--pairs <n>", "pairs of runs of each, 1 to 60", pairCount, 10)
    .option("--warm-up <seconds>", "time OVS forwards before its clock starts", positive, 1)
    .option("--write <dir>", "keep the captures and rules there, and say how to run each alone")
    .addHelpText(
      "after",
      `
Captures are generated (60-byte UDP frames, seeded), rules written, and each pair compared by peer ovs-dpdk; its needs are
the same. Lines appear as they are done, and --json is written after each, so an interrupted run keeps what it has.

Examples:
  $ eastwest peer bars
  $ eastwest peer bars --only rewrite-1k --only gre-1k --pairs 20 --json bars.json
  $ eastwest peer bars --write bars --pairs 1`,
    )
    .action(runBars);
}

async function runBars(options: BarsOptions): Promise<void> {
  const { only, pairs, seconds, warmUp, write } = options;
  for (const name of only ?? []) {
    if (!bars.some((bar) => bar.name === name)) {
      throw new InputError(
        `--only ${name}: there is no such bar, expected one of ${bars.map((bar) => bar.name).join(", ")}`,
      );
    }
  }
  requirePackages("ovs-dpdk", ovsDpdkNeeds);
  requireRoot("bars");
  checkWritable(options.json);
  if (write !== undefined) makeFolder(write);
  const core = measuredCore(options.core);
  const runs: BarRun[] = [];
  const keep = (interrupted: boolean): void => {
    if (options.json === undefined || options.json === "-") return;
    writeText(options.json, `${JSON.stringify(barsJson(runs, interrupted), null, 2)}\n`);
  };
  keep(true);
  const table = options.json !== "-";
  if (table) process.stdout.write(`${barsHead()}\n`);
  let done: BarRun | undefined;
  const interrupted = (): void => {
    if (done !== undefined) {
      runs.push(done);
      if (table) process.stdout.write(`${barLine(done)}\n`);
    }
    keep(true);
    if (!table) process.stdout.write(`${JSON.stringify(barsJson(runs, true), null, 2)}\n`);
    else if (done === undefined) process.stdout.write("interrupted\n");
    else process.stdout.write(`interrupted: ${done.bar.name} after ${done.run.pairs.length} of ${pairs} pairs\n`);
  };
  const work = async (undo: Undo): Promise<void> => {
    await lock(undo, options);
    const folder = write ?? temporaryFolder(undo, "eastwest-bars-");
    for (const bar of bars) {
      if (only !== undefined && !only.includes(bar.name)) continue;
      const files = writeBar(bar, folder);
      const { ports, exactMatchCache } = bar;
      const compared = { ...files, ports: parsePorts(ports), pairs, seconds, warmUp, exactMatchCache, core };
      const command = barCommand(bar, files);
      const run = await runOvsPeer(undo, compared, eastwestReplay, progress(options, `${bar.name}: `), (so) => {
        done = { bar, run: so, command };
      });
      done = undefined;
      runs.push({ bar, run, command });
      if (table) process.stdout.write(`${barLine({ bar, run, command: "" })}\n`);
      keep(runs.length < (only?.length ?? bars.length));
    }
  };
  await withUndo(work, warn, interrupted);
  if (!table) process.stdout.write(`${JSON.stringify(barsJson(runs, false), null, 2)}\n`);
  else {
    process.stdout.write(`\n${barsFoot(pairs, seconds)}\n`);
    if (write !== undefined) for (const { command } of runs) process.stdout.write(`  $ ${command}\n`);
  }
  const wrong = runs.find(({ run }) => run.differences.length > 0);
  if (wrong !== undefined) throw new CheckError(`${wrong.bar.name}: ${wrong.run.differences[0]}`);
}

function addTestpmd(peer: Command): void {
  common(peer.command("testpmd"), 2)
    .description("DPDK's testpmd with the same devices: the floor of receiving and sending")
    .argument("<capture>", "pcap or pcapng file, at most 200,000 frames")
    .option("--mode <name>", "testpmd's forwarding mode: macswap, io, mac, csum, ...", "macswap")
    .option("--runs <n>", "runs", count, 5)
    .addHelpText(
      "after",
      `
Needs root, 1.1 GB of hugepages (reserved and given back) and Debian's dpdk-dev librte-net-pcap23 librte-net-null23
librte-mempool-ring23.

Example:
  $ eastwest peer testpmd udp.pcap`,
    )
    .action(async (capture: string, options: FloorOptions & { readonly mode: string }) => {
      checkJson(options, capture);
      requirePackages("testpmd", testpmdNeeds);
      requireRoot("testpmd");
      const { mode, seconds, runs } = options;
      const core = measuredCore(options.core);
      const result = await withUndo(async (undo) => {
        await lock(undo, options);
        return await runTestpmd(undo, { capture, mode, core, seconds, runs }, progress(options));
      }, warn);
      floor(options, {
        kind: "eastwest-peer-testpmd",
        ...{ capture, frames: result.frames, bytes: result.bytes, core, seconds },
        floors: [{ name: `testpmd ${mode}`, nsPerPacket: result.runs.map((run) => run.nsPerPacket) }],
        notes: [
          "Cycles of the forwarding thread by packet: net_pcap's copy out of memory (infinite_rx), the swap, net_null's free.",
        ],
      });
    });
}

function addNodePcap(peer: Command): void {
  common(peer.command("node-pcap"), 2)
    .description("the pcap package from npm: what reading and decoding a capture in JavaScript costs today")
    .argument("<capture>", "pcap or pcapng file")
    .option("--runs <n>", "runs", count, 5)
    .addHelpText("after", "\nExample:\n  $ eastwest peer node-pcap udp.pcap")
    .action(async (capture: string, options: FloorOptions) => {
      checkJson(options, capture);
      const version = nodePcapVersion();
      const { seconds, runs } = options;
      const core = measuredCore(options.core);
      const result = await withUndo(async (undo) => {
        await lock(undo, options);
        return await runNodePcap(undo, { capture, core, seconds, runs }, progress(options));
      }, warn);
      const failed = result.runs.reduce((sum, run) => sum + run.failed, 0);
      const packets = result.runs.reduce((sum, run) => sum + run.packets, 0);
      floor(options, {
        kind: "eastwest-peer-node-pcap",
        ...{ capture, frames: result.frames, bytes: result.bytes, core, seconds },
        floors: [
          { name: `node-pcap ${version}: read`, nsPerPacket: result.runs.map((run) => run.readNs) },
          { name: `node-pcap ${version}: read and decode`, nsPerPacket: result.runs.map((run) => run.decodeNs) },
        ],
        notes: [
          "From the first packet of a pass to its end, out of the page cache; no lookup, no change, nothing sent.",
          `The decoder threw on ${((100 * failed) / packets).toFixed(1)} % of the packets.`,
        ],
      });
    });
}

function floor(options: Common, report: FloorReport): void {
  print(options, floorReport(report), () => floorJson(report));
}

function print(options: Common, report: string, json: () => unknown): void {
  const text = options.json === undefined ? "" : `${JSON.stringify(json(), null, 2)}\n`;
  if (options.json === "-") process.stdout.write(text);
  else {
    process.stdout.write(`${report}\n`);
    if (options.json !== undefined) writeText(options.json, text);
  }
}

/** Lines of progress, each with `name` in front. */
function progress(options: Common, name = ""): (line: string) => void {
  return options.quiet ? () => undefined : (line) => process.stderr.write(`${name}${line}\n`);
}

/** Before the work, so that neither it is lost nor what it reads: `--json` can be written and is none of `reads`. */
function checkJson({ json }: Common, ...reads: readonly string[]): void {
  checkWritable(json);
  checkApart(reads, [json]);
}

/** Nothing else of ours measures on the machine from here on. */
function lock(undo: Undo, options: Common): Promise<void> {
  return lockMachine(undo, () =>
    progress(options)("another eastwest peer measures on this machine: waiting for its end"),
  );
}

const warn = (line: string): void => {
  process.stderr.write(`could not undo: ${line}\n`);
};

function requireRoot(peer: string): void {
  if (process.getuid?.() !== 0)
    throw new InputError(`peer ${peer} needs root: hugepages and a network namespace of its own`);
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

function count(text: string): number {
  const value = whole(text);
  if (value < 1) throw new InvalidArgumentError("expected 1 or more");
  return value;
}

function pairCount(text: string): number {
  const value = count(text);
  if (value > 60) throw new InvalidArgumentError("expected at most 60");
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600))
    throw new InvalidArgumentError("expected a number of seconds above 0, at most 3600");
  return value;
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
