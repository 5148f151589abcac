/**
 * Masks of megaflows: KEY_WORDS words in the layout of flow-key.ts, a set bit = matched on. Used when a megaflow is made,
 * never per packet: the caches compile a mask into code (lookup/subtable.ts).
 */
import { KEY_WORDS, VLAN_PRESENT, W_IN_PORT, W_PACKET_TYPE, W_RECIRC, W_TYPE, W_VLAN0 } from "./flow-key.ts";

/**
 * The mask that the datapath installs for what translation looked at. Three things are added:
 * - input port, recirculation id, packet type and Ethernet type are always matched (OVS: xlate_wc_init();
 *   lib/dpif-netdev.c has one classifier per input port);
 * - where translation left the whole tag open, VLAN id and presence become exact: the userspace datapath cannot express
 *   "tag or not" (handle_packet_upcall(), lib/dpif-netdev.c).
 */
export function installedMask(mask: Int32Array): Int32Array {
  const out = mask.slice(0, KEY_WORDS);
  out[W_IN_PORT] = -1;
  out[W_RECIRC] = -1;
  out[W_PACKET_TYPE] = -1;
  out[W_TYPE] |= -0x10000;
  if ((out[W_VLAN0] & 0xffff) === 0) out[W_VLAN0] |= 0x0fff | VLAN_PRESENT;
  return out;
}

/** Words in which two masks, or two keys, are the same. */
export function sameWords(a: Int32Array, b: Int32Array): boolean {
  for (let w = 0; w < KEY_WORDS; w++) if (a[w] !== b[w]) return false;
  return true;
}

/** A mask as a name: equal for equal masks. For maps on the slow side. */
export function maskName(mask: Int32Array): string {
  let name = "";
  for (let w = 0; w < KEY_WORDS; w++) if (mask[w] !== 0) name += `${w}:${(mask[w] >>> 0).toString(16)},`;
  return name;
}

/** `key & mask`, into `out`. */
export function maskInto(keys: Int32Array, at: number, mask: Int32Array, out: Int32Array): void {
  for (let w = 0; w < KEY_WORDS; w++) out[w] = keys[at + w] & mask[w];
}
