/**
 * A case of the conformance corpus: bridges with ports and rules, and packets with what to do between them. One JSON object
 * a case; a file is a JSON list of them, plain or gzipped. The form is described in README.md beside this.
 */

import type { BridgeConfig, PortConfig, PortFlag } from "../../datapath/topology.ts";
import type { PortUnflag } from "../../datapath/translate/port.ts";
import { InputError } from "../errors.ts";
import { readText } from "../input-file.ts";
import { CaseSource } from "./case-source.ts";
import { badOffset, positionAt } from "./json-position.ts";

export interface PacketEvent {
  readonly bridge: string;
  readonly in_port: number;
  readonly hex?: string;
  readonly flow?: string;
  readonly trace_only?: boolean;
}
export interface WarpEvent {
  /** Milliseconds. */
  readonly warp: number;
}
export interface AddFlowsEvent {
  readonly bridge: string;
  readonly add_flows: readonly string[];
  readonly openflow?: string;
}
export interface DelFlowsEvent {
  readonly bridge: string;
  readonly del_flows: string;
  readonly openflow?: string;
}
export interface ModPortEvent {
  readonly bridge: string;
  /** OpenFlow number. */
  readonly mod_port: number;
  readonly flag: PortFlag | PortUnflag;
}
export type CaseEvent = ModPortEvent | PacketEvent | WarpEvent | AddFlowsEvent | DelFlowsEvent;

export interface OvsCase {
  readonly name: string;
  readonly stateless: boolean;
  readonly vlanLimit: number;
  readonly bridges: readonly BridgeConfig[];
  readonly packets: readonly CaseEvent[];
  /** Where it stands, and it as it stood there. */
  readonly source?: { readonly where: CaseSource; readonly value: unknown } | undefined;
  /** What Open vSwitch did, where it is recorded. */
  readonly expect: readonly ExpectedResult[] | undefined;
}

/** What is recorded of, or answered for, one packet. */
export interface CaseResult {
  flow?: string;
  megaflow?: string;
  actions?: string;
  slow?: readonly string[];
  trace_error?: string;
  out?: Record<string, string[]>;
  upcall?: boolean;
}
export interface ExpectedResult extends CaseResult {
  actions_set_tunnel?: string;
  installed?: readonly { readonly match: string; readonly actions: string }[];
}

type Json = Record<string, unknown>;

const FLAGS: readonly PortFlag[] = ["down", "no-flood", "no-forward", "no-receive"];
const UNFLAGS: readonly PortUnflag[] = ["up", "flood", "forward", "receive"];

/** Bytes of an Ethernet header, a tag and the longest IPv4 packet. */
const MAX_FRAME = 14 + 4 + 65_535;

class CaseReader {
  private readonly where: string;
  private readonly source: CaseSource | undefined;

  constructor(where: string, source: CaseSource | undefined) {
    this.where = where;
    this.source = source;
  }

  fail(path: string, value: unknown, expected: string): never {
    const shown = value === undefined ? "is missing" : `is ${JSON.stringify(value)?.slice(0, 60)}`;
    const where = this.source === undefined ? this.where : this.source.place(path);
    throw new InputError(`${where}: ${path} ${shown}, expected ${expected}`);
  }

  object(path: string, value: unknown): Json {
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.fail(path, value, "an object");
    return value as Json;
  }

  list(path: string, value: unknown): unknown[] {
    if (!Array.isArray(value)) this.fail(path, value, "a list");
    return value as unknown[];
  }

  text(path: string, value: unknown): string {
    if (typeof value !== "string") this.fail(path, value, "a text");
    return value as string;
  }

