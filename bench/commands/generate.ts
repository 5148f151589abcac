/** `eastwest generate FILE`: seeded captures of any size for every scenario. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { meanFrameSize } from "../../pcaps/generate/frame-sizes.ts";
import { type Generated, generating } from "../../pcaps/generate/generate.ts";
import { type GenerateOptions, type Protocol, protocols } from "../../pcaps/generate/plan.ts";
import { type PopularityKind, popularityKinds } from "../../pcaps/generate/popularity.ts";
import { type Encapsulation, encapsulations, scenarios } from "../../pcaps/generate/scenario.ts";
import { InputError } from "../../pcaps/input-error.ts";
import { Exit } from "../errors.ts";
import { onInterrupt } from "../interrupt.ts";
import { whole as thousands } from "../report/format.ts";
import { breathe } from "../trial/sampling.ts";
import { count, positive } from "./options.ts";

interface GenerateFlags {
  readonly scenario?: string;
  readonly seed?: number;
  readonly frames?: number;
  readonly flows?: number;
  readonly vms?: number;
  readonly popularity?: { readonly kind: PopularityKind; readonly alpha?: number };
  readonly size?: string;
  readonly protocol?: Partial<Record<Protocol, number>>;
  readonly ipv6?: number;
  readonly encap?: Encapsulation;
  readonly key?: number;
  readonly vlan?: number;
  readonly serviceVlan?: number;
  readonly pps?: number;
  readonly gaps?: "constant" | "poisson";
  readonly start?: bigint;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `eastwest generate` to the program. */
export function register(program: Command): void {
  program
    .command("generate")
    .description("write a capture of made-up traffic: same options and seed, same bytes")
    .argument(
      "<file>",
      "what to write: pcapng for NAME.pcapng, pcap otherwise; gzip for NAME.gz; /dev/stdout for a pipe",
    )
    .option("--scenario <name>", "who talks to whom, see below", "east-west")
    .option("--seed <n>", "whole number that all choices follow from", whole(-(2 ** 31), 2 ** 32 - 1), 1)
    .option("--frames <n>", "frames to write", count, 10_000)
    .option("--flows <n>", "flows, each a protocol, two addresses and two ports (ICMP: an identifier)", count, 1000)
    .option("--vms <n>", "sending VMs, and as many receiving ones (default: 1, same-network: 2)", count)
    .addOption(
      new Option("--popularity <kind>", `which flow is next: ${popularityKinds.join(", ")} or zipf:ALPHA`)
        .argParser(popularity)
        .default({ kind: "uniform" }, "uniform"),
    )
    .option("--size <sizes>", "frame sizes, see below", "60")
    .addOption(
      new Option("--protocol <list>", "udp, tcp, icmp, with weights as in udp:8,tcp:2; mix: all three alike")
        .argParser(protocolList)
        .default({ udp: 1 }, "udp"),
    )
    .option("--ipv6 <share>", "share of the flows that are IPv6, 0 to 1", share, 0)
    .addOption(
      new Option("--encap <kind>", "tags or a tunnel around each frame (default: none; underlay: gre)").choices(
        encapsulations,
      ),
    )
    .option("--key <n>", "GRE key, or VXLAN or Geneve network identifier", whole(0, 2 ** 32 - 1), 2)
    .option("--vlan <id>", "VLAN of --encap vlan, inner one of qinq", whole(0, 4095), 2)
    .option("--service-vlan <id>", "outer VLAN of --encap qinq", whole(0, 4095), 100)
    .option("--pps <rate>", "frames a second, for the timestamps", positive, 1e6)
    .addOption(new Option("--gaps <kind>", "time between frames").choices(["constant", "poisson"]).default("constant"))
    .option("--start <time>", "time of the first frame, as in 2015-06-01T00:00:00Z", startTime)
    .option("--json", "say what was written as JSON")
    .option("--quiet", "say nothing")
    .addHelpText("after", help())
    .action((file: string, flags: GenerateFlags) => generate(file, flags));
}

function help(): string {
  const list = scenarios.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join("\n");
  return `
Scenarios (addresses are the article's; beyond the first VM of a side they count up):
${list}

Frame sizes are those of the frame as its VM sends it, before tags and tunnels:
  60                     each frame 60 bytes, without the 4 bytes of FCS (64 on the wire), as captures count
  60:7,566:4,1514:1      a mixture, size:weight, without FCS
  IMIX_v4_1              28 x 64, 16 x 570, 4 x 1518 as FD.io CSIT counts, with FCS: 60, 566 and 1514 in the file
  genome:aaaaaaaddddg    a sequence by RFC 6985, with FCS: a 64, b 128, c 256, d 512, e 1024, f 1280, g 1518, h 2112,
                         i 9000, j 16000, z 1518 (MTU 1500)
In a mixture, frames that are too short for their headers are as long as these.

Examples:
  $ eastwest generate vm1.pcap
  $ eastwest run --from vm1=vm1.pcap
  $ eastwest generate imix.pcap --size IMIX_v4_1 --protocol mix --vms 2 --flows 100000 --popularity zipf:1.1 --frames 1000000
  $ eastwest generate underlay.pcap --scenario underlay --encap vxlan --key 2
  $ eastwest generate bridge.pcapng.gz --scenario p2p --vms 1000 --flows 1000 --popularity round-robin --seed 7`;
}

