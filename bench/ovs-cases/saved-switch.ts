/**
 * A host's switch made again from what `eastwest run --save` wrote: bridges, ports, rules (the learned ones too) and MAC
 * tables as they were after the run, so that a trace shows what a packet would have met then.
 */
import type { BridgeConfig, PortConfig } from "../../datapath/topology.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";
import { macFromText } from "../../datapath/wire/addresses.ts";
import { InputError } from "../errors.ts";
import type { ClusterState } from "../trial/state.ts";
import { STATE_FORMAT, STATE_VERSION } from "../trial/state.ts";
import { parseJson } from "./case.ts";

type HostState = ClusterState["hosts"][number];
type BridgeState = HostState["bridges"][number];

interface StateFile {
  readonly format?: unknown;
  readonly version?: unknown;
  readonly modes?: Readonly<Record<string, ClusterState>>;
}

/** The switch of a host in the state of `mode` (or of the only mode there is), and the virtual time of it (ns). */
export function switchOfState(
  text: string,
  file: string,
  mode: string,
  hostName: string,
): { readonly switch: OvsSwitch; readonly now: number } {
  const state = parseJson(text, file) as StateFile;
  if (state?.format !== STATE_FORMAT || state.version !== STATE_VERSION || state.modes === undefined) {
    throw new InputError(`${file}: expected a file that "eastwest run --save" of version ${STATE_VERSION} wrote`);
  }
  const names = Object.keys(state.modes);
  const cluster = state.modes[mode] ?? (names.length === 1 ? state.modes[names[0]] : undefined);
  if (cluster === undefined) throw new InputError(`${file}: no mode ${mode}, expected one of ${names.join(", ")}`);
  const host = cluster.hosts.find((entry) => entry.name === hostName);
  if (host === undefined) {
    const all = cluster.hosts.map((entry) => entry.name).join(", ");
    throw new InputError(`${file}: no host ${hostName}, expected one of ${all}`);
  }
  const made = new OvsSwitch(host.bridges.map((bridge) => configOf(bridge, file)));
  for (const bridge of host.bridges) {
    const { macs } = made.bridge(bridge.name)!;
    for (const entry of bridge.macs) {
      const { high, low } = macFromText(entry.mac);
      macs.learn(entry.vlan, high, low, entry.port, cluster.now - entry.age * 1e9);
    }
  }
  return { switch: made, now: cluster.now };
}

function configOf(bridge: BridgeState, file: string): BridgeConfig {
  const flows = bridge.rules.map((rule) => {
    const parts = [`table=${rule.table}`, `priority=${rule.priority}`, `cookie=${rule.cookie}`];
    if (rule.idleTimeout > 0) parts.push(`idle_timeout=${rule.idleTimeout}`);
    if (rule.hardTimeout > 0) parts.push(`hard_timeout=${rule.hardTimeout}`);
    if (rule.match !== "") parts.push(rule.match);
    return `${parts.join(",")} actions=${rule.actions}`;
  });
  return {
    name: bridge.name,
    // Its rules are all in the file, that of a standalone bridge as well.
    failMode: "secure",
    ports: bridge.ports
      .filter((port) => port.type !== "local")
      .map((port) => ({
        name: port.name,
        ofport: port.ofport,
        type: port.type as PortConfig["type"],
        ...(port.tag === null ? {} : { tag: port.tag }),
        options: port.options,
      })),
    flows: flows.join("\n"),
    flowsFile: `${file}: rules of ${bridge.name}`,
    openflow: bridge.openflow,
    ...(bridge.mac === undefined ? {} : { mac: bridge.mac }),
    ...(bridge.address === undefined ? {} : { address: bridge.address }),
    ...(bridge.neighbours === undefined ? {} : { neighbours: bridge.neighbours }),
  };
}
