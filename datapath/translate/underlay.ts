/**
 * The host's own IP address on a bridge and what lies behind it, for tunnels that the switch terminates itself (OVS: native
 * tunneling; lib/ovs-router.c, lib/tnl-ports.c, lib/tnl-neigh-cache.c): the route to a tunnel's other end, its MAC address,
 * and which frames to a bridge's own port are really packets for a tunnel.
 */
import { W_ETH0, W_ETH1, W_ETH2, W_MACS0, W_NW_DST, W_NW_SRC, W_PORTS, W_TYPE, W_VLAN0 } from "../flow/flow-key.ts";
import { Classifier } from "../openflow/classifier.ts";
import { Match } from "../openflow/match.ts";
import type { Bridge } from "./bridge.ts";
import { isArp, isIpv4, nwProto, PROTO_BITS } from "./flow-field.ts";
import { NO_DATAPATH_PORT, type Port } from "./port.ts";

export interface Route {
  readonly bridge: Bridge;
  /** int32. */
  readonly source: number;
}

export class Underlay {
  private readonly ends: readonly Bridge[];
  /** Frames that end a tunnel here, with the datapath port that takes them in. */
  private readonly terminals = new Classifier<number>([]);
  private readonly localRoutes: boolean;
  private readonly anyTunnel: boolean;
  private readonly changed: () => void;

  /**
   * `localRoutes` false: a tunnel with local_ip set finds no route, as in an Open vSwitch whose routes were all added by
   * hand (ovs/route/add). `changed` is told of each neighbour that is news: megaflows depend on it.
   */
  constructor(bridges: readonly Bridge[], localRoutes: boolean, changed: () => void) {
    this.ends = bridges.filter((bridge) => bridge.address !== undefined);
    this.localRoutes = localRoutes;
    this.changed = changed;
    const kinds = new Map<string, Port>();
    for (const bridge of bridges) {
      for (const port of bridge.ports) if (port.tunnel !== undefined) kinds.set(port.tunnel.vport, port);
    }
    this.anyTunnel = kinds.size > 0;
    for (const port of kinds.values()) for (const bridge of this.ends) this.listen(port, bridge);
  }

  private listen(port: Port, bridge: Bridge): void {
    const match = new Match();
    match.setBits(W_ETH0, bridge.mac[0], -1);
    match.setBits(W_ETH1, bridge.mac[1] << 16, 0xffff0000 | 0);
    const isGre = port.tunnel!.kind === "gre";
    match.setBits(W_TYPE, (0x0800 << 16) | (isGre ? 47 : 17), 0xffff03ff | 0);
    match.setBits(W_VLAN0, 0, 0xffff);
    match.setBits(W_NW_DST, bridge.address!, -1);
    if (!isGre) match.setBits(W_PORTS, port.tunnel!.destinationPort, 0xffff);
    this.terminals.insert(match, 0, port.odpPort);
  }

  /**
   * The route to `destination` (int32), from `source` if that is not 0; undefined: there is none. A packet with a mark takes
   * only routes for that mark, which none of these are (ovs_router_lookup).
   */
  route(destination: number, source: number, mark: number): Route | undefined {
    if (mark !== 0) return undefined;
    if (source !== 0 && !(this.localRoutes && this.ends.some((bridge) => bridge.address === source))) return undefined;
    let best: Bridge | undefined;
    for (const bridge of this.ends) {
      if (((bridge.address! ^ destination) & bridge.netmask) !== 0) continue;
      if (best === undefined || bridge.netmask >>> 0 > best.netmask >>> 0) best = bridge;
    }
    return best === undefined ? undefined : { bridge: best, source: source === 0 ? best.address! : source };
  }

  /**
   * The packet leaves by the own port of `bridge`. Returns the tunnel port of the datapath that takes it in, or
   * NO_DATAPATH_PORT; adds to `mask` what was looked at, and, if it `learns`, takes the neighbours from ARP replies on the
   * way (terminate_native_tunnel, tnl_arp_snoop).
   */
  terminate(bridge: Bridge, flow: Int32Array, mask: Int32Array, learns: boolean): number {
    if (bridge.address === undefined || !this.anyTunnel) return NO_DATAPATH_PORT;
    const terminal = this.terminals.lookup(flow, mask);
    if (terminal !== undefined) {
      if (learns && isIpv4(flow)) this.setNeighbour(bridge, flow[W_NW_SRC], sourceMac(flow));
      return terminal.owner;
    }
    if (isArp(flow)) this.snoopArp(bridge, flow, mask, learns);
    return NO_DATAPATH_PORT;
  }

  /** An ARP reply to the bridge's address, or a gratuitous ARP packet, tells the sender's MAC address. */
  private snoopArp(bridge: Bridge, flow: Int32Array, mask: Int32Array, learns: boolean): void {
    mask[W_NW_SRC] = -1;
    mask[W_NW_DST] = -1;
    if (flow[W_NW_SRC] !== flow[W_NW_DST]) {
      if (flow[W_NW_DST] !== bridge.address) return;
      mask[W_TYPE] |= PROTO_BITS;
      if (nwProto(flow) !== 2) return;
    }
    mask[W_MACS0] = -1;
    mask[W_MACS0 + 1] |= 0xffff0000 | 0;
    const high = flow[W_MACS0];
    const low = flow[W_MACS0 + 1] >>> 16;
    if ((high !== 0 || low !== 0) && learns) this.setNeighbour(bridge, flow[W_NW_SRC], [high, low]);
  }

  private setNeighbour(bridge: Bridge, address: number, mac: readonly [number, number]): void {
    if (bridge.setNeighbour(address, mac)) this.changed();
  }
}

const sourceMac = (flow: Int32Array): readonly [number, number] => [
  (flow[W_ETH1] << 16) | (flow[W_ETH2] >>> 16),
  flow[W_ETH2] & 0xffff,
];