  number(path: string, value: unknown, limit: number): number {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > limit) {
      this.fail(path, value, `a whole number up to ${limit}`);
    }
    return value as number;
  }

  oneOf<T extends string>(path: string, value: unknown, choices: readonly T[]): T {
    return choices.includes(value as T) ? (value as T) : this.fail(path, value, choices.join(", "));
  }

  optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
    return value === undefined || value === null ? undefined : read(value);
  }

  /** A map of texts; numbers and truth values become text, as Open vSwitch's database has them. */
  texts(path: string, value: unknown): Record<string, string> {
    return Object.fromEntries(Object.entries(this.object(path, value)).map(([key, entry]) => [key, String(entry)]));
  }

  port(path: string, value: unknown): PortConfig {
    const port = this.object(path, value);
    const type = (port.type ?? "dummy") as PortConfig["type"];
    const types = ["system", "internal", "dummy", "patch", "gre", "vxlan", "geneve"];
    if (!types.includes(type)) this.fail(`${path}.type`, port.type, types.join(", "));
    const modes = ["access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel"];
    const vlanMode = this.optional(port.vlan_mode, (mode) =>
      modes.includes(mode as string) ? mode : this.fail(`${path}.vlan_mode`, mode, modes.join(", ")),
    );
    return {
      name: this.text(`${path}.name`, port.name),
      ofport: this.number(`${path}.ofport`, port.ofport, 65279),
      type,
      tag: this.optional(port.tag, (tag) => this.number(`${path}.tag`, tag, 4095)),
      trunks: this.optional(port.trunks, (trunks) =>
        this.list(`${path}.trunks`, trunks).map((vlan) => this.number(`${path}.trunks`, vlan, 4095)),
      ),
      vlanMode: vlanMode as PortConfig["vlanMode"],
      options: this.optional(port.options, (options) => this.texts(`${path}.options`, options)),
      config: this.optional(port.config, (flags) =>
        this.list(`${path}.config`, flags).map((flag) => this.oneOf(`${path}.config`, flag, FLAGS)),
      ),
      protected: port.protected === true,
    };
  }

  bridge(path: string, value: unknown, name: string): BridgeConfig {
    const bridge = this.object(path, value);
    const failMode = (bridge.fail_mode ?? "secure") as string;
    if (failMode !== "secure" && failMode !== "standalone")
      this.fail(`${path}.fail_mode`, failMode, "secure, standalone");
    const flows = this.list(`${path}.flows`, bridge.flows ?? []).map((flow) => this.text(`${path}.flows`, flow));
    // A switch without a controller does what a hub would: that rule is there before those of the case.
    if (failMode === "standalone") flows.unshift("priority=0,actions=NORMAL");
    return {
      name: this.text(`${path}.name`, bridge.name),
      failMode: failMode as BridgeConfig["failMode"],
      mac: this.optional(bridge.mac, (mac) => this.text(`${path}.mac`, mac)),
      ports: this.list(`${path}.ports`, bridge.ports ?? []).map((port, i) => this.port(`${path}.ports[${i}]`, port)),
      flows: flows.join("\n"),
      flowsFile: `${name}: flows of ${String(bridge.name)}`,
      groups: this.list(`${path}.groups`, bridge.groups ?? [])
        .map((group) => this.text(`${path}.groups`, group))
        .join("\n"),
      groupsFile: `${name}: groups of ${String(bridge.name)}`,
      openflow: this.optional(bridge.openflow, (version) => this.text(`${path}.openflow`, version)),
      address: this.optional(bridge.ip, (ip) => this.text(`${path}.ip`, ip)),
      neighbours: this.optional(bridge.neighbours, (map) => this.texts(`${path}.neighbours`, map)),
      prefixes: this.optional(bridge.prefixes, (map) =>
        Object.fromEntries(
          Object.entries(this.object(`${path}.prefixes`, map)).map(([table, fields]) => {
            const where = `${path}.prefixes.${table}`;
            return [table, this.list(where, fields).map((field) => this.text(where, field))];
          }),
        ),
      ),
      macTableSize: this.optional(bridge.mac_table_size, (size) => this.number(`${path}.mac_table_size`, size, 1e6)),
      macAgeing: this.optional(bridge.mac_aging_time, (time) => this.number(`${path}.mac_aging_time`, time, 3600)),
      floodVlans: this.optional(bridge.flood_vlans, (vlans) =>
        this.list(`${path}.flood_vlans`, vlans).map((vlan) => this.number(`${path}.flood_vlans`, vlan, 4095)),
      ),
      forwardBpdu: bridge.forward_bpdu === true,
      floodOrder: this.optional(bridge.flood_order, (list) =>
        this.list(`${path}.flood_order`, list).map((port) => this.text(`${path}.flood_order`, port)),
      ),
    };
  }

  event(path: string, value: unknown): CaseEvent {
    const event = this.object(path, value);
    if ("warp" in event) return { warp: this.number(`${path}.warp`, event.warp, 1e12) };
    const bridge = this.text(`${path}.bridge`, event.bridge);
    const openflow = this.optional(event.openflow, (version) => this.text(`${path}.openflow`, version));
    const versioned = openflow === undefined ? {} : { openflow };
    if ("add_flows" in event) {
      const flows = this.list(`${path}.add_flows`, event.add_flows);
      return { bridge, add_flows: flows.map((flow) => this.text(`${path}.add_flows`, flow)), ...versioned };
    }
    if ("del_flows" in event)
      return { bridge, del_flows: this.text(`${path}.del_flows`, event.del_flows), ...versioned };
    if ("mod_port" in event)
      return {
        bridge,
        mod_port: this.number(`${path}.mod_port`, event.mod_port, 65534),
        flag: this.oneOf(`${path}.flag`, event.flag, [...FLAGS, ...UNFLAGS]),
      };
    const inPort = this.number(`${path}.in_port`, event.in_port, 65535);
    const only = event.trace_only === true ? { trace_only: true } : {};
    if ("hex" in event) {
      const hex = this.text(`${path}.hex`, event.hex);
      if (!/^([0-9a-fA-F]{2})*$/.test(hex)) this.fail(`${path}.hex`, hex, "an even number of hexadecimal digits");
      if (hex.length / 2 > MAX_FRAME) {
        this.fail(`${path}.hex`, hex, `a frame of at most ${MAX_FRAME} bytes, not ${hex.length / 2}`);
      }
      return { bridge, in_port: inPort, hex, ...only };
    }
    return { bridge, in_port: inPort, flow: this.text(`${path}.flow`, event.flow), ...only };
  }
}

