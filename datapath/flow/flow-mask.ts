/**
 * Masks of megaflows: KEY_WORDS words in the layout of flow-key.ts, a set bit = matched on. Used when a megaflow is made,
 * never per packet: the caches lay a mask out for their kernel (lookup/subtable.ts).
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

/** Masks that a MaskSet remembers before it starts anew. */
const MASKS_REMEMBERED = 4096;

/** Words in which two masks, or two keys, are the same. */
export function sameWords(a: Int32Array, b: Int32Array): boolean {
  for (let w = 0; w < KEY_WORDS; w++) if (a[w] !== b[w]) return false;
  return true;
}

/** `installed` is what `installedMask` makes of `mask`. */
export function isInstalledAs(mask: Int32Array, installed: Int32Array): boolean {
  for (let w = 0; w < KEY_WORDS; w++) {
    let bits = mask[w];
    if (w === W_IN_PORT || w === W_RECIRC || w === W_PACKET_TYPE) bits = -1;
    else if (w === W_TYPE) bits |= -0x10000;
    else if (w === W_VLAN0 && (bits & 0xffff) === 0) bits |= 0x0fff | VLAN_PRESENT;
    if (bits !== installed[w]) return false;
  }
  return true;
}

/** Masks that several megaflows can share: there are few different ones, and an array is dear to make. */
export class MaskSet {
  private readonly byHash = new Map<number, Int32Array>();

  /** The first KEY_WORDS words of `mask`; not to be written to. */
  shared(mask: Int32Array): Int32Array {
    let hash = 0;
    for (let w = 0; w < KEY_WORDS; w++) hash = Math.imul(hash ^ mask[w], 0x9e3779b1) ^ (hash >>> 15);
    const known = this.byHash.get(hash);
    if (known !== undefined && sameWords(known, mask)) return known;
    const fresh = mask.slice(0, KEY_WORDS);
    if (this.byHash.size >= MASKS_REMEMBERED) this.byHash.clear();
    this.byHash.set(hash, fresh);
    return fresh;
  }
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
