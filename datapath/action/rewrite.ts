/**
 * Header fields rewritten in place, with the checksums that cover them: what `set` does to one packet. The rules are those
 * of Open vSwitch's odp_execute_actions() and packet_set_*() (lib/odp-execute.c, lib/packets.c), to the byte: checksums are
 * updated, not computed (RFC 1624), so a wrong one stays wrong by the same amount, a UDP checksum of 0 stays 0 and none
 * becomes 0, and the transport checksum of a fragment is updated as if it held the transport header.
 *
 * All functions take `ip` and `l4` as extract left them (absolute offsets, l4 = 0: no valid header, nothing happens) and
 * read their operands at `pc` of the program. With l4 = NO_TRANSPORT the network header alone is written, and no transport
 * checksum follows it.
 */
import { checksumFold } from "../wire/checksum.ts";
import { crc32c } from "../wire/sctp.ts";

const PROTO_TCP = 6;
const PROTO_UDP = 17;
const PROTO_ICMPV6 = 58;
const PROTO_NONE = 59; // "no next header", RFC 8200 section 4.7
const TCP_CHECKSUM = 16;
const UDP_CHECKSUM = 6;
const ICMP_CHECKSUM = 2;

/** ~old + new over the halves of a word, for `checksumFold(~check + delta)`. */
function delta32(from: number, to: number): number {
  return (~from & 0xffff) + ((~from >>> 16) & 0xffff) + (to & 0xffff) + ((to >>> 16) & 0xffff);
}

/** Updates the checksum at `at` by a sum of `delta32`. */
function update(view: DataView, at: number, delta: number): void {
  view.setUint16(at, checksumFold((~view.getUint16(at) & 0xffff) + delta));
}

/** The same for UDP, whose 0 means "none" (RFC 768). */
function updateUdp(view: DataView, at: number, delta: number): void {
  const old = view.getUint16(at);
  if (old === 0) return;
  const sum = checksumFold((~old & 0xffff) + delta);
  view.setUint16(at, sum === 0 ? 0xffff : sum);
}

/** Bytes from the transport header to the end of the IPv4 packet: padding does not count. None without a transport header. */
function ipv4Rest(view: DataView, ip: number, l4: number): number {
  return l4 < 0 ? 0 : ip + view.getUint16(ip + 2) - l4;
}

function ipv6Rest(view: DataView, ip: number, l4: number): number {
  return l4 < 0 ? 0 : ip + 40 + view.getUint16(ip + 4) - l4;
}

/** Ethernet addresses by mask: operands three values, three masks. */
export function setEthMasked(view: DataView, at: number, code: Int32Array, pc: number): void {
  for (let w = 0; w < 3; w++) {
    const mask = code[pc + 3 + w];
    if (mask !== 0) view.setInt32(at + 4 * w, (view.getInt32(at + 4 * w) & ~mask) | code[pc + w]);
  }
}

/** TTL alone: the commonest rewrite of a router. */
export function setTtl(view: DataView, ip: number, l4: number, ttl: number): void {
  if (l4 === 0) return;
  const old = view.getUint16(ip + 8);
  const now = (ttl << 8) | (old & 0xff);
  if (old === now) return;
  view.setUint16(ip + 8, now);
  update(view, ip + 10, (~old & 0xffff) + now);
}

/** Operands: values then masks of source, destination, tos << 24 | ttl << 16. */
export function setIpv4(view: DataView, ip: number, l4: number, code: Int32Array, pc: number): void {
  if (l4 === 0) return;
  const proto = view.getUint8(ip + 9);
  const rest = ipv4Rest(view, ip, l4);
  let addresses = 0;
  for (let w = 0; w < 2; w++) {
    const mask = code[pc + 3 + w];
    if (mask === 0) continue;
    const at = ip + 12 + 4 * w;
    const old = view.getInt32(at);
    const now = (old & ~mask) | code[pc + w];
    if (old === now) continue;
    view.setInt32(at, now);
    addresses += delta32(old, now);
  }
  if (addresses !== 0) {
    if (proto === PROTO_TCP && rest >= 20) update(view, l4 + TCP_CHECKSUM, addresses);
    else if (proto === PROTO_UDP && rest >= 8) updateUdp(view, l4 + UDP_CHECKSUM, addresses);
    update(view, ip + 10, addresses);
  }
  const mask = code[pc + 5];
  const tosMask = mask >>> 24;
  if (tosMask !== 0) {
    const old = view.getUint8(ip + 1);
    const tos = (old & ~tosMask) | (code[pc + 2] >>> 24);
    if (tos !== old) {
      view.setUint8(ip + 1, tos);
      update(view, ip + 10, (~old & 0xffff) + tos);
    }
  }
  const ttlMask = (mask >>> 16) & 0xff;
  if (ttlMask !== 0) setTtl(view, ip, l4, (view.getUint8(ip + 8) & ~ttlMask) | ((code[pc + 2] >>> 16) & 0xff));
}

