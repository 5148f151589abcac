/**
 * A bridge as translation sees it (OVS: struct ofproto_dpif and struct xbridge): its ports, its rules and groups, what its
 * NORMAL has learned, and, when it has an IP address, the neighbours of the underlay behind it.
 */
import { W_IN_PORT } from "../flow/flow-key.ts";
import { OFPP_LOCAL, type OpenFlowVersion, openFlowVersion } from "../openflow/action.ts";
import { parseExactFlow } from "../openflow/flow-text.ts";
import type { Group } from "../openflow/group.ts";
import { parseGroups } from "../openflow/group-text.ts";
import type { Match } from "../openflow/match.ts";
import { type PortNames, type PortNumbers, portToText } from "../openflow/port-name.ts";
import type { Rule } from "../openflow/rule.ts";
import { parseFlow, parseFlows, type TextOptions } from "../openflow/rule-text.ts";
import { FlowModError, FlowTables } from "../openflow/table.ts";
import type { BridgeConfig } from "../topology.ts";
import { ipv4FromText, macWords } from "../wire/addresses.ts";
import { GroupCounters, TableCounters } from "./bridge-counters.ts";
import { MAC_AGEING_SECONDS, MAC_TABLE_LIMIT, MacTable } from "./mac-table.ts";
import { type AnyPortConfig, Port } from "./port.ts";

/** A port where it stands: in its bridge, and joined with the patch port at the other end. */
export class BridgePort extends Port {
  readonly bridge: Bridge;
  /** Set by the switch when the other end exists and points back. */
  peer: BridgePort | undefined = undefined;

  constructor(bridge: Bridge, config: AnyPortConfig) {
    super(config);
    this.bridge = bridge;
  }
}

export class Bridge {
  readonly name: string;
  readonly config: BridgeConfig;
  readonly openflow: OpenFlowVersion;
  /** In order of addition, the bridge's own port first. */
  readonly ports: readonly BridgePort[];
  /** In the order in which NORMAL floods. */
  readonly floodPorts: readonly BridgePort[];
  readonly local: BridgePort;
  readonly tables: FlowTables;
  readonly macs: MacTable;
  /** VLANs in which nothing is learned. */
  readonly floodVlans: ReadonlySet<number>;
  /** Of the bridge's own port. */
  readonly mac: readonly [number, number];
  /** int32; undefined: no address, no tunnel ends here. */
  readonly address: number | undefined;
  readonly netmask: number;
  private readonly byNumber = new Map<number, BridgePort>();
  private readonly neighbours = new Map<number, readonly [number, number]>();
  private readonly counters = new Map<number, TableCounters>();
  private readonly groupStatistics = new Map<number, GroupCounters>();

  constructor(config: BridgeConfig) {
    this.config = config;
    this.name = config.name;
    this.openflow = openFlowVersion(config.openflow ?? "OpenFlow10");
    this.local = new BridgePort(this, { name: config.name, ofport: OFPP_LOCAL, type: "local" });
    this.ports = [this.local, ...config.ports.map((port) => new BridgePort(this, port))];
    for (const port of this.ports) {
      const other = this.byNumber.get(port.ofport);
      if (other !== undefined) {
        throw new Error(
          `bridge ${config.name}: ports ${other.name} and ${port.name} both have the number ${port.ofport}`,
        );
      }
      this.byNumber.set(port.ofport, port);
    }
    const order = (config.floodOrder ?? []).map((name) => {
      const port = this.ports.find((one) => one.name === name);
      if (port === undefined) throw new Error(`bridge ${config.name}: flood_order: there is no port ${name}`);
      return port;
    });
    this.floodPorts = order.length === 0 ? this.ports : [...new Set([...order, ...this.ports])];
    // Bounds as in mac_learning_set_max_entries and normalize_idle_time.
    const size = Math.min(Math.max(config.macTableSize ?? MAC_TABLE_LIMIT, 10), 1e6);
    const ageing = Math.min(Math.max(config.macAgeing ?? MAC_AGEING_SECONDS, 15), 3600);
    this.macs = new MacTable(size, ageing);
    this.floodVlans = new Set(config.floodVlans);
    this.mac = macWords(config.mac ?? "aa:55:aa:55:00:00");
    const [address, length] = (config.address ?? "").split("/");
    this.address = address === "" ? undefined : ipv4FromText(address);
    const bits = length === undefined ? 32 : Number(length);
    if (!Number.isInteger(bits) || bits < 0 || bits > 32) {
      throw new Error(`bridge ${config.name}: address ${config.address} needs a prefix length from 0 to 32`);
    }
    this.netmask = bits === 0 ? 0 : -1 << (32 - bits);
    for (const [ip, mac] of Object.entries(config.neighbours ?? {})) {
      this.neighbours.set(ipv4FromText(ip), macWords(mac));
    }
    this.tables = new FlowTables(config.prefixes);
  }

