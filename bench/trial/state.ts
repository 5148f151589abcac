/**
 * `--save STATE` and `--dump-flows`: what the bridges hold after the counting pass, in the words of Open vSwitch's own tools.
 */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Host } from "../../datapath/host.ts";
import { formatActions } from "../../datapath/openflow/action-format.ts";
import { formatMatch } from "../../datapath/openflow/match-format.ts";
import { formatRule } from "../../datapath/openflow/rule-text.ts";
import { formatFdb } from "../../datapath/ovs/fdb-text.ts";
import { formatMegaflowLine } from "../../datapath/ovs/megaflow-text.ts";
import type { BridgeConfig, PortConfig, PortFlag } from "../../datapath/topology.ts";
import type { Port } from "../../datapath/translate/port.ts";
import { macToText } from "../../datapath/wire/addresses.ts";
import { InputError } from "../errors.ts";

export const STATE_FORMAT = "eastwest state";
export const STATE_VERSION = 1;

/** One mode's cluster; the file holds one for each mode under `modes`. All counts are integers. */
export interface ClusterState {
  readonly topology: string;
  /** Virtual time, ns since the first frame. */
  readonly now: number;
  /** VLAN tags that are parsed; absent: 1. */
  readonly vlanLimit?: number | undefined;
  readonly hosts: readonly HostState[];
}

interface HostState {
  readonly name: string;
  readonly role: string;
  readonly bridges: readonly BridgeState[];
  readonly namespaces: readonly { readonly name: string; readonly neighbours: readonly string[] }[];
  /** As `ovs-appctl dpctl/dump-flows` prints them. */
  readonly megaflows: readonly string[];
}

/** As configured (datapath/topology.ts); what is not there has Open vSwitch's default. */
type BridgeSettings = Pick<
  BridgeConfig,
  | "failMode"
  | "mac"
  | "address"
  | "neighbours"
  | "prefixes"
  | "macTableSize"
  | "macAgeing"
  | "floodVlans"
  | "forwardBpdu"
  | "floodOrder"
>;

interface BridgeState extends BridgeSettings {
  readonly name: string;
  readonly openflow: string;
  readonly ports: readonly {
    readonly name: string;
    readonly ofport: number;
    readonly type: string;
    readonly datapathPort: number;
    readonly tag: number | null;
    readonly vlanMode?: PortConfig["vlanMode"];
    readonly trunks?: PortConfig["trunks"];
    /** "down", "no-flood" and so on, as they are now. */
    readonly config?: readonly PortFlag[];
    readonly protected?: boolean;
    readonly options: Readonly<Record<string, string>>;
  }[];
  readonly rules: readonly {
    readonly table: number;
    readonly priority: number;
    readonly cookie: string;
    readonly packets: number;
    readonly bytes: number;
    readonly idleTimeout: number;
    readonly hardTimeout: number;
    readonly match: string;
    readonly actions: string;
  }[];
  readonly macs: readonly {
    readonly port: number;
    readonly vlan: number;
    readonly mac: string;
    readonly age: number;
  }[];
}

/** What all hosts of the fabric hold at virtual time `now` (ns). */
export function clusterState(fabric: Fabric, now: number): ClusterState {
  const { name: topology, vlanLimit } = fabric.topology;
  return {
    topology,
    now: Math.floor(now),
    ...(vlanLimit === undefined ? {} : { vlanLimit }),
    hosts: fabric.hosts.map((host) => hostState(host, now)),
  };
}

