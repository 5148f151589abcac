/**
 * Tunnel headers. Pushing copies a header that was made once at translation and writes what differs from packet to packet:
 * lengths, the IPv4 checksum (from a sum that the program carries), for UDP the source port by the packet's hash. Popping
 * checks the outer headers and leaves what they said in the batch's tunnel columns, for the key of the next pass. The rules
 * are those of Open vSwitch's lib/netdev-native-tnl.c.
 *
 *   | Ethernet 14 | IPv4 20 | GRE 4 + 4 per C, K, S       | frame |     RFC 2784, 2890; protocol 0x6558 = a frame
 *                           | UDP 8 | VXLAN 8             | frame |     RFC 7348
 *                           | UDP 8 | Geneve 8 + options  | frame |     RFC 8926
 */

import { TUN_FLAG_CSUM, TUN_FLAG_KEY, TUN_FLAG_OAM } from "../flow/flow-key.ts";
import type { PacketBatch } from "../packet/packet-batch.ts";
import type { PacketPool } from "../packet/packet-pool.ts";
import { checksumAdd, checksumFold, pseudoIpv4 } from "../wire/checksum.ts";
import type { ActionKernel } from "./action-kernel.ts";
import type { Chain } from "./chain.ts";
import { TunnelKind } from "./opcodes.ts";
import type { ProgramStore } from "./program-store.ts";

const PROTO_UDP = 17;
const PROTO_GRE = 47;
const GRE_C = 0x8000;
const GRE_K = 0x2000;
const GRE_S = 0x1000;
const TRANSPARENT_ETHERNET = 0x6558;
/** In the first word of an option: its type's highest bit. */
const GENEVE_OPTION_CRITICAL = 0x8000;
const GENEVE_PORT = 6081;

/**
 * Puts the header whose operands start at `pc` (Op.PushTunnel) before the packets of a chain; returns how many they are.
 * A checksum over all that is inside is added behind the kernel, packet by packet.
 */
export function pushTunnel(
  kernel: ActionKernel,
  pool: PacketPool,
  set: PacketBatch,
  chain: Chain,
  head: number,
  programs: ProgramStore,
  pc: number,
): number {
  const { code } = programs;
  const isUdp = code[pc];
  const size = code[pc + 2];
  const ipAt = code[pc + 3];
  const words = pc + 5;
  const count = kernel.pushTunnel(
    set.base,
    chain.at,
    head,
    programs.codeAt + 4 * words,
    size,
    ipAt,
    code[pc + 4],
    isUdp,
  );
  const grePlace = ipAt + 20;
  const isSummedGre = isUdp === 0 && ((code[words + (grePlace >> 2)] >>> (8 * (grePlace & 3))) & 0x80) !== 0;
  if (isSummedGre || (isUdp === 1 && code[pc + 1] === 1)) {
    const { view, bytes } = pool;
    const { next } = chain;
    for (let i = head; i >= 0; i = next[i]) {
      const l4 = set.l4[i];
      if (isSummedGre) {
        view.setUint16(l4 + 4, 0);
        view.setUint16(l4 + 4, checksumFold(checksumAdd(bytes, l4, set.end[i], 0)));
      } else {
        udpChecksum(view, bytes, set.l3[i], l4, set.end[i]);
      }
    }
  }
  return count;
}

/** RFC 768: over pseudo header, header and data, 0 sent as all ones. */
function udpChecksum(view: DataView, bytes: Uint8Array, ip: number, l4: number, end: number): void {
  const pseudo = pseudoIpv4(view.getInt32(ip + 12), view.getInt32(ip + 16), PROTO_UDP, end - l4);
  view.setUint16(l4 + 6, 0);
  const sum = checksumFold(checksumAdd(bytes, l4, end, pseudo));
  view.setUint16(l4 + 6, sum === 0 ? 0xffff : sum);
}

/**
 * The Geneve options in [at, end) may be stepped over: each lies in full, and none is critical, since none is known here
 * (RFC 8926, 3.5; tun_metadata_from_geneve_udpif).
 */
