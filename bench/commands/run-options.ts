/** The options of `eastwest run`, and their help. */
import { type Command, Option } from "commander";
import { type ModeName, modes, type NetworkName, networks } from "../paths.ts";
import {
  bitRate,
  byteSize,
  collect,
  count,
  noTimingOption,
  oneOrMoreOf,
  positive,
  repeatOption,
  ringSlots,
  secondsOption,
  workerCount,
} from "./options.ts";

export interface RunOptions {
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

/** The command with its options; what it does is run.ts. */
export function runCommand(program: Command): Command {
  return program
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
    .addOption(repeatOption())
    .addOption(secondsOption())
    .addOption(noTimingOption())
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
    .addHelpText("after", HELP);
}
