/**
 * A case: bridges with ports and rules, and packets that come in. The form of the recorded cases, with groups added.
 */
export interface CasePort {
  readonly name: string;
  readonly ofport: number;
  /** "dummy" where not given: frames go in and out. */
  readonly type?: "dummy" | "patch" | "gre" | "vxlan" | "geneve";
  readonly options?: Readonly<Record<string, string | number>>;
  readonly tag?: number;
  readonly trunks?: readonly number[];
  readonly vlan_mode?: string;
  /** What `ovs-ofctl mod-port` made of it before the first packet. */
  readonly config?: readonly string[];
  readonly protected?: boolean;
}

export interface CaseBridge {
  readonly name: string;
  readonly fail_mode?: "secure" | "standalone";
  /** OpenFlow version that flows are sent with; "OpenFlow10" where not given. */
  readonly openflow?: string;
  readonly mac?: string;
  /** Address of the bridge's own port, which makes it a tunnel endpoint. */
  readonly ip?: string;
  readonly neighbours?: Readonly<Record<string, string>>;
  readonly prefixes?: Readonly<Record<string, readonly string[]>>;
  readonly ports?: readonly CasePort[];
  readonly flows?: readonly string[];
  readonly mac_table_size?: number;
  /** Seconds. */
  readonly mac_aging_time?: number;
  readonly flood_vlans?: readonly number[];
  readonly forward_bpdu?: boolean;
  /** Names of ports, the bridge's own among them: the order in which NORMAL floods. For ours only: Open vSwitch has its own. */
  readonly flood_order?: readonly string[];
  /** Text as `ovs-ofctl add-groups` takes it, a group a line. */
  readonly groups?: readonly string[];
}

/** A frame or a flow that comes in, time that passes, or a change of rules. */
export interface CaseEvent {
  readonly bridge?: string;
  readonly in_port?: number;
  readonly hex?: string;
  readonly flow?: string;
  readonly trace_only?: boolean;
  readonly warp?: number;
  readonly add_flows?: readonly string[];
  readonly del_flows?: string;
  readonly openflow?: string;
  /** OpenFlow number of a port, and what `ovs-ofctl mod-port` makes of it. */
  readonly mod_port?: number;
  readonly flag?: string;
  readonly note?: string;
}

export interface Case {
  readonly name: string;
  readonly stateless?: boolean;
  readonly vlan_limit?: number;
  readonly bridges: readonly CaseBridge[];
  readonly packets: readonly CaseEvent[];
}

/** OpenFlow number of a bridge's own port. */
export const LOCAL = 65534;

export const isTunnel = (port: CasePort): boolean =>
  port.type === "gre" || port.type === "vxlan" || port.type === "geneve";

export const hasTunnels = (one: Case): boolean =>
  one.bridges.some((bridge) => bridge.ports?.some((port) => isTunnel(port)));
