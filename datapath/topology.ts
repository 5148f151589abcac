/**
 * What a cluster is made of, as plain data: the form that a topology file is read into and that hosts are built from.
 * Names are unique within their host; a port of a host is written "host/port".
 */
export interface PortConfig {
  readonly name: string;
  /** OpenFlow port number on its bridge, 1..65279. */
  readonly ofport: number;
  /** system: a NIC, a veth, a tap. internal: the host's own. dummy: frames go in and out (cases of the conformance corpus). */
  readonly type: "system" | "internal" | "dummy" | "patch" | "gre" | "vxlan" | "geneve";
  /** Access VLAN, or native VLAN with vlanMode native-*. */
  readonly tag?: number | undefined;
  readonly trunks?: readonly number[] | undefined;
  readonly vlanMode?: "access" | "trunk" | "native-tagged" | "native-untagged" | "dot1q-tunnel" | undefined;
  /** Options with Open vSwitch's names: peer, remote_ip, local_ip, key, in_key, out_key, tos, ttl, df_default, csum, dst_port. */
  readonly options?: Readonly<Record<string, string>> | undefined;
  /** What `ovs-ofctl mod-port` has made of it: "down", "no-flood", "no-forward", "no-receive". */
  readonly config?: readonly PortFlag[] | undefined;
  /** Two protected ports exchange no packets by NORMAL or otherwise (column protected of a Port). */
  readonly protected?: boolean | undefined;
}

export type PortFlag = "down" | "no-flood" | "no-forward" | "no-receive";

export interface BridgeConfig {
  readonly name: string;
  readonly failMode: "secure" | "standalone";
  /** MAC address of the bridge's own port (LOCAL), "aa:bb:cc:dd:ee:ff". */
  readonly mac?: string | undefined;
  readonly ports: readonly PortConfig[];
  /** Text as `ovs-ofctl add-flows` takes it, and the file it came from, for messages. */
  readonly flows: string;
  readonly flowsFile: string;
  /** Groups that rules may name: text as `ovs-ofctl add-groups` takes it, in OpenFlow 1.5; and where it came from. */
  readonly groups?: string | undefined;
  readonly groupsFile?: string | undefined;
  /** OpenFlow version that the rules are sent with: "OpenFlow10" (the default) to "OpenFlow15". */
  readonly openflow?: string | undefined;
  /** Address and prefix length of the LOCAL port, e.g. "10.11.1.115/24": makes it a tunnel endpoint. */
  readonly address?: string | undefined;
  /** MAC addresses by IP address, in place of ARP on the underlay. */
  readonly neighbours?: Readonly<Record<string, string>> | undefined;
  /** Prefix tries by table: { "0": ["nw_dst"] }. */
  readonly prefixes?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Entries of the MAC table at most, at least 10 (other_config:mac-table-size); 8192 where not given. */
  readonly macTableSize?: number | undefined;
  /** Seconds, at least 15 (other_config:mac-aging-time); 300 where not given. */
  readonly macAgeing?: number | undefined;
  /** VLANs in which nothing is learned, so that everything is flooded (flood_vlans). */
  readonly floodVlans?: readonly number[] | undefined;
  /** NORMAL forwards frames to reserved group addresses (other_config:forward-bpdu). */
  readonly forwardBpdu?: boolean | undefined;
  /** Names of ports, in the order in which NORMAL floods; those that are not named follow. */
  readonly floodOrder?: readonly string[] | undefined;
}

export interface InterfaceConfig {
  /** The port of br-int that it is the other end of. */
  readonly name: string;
  readonly mac: string;
  /** "192.168.1.1/24", "fe80::…/64". */
  readonly addresses: readonly string[];
  readonly mtu: number;
}

export interface NamespaceConfig {
  readonly name: string;
  readonly interfaces: readonly InterfaceConfig[];
  /** Routes beside the connected ones. */
  readonly routes?: readonly { readonly to: string; readonly via?: string; readonly dev: string }[] | undefined;
  /** Permanent neighbours. */
  readonly neighbours?: readonly { readonly ip: string; readonly mac: string; readonly dev: string }[] | undefined;
  /** Routes packets between its interfaces (a router); otherwise only its own stack answers (a DHCP port). */
  readonly forwarding: boolean;
}

export interface HostConfig {
  readonly name: string;
  readonly role: "compute" | "network";
  readonly bridges: readonly BridgeConfig[];
  readonly namespaces: readonly NamespaceConfig[];
}

export interface VmConfig {
  readonly name: string;
  /** "test115/qvof76ecb29-5d". */
  readonly port: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

export interface WireConfig {
  readonly name: string;
  /** Ports joined by a learning switch: ["test114/eth0", "test115/eth0", "test116/eth0"]. */
  readonly members: readonly string[];
}

export interface Topology {
  readonly name: string;
  readonly mode: "legacy" | "dvr" | "other";
  /** Kind of the tenant networks, for output. */
  readonly network: "gre" | "vxlan" | "vlan" | "geneve" | "none";
  readonly hosts: readonly HostConfig[];
  readonly vms: readonly VmConfig[];
  readonly wires: readonly WireConfig[];
  /** VLAN tags that are parsed, 1 or 2 (Open vSwitch's vlan-limit; its default is 1). */
  readonly vlanLimit?: number | undefined;
}
