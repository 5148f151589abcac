/**
 * Tags and labels put in front of and taken off one packet. The Ethernet addresses move by the length of the tag, so the
 * packet itself stays where it is and l3, l4 remain right. The rules are those of Open vSwitch's eth_push_vlan(),
 * eth_pop_vlan(), push_mpls(), pop_mpls(), push_eth(), pop_eth() (lib/packets.c).
 */
import type { PacketBatch } from "../packet/packet-batch.ts";

const isVlan = (type: number): boolean => type === 0x8100 || type === 0x88a8;
const isMpls = (type: number): boolean => type === 0x8847 || type === 0x8848;

/** `tag`: tpid << 16 | tci. */
export function pushVlan(view: DataView, set: PacketBatch, i: number, tag: number): void {
  const at = set.start[i];
  const to = at - 4;
  view.setInt32(to, view.getInt32(at));
  view.setInt32(to + 4, view.getInt32(at + 4));
  view.setInt32(to + 8, view.getInt32(at + 8));
  view.setInt32(to + 12, tag);
  set.start[i] = to;
}

/** The outermost tag, if there is one. */
export function popVlan(view: DataView, set: PacketBatch, i: number): void {
  const at = set.start[i];
  if (set.end[i] - at < 18 || !isVlan(view.getUint16(at + 12))) return;
  view.setInt32(at + 12, view.getInt32(at + 8));
  view.setInt32(at + 8, view.getInt32(at + 4));
  view.setInt32(at + 4, view.getInt32(at));
  set.start[i] = at + 4;
}

/** Where the Ethernet type of the payload stands: behind the tags, if any. Of a packet without an Ethernet header, before it. */
function typeAt(view: DataView, set: PacketBatch, i: number): number {
  const at = set.start[i];
  if (set.l3[i] === at) return at - 2;
  return isVlan(view.getUint16(at + 12)) ? set.l3[i] - 2 : at + 12;
}

/** l3 of the packet is the place of the label stack, before and after (extract says the same of MPLS frames). */
export function pushMpls(
  view: DataView,
  bytes: Uint8Array,
  set: PacketBatch,
  i: number,
  type: number,
  entry: number,
): void {
  if (!isMpls(type)) return;
  view.setUint16(typeAt(view, set, i), type);
  const at = set.start[i];
  const net = set.l3[i];
  bytes.copyWithin(at - 4, at, net);
  view.setInt32(net - 4, entry);
  set.start[i] = at - 4;
  set.l3[i] = net - 4;
}

/** The outermost label; `type` is the payload's Ethernet type if it was the last one. */
export function popMpls(view: DataView, bytes: Uint8Array, set: PacketBatch, i: number, type: number): void {
  const where = typeAt(view, set, i);
  const net = set.l3[i];
  if (!isMpls(view.getUint16(where)) || set.end[i] - net < 4) return;
  view.setUint16(where, type);
  const at = set.start[i];
  bytes.copyWithin(at + 4, at, net);
  set.start[i] = at + 4;
  set.l3[i] = net + 4;
}

/** Values under `mask` into the outermost label stack entry, if there is one. */
export function setMpls(view: DataView, set: PacketBatch, i: number, value: number, mask: number): void {
  const net = set.l3[i];
  if (!isMpls(view.getUint16(typeAt(view, set, i))) || set.end[i] - net < 4) return;
  view.setInt32(net, (view.getInt32(net) & ~mask) | value);
}

/** An Ethernet header before a packet that has none; its type is where the last one had it. */
export function pushEth(view: DataView, set: PacketBatch, i: number, w0: number, w1: number, w2: number): void {
  const at = set.start[i] - 14;
  view.setInt32(at, w0);
  view.setInt32(at + 4, w1);
  view.setInt32(at + 8, w2);
  set.start[i] = at;
}

/**
 * Takes everything before the network header off. The two bytes before that stay: they are the packet's type, as Open vSwitch
 * reads it there (pop_eth()), until an Ethernet header is pushed again.
 */
export function popEth(set: PacketBatch, i: number): void {
  if (set.l3[i] !== 0) set.start[i] = set.l3[i];
}
