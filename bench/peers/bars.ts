/**
 * What a packet must cost us at most against OVS-DPDK, as comparisons that anybody can repeat: the captures are generated
 * from a seed, the rules are text, and both are written where they can be run one by one.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateFile } from "../../pcaps/generate/generate.ts";
import type { GenerateOptions } from "../../pcaps/generate/plan.ts";

export interface Bar {
  /** Name of its files, and what `--only` takes. */
  readonly name: string;
  /** What is done. */
  readonly work: string;
  /** Times OVS-DPDK's packets a second, at least. */
  readonly atLeast: number;
  readonly capture: GenerateOptions;
  readonly rules: string;
  readonly ports: readonly string[];
  readonly exactMatchCache: boolean;
  /** Megaflow masks that either side must come to. */
  readonly masks: number;
}

const REWRITE = "mod_dl_src:02:00:00:00:01:01,mod_dl_dst:02:00:00:00:01:02";
const NULL_PORTS = ["1=pcap", "2=null"];
const GRE_PORTS = ["1=pcap", "2=gre:10.11.1.115:10.11.1.116"];
const few: GenerateOptions = { frames: 10_000, flows: 1000, size: "60", seed: 1 };
/** Round robin, so that all of the flows are there, as often as each other. */
const many: GenerateOptions = { frames: 200_000, flows: 100_000, size: "60", seed: 1, popularity: "round-robin" };

/** Fields that all generated frames share, with their values, most significant byte first. */
const SHARED: readonly (readonly [string, readonly number[], string])[] = [
  ["nw_dst", [192, 168, 2, 11], "."],
  ["nw_src", [192, 168, 1, 11], "."],
  ["dl_dst", [0xfa, 0x16, 0x3e, 0xcd, 0x50, 0x8d], ":"],
  ["dl_src", [0xfa, 0x16, 0x3e, 0x17, 0x6b, 0xa7], ":"],
];
const MASKED = SHARED.flatMap(([name, bytes, mark]) =>
  bytes.flatMap((_, at) => Array.from({ length: 8 }, (__, bit) => bitMatch(name, bytes, mark, at, 1 << bit))),
);

/** "nw_dst=0.0.2.0/0.0.2.0": one bit of a field. */
function bitMatch(name: string, bytes: readonly number[], mark: string, at: number, mask: number): string {
  const text = (of: (byte: number) => number): string =>
    bytes.map((byte, i) => (i === at ? of(byte) & mask : 0).toString(mark === ":" ? 16 : 10)).join(mark);
  return `${name}=${text((byte) => byte)}/${text(() => mask)}`;
}

/**
 * `count` masks (a power of two, at most 128), each used by its part of the flows. Rule i takes the source ports whose last
 * bits are i, and looks at bit i of what all frames share too. Each has its own priority, so whoever finds rule i has asked
 * rules 0 to i and the megaflow holds the bits of all of them: as many different masks, in Open vSwitch and here.
 */
export function maskedRules(count: number, actions: string): string {
  return Array.from({ length: count }, (_, i) => {
    const match = `udp,${MASKED[i]},tp_src=${i}/${count - 1}`;
    return `priority=${100 + count - i},in_port=1,${count === 1 ? `udp,${MASKED[i]}` : match},actions=${actions}\n`;
  }).join("");
}

export const bars: readonly Bar[] = [
  {
    name: "rewrite-1k",
    work: "MAC rewrite, 1,000 flows",
    atLeast: 2,
    capture: few,
    rules: `in_port=1,actions=${REWRITE},output:2\n`,
    ports: NULL_PORTS,
    exactMatchCache: true,
    masks: 1,
  },
  {
    name: "rewrite-100k",
    work: "MAC rewrite, 100,000 flows",
    atLeast: 2.5,
    capture: many,
    rules: `in_port=1,actions=${REWRITE},output:2\n`,
    ports: NULL_PORTS,
    exactMatchCache: true,
    masks: 1,
  },
  {
    name: "gre-1k",
    work: "MAC rewrite + GRE push, 1,000 flows",
    atLeast: 1.8,
    capture: few,
    rules: `in_port=1,actions=${REWRITE},set_tunnel:7,output:2\n`,
    ports: GRE_PORTS,
    exactMatchCache: true,
    masks: 1,
  },
  {
    name: "no-emc-1-mask",
    work: "exact-match cache off, 1 mask",
    atLeast: 2,
    capture: few,
    rules: `in_port=1,actions=${REWRITE},output:2\n`,
    ports: NULL_PORTS,
    exactMatchCache: false,
    masks: 1,
  },
  {
    name: "no-emc-32-masks",
    work: "exact-match cache off, 32 masks",
    atLeast: 1.5,
    capture: few,
    rules: maskedRules(32, `${REWRITE},output:2`),
    ports: NULL_PORTS,
    exactMatchCache: false,
    masks: 32,
  },
];

/** Writes the capture and the rules of a bar to `folder`; their paths. */
export function writeBar(bar: Bar, folder: string): { readonly capture: string; readonly rules: string } {
  const capture = join(folder, `${bar.name}.pcap`);
  const rules = join(folder, `${bar.name}.flows`);
  generateFile(capture, bar.capture);
  writeFileSync(rules, bar.rules);
  return { capture, rules };
}

/** What one types for a bar alone. */
export function barCommand(
  { ports, exactMatchCache }: Bar,
  files: { readonly capture: string; readonly rules: string },
): string {
  const given = ports.map((port) => ` --port ${port}`).join("");
  return `eastwest peer ovs-dpdk ${files.capture} --rules ${files.rules}${given}${exactMatchCache ? "" : " --emc off"}`;
}