/** Protocol behind the extension headers and whether a routing header still has segments to visit (packet_rh_present()). */
let lastProto = 0;
function routingHeaderPresent(view: DataView, ip: number, l4: number): boolean {
  lastProto = view.getUint8(ip + 6);
  let at = ip + 40;
  for (;;) {
    if (lastProto !== 0 && lastProto !== 43 && lastProto !== 60 && lastProto !== 51 && lastProto !== 44) return false;
    if (l4 - at < 8) return false;
    const next = view.getUint8(at);
    let length: number;
    if (lastProto === 51) length = (view.getUint8(at + 1) + 2) * 4;
    else if (lastProto === 44) {
      // Behind a later fragment's header is no transport header: no checksum follows.
      if ((view.getUint16(at + 2) & 0xfff8) !== 0) {
        lastProto = PROTO_NONE;
        return false;
      }
      length = 8;
    } else {
      if (lastProto === 43 && view.getUint8(at + 3) > 0) return true;
      length = (view.getUint8(at + 1) + 1) * 8;
    }
    lastProto = next;
    if (l4 - at < length) return false;
    at += length;
  }
}

/** One IPv6 address by mask; the checksum of `proto` follows when `recalculate`. */
function setIpv6Address(
  view: DataView,
  at: number,
  l4: number,
  rest: number,
  proto: number,
  recalculate: boolean,
  code: Int32Array,
  values: number,
  masks: number,
): void {
  let delta = 0;
  for (let w = 0; w < 4; w++) {
    const mask = code[masks + w];
    if (mask === 0) continue;
    const old = view.getInt32(at + 4 * w);
    const now = (old & ~mask) | code[values + w];
    if (old === now) continue;
    view.setInt32(at + 4 * w, now);
    delta += delta32(old, now);
  }
  if (delta === 0 || !recalculate) return;
  if (proto === PROTO_TCP && rest >= 20) update(view, l4 + TCP_CHECKSUM, delta);
  else if (proto === PROTO_UDP && rest >= 8) updateUdp(view, l4 + UDP_CHECKSUM, delta);
  else if (proto === PROTO_ICMPV6 && rest >= 4) update(view, l4 + ICMP_CHECKSUM, delta);
}

/** Operands: 10 values (source, destination, label, tos << 24 | ttl << 16), 10 masks. */
export function setIpv6(view: DataView, ip: number, l4: number, code: Int32Array, pc: number): void {
  if (l4 === 0) return;
  const rest = ipv6Rest(view, ip, l4);
  const routed = routingHeaderPresent(view, ip, l4);
  const proto = lastProto;
  setIpv6Address(view, ip + 8, l4, rest, proto, true, code, pc, pc + 10);
  // The checksum is over the final destination, which a routing header carries (RFC 8200 8.1).
  setIpv6Address(view, ip + 24, l4, rest, proto, !routed, code, pc + 4, pc + 14);
  const labelMask = code[pc + 18] & 0xfffff;
  const tosTtlMask = code[pc + 19];
  const flowMask = ((tosTtlMask >>> 4) & 0x0ff00000) | labelMask;
  if (flowMask !== 0) {
    const flow = ((code[pc + 9] >>> 4) & 0x0ff00000) | (code[pc + 8] & 0xfffff);
    view.setInt32(ip, (view.getInt32(ip) & ~flowMask) | flow);
  }
  const ttlMask = (tosTtlMask >>> 16) & 0xff;
  if (ttlMask !== 0) view.setUint8(ip + 7, (view.getUint8(ip + 7) & ~ttlMask) | ((code[pc + 9] >>> 16) & 0xff));
}

/**
 * Bytes of the transport header and payload of an IPv4 or IPv6 packet. Which it is, the type before its header says, and
 * for packets without Ethernet the version; a header whose version lies is parsed by the type, there as here.
 */
function transportSize(view: DataView, ip: number, l4: number): number {
  const type = ip < 2 ? 0 : view.getUint16(ip - 2);
  const ipv6 = type === 0x86dd || (type !== 0x0800 && view.getUint8(ip) >>> 4 === 6);
  return ipv6 ? ipv6Rest(view, ip, l4) : ipv4Rest(view, ip, l4);
}

/** Operands: value and mask of source port << 16 | destination port. */
export function setTcp(view: DataView, ip: number, l4: number, code: Int32Array, pc: number): void {
  if (l4 === 0) return;
  const rest = transportSize(view, ip, l4);
  if (rest < 20) return;
  const header = (view.getUint8(l4 + 12) >>> 2) & 0x3c;
  if (header < 20 || header > rest) return;
  const old = view.getInt32(l4);
  const now = (old & ~code[pc + 1]) | code[pc];
  if (old === now) return;
  view.setInt32(l4, now);
  update(view, l4 + TCP_CHECKSUM, delta32(old, now));
}

