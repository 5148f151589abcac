/**
 * The article's three hosts as the lab builds them: names, numbers and addresses. The same identities as in
 * bench/scenarios/article, whose rule files name these port numbers; here once more, because the lab makes real
 * interfaces of them and must not depend on the product that it judges.
 */
export type Mode = "dvr" | "legacy";
export type Network = "gre" | "vxlan" | "vlan";
export const MODES: readonly Mode[] = ["legacy", "dvr"];
export const NETWORKS: readonly Network[] = ["gre", "vxlan", "vlan"];
export type HostName = "test114" | "test115" | "test116";

/** A port of br-int and what hangs on it. */
export interface Endpoint {
  readonly port: string;
  readonly ofport: number;
  /** Access VLAN, the local one of its network on this host. */
  readonly tag: number;
  readonly kind: "vm" | "router" | "dhcp";
  /** Network namespace that holds the other end. */
  readonly space: string;
  readonly mac: string;
  readonly address: string;
}

export interface LabHost {
  readonly name: HostName;
  readonly tunnelAddress: string;
  /** MAC address of br-ex, which has the tunnel address. */
  readonly mac: string;
  readonly endpoints: readonly Endpoint[];
  /** OpenFlow port numbers of the patch ports: two of br-int, one each of br-tun and br-eth1. */
  readonly patch: { readonly intBrEth1: number; readonly patchTun: number; readonly patchInt: number };
  readonly tunnels: readonly { readonly to: HostName; readonly ofport: number }[];
}

const GATEWAY1 = { mac: "fa:16:3e:cd:50:8d", address: "192.168.1.1/24" };
const GATEWAY2 = { mac: "fa:16:3e:a3:95:c2", address: "192.168.2.1/24" };
const QR1 = "qr-c669122c-11";
const QR2 = "qr-43fad9d6-53";
const VM1 = { kind: "vm", space: "vm1", mac: "fa:16:3e:17:6b:a7", address: "192.168.1.11/24" } as const;
const VM2 = { kind: "vm", space: "vm2", mac: "fa:16:3e:2a:34:19", address: "192.168.2.11/24" } as const;
const DHCP1 = { kind: "dhcp", space: "d1", mac: "fa:16:3e:02:b7:c7", address: "192.168.1.2/24" } as const;
const DHCP2 = { kind: "dhcp", space: "d2", mac: "fa:16:3e:d4:4d:ff", address: "192.168.2.2/24" } as const;

export const HOSTS: readonly LabHost[] = [
  {
    name: "test114",
    tunnelAddress: "10.11.1.114",
    mac: "52:54:00:0a:01:72",
    endpoints: [
      { port: "tapcf9fa480-7f", ofport: 3, tag: 1, ...DHCP1 },
      { port: "tap76bfd868-97", ofport: 4, tag: 2, ...DHCP2 },
      { port: QR1, ofport: 5, tag: 1, kind: "router", space: "q114", ...GATEWAY1 },
      { port: QR2, ofport: 6, tag: 2, kind: "router", space: "q114", ...GATEWAY2 },
    ],
    patch: { intBrEth1: 1, patchTun: 2, patchInt: 1 },
    tunnels: [
      { to: "test115", ofport: 2 },
      { to: "test116", ofport: 3 },
    ],
  },
  {
    name: "test115",
    tunnelAddress: "10.11.1.115",
    mac: "52:54:00:0a:01:73",
    endpoints: [
      { port: "qvof76ecb29-5d", ofport: 27, tag: 2, ...VM1 },
      { port: QR1, ofport: 28, tag: 2, kind: "router", space: "q115", ...GATEWAY1 },
      { port: QR2, ofport: 29, tag: 1, kind: "router", space: "q115", ...GATEWAY2 },
    ],
    patch: { intBrEth1: 30, patchTun: 31, patchInt: 8 },
    tunnels: [
      { to: "test114", ofport: 9 },
      { to: "test116", ofport: 10 },
    ],
  },
  {
    name: "test116",
    tunnelAddress: "10.11.1.116",
    mac: "52:54:00:0a:01:74",
    endpoints: [
      { port: "qvo2bbd30d4-86", ofport: 38, tag: 3, ...VM2 },
      { port: QR2, ofport: 39, tag: 3, kind: "router", space: "q116", ...GATEWAY2 },
      { port: QR1, ofport: 40, tag: 4, kind: "router", space: "q116", ...GATEWAY1 },
    ],
    patch: { intBrEth1: 36, patchTun: 37, patchInt: 9 },
    tunnels: [
      { to: "test114", ofport: 13 },
      { to: "test115", ofport: 14 },
    ],
  },
];

/** What the L3 agent puts into every copy of a distributed router. */
export const PERMANENT_NEIGHBOURS: readonly { readonly ip: string; readonly dev: string; readonly mac: string }[] = [
  { ip: "192.168.1.11", dev: QR1, mac: VM1.mac },
  { ip: "192.168.1.2", dev: QR1, mac: DHCP1.mac },
  { ip: "192.168.2.11", dev: QR2, mac: VM2.mac },
  { ip: "192.168.2.2", dev: QR2, mac: DHCP2.mac },
];

/** What fits into a 1500-byte underlay frame: 1500 - 20 - 8 - 14 for GRE with a key, 1500 - 20 - 8 - 8 - 14 for VXLAN. */
export const INNER_MTU: Readonly<Record<Network, number>> = { gre: 1458, vxlan: 1450, vlan: 1500 };

/** "gre-0a0b0174": the type and the remote address in hex, as Neutron names tunnel ports. */
export function tunnelPortName(network: Network, remote: string): string {
  const hex = remote.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return `${network}-${hex.join("")}`;
}

export function hostNamed(name: string): LabHost {
  const host = HOSTS.find((one) => one.name === name);
  if (!host) throw new Error(`no host ${name} in the lab: expected ${HOSTS.map((one) => one.name).join(", ")}`);
  return host;
}

/** In legacy mode only the network node has a router. */
export function endpointsOf(host: LabHost, mode: Mode): readonly Endpoint[] {
  return host.endpoints.filter((one) => one.kind !== "router" || mode === "dvr" || host.name === "test114");
}
