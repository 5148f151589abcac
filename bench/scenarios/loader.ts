/**
 * A topology file (YAML) and the rule files it names -> `Topology`, the plain data that hosts are built from. The schema
 * says which keys there are; what a schema cannot say (names that must exist, ports that must pair) is checked here. Every
 * error is one line: file:line:column, the value, what was expected.
 */
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type {
  BridgeConfig,
  HostConfig,
  InterfaceConfig,
  NamespaceConfig,
  PortConfig,
  Topology,
  VmConfig,
  WireConfig,
} from "../../datapath/topology.ts";
import { readText } from "../input-file.ts";
import { packageRoot, shown } from "../paths.ts";
import { checkNetworks } from "./network-checks.ts";
import { compileSchema, type Path, YamlSource } from "./yaml-source.ts";

const SCHEMA = join(packageRoot, "bench", "scenarios", "topology.schema.json");
/** What a standalone bridge does without rules: Open vSwitch installs this one itself. */
const STANDALONE_FLOWS = "priority=0 actions=NORMAL\n";
const DEFAULT_MTU = 1500;
/** Caches of a host take 2.1 MiB of the 2 GiB of packet memory that a process has (datapath/wasm/arena.ts). */
const MOST_HOSTS = 900;

interface PortYaml {
  name: string;
  ofport: number;
  type?: PortConfig["type"];
  tag?: number;
  trunks?: number[];
  vlan_mode?: PortConfig["vlanMode"];
  options?: Record<string, string | number | boolean>;
}
interface BridgeYaml {
  name: string;
  fail_mode?: BridgeConfig["failMode"];
  mac?: string;
  address?: string;
  neighbours?: Record<string, string>;
  flows?: string;
  openflow?: string;
  prefixes?: Record<string, string[]>;
  ports: PortYaml[];
}
interface NamespaceYaml extends Omit<NamespaceConfig, "interfaces" | "forwarding"> {
  forwarding?: boolean;
  interfaces: (Omit<InterfaceConfig, "mtu"> & { mtu?: number })[];
}
interface HostYaml {
  name: string;
  role?: HostConfig["role"];
  bridges: BridgeYaml[];
  namespaces?: NamespaceYaml[];
}
interface TopologyYaml {
  name: string;
  mode?: Topology["mode"];
  network?: Topology["network"];
  vlan_limit?: number;
  hosts: HostYaml[];
  vms?: (Omit<VmConfig, "addresses"> & { addresses?: string[] })[];
  wires?: WireConfig[];
}

/** Reads a topology file and its rule files. Throws an InputError that says file, line, column and what was expected. */
export function loadTopology(file: string): Topology {
  const source = new YamlSource(file);
  source.check(compileSchema(SCHEMA));
  const yaml = source.value as TopologyYaml;
  if (yaml.hosts.length > MOST_HOSTS) {
    throw source.error(["hosts", MOST_HOSTS], `${yaml.hosts.length} hosts, expected at most ${MOST_HOSTS}`);
  }
  const hosts = yaml.hosts.map((host, h) => hostOf(source, host, ["hosts", h]));
  const vms = (yaml.vms ?? []).map((vm) => ({ ...vm, addresses: vm.addresses ?? [] }));
  const topology: Topology = {
    name: yaml.name,
    mode: yaml.mode ?? "other",
    network: yaml.network ?? "none",
    hosts,
    vms,
    wires: yaml.wires ?? [],
    vlanLimit: yaml.vlan_limit,
  };
  checkNames(source, topology);
  checkNetworks(source, topology);
  return topology;
}

function hostOf(source: YamlSource, host: HostYaml, path: Path): HostConfig {
  return {
    name: host.name,
    role: host.role ?? "compute",
    bridges: host.bridges.map((bridge, b) => bridgeOf(source, bridge, [...path, "bridges", b])),
    namespaces: (host.namespaces ?? []).map((namespace) => ({
      ...namespace,
      forwarding: namespace.forwarding ?? false,
      interfaces: namespace.interfaces.map((link) => ({ ...link, mtu: link.mtu ?? DEFAULT_MTU })),
    })),
  };
}

function bridgeOf(source: YamlSource, bridge: BridgeYaml, path: Path): BridgeConfig {
  const failMode = bridge.fail_mode ?? "standalone";
  let flows = failMode === "standalone" ? STANDALONE_FLOWS : "";
  let flowsFile = `${bridge.name} without a rule file`;
  if (bridge.flows !== undefined) {
    const file = resolve(dirname(source.file), bridge.flows);
    flowsFile = shown(file);
    if (!existsSync(file)) throw source.error([...path, "flows"], `no such rule file: ${flowsFile}`);
    if (!statSync(file).isFile()) throw source.error([...path, "flows"], `${flowsFile} is not a file`);
    flows = readText(file);
  }
  return {
    name: bridge.name,
    failMode,
    mac: bridge.mac,
    address: bridge.address,
    neighbours: bridge.neighbours,
    openflow: bridge.openflow,
    prefixes: bridge.prefixes,
    flows,
    flowsFile,
    ports: bridge.ports.map((port) => ({
      name: port.name,
      ofport: port.ofport,
      type: port.type ?? "system",
      tag: port.tag,
      trunks: port.trunks,
      vlanMode: port.vlan_mode,
      options:
        port.options === undefined
          ? undefined
          : Object.fromEntries(Object.entries(port.options).map(([key, value]) => [key, String(value)])),
    })),
  };
}

