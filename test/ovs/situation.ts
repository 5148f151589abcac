/**
 * A situation whose ofproto/trace is recorded: bridges, rules, what happened before, and flows or frames to be traced; and
 * what situations are made of.
 */
import type { Case, CaseBridge, CaseEvent, CasePort } from "../conformance/case.ts";

export interface Situation {
  readonly name: string;
  readonly bridges: readonly CaseBridge[];
  readonly vlan_limit?: number;
  readonly before?: readonly CaseEvent[];
  /** Arguments of ofproto/trace: bridge, flow, and perhaps a frame or -generate. */
  readonly traces: readonly (readonly string[])[];
}

export function caseOf({ name, bridges, vlan_limit, before }: Situation): Case {
  return { name, bridges, packets: before ?? [], ...(vlan_limit === undefined ? {} : { vlan_limit }) };
}

/** Ports p1, p2, … */
export const ports = (...numbers: number[]): CasePort[] => numbers.map((ofport) => ({ name: `p${ofport}`, ofport }));

/** A bridge br0 with ports p1, p2, p3 and rules; flows to be traced there. */
export function simple(
  name: string,
  flows: readonly string[],
  traces: readonly (string | readonly string[])[],
  more: Partial<CaseBridge> & { readonly vlan_limit?: number; readonly before?: readonly CaseEvent[] } = {},
): Situation {
  const { vlan_limit, before, ...bridge } = more;
  return {
    name,
    bridges: [{ name: "br0", ports: ports(1, 2, 3), openflow: "OpenFlow15", ...bridge, flows }],
    traces: traces.map((trace) => ["br0", ...(typeof trace === "string" ? [trace] : trace)]),
    ...(vlan_limit === undefined ? {} : { vlan_limit }),
    ...(before === undefined ? {} : { before }),
  };
}

export const MACS = "dl_src=50:54:00:00:00:05,dl_dst=50:54:00:00:00:07";
export const ICMP = `icmp,${MACS},nw_src=192.168.0.1,nw_dst=192.168.0.2,icmp_type=8,icmp_code=0,nw_ttl=64`;
export const TCP = `tcp,${MACS},nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_src=1000,tp_dst=80`;
export const UDP = `udp,${MACS},nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=1000,udp_dst=53`;
export const TCP6 = `tcp6,${MACS},ipv6_src=fc00::1,ipv6_dst=fc00::2,nw_ttl=64,tp_src=1000,tp_dst=80`;
export const ARP = `arp,dl_src=50:54:00:00:00:05,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_sha=50:54:00:00:00:05`;
export const ICMP_FRAME =
  "505400000007505400000005080045000054000040004001f9549c0a80001c0a80002".slice(0, 28) +
  "4500001c00004000400100000a0000010a000002" +
  "0800f7ff00000000";
export const MPLS = `mpls,${MACS},mpls_label=100,mpls_tc=3,mpls_ttl=64,mpls_bos=1`;
export const MPLS2 = `mpls,${MACS},mpls_label=100,mpls_tc=3,mpls_ttl=64,mpls_bos=0`;
