/** The way of one packet, place by place, as the section `path` of a result holds it. Plain data. */

export const PATH_VERSION = 1;

/** A rule that the packet met, in the words of `ovs-ofctl dump-flows`. */
export interface RuleMet {
  readonly table: number;
  /** "" matches everything; null: no rule matched. */
  readonly match: string | null;
  readonly priority: number | null;
  readonly actions: string;
  /** Remarks of the translation: what was learned, whether it was flooded. */
  readonly notes: readonly string[];
}

export interface VmHop {
  readonly kind: "vm";
  readonly vm: string;
  readonly host: string;
  readonly port: string;
  /** As tcpdump -e prints it. */
  readonly frame: string;
}

export interface BridgeHop {
  readonly kind: "bridge";
  readonly host: string;
  readonly bridge: string;
  readonly inPort: string;
  readonly outPort: string;
  /** Which pass of a packet through this packet's datapaths it belongs to, from 1 on: patch ports cost none. */
  readonly pass: number;
  readonly rules: readonly RuleMet[];
  /** Put on or taken off here. */
  readonly tunnel: { readonly change: "encapsulate" | "decapsulate"; readonly text: string } | null;
}

export interface NamespaceHop {
  readonly kind: "namespace";
  readonly host: string;
  readonly namespace: string;
  readonly inPort: string;
  readonly outPort: string;
  readonly ttlIn: number;
  readonly ttlOut: number;
  /** As it left. */
  readonly frame: string;
}

export interface WireHop {
  readonly kind: "wire";
  readonly wire: string;
  /** "HOST/PORT". */
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly frame: string;
}

export type Hop = VmHop | BridgeHop | NamespaceHop | WireHop;

export interface PacketPath {
  readonly packet: "request" | "reply";
  readonly from: string;
  readonly to: string;
  /** Table lookups of all its translations: what the caches spare the next packet. */
  readonly tableLookups: number;
  readonly hops: readonly Hop[];
}

export interface PathResult {
  readonly version: typeof PATH_VERSION;
  /** The first echo request between VMs in the captures, and its reply; empty when there is none. */
  readonly packets: readonly PacketPath[];
  /** Mean time of a pass in this host, its namespaces included, ns: its time over all its passes. Null without times. */
  readonly nsPerPass: Readonly<Record<string, number | null>>;
}