async function generate(file: string, flags: GenerateFlags): Promise<void> {
  const options: GenerateOptions = {
    scenario: flags.scenario,
    seed: flags.seed,
    frames: flags.frames,
    flows: flags.flows,
    vms: flags.vms,
    popularity: flags.popularity?.kind,
    alpha: flags.popularity?.alpha,
    size: flags.size,
    protocols: flags.protocol,
    ipv6: flags.ipv6,
    encapsulation: flags.encap,
    key: flags.key,
    vlan: flags.vlan,
    serviceVlan: flags.serviceVlan,
    pps: flags.pps,
    gaps: flags.gaps,
    startNs: flags.start,
  };
  if (file === "-") throw new InputError('cannot write "-": give a file name, or /dev/stdout for standard output');
  const done = await written(file, options);
  if (done === null) {
    process.stderr.write(`eastwest: interrupted, ${file} was not written\n`);
    process.exitCode = Exit.Interrupted;
    return;
  }
  if (flags.quiet) return;
  const { plan } = done;
  // What is said goes to standard error when the capture itself goes to standard output.
  const out = file === "/dev/stdout" ? process.stderr : process.stdout;
  if (flags.json) {
    const { scenario, sizes, startNs, ...rest } = plan;
    const said = {
      schema: "eastwest.generate/1",
      file: done.path,
      frames: done.frames,
      bytes: done.bytes,
      flows: done.flows,
      spanNs: done.spanNs,
      plan: {
        ...rest,
        scenario: scenario.name,
        size: sizes.name,
        meanFrameBytes: meanFrameSize(sizes),
        protocols: Object.fromEntries(plan.protocols),
        startNs: startNs.toString(),
      },
    };
    out.write(`${JSON.stringify(said, undefined, 2)}\n`);
    return;
  }
  out.write(
    `${done.path}: ${thousands(done.frames)} frames, ${thousands(done.bytes)} bytes without FCS, ` +
      `${thousands(done.flows)} of ${thousands(plan.flows)} flows seen, ` +
      `${done.spanNs / 1e9} s, scenario ${plan.scenario.name}, ${plan.encapsulation === "none" ? "untagged" : plan.encapsulation}, ` +
      `sizes ${plan.sizes.name}, seed ${plan.seed}\n`,
  );
}

/** Null when a signal came: no file is left then (a pipe has got what was made so far). */
async function written(file: string, options: GenerateOptions): Promise<Generated | null> {
  let stopped = false;
  const released = onInterrupt(() => {
    stopped = true;
  });
  const steps = generating(file, options);
  try {
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      await breathe();
      if (stopped) return null;
    }
  } finally {
    // Takes the unfinished file away.
    steps.return(undefined as never);
    released();
  }
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^-?(\d+|0x[0-9a-fA-F]+)$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

function share(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected a number from 0 to 1.");
}

function popularity(text: string): { kind: PopularityKind; alpha?: number } {
  const [kind, alpha] = text.split(":");
  if (alpha === undefined && (popularityKinds as readonly string[]).includes(kind))
    return { kind: kind as PopularityKind };
  if (kind === "zipf" && Number(alpha) > 0) return { kind, alpha: Number(alpha) };
  throw new InvalidArgumentError(`Expected ${popularityKinds.join(", ")} or zipf:ALPHA as in zipf:1.1.`);
}

function protocolList(text: string): Partial<Record<Protocol, number>> {
  if (text === "mix") return Object.fromEntries(protocols.map((name) => [name, 1]));
  const weights: Partial<Record<Protocol, number>> = {};
  for (const part of text.split(",")) {
    const [name, weight = "1"] = part.trim().split(":");
    if (!(protocols as readonly string[]).includes(name) || !(Number(weight) > 0) || !Number.isFinite(Number(weight))) {
      throw new InvalidArgumentError(
        `"${part}": expected ${protocols.join(", ")} with weights as in udp:8,tcp:2, or mix.`,
      );
    }
    weights[name as Protocol] = Number(weight);
  }
  return weights;
}

function startTime(text: string): bigint {
  const parts = /^(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?)(?:\.(\d{1,9}))?Z?$/.exec(text);
  const ms = parts === null ? Number.NaN : Date.parse(parts[1].includes("T") ? `${parts[1]}Z` : parts[1]);
  if (parts === null || Number.isNaN(ms)) {
    throw new InvalidArgumentError("Expected a time in UTC as in 2015-06-01T00:00:00Z.");
  }
  return BigInt(ms) * 1_000_000n + BigInt((parts[2] ?? "").padEnd(9, "0"));
}
