/** What the gate can measure by name, and what is made of a user's own captures, rules and topologies. */
import { resolve } from "node:path";
import type { Trace } from "../../datapath/packet/trace.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { InputError } from "../errors.ts";
import { readText } from "../input-file.ts";
import { maskedRules } from "../peers/bars.ts";
import { parsePorts } from "../replay/port-spec.ts";
import type { ReplayWork, Work } from "./subject.ts";

/** The number that a process gives: processor time of a frame that went in. */
export const METRIC = "ns per packet";

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** What a side measures; topologies are found by the side in its own tree. */
  work(side: "base" | "head"): Promise<Work>;
}

const REWRITE = "actions=mod_dl_src:02:00:00:00:01:01,mod_dl_dst:02:00:00:00:01:02,output:2";
const NULL_PORTS = ["1=pcap", "2=null"];
const GRE_PORTS = ["1=pcap", "2=gre:10.11.1.115:10.11.1.116"];
/** Enough that the cache of the processor matters, few enough that a process makes them in some milliseconds. */
const FRAMES = 4096;

function cluster(network: string, mode: string): Scenario {
  return {
    name: `${network}-${mode}`,
    about: `the article's cluster, ${network.toUpperCase()}, ${mode === "dvr" ? "DVR" : "router on the network node"}`,
    work: async () => ({ kind: "run", topology: `bench/scenarios/${network}-${mode}/topology.yaml`, captures: null }),
  };
}

interface Bridge {
  readonly rules: string | null;
  readonly ports?: readonly string[];
  readonly exactMatchCache?: boolean;
  readonly kind?: ReplayWork["kind"];
  readonly vxlan?: boolean;
}

function bridge(name: string, about: string, { rules, ports, exactMatchCache, kind, vxlan }: Bridge): Scenario {
  return {
    name,
    about,
    work: async () => ({
      kind: kind ?? "replay",
      trace: generateTrace({
        frames: FRAMES,
        flows: 1000,
        size: "60",
        seed: 1,
        ...(vxlan === true ? { encapsulation: "vxlan" } : {}),
      }),
      rules,
      rulesFile: `${name}.flows`,
      ports: ports ?? NULL_PORTS,
      port: "1",
      exactMatchCache: exactMatchCache ?? true,
    }),
  };
}

/** All that come with the program, the default set in this order. */
export const scenarios: readonly Scenario[] = [
  cluster("gre", "legacy"),
  cluster("gre", "dvr"),
  cluster("vxlan", "dvr"),
  cluster("vlan", "legacy"),
  bridge("mac-rewrite", "replay: both MAC addresses rewritten, 1,000 flows", { rules: REWRITE }),
  bridge("masks-32", "replay: 32 masks without an exact-match cache", {
    rules: maskedRules(32, "output:2"),
    exactMatchCache: false,
  }),
  bridge("gre-push", "replay: a GRE header put on", { rules: "actions=output:2", ports: GRE_PORTS }),
  bridge("normal", "replay: a learning bridge (NORMAL)", { rules: null }),
  bridge("extract", "flow keys of IPv4 frames", { rules: "actions=output:2", kind: "extract" }),
  bridge("extract-vxlan", "flow keys of VXLAN frames", { rules: "actions=output:2", kind: "extract", vxlan: true }),
];

/** The set of --short: a cluster, and a bridge whose processes differ least (masks-32 1.5 %, mac-rewrite 4.4 % a pair). */
export const shortSet: readonly string[] = ["gre-dvr", "masks-32"];

/** Scenarios by name; a name that ends in .yaml is a topology file of the user's. Throws an InputError. */
export function scenariosNamed(names: readonly string[]): Scenario[] {
  return names.map((name) => {
    const known = scenarios.find((scenario) => scenario.name === name);
    if (known !== undefined) return known;
    if (/\.ya?ml$/.test(name)) return topologyScenario(name, { base: name, head: name });
    throw new InputError(
      `scenario "${name}": expected ${scenarios.map((scenario) => scenario.name).join(", ")}, or a topology file (.yaml)`,
    );
  });
}

type Sides<T> = Readonly<Record<"base" | "head", T>>;

/** A topology of the user's, in one or two versions, with the captures recorded for its network and mode. */
export function topologyScenario(name: string, files: Sides<string>): Scenario {
  return {
    name: name.replace(/^.*\//, "").replace(/\.ya?ml$/, ""),
    about: `the cluster of ${files.head}`,
    work: async (side) => ({ kind: "run", topology: resolve(files[side]), captures: null }),
  };
}

/** A capture and rules of the user's, each in one or two versions. */
export function replayScenario(
  captures: Sides<string>,
  rules: Sides<string | undefined>,
  ports: readonly string[] | undefined,
): Scenario {
  const traces = new Map<string, Promise<Trace>>();
  const specs = ports ?? NULL_PORTS;
  const first = parsePorts(specs).find(({ kind }) => kind === "pcap");
  if (first === undefined)
    throw new InputError(`--port ${specs.join(" ")}: expected one of the kind pcap, as in 1=pcap`);
  return {
    name: "replay",
    about: "a capture through a bridge",
    async work(side) {
      const file = captures[side];
      const trace = traces.get(file) ?? readTrace(file, {});
      traces.set(file, trace);
      const rulesFile = rules[side];
      return {
        kind: "replay",
        trace: await trace,
        rules: rulesFile === undefined ? null : readText(rulesFile),
        rulesFile: rulesFile ?? "",
        ports: specs,
        port: String(first.ofport),
        exactMatchCache: true,
      };
    },
  };
}