function skipsGeneveOptions(view: DataView, at: number, end: number): boolean {
  while (at < end) {
    const option = view.getInt32(at);
    if ((option & GENEVE_OPTION_CRITICAL) !== 0) return false;
    at += 4 + (option & 0x1f) * 4;
  }
  return at === end;
}

/** Takes the outer headers of packet i off and fills its tunnel columns; false when they lie or are not of this kind. */
export function popTunnel(view: DataView, bytes: Uint8Array, set: PacketBatch, i: number, kind: number): boolean {
  const ip = set.l3[i];
  const end = set.end[i];
  if (ip === 0 || end - ip < 24) return false;
  const first = view.getInt32(ip);
  // Version 4, no options: OVS supports none on tunnel packets.
  if (first >>> 24 !== 0x45 || (first & 0xffff) > end - ip) return false;
  if (checksumFold(checksumAdd(bytes, ip, ip + 20, 0)) !== 0) return false;
  const l4 = ip + 20;
  const ttlProto = view.getUint16(ip + 8);
  const proto = ttlProto & 0xff;
  let flags = 0;
  let id = 0;
  let inner: number;
  if (proto === PROTO_GRE && (kind === TunnelKind.Any || kind === TunnelKind.Gre)) {
    const bits = view.getUint16(l4);
    if ((bits & ~(GRE_C | GRE_K | GRE_S)) !== 0 || view.getUint16(l4 + 2) !== TRANSPARENT_ETHERNET) return false;
    inner = l4 + 4 + ((bits & GRE_C) !== 0 ? 4 : 0) + ((bits & GRE_K) !== 0 ? 4 : 0) + ((bits & GRE_S) !== 0 ? 4 : 0);
    if (inner > end) return false;
    let option = l4 + 4;
    if ((bits & GRE_C) !== 0) {
      if (checksumFold(checksumAdd(bytes, l4, end, 0)) !== 0) return false;
      flags |= TUN_FLAG_CSUM;
      option += 4;
    }
    if ((bits & GRE_K) !== 0) {
      id = view.getInt32(option);
      flags |= TUN_FLAG_KEY;
    }
  } else if (proto === PROTO_UDP && kind !== TunnelKind.Gre) {
    if (end - l4 < 16) return false;
    if (view.getUint16(l4 + 6) !== 0) {
      const pseudo = pseudoIpv4(view.getInt32(ip + 12), view.getInt32(ip + 16), PROTO_UDP, (first & 0xffff) - 20);
      if (checksumFold(checksumAdd(bytes, l4, end, pseudo)) !== 0) return false;
      flags |= TUN_FLAG_CSUM;
    }
    const head = view.getInt32(l4 + 8);
    const vni = view.getInt32(l4 + 12);
    const isGeneve = kind === TunnelKind.Geneve || (kind === TunnelKind.Any && view.getUint16(l4 + 2) === GENEVE_PORT);
    inner = l4 + 16;
    if (isGeneve) {
      if (head >>> 30 !== 0 || (head & 0xffff) !== TRANSPARENT_ETHERNET) return false;
      const options = inner;
      inner += ((head >>> 24) & 0x3f) * 4;
      if (inner > end || !skipsGeneveOptions(view, options, inner)) return false;
      if ((head & 0x00800000) !== 0) flags |= TUN_FLAG_OAM;
    } else if (head !== 0x08000000 || (vni & 0xff) !== 0) {
      return false;
    }
    id = vni >>> 8;
    flags |= TUN_FLAG_KEY;
  } else {
    return false;
  }
  set.start[i] = inner;
  set.tunId[i] = id;
  set.tunSrc[i] = view.getInt32(ip + 12);
  set.tunDst[i] = view.getInt32(ip + 16);
  set.tunMeta[i] = ((first << 8) & -0x1000000) | ((ttlProto & 0xff00) << 8) | flags;
  return true;
}
