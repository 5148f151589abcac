/**
 * What the names and the schema of a topology allow and the real parts would still refuse: Open vSwitch takes no second
 * tunnel with the same ends and key (ofproto/tunnel.c, tnl_port_add: "attempting to add tunnel port with same config"), Linux
 * no group address for an interface ("Cannot assign requested address") and no gateway that is on none of the interface's
 * networks ("Nexthop has invalid gateway").
 */
import type { HostConfig, PortConfig, Topology } from "../../datapath/topology.ts";
import { parseMac, prefixFromText } from "../../datapath/wire/addresses.ts";
import type { Path, YamlSource } from "./yaml-source.ts";

/** Throws an InputError with the place in the file. */
export function checkNetworks(source: YamlSource, { hosts, vms }: Topology): void {
  for (const [h, host] of hosts.entries()) {
    checkTunnels(source, host, ["hosts", h]);
    for (const [n, namespace] of host.namespaces.entries()) {
      const at: Path = ["hosts", h, "namespaces", n];
      for (const [i, link] of namespace.interfaces.entries()) {
        checkStation(source, link.mac, [...at, "interfaces", i, "mac"]);
        checkAddresses(source, link.addresses, [...at, "interfaces", i, "addresses"]);
      }
      for (const [i, { via, dev }] of (namespace.routes ?? []).entries()) {
        const link = namespace.interfaces.find(({ name }) => name === dev);
        // As in Linux, a route without a gateway makes a network connected too.
        const onLink = (namespace.routes ?? []).filter((route) => route.dev === dev && route.via === undefined);
        const networks = [...(link?.addresses ?? []), ...onLink.map(({ to }) => to)];
        if (via === undefined || link === undefined || reaches(networks, via)) continue;
        throw source.error(
          [...at, "routes", i, "via"],
          `${via} is on no network of ${dev}, it has ${link.addresses.join(", ") || "no address"}`,
        );
      }
    }
  }
  for (const [v, vm] of vms.entries()) {
    checkStation(source, vm.mac, ["vms", v, "mac"]);
    checkAddresses(source, vm.addresses, ["vms", v, "addresses"]);
  }
}

/** Each is an address, and none is there twice (Linux: "RTNETLINK answers: File exists"). */
function checkAddresses(source: YamlSource, addresses: readonly string[], path: Path): void {
  const seen = new Set<string>();
  for (const [i, text] of addresses.entries()) {
    let prefix: string;
    try {
      const { words, bits } = prefixFromText(text);
      prefix = `${[...words].join(" ")}/${bits}`;
    } catch (error) {
      throw source.error([...path, i], (error as Error).message);
    }
    if (seen.has(prefix)) throw source.error([...path, i], `${text} is there already`);
    seen.add(prefix);
  }
}

function checkTunnels(source: YamlSource, host: HostConfig, path: Path): void {
  const taken = new Map<string, string>();
  for (const [b, bridge] of host.bridges.entries()) {
    for (const [p, port] of bridge.ports.entries()) {
      const ends = tunnelEnds(port);
      if (ends === undefined) continue;
      const other = taken.get(ends);
      if (other !== undefined) {
        throw source.error(
          [...path, "bridges", b, "ports", p],
          `tunnel ${port.name} has the ends and the key of ${other}, expected another remote_ip, local_ip or key`,
        );
      }
      taken.set(ends, port.name);
    }
  }
}

/** What a received packet is told apart by, undefined for other ports than tunnels. */
function tunnelEnds({ type, options = {} }: PortConfig): string | undefined {
  if (type !== "gre" && type !== "vxlan" && type !== "geneve") return undefined;
  const key = options["in_key"] ?? options["key"] ?? "0";
  const number = key === "flow" ? key : String(Number(key));
  return [type, options["dst_port"] ?? "", options["remote_ip"] ?? "", options["local_ip"] ?? "", number].join(" ");
}

function checkStation(source: YamlSource, text: string, at: Path): void {
  const mac = parseMac(text);
  if (mac === undefined || (mac.high & 0x01000000) === 0) return;
  throw source.error(at, `${text} is a group address, expected one station's`);
}

/** `address` is on one of the networks; every interface has IPv6's link-local one (RFC 4291 2.5.6). */
function reaches(connected: readonly string[], address: string): boolean {
  const family = address.includes(":") ? 6 : 4;
  const bits = family === 6 ? 128 : 32;
  const wanted = prefixFromText(`${address}/${bits}`).words;
  const networks = family === 6 ? [...connected, "fe80::/64"] : connected;
  return networks.some((text) => {
    const network = prefixFromText(text === "default" ? "0.0.0.0/0" : text);
    return network.family === family && sameBits(network.words, wanted, network.bits);
  });
}

function sameBits(a: ArrayLike<number>, b: ArrayLike<number>, bits: number): boolean {
  for (let w = 0; 32 * w < bits; w++) {
    const rest = bits - 32 * w;
    const mask = rest >= 32 ? -1 : -1 << (32 - rest);
    if (((a[w] ^ b[w]) & mask) !== 0) return false;
  }
  return true;
}
