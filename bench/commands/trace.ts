/**
 * `eastwest trace BRIDGE FLOW [FRAME]`: what a bridge does with a packet, table by table, as Open vSwitch's ofproto/trace
 * prints it.
 */

import { type Command, Option } from "commander";
import type { Bridge } from "../../datapath/translate/bridge.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";
import { InputError } from "../errors.ts";
import { readText } from "../input-file.ts";
import { readCaseFile } from "../ovs-cases/case.ts";
import { buildSwitch } from "../ovs-cases/run-case.ts";
import { switchOfState } from "../ovs-cases/saved-switch.ts";
import { traceText } from "../ovs-cases/trace-case.ts";
import { type ModeName, modes, type NetworkName, networks, scenarioFile } from "../paths.ts";
import { loadTopology } from "../scenarios/loader.ts";

interface TraceOptions {
  readonly case?: string;
  readonly topology?: string;
  readonly state?: string;
  readonly mode: ModeName;
  readonly network: NetworkName;
  readonly generate?: boolean;
}

/** A switch to ask, and the bridge in it. */
interface Subject {
  readonly switch: OvsSwitch;
  readonly bridge: Bridge;
  readonly now: number;
}

/** Adds `trace` to the program. */
export function register(program: Command): void {
  program
    .command("trace")
    .description("show what a bridge does with a packet, table by table, as ofproto/trace does")
    .argument("<bridge>", "HOST/BRIDGE of a topology or a saved state, BRIDGE of a case")
    .argument(
      "<flow>",
      "the packet, in OpenFlow syntax or as dpctl/dump-flows prints it (then its port says which bridge); with a frame, only where it comes in (in_port=PORT)",
    )
    .argument("[frame]", "an Ethernet frame in hexadecimal digits")
    .addOption(new Option("--mode <mode>", "which of the article's two clusters").choices(modes).default("dvr"))
    .addOption(new Option("--network <kind>", "its tenant networks").choices(networks).default("gre"))
    .option("--topology <file>", "a topology of your own instead")
    .option("--case <file>", "a case of the conformance corpus instead; FILE#NAME for one of several")
    .option("--state <file>", "what `eastwest run --save` wrote instead: with what was learned by then")
    .option(
      "--generate",
      "make a packet of the flow, which teaches the switch as a real one would (learn, NORMAL); a frame always does",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ eastwest trace test115/br-int in_port=qvof76ecb29-5d,icmp,dl_src=fa:16:3e:17:6b:a7,dl_dst=fa:16:3e:cd:50:8d
  $ eastwest trace test115/br-tun in_port=9,tun_id=0x2,tun_src=10.11.1.114,tun_dst=10.11.1.115,dl_src=fa:16:3e:d4:4d:ff
  $ eastwest trace br-int in_port=11 fa163e0a0012fa163e0a00110800 --case test/golden/ovs-cases/neutron.json.gz#dvr-compute-gre
  $ eastwest trace test115/br-int in_port=27,arp --state state.json`,
    )
    .action((bridgeName: string, flowText: string, frameText: string | undefined, options: TraceOptions) => {
      const subject = subjectOf(bridgeName, options);
      const { bridge } = subject;
      const question = { now: subject.now, frame: frameText, generate: options.generate === true };
      process.stdout.write(traceText(subject.switch, bridge, flowText, question));
    });
}

function subjectOf(path: string, options: TraceOptions): Subject {
  if ([options.case, options.topology, options.state].filter((file) => file !== undefined).length > 1) {
    throw new InputError("--case, --topology and --state: expected at most one of them");
  }
  if (options.case !== undefined) {
    const [file, name] = options.case.split("#");
    const cases = readCaseFile(file);
    const found = name === undefined ? cases[0] : cases.find((entry) => entry.name === name);
    if (found === undefined) {
      throw new InputError(`${file}: no case ${name}, expected one of ${cases.map((entry) => entry.name).join(", ")}`);
    }
    return subject(buildSwitch(found), path, 0);
  }
  const [hostName, bridgeName] = path.split("/");
  if (bridgeName === undefined) {
    throw new InputError(`bridge ${path}: expected HOST/BRIDGE, as in test115/br-int`);
  }
  if (options.state !== undefined) {
    const saved = switchOfState(readText(options.state), options.state, options.mode, hostName);
    return subject(saved.switch, bridgeName, saved.now);
  }
  const topology = loadTopology(options.topology ?? scenarioFile(options.network, options.mode));
  const host = topology.hosts.find((entry) => entry.name === hostName);
  if (host === undefined) {
    throw new InputError(
      `no host ${hostName} in ${topology.name}, expected one of ${topology.hosts.map((entry) => entry.name).join(", ")}`,
    );
  }
  return subject(new OvsSwitch(host.bridges, { vlanLimit: topology.vlanLimit }), bridgeName, 0);
}

function subject(host: OvsSwitch, bridgeName: string, now: number): Subject {
  const bridge = host.bridge(bridgeName);
  if (bridge === undefined) {
    throw new InputError(
      `no bridge ${bridgeName}, expected one of ${host.bridges.map((entry) => entry.name).join(", ")}`,
    );
  }
  return { switch: host, bridge, now };
}
