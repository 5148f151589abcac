/**
 * A port of a bridge as translation sees it (OVS: struct xport and struct xbundle; there are no bonds here, so a port is its
 * own bundle): its numbers, its VLAN mode, what it leads to. Where it stands, bridge.ts says.
 */
import type { PortConfig, PortFlag } from "../topology.ts";
import { type TunnelConfig, tunnelConfig } from "./tunnel-config.ts";

export type VlanMode = "access" | "trunk" | "native-tagged" | "native-untagged" | "dot1q-tunnel";

/** What takes a PortFlag back. */
export type PortUnflag = "up" | "flood" | "forward" | "receive";

/** A configured port, or the bridge's own. */
export type AnyPortConfig = Omit<PortConfig, "type"> & { readonly type: PortConfig["type"] | "local" };

/** odpPort of a port that the datapath does not know (a patch port). */
export const NO_DATAPATH_PORT = -1;

export class Port {
  readonly name: string;
  /** OpenFlow port number; 65534 is the bridge's own. */
  readonly ofport: number;
  readonly type: AnyPortConfig["type"];
  /** Datapath port number, NO_DATAPATH_PORT for patch ports; tunnel ports of a kind share one. Set by the switch. */
  odpPort = NO_DATAPATH_PORT;
  readonly vlanMode: VlanMode;
  /** Access, native or service VLAN; -1 on a trunk. */
  readonly vlan: number;
  /** VLANs that a trunk carries (customer VLANs of a dot1q-tunnel); undefined: all. */
  readonly trunks: ReadonlySet<number> | undefined;
  readonly tunnel: TunnelConfig | undefined;
  /** Name of the patch port at the other end. */
  readonly peerName: string | undefined;
  /** OFPPC_NO_FLOOD: left out by `flood` and by NORMAL's flood, not by `all`. */
  noFlood = false;
  /** OFPPC_NO_FWD: nothing is sent to it. */
  noForward = false;
  /** OFPPC_NO_RECV: what comes in by it is dropped. */
  noReceive = false;
  /** The link is up; a fast-failover group watches this. */
  up = true;
  /** Exchanges no packets with other protected ports. */
  readonly protected: boolean;
  // Counters of ports that the datapath cannot count: patch ports and single tunnels.
  rxPackets = 0;
  rxBytes = 0;
  /**
   * Of a tunnel, a frame twice, as Open vSwitch's interface statistics have it: as it goes in, and again with its outer
   * header on as it goes over to the underlay's bridge. Recorded (3.1.0): 10 frames of 62 bytes into GRE with a key:
   * `tx_packets=20, tx_bytes=1660`. `sentPackets` has each once.
   */
  txPackets = 0;
  txBytes = 0;
  /** Of `txPackets`, those counted again with their outer header on. */
  outerPackets = 0;
  outerBytes = 0;

  constructor(config: AnyPortConfig) {
    this.name = config.name;
    this.ofport = config.ofport;
    this.type = config.type;
    this.peerName = config.type === "patch" ? config.options?.peer : undefined;
    if (config.type === "patch" && this.peerName === undefined) {
      throw new Error(`port ${config.name}: a patch port needs the option peer, the name of the port at its other end`);
    }
    this.tunnel = config.type === "local" ? undefined : tunnelConfig(config as PortConfig);
    const tagged = config.tag !== undefined && config.tag >= 0 && config.tag <= 4095;
    this.vlanMode = config.vlanMode ?? (tagged ? "access" : "trunk");
    this.vlan = this.vlanMode === "trunk" ? -1 : tagged ? config.tag! : 0;
    this.trunks = this.carried(config.trunks);
    this.protected = config.protected ?? false;
    for (const flag of config.config ?? []) this.modify(flag);
  }

  /** `ovs-ofctl mod-port`: a flag, or its opposite. True when that changed something. */
  modify(flag: PortFlag | PortUnflag): boolean {
    const before = [this.up, this.noFlood, this.noForward, this.noReceive].join();
    if (flag === "down" || flag === "up") this.up = flag === "up";
    else if (flag === "no-flood" || flag === "flood") this.noFlood = flag === "no-flood";
    else if (flag === "no-forward" || flag === "forward") this.noForward = flag === "no-forward";
    else this.noReceive = flag === "no-receive";
    return before !== [this.up, this.noFlood, this.noForward, this.noReceive].join();
  }

  /** The trunked VLANs: a native port always carries its own VLAN and never VLAN 0 (OVS: bundle_set). */
  private carried(configured: readonly number[] | undefined): ReadonlySet<number> | undefined {
    const trunks = configured === undefined || configured.length === 0 ? undefined : new Set(configured);
    switch (this.vlanMode) {
      case "access":
        return undefined;
      case "trunk":
        return trunks;
      case "dot1q-tunnel":
        return undefined;
      default: {
        if (this.vlan === 0 || (trunks?.has(this.vlan) && !trunks.has(0))) return trunks;
        const forced = trunks ?? new Set(Array.from({ length: 4096 }, (_, vlan) => vlan));
        forced.add(this.vlan);
        forced.delete(0);
        return forced;
      }
    }
  }

  carriesVlan(vlan: number): boolean {
    return this.trunks === undefined || this.trunks.has(vlan);
  }

  /** A packet of these VLANs inside the bridge (outer, inner) may leave by this port. */
  includesVlan(outer: number, inner: number): boolean {
    switch (this.vlanMode) {
      case "access":
        return outer === this.vlan && inner === 0;
      case "dot1q-tunnel":
        return outer === this.vlan && this.carriesVlan(inner);
      default:
        return this.carriesVlan(outer);
    }
  }

  creditRx(packets: number, bytes: number): void {
    this.rxPackets += packets;
    this.rxBytes += bytes;
  }

  creditTx(packets: number, bytes: number): void {
    this.txPackets += packets;
    this.txBytes += bytes;
  }

  /** Of a tunnel: frames that go on with their outer header on. */
  creditOuter(packets: number, bytes: number): void {
    this.creditTx(packets, bytes);
    this.outerPackets += packets;
    this.outerBytes += bytes;
  }

  /** Frames sent to this port, each once, and their bytes without outer headers. */
  get sentPackets(): number {
    return this.txPackets - this.outerPackets;
  }

  get sentBytes(): number {
    return this.txBytes - this.outerBytes;
  }
}
