/**
 * The bridge that a capture is put through, as configuration: `br0` with the rules and a port for every `--port`, and, when
 * there are tunnels, the bridge of the underlay with what Open vSwitch needs for them (Documentation/howto/
 * userspace-tunneling.rst): LOCAL's address, the neighbours behind it, and rules between its own port and its card.
 */
import type { DatapathOptions } from "../../datapath/datapath.ts";
import type { BridgeConfig, PortConfig } from "../../datapath/topology.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";
import { isTunnel, type PortSpec, portName, sharedPrefix, UNDERLAY, underlayMac } from "./port-spec.ts";
import type { Station } from "./underlay.ts";

export const BRIDGE = "br0";
/** Of the underlay; also the name of its own port, where frames end that are not for a tunnel. */
export const UNDERLAY_BRIDGE = "br-phy";

/** A text of rules or groups and where it came from, for messages. */
export interface RuleText {
  readonly text: string;
  readonly file: string;
}

export interface BridgeSetup {
  readonly ports: readonly PortSpec[];
  /** Undefined: NORMAL, as a bridge of Open vSwitch without a controller (fail mode standalone) begins. */
  readonly rules: RuleText | undefined;
  readonly groups: RuleText | undefined;
  readonly vlanLimit: number;
  readonly emc: DatapathOptions["emc"];
  /** Who the underlay's bridge is; undefined: LOCAL of the tunnels at `underlayMac`. */
  readonly station?: Station;
}

/** Name of a port in the datapath; of tunnels it is that of the port behind which they share the underlay. */
export const datapathPort = (ofport: number): string => (ofport === UNDERLAY ? "underlay" : `port${ofport}`);

/**
 * The switch. Rules are read as OpenFlow 1.0, as ovs-ofctl does by itself, and where they need more, as 1.5. Throws with
 * file, line and column for a rule that is none.
 */
export function makeSwitch(setup: BridgeSetup): OvsSwitch {
  try {
    return build(setup, "OpenFlow10");
  } catch {
    return build(setup, "OpenFlow15");
  }
}

function build({ ports, rules, groups, vlanLimit, station }: BridgeSetup, openflow: string): OvsSwitch {
  const own = ports.filter((port) => port.ofport !== UNDERLAY);
  const tunnels = ports.filter(isTunnel);
  const bridges: BridgeConfig[] = [
    { name: BRIDGE, failMode: "secure", ports: own.map(portConfig), flows: "", flowsFile: "", openflow },
    ...(tunnels.length === 0 ? [] : [underlay(tunnels, station?.mac)]),
  ];
  const made = new OvsSwitch(bridges, { vlanLimit });
  // Groups first: a rule may name only those that there are.
  if (groups !== undefined) made.addGroups(BRIDGE, groups.text, { file: groups.file, openflow: "OpenFlow15" });
  made.addFlows(BRIDGE, rules?.text ?? "priority=0,actions=NORMAL", { file: rules?.file ?? "", openflow });
  return made;
}

function portConfig(port: PortSpec): PortConfig {
  const name = datapathPort(port.ofport);
  if (!isTunnel(port)) return { name, ofport: port.ofport, type: "system" };
  const { kind, local, remote, key } = port;
  return {
    name,
    ofport: port.ofport,
    type: kind as "gre" | "vxlan",
    options: { local_ip: local, remote_ip: remote, key: key === "" ? "flow" : key },
  };
}

function underlay(tunnels: readonly PortSpec[], mac: string | undefined): BridgeConfig {
  const { local } = tunnels[0];
  const prefix = Math.min(...tunnels.map(({ remote }) => sharedPrefix(local, remote)));
  return {
    name: UNDERLAY_BRIDGE,
    failMode: "secure",
    mac: mac ?? underlayMac(local),
    ports: [{ name: datapathPort(UNDERLAY), ofport: 1, type: "system" }],
    flows: "in_port=LOCAL,actions=output:1\nin_port=1,actions=LOCAL",
    flowsFile: "",
    address: `${local}/${prefix}`,
    neighbours: Object.fromEntries(tunnels.map(({ remote }) => [remote, underlayMac(remote)])),
  };
}

/** Names of the ports by datapath port number, "2" or "underlay" or a bridge's own; for reports. */
export function shownPorts(made: OvsSwitch, ports: readonly PortSpec[]): string[] {
  return made.portNames().map((name) => {
    const port = ports.find(({ ofport }) => datapathPort(ofport) === name);
    return port === undefined ? name : portName(port.ofport);
  });
}
