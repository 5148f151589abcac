/**
 * Sending into a tunnel: the fields of the outer header that a packet gets (OVS: tnl_port_send, ofproto/tunnel.c) and the
 * header itself, made once (OVS: tnl_port_build_header, netdev_gre_build_header, netdev_vxlan_build_header). Lengths, IP
 * checksum and UDP source port are left for each packet.
 */
import type { TunnelHeader } from "../action/odp-action.ts";
import {
  TUN_FLAG_CSUM,
  TUN_FLAG_DF,
  TUN_FLAG_OAM,
  W_PACKET_TYPE,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_ID_HI,
  W_TUN_META,
  W_TUN_SRC,
  W_TUN_TP,
} from "../flow/flow-key.ts";
import { put16, put32 } from "../wire/bytes.ts";
import { dlType, isIp } from "./flow-field.ts";
import type { TunnelConfig } from "./tunnel-config.ts";

const TTL_BITS = 0x00ff0000;
const DSCP_BITS = 0xfc000000 | 0;
const ECN_BITS = 0x03000000;

/** Congestion experienced (RFC 3168 section 5). */
const CE = 3;

/** Fills the tunnel fields of `flow` for a packet that leaves by `tunnel`; what they depend on goes into `mask`. */
export function sendIntoTunnel(tunnel: TunnelConfig, flow: Int32Array, mask: Int32Array): void {
  if (!tunnel.localFlow) flow[W_TUN_SRC] = tunnel.local;
  if (!tunnel.remoteFlow) flow[W_TUN_DST] = tunnel.remote;
  if (!tunnel.outKey.flow) {
    flow[W_TUN_ID_HI] = tunnel.outKey.high;
    flow[W_TUN_ID] = tunnel.outKey.low;
  }
  const ip = isIp(flow);
  let ttl = tunnel.ttl;
  if (tunnel.ttlInherit && ip) {
    mask[W_TOSTTL] |= TTL_BITS;
    ttl = (flow[W_TOSTTL] >>> 16) & 0xff;
  }
  let tos = tunnel.tos;
  if (tunnel.tosInherit && ip) {
    mask[W_TOSTTL] |= DSCP_BITS;
    tos = (flow[W_TOSTTL] >>> 24) & 0xfc;
  }
  if (ip) {
    mask[W_TOSTTL] |= ECN_BITS;
    const ecn = (flow[W_TOSTTL] >>> 24) & 3;
    tos |= ecn === CE ? 2 : ecn; // RFC 6040 section 4.1, compatibility mode: CE starts out as ECT(0)
  }
  const flags = (flow[W_TUN_META] & TUN_FLAG_OAM) | tunnel.flags;
  flow[W_TUN_META] = (tos << 24) | (ttl << 16) | flags;
  flow[W_TUN_TP] = (flow[W_TUN_TP] & (0xffff0000 | 0)) | tunnel.destinationPort;
}

const ETHERNET_LENGTH = 14;
const IPV4_LENGTH = 20;
const UDP_LENGTH = 8;

/** GRE: 4 bytes and 4 for each of checksum and key (RFC 2784, RFC 2890); VXLAN and Geneve: UDP and 8 bytes (RFC 7348, RFC 8926). */
export function buildHeader(
  tunnel: TunnelConfig,
  flow: Int32Array,
  source: number,
  sourceMac: readonly [number, number],
  targetMac: readonly [number, number],
): TunnelHeader {
  const meta = flow[W_TUN_META];
  const checksum = (meta & TUN_FLAG_CSUM) !== 0;
  const isGre = tunnel.kind === "gre";
  const tail = isGre ? 4 + (checksum ? 4 : 0) + (tunnel.outKey.present ? 4 : 0) : UDP_LENGTH + 8;
  const bytes = new Uint8Array(ETHERNET_LENGTH + IPV4_LENGTH + tail);
  put32(bytes, 0, targetMac[0]);
  put16(bytes, 4, targetMac[1]);
  put32(bytes, 6, sourceMac[0]);
  put16(bytes, 10, sourceMac[1]);
  put16(bytes, 12, 0x0800);
  const ipAt = ETHERNET_LENGTH;
  bytes[ipAt] = 0x45;
  bytes[ipAt + 1] = meta >>> 24;
  put16(bytes, ipAt + 6, (meta & TUN_FLAG_DF) === 0 ? 0 : 0x4000);
  bytes[ipAt + 8] = (meta >>> 16) & 0xff;
  bytes[ipAt + 9] = isGre ? 47 : 17;
  put32(bytes, ipAt + 12, source);
  put32(bytes, ipAt + 16, flow[W_TUN_DST]);
  let at = ipAt + IPV4_LENGTH;
  const payloadType = flow[W_PACKET_TYPE] === 0 ? 0x6558 : dlType(flow);
  if (isGre) {
    put16(bytes, at, (checksum ? 0x8000 : 0) | (tunnel.outKey.present ? 0x2000 : 0));
    put16(bytes, at + 2, payloadType);
    at += checksum ? 8 : 4;
    if (tunnel.outKey.present) put32(bytes, at, flow[W_TUN_ID]);
  } else {
    put16(bytes, at + 2, tunnel.destinationPort);
    at += UDP_LENGTH;
    if (tunnel.kind === "vxlan") {
      put32(bytes, at, 0x08000000);
    } else {
      bytes[at + 1] = (meta & TUN_FLAG_OAM) === 0 ? 0 : 0x80;
      put16(bytes, at + 2, payloadType);
    }
    put32(bytes, at + 4, flow[W_TUN_ID] << 8);
  }
  return { type: tunnel.kind, bytes, ipAt, checksum };
}
