/**
 * A host's switch made again from what `eastwest run --save` wrote: bridges, ports, rules (the learned ones too) and MAC
 * tables as they were after the run, so that a trace shows what a packet would have met then.
 */
import type { BridgeConfig, PortConfig } from "../../datapath/topology.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";
import { macFromText } from "../../datapath/wire/addresses.ts";
import { InputError, isInputError } from "../errors.ts";
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
  checkShape(state.modes, MODES, "modes", file);
  const names = Object.keys(state.modes);
  const cluster = state.modes[mode] ?? (names.length === 1 ? state.modes[names[0]] : undefined);
  if (cluster === undefined) throw new InputError(`${file}: no mode ${mode}, expected one of ${names.join(", ")}`);
  const host = cluster.hosts.find((entry) => entry.name === hostName);
  if (host === undefined) {
    const all = cluster.hosts.map((entry) => entry.name).join(", ");
    throw new InputError(`${file}: no host ${hostName}, expected one of ${all}`);
  }
  try {
    return { switch: build(host, cluster, file), now: cluster.now };
  } catch (error) {
    if (!isInputError(error) || error.message.startsWith(`${file}:`)) throw error;
    throw new InputError(`${file}: host ${hostName}: ${error.message}`, { cause: error });
  }
}

function build(host: HostState, { now, vlanLimit }: ClusterState, file: string): OvsSwitch {
  const made = new OvsSwitch(
    host.bridges.map((bridge) => configOf(bridge, file)),
    { vlanLimit },
  );
  for (const bridge of host.bridges) {
    const { macs } = made.bridge(bridge.name)!;
    for (const entry of bridge.macs) {
      const { high, low } = macFromText(entry.mac);
      macs.learn(entry.vlan, high, low, entry.port, now - entry.age * 1e9);
    }
  }
  return made;
}

/** What a part of the file has to be: a text, an integer from 0, yes or no, or a list, a mapping, an object of those. */
type Shape =
  | "text"
  | "integer"
  | "boolean"
  /** May be left out. */
  | { readonly maybe: Shape }
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly [key: string]: Shape };

/** What is read of a state; the rest of it is for people. */
const MODES: Shape = {
  map: {
    now: "integer",
    vlanLimit: { maybe: "integer" },
    hosts: {
      list: {
        name: "text",
        bridges: {
          list: {
            name: "text",
            openflow: "text",
            mac: { maybe: "text" },
            address: { maybe: "text" },
            neighbours: { maybe: { map: "text" } },
            prefixes: { maybe: { map: { list: "text" } } },
            macTableSize: { maybe: "integer" },
            macAgeing: { maybe: "integer" },
            floodVlans: { maybe: { list: "integer" } },
            forwardBpdu: { maybe: "boolean" },
            floodOrder: { maybe: { list: "text" } },
            ports: {
              list: {
                name: "text",
                ofport: "integer",
                type: "text",
                tag: { maybe: "integer" },
                vlanMode: { maybe: "text" },
                trunks: { maybe: { list: "integer" } },
                config: { maybe: { list: "text" } },
                protected: { maybe: "boolean" },
                options: { maybe: { map: "text" } },
              },
            },
            rules: {
              list: {
                table: "integer",
                priority: "integer",
                cookie: "text",
                idleTimeout: "integer",
                hardTimeout: "integer",
                match: "text",
                actions: "text",
              },
            },
            macs: { list: { port: "integer", vlan: "integer", mac: "text", age: "integer" } },
          },
        },
      },
    },
  },
};

/** Throws an InputError that names the first value at `path` or below that is not of the shape. */
function checkShape(value: unknown, shape: Shape, path: string, file: string): void {
  const wrong = (expected: string): never => {
    const shown = JSON.stringify(value) ?? "nothing";
    throw new InputError(
      `${file}: ${path} is ${shown.length > 60 ? `${shown.slice(0, 60)}...` : shown}, expected ${expected}`,
    );
  };
  if (typeof shape === "string") {
    if (shape === "text" && typeof value !== "string") wrong("a text");
    if (shape === "boolean" && typeof value !== "boolean") wrong("true or false");
    if (shape === "integer" && !(Number.isSafeInteger(value) && (value as number) >= 0))
      wrong("an integer of at least 0");
    return;
  }
  if ("maybe" in shape) {
    if (value !== undefined && value !== null) checkShape(value, shape.maybe as Shape, path, file);
    return;
  }
  if ("list" in shape) {
    if (!Array.isArray(value)) wrong("a list");
    for (const [i, entry] of (value as unknown[]).entries())
      checkShape(entry, shape.list as Shape, `${path}[${i}]`, file);
    return;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) wrong("an object");
  const entries =
    "map" in shape
      ? Object.keys(value as object).map((key) => [key, shape.map as Shape] as const)
      : Object.entries(shape);
  for (const [key, inner] of entries) {
    checkShape((value as Record<string, unknown>)[key], inner as Shape, `${path}.${key}`, file);
  }
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
        vlanMode: port.vlanMode,
        trunks: port.trunks,
        config: port.config,
        protected: port.protected,
        options: port.options,
      })),
    flows: flows.join("\n"),
    flowsFile: `${file}: rules of ${bridge.name}`,
    openflow: bridge.openflow,
    mac: bridge.mac,
    address: bridge.address,
    neighbours: bridge.neighbours,
    prefixes: bridge.prefixes,
    macTableSize: bridge.macTableSize,
    macAgeing: bridge.macAgeing,
    floodVlans: bridge.floodVlans,
    forwardBpdu: bridge.forwardBpdu,
    floodOrder: bridge.floodOrder,
  };
}
