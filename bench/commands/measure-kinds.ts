/** The command lines of `eastwest measure`: a subcommand a kind, and the options that they share. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { LARGEST_QUEUE, SMALLEST_QUEUE } from "../measure/descriptor-ring.ts";
import type { Job } from "../measure/perform.ts";
import { axes } from "../measure/result.ts";
import { profiles } from "../measure/settings.ts";
import { modes, networks } from "../paths.ts";
import { PLR_SOAK } from "../search/plr-search.ts";
import { type MeasureOptions, MIN_LOAD, SEARCH_TIME } from "./measure-options.ts";
import { byteSize, collect, count, oneOrMoreOf, positive } from "./options.ts";

type Action = (kind: Job["kind"] | "sweep", capture: string | undefined, options: MeasureOptions) => Promise<void>;

const HELP = `
A sender on one core offers frames by the clock into the receive queues of the ports; the datapath on another core takes
bursts of 32 from them. What finds its queue full is lost: offered = forwarded + lost + dropped. Latency counts from the
time at which a frame was to be sent until it has been worked on. Loads and rates are of both directions together.

Without CAPTURE: generated frames (--size, --flows) through one bridge that rewrites MAC addresses; with --mode through the
article's cluster, VM1 to VM2 and back. Sizes count the FCS: 64 is the smallest frame. Two cores are needed, free ones.`;

const SEARCH = `
Profiles: csit (NDR and PDR as FD.io CSIT: trials of 1 s, 21 s a load, 0.5 % wide), rfc2544 and tst009 (trials of 60 s),
quick (trials of 0.1 s, 2 % wide: to look at something). --goal names goals of the profile or a loss ratio.`;

interface KindHelp {
  readonly kind: Job["kind"] | "sweep";
  readonly about: string;
  readonly more: string;
  readonly examples: readonly string[];
}

const kinds: readonly KindHelp[] = [
  {
    kind: "ndrpdr",
    about: "non-drop rate and partial drop rate (0.5 %) by MLRsearch, and latency at 10, 50 and 90 % of PDR",
    more: SEARCH,
    examples: [
      "ndrpdr",
      "ndrpdr mine.pcap --rules mac.flows --json ndrpdr.json",
      "ndrpdr --mode legacy,dvr --network vxlan --size IMIX_v4_1",
      "ndrpdr --profile rfc2544 --size 1518",
    ],
  },
  {
    kind: "mrr",
    about: "maximum receive rate: what still arrives when the largest load is offered",
    more: `${SEARCH}\nNothing is searched here: of the profile, only the length of its trials counts.`,
    examples: ["mrr", "mrr --mode legacy,dvr --trials 5 --duration 10"],
  },
  {
    kind: "latency",
    about: "latency at no load and at 10, 50 and 90 % of PDR, which is searched for or given as --load",
    more: SEARCH,
    examples: ["latency --mode dvr", "latency --load 1000000 --duration 10 --json latency.json"],
  },
  {
    kind: "soak",
    about: "one load for long (default: the NDR, searched for first): how many frames are lost",
    more: SEARCH,
    examples: ["soak --load 500000 --seconds 3600", "soak --profile quick"],
  },
  {
    kind: "plrsearch",
    about: "critical load of a soak by PLRsearch: where one frame in ten million is lost, over half an hour",
    more: `
Trials of 5.1 s, 5.2 s, ... around the load that two models of loss expect, as FD.io CSIT soaks (bench/search/README.md).
With fewer --seconds than 1800 trials are shorter in the same measure, and the figure is less sure.`,
    examples: [
      "plrsearch mine.pcap --rules mac.flows",
      "plrsearch --mode legacy,dvr --seconds 300 --json critical.json",
    ],
  },
  {
    kind: "reconf",
    about: "effective blocked time: what is lost while all rules are replaced, at the NDR or at --load",
    more: `${SEARCH}\nOf a cluster the rules of the first VM's host are replaced, those of its first bridge.`,
    examples: ["reconf mine.pcap --rules mac.flows", "reconf --mode legacy,dvr --load 100000 --trials 10"],
  },
  {
    kind: "sweep",
    about: "NDR and PDR over frame sizes, numbers of flows, rule changes a second, or shares of first packets",
    more: `${SEARCH}

Axes and their points:
  sizes           the seven of RFC 2544 and IMIX_v4_1; or sizes, IMIX_v4_1, genome:LETTERS
  flows           1 to 1,000,000; a megaflow for each, unless --rules says otherwise
  churn           0, 1, 100, 10,000 rules added or deleted a second, between bursts
  first-packets   0, 0.01, 0.1, 1: share of frames that are the first of their flow; caches are emptied before each trial

--out keeps each finished point; the same command goes on where it was killed. --shard 2/8 measures every eighth point, the
second first; auto takes the number from JOB_COMPLETION_INDEX (with /COUNT) or CI_NODE_INDEX and CI_NODE_TOTAL.`,
    examples: [
      "sweep --over sizes --json sizes.json",
      "sweep --over churn --mode legacy,dvr --points 0,1000",
      "sweep --over flows --shard 1/2 --out part1.jsonl",
      "sweep --over first-packets --mrr",
    ],
  },
];

/** Adds `measure` with all its kinds. */
export function addKinds(program: Command, action: Action): void {
  const measure = program
    .command("measure")
    .description("how much goes through without loss, and how long it takes: NDR, PDR, MRR, latency, soak, sweeps");
  for (const one of kinds) {
    const command = measure
      .command(one.kind)
      .description(one.about)
      .argument("[capture]", "pcap or pcapng file: its frames, over and over (default: generated ones)");
    addSubject(command);
    addTrials(command, one.kind);
    addOutput(command, one.kind);
    const examples = one.examples.map((line) => `  $ eastwest measure ${line}`).join("\n");
    command.addHelpText(
      "after",
      `${HELP}\n${one.more}\n
Examples:
${examples}

The JSON of --json is described by bench/search/measure.schema.json.

Exit codes: 0 done, 1 counters do not add up, 2 bad usage or input, 130 interrupted (what was done is reported).`,
    );
    command.action((capture: string | undefined, options: MeasureOptions) => action(one.kind, capture, options));
  }
}

