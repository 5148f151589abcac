/** The options of `eastwest replay`, and their help. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { macToText, parseMac } from "../../datapath/wire/addresses.ts";
import { SUSPICIOUS_US } from "../replay/perf.ts";
import {
  byteSize,
  collect,
  count,
  noTimingOption,
  positive,
  repeatOption,
  secondsOption,
  workerCount,
} from "./options.ts";
import type { SetOptions } from "./replay-set.ts";

export interface ReplayOptions extends SetOptions {
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

/** The command with its options; what it does is replay.ts. */
export function replayCommand(program: Command): Command {
  return program
    .command("replay")
    .description("put a capture through one bridge with rules of your own, and say what a packet costs")
    .argument("<capture...>", "pcap or pcapng files, gzipped or not; several: each through a bridge of its own")
    .option("--rules <file>", "rules of the bridge, as ovs-ofctl add-flows takes them (default: NORMAL)")
    .option("--groups <file>", "its groups, as ovs-ofctl add-groups takes them")
    .option("--port <number=kind>", "what stands behind a port, see below; repeatable", collect)
    .option("--underlay-mac <mac>", "MAC address at which the underlay takes tunnels off, see below", macAddress)
    .option("--workers <n>", "threads that share the work; the counts are those of one", workerCount, 1)
    .option("--frames <n>", "frames of the counting pass, over and over (default: each once)", count)
    .addOption(repeatOption())
    .addOption(secondsOption())
    .addOption(noTimingOption())
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
    .addHelpText("after", HELP);
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
