/** From what people ask for to what is measured: bridges with their rules, clusters, and the traffic for them. */
import { createHash } from "node:crypto";
import { Fabric } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { InputError } from "../errors.ts";
import { type ModeName, type NetworkName, scenarioFile, shown } from "../paths.ts";
import { type BridgeSetup, makeSwitch, type RuleText } from "../replay/bridge.ts";
import { DEFAULT_PORTS, isTunnel, parsePorts, portName, UNDERLAY } from "../replay/port-spec.ts";
import { stationOf } from "../replay/underlay.ts";
import { loadTopology } from "../scenarios/loader.ts";
import type { FrameProfile } from "../search/frame-profile.ts";
import { type Captures, loadInputs, type Source } from "../trial/inputs.ts";
import { allFrames, type Input } from "../trial/schedule.ts";
import type { SubjectResult } from "./result.ts";
import type { SubjectPlan } from "./subject.ts";
import { capturedTraffic, generatedTraffic, type Prepared } from "./traffic.ts";

/** One thing to measure, without its frames: those come from `traffic`, for whatever sizes and flows are asked for. */
export interface Candidate {
  /** For names of cases: "ovsmf-macrewrite", "gre4teb-ovsmf-dvr". */
  readonly name: string;
  readonly plan: SubjectPlan;
  readonly subject: Omit<SubjectResult, "inputs">;
  /** Of a capture: whatever is asked for, its own frames. */
  readonly traffic: (profile: FrameProfile, flows: number) => Prepared;
  /** Its frames come from captures. */
  readonly captured: boolean;
  /** A digest of rules, topology and captures. */
  readonly digest: string;
}

/** Every frame gets new addresses and leaves by port 2: one megaflow. */
const MAC_REWRITE = "in_port=1,actions=mod_dl_src:02:00:00:00:00:aa,mod_dl_dst:02:00:00:00:00:bb,output:2\n";
/** The same, and each flow is one megaflow: what is read is in its mask. */
const MAC_REWRITE_BY_FLOW =
  "in_port=1,udp,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_IP_DST[]->NXM_NX_REG1[]," +
  "move:NXM_OF_UDP_SRC[]->NXM_NX_REG2[0..15],move:NXM_OF_UDP_DST[]->NXM_NX_REG2[16..31]," +
  "mod_dl_src:02:00:00:00:00:aa,mod_dl_dst:02:00:00:00:00:bb,output:2\n";

export const ownRules = {
  macrewrite: { text: MAC_REWRITE, file: "macrewrite" },
  macrewriteflow: { text: MAC_REWRITE_BY_FLOW, file: "macrewriteflow" },
} as const;

export interface BridgeRequest {
  readonly capture: string | undefined;
  readonly rules: RuleText | undefined;
  readonly groups: RuleText | undefined;
  readonly ports: readonly string[] | undefined;
  readonly vlanLimit: number;
  readonly emc: number | undefined;
}

/** One bridge. Throws an InputError (or an error with file and line) for what cannot be. */
export async function bridgeCandidate(request: BridgeRequest, captures: Captures): Promise<Candidate> {
  const ports = parsePorts(request.ports ?? DEFAULT_PORTS);
  const plain: BridgeSetup = {
    ports,
    rules: request.rules,
    groups: request.groups,
    vlanLimit: request.vlanLimit,
    emc: request.emc === undefined ? undefined : { entries: request.emc },
  };
  for (const { kind } of ports) {
    if (kind === "write")
      throw new InputError("--port: a measurement writes no captures, expected null in place of write");
  }
  makeSwitch(plain); // mistakes in rules show before a long capture is read
  const inputs: Input[] = [];
  const receiving = ports.filter(({ kind }) => kind === "pcap");
  for (const { ofport, file: own } of receiving) {
    const file = own === "" ? request.capture : own;
    if (file === undefined) continue;
    const trace = await captures.read(file);
    const frames = allFrames(trace);
    inputs.push({ port: portName(ofport), file: shown(file), trace, frames });
  }
  const tunnel = ports.find(isTunnel);
  const underlay = inputs.find(({ port }) => port === portName(UNDERLAY))?.trace;
  const setup = tunnel === undefined ? plain : { ...plain, station: stationOf(tunnel.local, undefined, underlay) };
  const rules = request.rules?.file ?? "NORMAL";
  const word = (rules.split("/").at(-1) ?? "")
    .replace(/\.[a-z]+$/, "")
    .replace(/[^A-Za-z0-9]/g, "")
    .toLowerCase();
  return {
    name: `ovsmf-${word}`,
    plan: { kind: "bridge", setup },
    subject: { kind: "bridge", mode: null, network: null, rules },
    captured: inputs.length > 0,
    traffic: (profile, flows) =>
      inputs.length > 0
        ? capturedTraffic(inputs)
        : generatedTraffic(
            receiving.map(({ ofport }) => ({ port: portName(ofport), scenario: "p2p" })),
            profile,
            flows,
          ),
    digest: digestOf([setup.ports, request.rules?.text, request.groups?.text, setup.vlanLimit, setup.emc], inputs),
  };
}

/** The article's cluster in a mode, or another topology. Throws an InputError. */
export async function clusterCandidate(
  where: { readonly mode: ModeName; readonly network: NetworkName } | { readonly file: string },
  sources: readonly Source[],
  captures: Captures,
): Promise<Candidate> {
  const file = "file" in where ? where.file : scenarioFile(where.network, where.mode);
  const topology = loadTopology(file);
  new Fabric(topology, { poolSlots: 1 }); // mistakes in rules show here
  const { mode, network } = topology;
  if ("file" in where && sources.length === 0) {
    throw new InputError(`${shown(file)}: no made-up traffic fits a topology of yours, expected --from PORT=FILE`);
  }
  const captured = sources.length > 0 ? await loadInputs(topology, sources, captures) : null;
  const encapsulation = { gre: "gre4teb", vxlan: "vxlan4", vlan: "dot1q", geneve: "geneve4", none: "eth" }[network];
  return {
    name: `${encapsulation}-ovsmf-${mode === "other" ? topology.name : mode}`,
    plan: {
      kind: "cluster",
      topology,
      answering: captured?.answering ?? topology.vms.map(({ name }) => name),
    },
    subject: { kind: "cluster", mode, network, rules: shown(file) },
    captured: captured !== null,
    traffic: (profile, flows) =>
      captured !== null
        ? capturedTraffic(captured.inputs)
        : generatedTraffic(bothWays(topology), profile, Math.max(1, Math.ceil(flows / 2))),
    digest: digestOf([topology], captured?.inputs ?? []),
  };
}

/** VM1 to VM2 and back, as many frames each way. */
function bothWays({ vms }: Topology): { port: string; scenario: string }[] {
  return vms.slice(0, 2).map(({ name }, i) => ({ port: name, scenario: i === 0 ? "east-west" : "east-west-reply" }));
}

/** SHA-256 of values (as JSON) and captures (their frames' bytes and lengths). */
export function digestOf(values: unknown, inputs: readonly Input[] = []): string {
  const hash = createHash("sha256").update(JSON.stringify(values));
  for (const { port, trace, frames } of inputs) {
    hash.update(port).update(trace.bytes).update(bytesOf(trace.length)).update(bytesOf(frames));
  }
  return `sha256:${hash.digest("hex").slice(0, 32)}`;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