function hostState(host: Host, now: number): HostState {
  host.datapath.flushStats();
  return {
    name: host.name,
    role: host.config.role,
    bridges: host.switch.bridges.map((bridge) => ({
      name: bridge.name,
      openflow: bridge.config.openflow ?? "OpenFlow10",
      ...settingsOf(bridge.config),
      ports: bridge.ports.map((port) => ({
        name: port.name,
        ofport: port.ofport,
        type: port.type,
        datapathPort: port.odpPort,
        tag: port.vlan < 0 ? null : port.vlan,
        ...portSettings(port, bridge.config),
        options: { ...bridge.config.ports.find((config) => config.name === port.name)?.options },
      })),
      rules: host.switch.rules(bridge.name).map((rule) => ({
        table: rule.table,
        priority: rule.priority,
        cookie: `0x${rule.cookie.toString(16)}`,
        packets: rule.packets,
        bytes: rule.bytes,
        idleTimeout: rule.idleTimeout,
        hardTimeout: rule.hardTimeout,
        match: formatMatch(rule.match),
        actions: formatActions(rule.actions),
      })),
      macs: [...bridge.macs.entries()].map((entry) => ({
        port: entry.port,
        vlan: entry.vlan,
        mac: macToText(entry.high, entry.low),
        age: Math.floor((now - entry.seen) / 1e9),
      })),
    })),
    namespaces: host.namespaces.map((namespace) => ({ name: namespace.name, neighbours: namespace.neighbours() })),
    megaflows: [...host.datapath.megaflows()].map((flow) =>
      formatMegaflowLine(flow, now, (port) => host.switch.portName(port)),
    ),
  };
}

function settingsOf(config: BridgeConfig): BridgeSettings {
  const { failMode, mac, address, neighbours, prefixes, macTableSize, macAgeing, floodVlans, forwardBpdu, floodOrder } =
    config;
  return { failMode, mac, address, neighbours, prefixes, macTableSize, macAgeing, floodVlans, forwardBpdu, floodOrder };
}

/** What differs from a port that carries all VLANs, or its tag, and is up. */
function portSettings(port: Port, bridge: BridgeConfig): Partial<BridgeState["ports"][number]> {
  const config = bridge.ports.find(({ name }) => name === port.name);
  const flags: PortFlag[] = [];
  if (!port.up) flags.push("down");
  if (port.noFlood) flags.push("no-flood");
  if (port.noForward) flags.push("no-forward");
  if (port.noReceive) flags.push("no-receive");
  return {
    ...(config?.vlanMode === undefined ? {} : { vlanMode: config.vlanMode }),
    ...(config?.trunks === undefined ? {} : { trunks: config.trunks }),
    ...(flags.length === 0 ? {} : { config: flags }),
    ...(port.protected ? { protected: true } : {}),
  };
}

/** The bridge called "HOST/BRIDGE". Throws an InputError that says which there are. */
export function bridgeNamed(
  hosts: readonly { readonly name: string; readonly bridges: readonly { readonly name: string }[] }[],
  path: string,
): { host: number; bridge: string } {
  const [hostName, bridgeName] = path.split("/");
  const host = hosts.findIndex((candidate) => candidate.name === hostName);
  if (host >= 0 && hosts[host].bridges.some((bridge) => bridge.name === bridgeName))
    return { host, bridge: bridgeName };
  const all = hosts.flatMap(({ name, bridges }) => bridges.map((bridge) => `${name}/${bridge.name}`));
  throw new InputError(`no bridge ${path}, expected one of ${all.join(", ")}`);
}

/** As `ovs-ofctl dump-flows` prints the rules of "HOST/BRIDGE", in its order, with the MAC table behind them. */
export function dumpBridge(fabric: Fabric, path: string, now: number): string {
  const { host: index, bridge: name } = bridgeNamed(fabric.topology.hosts, path);
  const host = fabric.hosts[index];
  host.datapath.flushStats();
  const bridge = host.switch.bridge(name);
  if (bridge === undefined) throw new InputError(`no bridge ${path}`);
  const lines = host.switch.rules(name).map((rule) => ` ${formatRule(rule, now)}`);
  return `${lines.join("\n")}\n${bridge.macs.size > 0 ? `MAC table\n${formatFdb(bridge, now)}` : ""}`;
}