export function setUdp(view: DataView, ip: number, l4: number, code: Int32Array, pc: number): void {
  if (l4 === 0 || transportSize(view, ip, l4) < 8) return;
  const old = view.getInt32(l4);
  const now = (old & ~code[pc + 1]) | code[pc];
  if (old === now) return;
  view.setInt32(l4, now);
  updateUdp(view, l4 + UDP_CHECKSUM, delta32(old, now));
}

/** As packet_set_sctp_port(): a wrong checksum stays wrong by the same bits. */
export function setSctp(view: DataView, bytes: Uint8Array, ip: number, l4: number, code: Int32Array, pc: number): void {
  if (l4 === 0) return;
  const rest = transportSize(view, ip, l4);
  if (rest < 12) return;
  const end = l4 + rest;
  const correct = crc32c(bytes, l4, end, l4 + 8);
  view.setInt32(l4, (view.getInt32(l4) & ~code[pc + 1]) | code[pc]);
  const now = crc32c(bytes, l4, end, l4 + 8);
  view.setInt32(l4 + 8, view.getInt32(l4 + 8, true) ^ correct ^ now, true);
}

/** Operands: value and mask of type << 16 | code. ICMP and ICMPv6 alike. */
export function setIcmp(view: DataView, ip: number, l4: number, code: Int32Array, pc: number): void {
  if (l4 === 0 || transportSize(view, ip, l4) < 8) return;
  const mask = ((code[pc + 1] >>> 8) & 0xff00) | (code[pc + 1] & 0xff);
  const value = ((code[pc] >>> 8) & 0xff00) | (code[pc] & 0xff);
  const old = view.getUint16(l4);
  const now = (old & ~mask) | value;
  if (old === now) return;
  view.setUint16(l4, now);
  update(view, l4 + ICMP_CHECKSUM, (~old & 0xffff) + now);
}

/** Operands: 6 values (operation, spa, tpa, sha and tha over three words), 6 masks. `net` is the ARP header. */
export function setArp(view: DataView, net: number, end: number, code: Int32Array, pc: number): void {
  if (end - net < 28) return;
  const operationMask = code[pc + 6] & 0xff;
  // The key has the low byte only: a whole operation is written whole, as its high byte is 0.
  if (operationMask === 0xff) view.setUint16(net + 6, code[pc] & 0xff);
  else if (operationMask !== 0) view.setUint8(net + 7, (view.getUint8(net + 7) & ~operationMask) | (code[pc] & 0xff));
  view.setInt32(net + 14, (view.getInt32(net + 14) & ~code[pc + 7]) | code[pc + 1]);
  view.setInt32(net + 24, (view.getInt32(net + 24) & ~code[pc + 8]) | code[pc + 2]);
  view.setInt32(net + 8, (view.getInt32(net + 8) & ~code[pc + 9]) | code[pc + 3]);
  const middle = ((view.getUint16(net + 12) << 16) & ~code[pc + 10]) | (view.getUint16(net + 18) & ~code[pc + 10]);
  view.setUint16(net + 12, (middle | code[pc + 4]) >>> 16);
  view.setUint16(net + 18, (middle | code[pc + 4]) & 0xffff);
  view.setInt32(net + 20, (view.getInt32(net + 20) & ~code[pc + 11]) | code[pc + 5]);
}

/** Operands: 7 values (target, sll and tll over three words), 7 masks. The first link-layer option alone is changed. */
export function setNd(view: DataView, ip: number, l4: number, code: Int32Array, pc: number): void {
  if (l4 === 0) return;
  const rest = transportSize(view, ip, l4);
  if (rest < 24) return;
  setIpv6Address(view, l4 + 8, l4, rest, PROTO_ICMPV6, true, code, pc, pc + 7);
  let at = l4 + 24;
  let left = rest - 24;
  while (left >= 8) {
    const type = view.getUint8(at);
    const units = view.getUint8(at + 1);
    if (units === 0) return;
    if (units === 1 && (type === 1 || type === 2)) {
      const v1 = code[pc + 5];
      const m1 = code[pc + 12];
      const high = type === 1 ? code[pc + 4] : (v1 << 16) | (code[pc + 6] >>> 16);
      const highMask = type === 1 ? code[pc + 11] : (m1 << 16) | (code[pc + 13] >>> 16);
      const low = type === 1 ? v1 >>> 16 : code[pc + 6] & 0xffff;
      const lowMask = type === 1 ? m1 >>> 16 : code[pc + 13] & 0xffff;
      const old0 = view.getInt32(at + 2);
      const old1 = view.getUint16(at + 6);
      const now0 = (old0 & ~highMask) | high;
      const now1 = (old1 & ~lowMask) | low;
      if (old0 === now0 && old1 === now1) return;
      view.setInt32(at + 2, now0);
      view.setUint16(at + 6, now1);
      update(view, l4 + ICMP_CHECKSUM, delta32(old0, now0) + (~old1 & 0xffff) + now1);
      return;
    }
    at += 8 * units;
    left -= 8 * units;
  }
}