/** What the schema cannot say: names are unique and whatever is named exists. */
function checkNames(source: YamlSource, topology: Topology): void {
  const { hosts, vms, wires } = topology;
  unique(source, hosts, ["hosts"], "host");
  unique(source, vms, ["vms"], "VM");
  unique(source, wires, ["wires"], "wire");
  for (const [h, host] of hosts.entries()) checkHost(source, host, ["hosts", h]);
  const taken = new Map<string, string>();
  const ports = new Map(
    hosts.map((host) => [host.name, new Set(host.bridges.flatMap((bridge) => bridge.ports.map(({ name }) => name)))]),
  );
  const take = (port: string, by: string, path: Path): void => {
    checkPort(source, ports, port, path);
    const other = taken.get(port);
    if (other !== undefined) throw source.error(path, `port ${port} is taken by ${other} already`);
    taken.set(port, by);
  };
  for (const host of hosts) {
    for (const namespace of host.namespaces) {
      for (const link of namespace.interfaces) taken.set(`${host.name}/${link.name}`, `namespace ${namespace.name}`);
    }
  }
  for (const [v, vm] of vms.entries()) take(vm.port, `VM ${vm.name}`, ["vms", v, "port"]);
  for (const [w, wire] of wires.entries()) {
    for (const [m, member] of wire.members.entries()) take(member, `wire ${wire.name}`, ["wires", w, "members", m]);
  }
}

function checkHost(source: YamlSource, host: HostConfig, path: Path): void {
  unique(source, host.bridges, [...path, "bridges"], "bridge");
  unique(source, host.namespaces, [...path, "namespaces"], "namespace");
  const ports = new Map<string, PortConfig>();
  for (const [b, bridge] of host.bridges.entries()) {
    const numbers = new Map<number, string>();
    for (const [p, port] of bridge.ports.entries()) {
      const at = [...path, "bridges", b, "ports", p];
      if (ports.has(port.name))
        throw source.error([...at, "name"], `host ${host.name} has a port ${port.name} already`);
      const other = numbers.get(port.ofport);
      if (other !== undefined) {
        throw source.error([...at, "ofport"], `OpenFlow port ${port.ofport} of ${bridge.name} is ${other}'s already`);
      }
      ports.set(port.name, port);
      numbers.set(port.ofport, port.name);
    }
  }
  for (const [b, bridge] of host.bridges.entries()) {
    for (const [p, port] of bridge.ports.entries()) {
      if (port.type !== "patch") continue;
      const peer = port.options?.["peer"];
      const at = [...path, "bridges", b, "ports", p];
      if (peer === undefined) throw source.error(at, `patch port ${port.name} needs options: { peer: NAME }`);
      if (peer === port.name)
        throw source.error([...at, "options", "peer"], `${peer} is the port itself, expected another`);
      const other = ports.get(peer);
      if (other?.type !== "patch" || other.options?.["peer"] !== port.name) {
        throw source.error(
          [...at, "options", "peer"],
          `${peer} is not a patch port of ${host.name} with peer ${port.name}`,
        );
      }
    }
  }
  const owners = new Map<string, string>();
  for (const [n, namespace] of host.namespaces.entries()) {
    const at = [...path, "namespaces", n];
    const own = new Set(namespace.interfaces.map((link) => link.name));
    for (const [i, link] of namespace.interfaces.entries()) {
      const owner = owners.get(link.name);
      if (owner !== undefined) {
        throw source.error([...at, "interfaces", i, "name"], `${link.name} is an interface of ${owner} already`);
      }
      owners.set(link.name, namespace.name);
    }
    for (const [i, link] of namespace.interfaces.entries()) {
      if (!ports.has(link.name)) {
        throw source.error([...at, "interfaces", i, "name"], `no bridge of ${host.name} has a port ${link.name}`);
      }
    }
    for (const list of ["routes", "neighbours"] as const) {
      for (const [i, entry] of (namespace[list] ?? []).entries()) {
        if ("via" in entry && entry.via !== undefined && entry.via.includes(":") !== entry.to.includes(":")) {
          throw source.error([...at, list, i, "via"], `${entry.via} is not of the same kind of IP as ${entry.to}`);
        }
        if (own.has(entry.dev)) continue;
        throw source.error(
          [...at, list, i, "dev"],
          `${namespace.name} has no interface ${entry.dev}, it has ${[...own].join(", ")}`,
        );
      }
    }
  }
}

/** `ports`: the names of each host's. */
function checkPort(source: YamlSource, ports: ReadonlyMap<string, ReadonlySet<string>>, path: string, at: Path): void {
  const [hostName, portName] = path.split("/");
  const own = ports.get(hostName);
  if (own === undefined) throw source.error(at, `no host ${hostName}, there are ${listed([...ports.keys()])}`);
  if (!own.has(portName)) throw source.error(at, `no bridge of ${hostName} has a port ${portName}`);
}

/** At most ten of them. */
const listed = (names: readonly string[]): string =>
  names.length > 10 ? `${names.slice(0, 10).join(", ")} and ${names.length - 10} more` : names.join(", ");

function unique(source: YamlSource, items: readonly { readonly name: string }[], path: Path, what: string): void {
  const seen = new Set<string>();
  for (const [i, item] of items.entries()) {
    if (seen.has(item.name)) throw source.error([...path, i, "name"], `there is a ${what} ${item.name} already`);
    seen.add(item.name);
  }
}