function addSubject(command: Command): void {
  command
    .option("--rules <file>", "rules of the bridge, as ovs-ofctl add-flows takes them")
    .option("--groups <file>", "its groups, as ovs-ofctl add-groups takes them")
    .option("--port <number=kind>", "what stands behind a port, as for replay; repeatable", collect)
    .addOption(new Option("--vlan-limit <n>", "VLAN tags that are parsed").choices(["1", "2"]).default("1"))
    .option("--emc <entries>", "size of the exact-match cache (default: 16384)", count)
    .addOption(
      new Option(
        "--mode <list>",
        `a cluster in place of a bridge, router placement: ${modes.join(", ")}, or both`,
      ).argParser(oneOrMoreOf(modes)),
    )
    .addOption(
      new Option("--network <kind>", "tenant networks of the article's cluster").choices(networks).default("gre"),
    )
    .addOption(new Option("--topology <file>", "another cluster, as YAML").conflicts(["mode", "network"]))
    .option("--from <port=file>", "capture to put in at a VM or HOST/PORT of the cluster; repeatable", collect)
    .option("--size <size>", "generated frames: 64 (with FCS), IMIX_v4_1, genome:LETTERS", "64")
    .option("--flows <n>", "flows of generated frames", flowCount, 1000)
    .option("--memory <size>", "most memory for one capture, as in 512M (default: 2 GiB of capture)", byteSize)
    .addOption(
      new Option("--reader <which>", "who reads captures: own, or libpcap through node-pcap")
        .choices(["own", "libpcap"])
        .default("own"),
    )
    .option("--filter <expression>", "only frames that pass, as in pcap-filter(7); read through libpcap");
}

function addTrials(command: Command, kind: KindHelp["kind"]): void {
  command
    .option("--queue <descriptors>", "length of each receive queue, a power of two", queueLength, 2048)
    .addOption(
      new Option("--profile <name>", "goals and durations of a search, see below")
        .choices(profiles)
        .default(kind === "sweep" ? "quick" : "csit"),
    )
    .option("--goal <goal>", "a goal of the profile, or a loss ratio; repeatable", collect)
    .option("--duration <s>", "length of a trial (default: the profile's)", seconds)
    .option("--min-load <rate>", "smallest load, frames/s; latency at no load is measured at it", positive, MIN_LOAD)
    .option(
      "--max-load <rate>",
      "largest load, frames/s (default: 59.5 million, or what the sender can offer)",
      positive,
    )
    .option("--search-time <s>", "a search ends after this long with what it has", positive, SEARCH_TIME);
  if (kind === "mrr" || kind === "latency" || kind === "soak" || kind === "reconf") {
    command.option("--load <rate>", "load to offer, frames/s, in place of one that is searched for", positive);
  }
  if (kind === "ndrpdr") command.option("--no-latency", "search only");
  if (kind !== "sweep") command.option("--changes <rate>", "rules added or deleted a second meanwhile", positive, 0);
  command.addOption(
    new Option("--trials <n>", kind === "reconf" ? "how often rules are replaced" : "trials at the largest load")
      .argParser(count)
      .default(kind === "reconf" ? 6 : 10)
      .hideHelp(kind !== "mrr" && kind !== "reconf" && kind !== "sweep"),
  );
  command.addOption(
    new Option("--seconds <s>", "how long it soaks")
      .argParser(positive)
      .default(kind === "plrsearch" ? PLR_SOAK.duration : 60)
      .hideHelp(kind !== "soak" && kind !== "plrsearch"),
  );
  if (kind !== "sweep") return;
  command
    .addOption(new Option("--over <axis>", "what is varied, see below").choices(axes).default("sizes"))
    .option("--points <list>", "its values, separated by commas, in place of those below")
    .option("--mrr", "measure the maximum receive rate at each point in place of NDR and PDR")
    .option("--shard <i/n>", "only every n-th point, see below; with --out");
}

function addOutput(command: Command, kind: KindHelp["kind"]): void {
  if (kind === "sweep")
    command.option("--out <file>", "keep each finished point as a line of this file, and go on with it");
  command
    .option("--json <file>", 'write every number as JSON; "-" for standard output instead of the report')
    .option("--quiet", "no report and no progress bar");
}

function queueLength(text: string): number {
  const length = count(text);
  if (length < SMALLEST_QUEUE || length > LARGEST_QUEUE || (length & (length - 1)) !== 0) {
    throw new InvalidArgumentError(`Expected a power of two, ${SMALLEST_QUEUE} to ${LARGEST_QUEUE}.`);
  }
  return length;
}

function flowCount(text: string): number {
  const flows = count(text);
  if (flows > 2e6) throw new InvalidArgumentError("Expected at most 2000000 flows.");
  return flows;
}

function seconds(text: string): number {
  const value = positive(text);
  if (value < 0.01 || value > 3600) throw new InvalidArgumentError("Expected seconds, 0.01 to 3600.");
  return value;
}
