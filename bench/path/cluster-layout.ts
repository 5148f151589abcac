/** What a cluster is made of, as the section `cluster` of a result holds it: enough to draw it. */
import type { PortConfig, Topology } from "../../datapath/topology.ts";

export interface ClusterLayout {
  readonly hosts: readonly HostLayout[];
  readonly vms: readonly {
    readonly name: string;
    /** "HOST/PORT". */
    readonly port: string;
    readonly mac: string;
    readonly addresses: readonly string[];
  }[];
  readonly wires: readonly { readonly name: string; readonly members: readonly string[] }[];
}

export interface HostLayout {
  readonly name: string;
  readonly role: "compute" | "network";
  readonly bridges: readonly {
    readonly name: string;
    readonly address: string | null;
    readonly ports: readonly {
      readonly name: string;
      readonly ofport: number;
      readonly type: string;
      readonly tag: number | null;
      /** The other end of a patch port, the far end of a tunnel. */
      readonly peer: string | null;
    }[];
  }[];
  readonly namespaces: readonly {
    readonly name: string;
    readonly forwarding: boolean;
    readonly interfaces: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  }[];
}

/** The layout of a topology. */
export function clusterLayout({ hosts, vms, wires }: Topology): ClusterLayout {
  return {
    hosts: hosts.map(({ name, role, bridges, namespaces }) => ({
      name,
      role,
      bridges: bridges.map((bridge) => ({
        name: bridge.name,
        address: bridge.address ?? null,
        ports: bridge.ports.map((port) => ({
          name: port.name,
          ofport: port.ofport,
          type: port.type,
          tag: port.tag ?? null,
          peer: peerOf(port),
        })),
      })),
      namespaces: namespaces.map((namespace) => ({
        name: namespace.name,
        forwarding: namespace.forwarding,
        interfaces: namespace.interfaces.map((link) => ({ name: link.name, addresses: [...link.addresses] })),
      })),
    })),
    vms: vms.map(({ name, port, mac, addresses }) => ({ name, port, mac, addresses: [...addresses] })),
    wires: wires.map(({ name, members }) => ({ name, members: [...members] })),
  };
}

const peerOf = ({ options }: PortConfig): string | null => options?.peer ?? options?.remote_ip ?? null;
