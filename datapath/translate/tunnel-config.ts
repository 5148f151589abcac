/**
 * A tunnel port's configuration (OVS: struct netdev_tunnel_config, set_tunnel_config in lib/netdev-vport.c) and which
 * received packet belongs to it (OVS: ofproto/tunnel.c). All tunnel ports of a kind and destination port share one port of
 * the datapath ("vport"): gre_sys, vxlan_sys_4789, genev_sys_6081.
 */

import {
  TUN_FLAG_CSUM,
  TUN_FLAG_DF,
  TUN_FLAG_KEY,
  W_IN_PORT,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_ID_HI,
  W_TUN_SRC,
} from "../flow/flow-key.ts";
import type { PortConfig } from "../topology.ts";
import { parseIpv4 } from "../wire/addresses.ts";

export type TunnelKind = "gre" | "vxlan" | "geneve";

/** TTL of an outer header when none is configured (OVS: DEFAULT_TTL). */
const DEFAULT_TTL = 64;

/** A key option: "flow" (from or into tun_id), a number, or absent. */
export interface TunnelKey {
  readonly present: boolean;
  readonly flow: boolean;
  readonly high: number;
  readonly low: number;
}

export interface TunnelConfig {
  readonly kind: TunnelKind;
  /** UDP port of VXLAN and Geneve, 0 for GRE. */
  readonly destinationPort: number;
  /** Datapath port that all tunnels of this kind share. */
  readonly vport: string;
  /** int32; remote is ignored when `remoteFlow`, local 0 = any. */
  readonly remote: number;
  readonly remoteFlow: boolean;
  readonly local: number;
  readonly localFlow: boolean;
  readonly inKey: TunnelKey;
  readonly outKey: TunnelKey;
  readonly ttl: number;
  readonly ttlInherit: boolean;
  readonly tos: number;
  readonly tosInherit: boolean;
  /** TUN_FLAG_* that every packet sent gets: don't fragment, checksum, key. */
  readonly flags: number;
}

/** Options that a tunnel port may have; Open vSwitch's others (seq, exts, packet_type, egress_pkt_mark) are not supported. */
const OPTIONS = "remote_ip local_ip key in_key out_key dst_port tos ttl df_default csum".split(" ");

const isTunnelKind = (type: string): type is TunnelKind => type === "gre" || type === "vxlan" || type === "geneve";

/** The tunnel configuration of a port, or undefined when it is no tunnel; throws on an option that means nothing. */
export function tunnelConfig(port: PortConfig): TunnelConfig | undefined {
  const kind = port.type;
  if (!isTunnelKind(kind)) return undefined;
  const options = port.options ?? {};
  const fail = (name: string, expected: string): never => {
    const value = options[name] === undefined ? "is missing" : JSON.stringify(options[name]);
    throw new Error(`port ${port.name}: option ${name} ${value}, expected ${expected}`);
  };
  const address = (name: string): number => parseIpv4(options[name] ?? "") ?? fail(name, 'an IPv4 address or "flow"');
  const number = (name: string, limit: number): number => {
    const value = Number(options[name]);
    return Number.isInteger(value) && value >= 0 && value <= limit ? value : fail(name, `a number up to ${limit}`);
  };
  const key = (name: string): TunnelKey => {
    const text = options[name] ?? options.key;
    if (text === undefined) return { present: false, flow: false, high: 0, low: 0 };
    if (text === "flow") return { present: true, flow: true, high: 0, low: 0 };
    if (!/^(0x[0-9a-fA-F]{1,16}|\d{1,20})$/.test(text))
      fail(options[name] === undefined ? "key" : name, 'a number or "flow"');
    const value = BigInt(text);
    return { present: true, flow: false, high: Number(value >> 32n) | 0, low: Number(value & 0xffffffffn) | 0 };
  };
  for (const name of Object.keys(options))
    if (!OPTIONS.includes(name)) fail(name, `one of the options ${OPTIONS.join(", ")}`);
  const remoteFlow = options.remote_ip === "flow";
  const localFlow = options.local_ip === "flow";
  if (localFlow && !remoteFlow) fail("local_ip", '"flow" only together with remote_ip=flow');
  const standard = kind === "vxlan" ? 4789 : kind === "geneve" ? 6081 : 0;
  const destinationPort = kind === "gre" || options.dst_port === undefined ? standard : number("dst_port", 65535);
  const outKey = key("out_key");
  const tosInherit = options.tos === "inherit";
  const tos = options.tos === undefined || tosInherit ? 0 : number("tos", 255);
  if ((tos & 3) !== 0) fail("tos", "a DSCP, a multiple of 4");
  const ttlInherit = options.ttl === "inherit";
  return {
    kind,
    destinationPort,
    vport: kind === "gre" ? "gre_sys" : `${kind === "geneve" ? "genev" : "vxlan"}_sys_${destinationPort}`,
    remote: remoteFlow ? 0 : address("remote_ip"),
    remoteFlow,
    local: localFlow || options.local_ip === undefined ? 0 : address("local_ip"),
    localFlow,
    inKey: key("in_key"),
    outKey,
    ttl: options.ttl === undefined || ttlInherit ? DEFAULT_TTL : number("ttl", 255) || DEFAULT_TTL,
    ttlInherit,
    tos,
    tosInherit,
    flags:
      (options.df_default === "false" ? 0 : TUN_FLAG_DF) |
      (options.csum === "true" ? TUN_FLAG_CSUM : 0) |
      (outKey.present ? TUN_FLAG_KEY : 0),
  };
}

/** A tunnel port as the receiving side sees it. */
export interface TunnelEnd {
  readonly tunnel: TunnelConfig;
  /** Datapath port number of `tunnel.vport`. */
  readonly odpPort: number;
}

/** Which of the ends takes a packet with these tunnel fields: the most specific first (OVS: tnl_find); undefined: none. */
export function receivingTunnel<End extends TunnelEnd>(ends: readonly End[], flow: Int32Array): End | undefined {
  let best: End | undefined;
  let bestRank = 12;
  for (const end of ends) {
    const { tunnel } = end;
    if (end.odpPort !== flow[W_IN_PORT]) continue;
    const rank =
      6 * Number(tunnel.inKey.flow) +
      3 * Number(tunnel.remoteFlow) +
      (tunnel.localFlow ? 2 : tunnel.local === 0 ? 1 : 0);
    if (rank >= bestRank) continue;
    if (!tunnel.inKey.flow && (tunnel.inKey.high !== flow[W_TUN_ID_HI] || tunnel.inKey.low !== flow[W_TUN_ID]))
      continue;
    if (!tunnel.remoteFlow && tunnel.remote !== flow[W_TUN_SRC]) continue;
    if (!tunnel.localFlow && tunnel.local !== 0 && tunnel.local !== flow[W_TUN_DST]) continue;
    best = end;
    bestRank = rank;
  }
  return best;
}