  /** How its ports are printed in rules: by name, in quotes where that is no plain word; reserved ones in capitals. */
  readonly actionNames: PortNames = (number) => {
    const port = number === OFPP_LOCAL ? undefined : this.byNumber.get(number & 0xffff);
    if (port === undefined) return portToText(number & 0xffff);
    return /^[a-zA-Z_][a-zA-Z0-9_.]*$/.test(port.name) ? port.name : JSON.stringify(port.name);
  };

  /** Number of a port by name, for rules that name ports. */
  readonly portNumbers: PortNumbers = (name) => this.portNamed(name)?.ofport;

  port(number: number): BridgePort | undefined {
    return this.byNumber.get(number);
  }

  portNamed(name: string): BridgePort | undefined {
    return this.ports.find((port) => port.name === name);
  }

  /** The port that the packet says it came in by. */
  inputPort(flow: Int32Array): BridgePort | undefined {
    return this.byNumber.get(flow[W_IN_PORT] & 0xffff);
  }

  neighbour(address: number): readonly [number, number] | undefined {
    return this.neighbours.get(address);
  }

  /** Returns true when that was news. */
  setNeighbour(address: number, mac: readonly [number, number]): boolean {
    const known = this.neighbours.get(address);
    if (known !== undefined && known[0] === mac[0] && known[1] === mac[1]) return false;
    this.neighbours.set(address, mac);
    return true;
  }

  tableCounters(table: number): TableCounters {
    let counters = this.counters.get(table);
    if (counters === undefined) {
      counters = new TableCounters();
      this.counters.set(table, counters);
    }
    return counters;
  }

  /**
   * Adds the rules of `text`, sent with `openflow` (the bridge's own version by default), at `now` (ns). As in Open vSwitch a
   * rule names no group that is not there.
   */
  addFlows(text: string, file: string, now: number, openflow?: string): void {
    const groups = (id: number): boolean => this.group(id) !== undefined;
    for (const mod of parseFlows(text, { ...this.textOptions(file, openflow), groups })) {
      placed(file, mod.line, () => this.tables.apply(mod, now));
    }
  }

  /** Removes the rules that `text` matches, all of them if it is empty. */
  delFlows(text: string, now: number, openflow?: string): void {
    this.tables.apply(parseFlow(text, "delete", this.textOptions("flow", openflow)), now);
  }

  /** Adds, changes or deletes groups: a line each, as `ovs-ofctl add-groups` takes them. */
  addGroups(text: string, file: string, openflow?: string): void {
    for (const mod of parseGroups(text, this.textOptions(file, openflow))) {
      placed(file, mod.line, () => this.tables.applyGroup(mod));
    }
  }

  /** A match in this bridge's port names, also on fields that only flows have. */
  parseExactFlow(text: string): Match {
    return parseExactFlow(text, this.portNumbers);
  }

  private textOptions(file: string, openflow: string | undefined): TextOptions {
    return {
      file,
      version: openflow === undefined ? this.openflow : openFlowVersion(openflow),
      ports: this.portNumbers,
    };
  }

  group(id: number): Group | undefined {
    return this.tables.group(id);
  }

  groupCounters(id: number): GroupCounters | undefined {
    if (this.group(id) === undefined) return undefined;
    let counters = this.groupStatistics.get(id);
    if (counters === undefined) {
      counters = new GroupCounters();
      this.groupStatistics.set(id, counters);
    }
    return counters;
  }

  /**
   * The rule of `table` for the flow; adds to `mask` what was looked at. Rules in `withheld` do not count, but the lookup
   * goes as far as if they stood there unseen.
   */
  lookup(table: number, flow: Int32Array, mask: Int32Array, withheld: ReadonlySet<Rule> | undefined): Rule | undefined {
    return this.tables.lookup(table, flow, mask, withheld === undefined ? undefined : (rule) => withheld.has(rule));
  }
}

/** What `apply` throws because of the rules or groups that there are, with the place of the line. */
function placed(file: string, line: number | undefined, apply: () => void): void {
  try {
    apply();
  } catch (error) {
    if (!(error instanceof FlowModError) || file === "" || line === undefined) throw error;
    throw new FlowModError(`${file}:${line}: ${error.message}`);
  }
}