/**
 * Reads one case; `where` names it in messages, `source` is its text, by which they name line and column. Throws an
 * InputError that says which part is wrong.
 */
export function readCase(value: unknown, where: string, source?: CaseSource): OvsCase {
  const outer = new CaseReader(where, source);
  const object = outer.object("case", value);
  const name = outer.text("name", object.name);
  const reader = new CaseReader(`${where}: ${name}`, source);
  return {
    name,
    source: source === undefined ? undefined : { where: source, value },
    stateless: object.stateless === true,
    // Open vSwitch's 0 is "all that it can parse", and that is two.
    vlanLimit: reader.optional(object.vlan_limit, (limit) => reader.number("vlan_limit", limit, 2) || 2) ?? 1,
    bridges: reader.list("bridges", object.bridges).map((bridge, i) => reader.bridge(`bridges[${i}]`, bridge, name)),
    packets: reader.list("packets", object.packets).map((event, i) => reader.event(`packets[${i}]`, event)),
    expect: reader.optional(object.expect, (list) => reader.list("expect", list) as ExpectedResult[]),
  };
}

/** Parses JSON; the error names line and column. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { line, column } = positionAt(text, badOffset(text));
    throw new InputError(`${where}:${line}:${column}: not JSON: ${(error as Error).message.split("\n", 1)[0]}`);
  }
}

/** The cases of a file: a JSON list, or a single case; gzipped if its first bytes say so. */
export function readCaseFile(path: string): OvsCase[] {
  const text = readText(path);
  const value = parseJson(text, path);
  if (!Array.isArray(value)) return [readCase(value, `${path}: case 0`, new CaseSource(path, text, []))];
  return value.map((entry, i) => readCase(entry, `${path}: case ${i}`, new CaseSource(path, text, [i])));
}
