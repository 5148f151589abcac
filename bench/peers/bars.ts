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

/**
 * 32 masks, each used by a 32nd of the flows. Rule i takes the source ports whose last five bits are i, and looks at bit i
 * of the destination address (which all frames share) too. Each has its own priority, so whoever finds rule i has asked
 * rules 0 to i and the megaflow holds the bits of all of them: 32 different masks, in Open vSwitch and here.
 */
function masked(): string {
  const destination = (192 << 24) | (168 << 16) | (2 << 8) | 11; // of the generated frames
  const dotted = (word: number): string => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join(".");
  return Array.from({ length: 32 }, (_, i) => {
    const mask = 1 << i;
    const match = `udp,nw_dst=${dotted(destination & mask)}/${dotted(mask)},tp_src=${i}/31`;
    return `priority=${132 - i},in_port=1,${match},actions=${REWRITE},output:2\n`;
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
    rules: masked(),
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
