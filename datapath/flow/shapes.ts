/**
 * Which words of a key a frame has. `extract` writes only those, the exact-match cache compares only those; all others are
 * 0. A shape is a sum of groups of words that come and go together, so it is known by adding while parsing, and an
 * untagged TCP or UDP packet over IPv4 needs nine words in place of fifty.
 *
 * Every shape has IN_PORT, ETH0-2 and TYPE.
 */
import {
  KEY_WORDS,
  W_DP_HASH,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
  W_VLAN1,
} from "./flow-key.ts";

export const SHAPE_VLAN0 = 1;
export const SHAPE_VLAN1 = 2;
/** IPv4 addresses, or those of ARP. */
export const SHAPE_NW = 4;
export const SHAPE_TOSTTL = 8;
export const SHAPE_PORTS = 16;
export const SHAPE_IPV6 = 32;
export const SHAPE_ND_TARGET = 64;
export const SHAPE_MACS = 128;
export const SHAPE_MPLS = 256;
/** Came out of a tunnel: id, source, destination, tos, ttl, flags of the outer header. */
export const SHAPE_TUNNEL = 512;
/** Was recirculated with an id, a mark, a priority or a hash. */
export const SHAPE_METADATA = 1024;
export const SHAPE_COUNT = 2048;

/** IPv4 with ports and no tag: the shape that most packets have and that the caches have straight code for. */
export const SHAPE_IPV4_PORTS = SHAPE_NW | SHAPE_TOSTTL | SHAPE_PORTS;

const BASE = [W_IN_PORT, W_ETH0, W_ETH1, W_ETH2, W_TYPE];
const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
/** Index = bit of the shape. */
const GROUPS: readonly (readonly number[])[] = [
  [W_VLAN0],
  [W_VLAN1],
  [W_NW_SRC, W_NW_DST],
  [W_TOSTTL],
  [W_PORTS],
  [...range(W_IPV6_SRC, 4), ...range(W_IPV6_DST, 4), W_IPV6_LABEL],
  range(W_ND_TARGET, 4),
  range(W_MACS0, 3),
  range(W_MPLS0, 3),
  [W_TUN_ID, W_TUN_SRC, W_TUN_DST, W_TUN_META],
  [W_RECIRC, W_PKT_MARK, W_SKB_PRIORITY, W_DP_HASH],
];

/** Words of a shape, ascending. */
function wordsOf(shape: number): number[] {
  const words = [...BASE];
  for (let bit = 0; bit < GROUPS.length; bit++) if ((shape >> bit) & 1) words.push(...GROUPS[bit]);
  return words.sort((a, b) => a - b);
}

/** Words of shape s: shapeWords[shapeStart[s]] up to (not with) shapeWords[shapeStart[s + 1]]. */
export const shapeStart = new Int32Array(SHAPE_COUNT + 1);
export const shapeWords: Uint8Array = (() => {
  const all: number[] = [];
  for (let shape = 0; shape < SHAPE_COUNT; shape++) {
    shapeStart[shape] = all.length;
    all.push(...wordsOf(shape));
  }
  shapeStart[SHAPE_COUNT] = all.length;
  return Uint8Array.from(all);
})();

/** How many words a shape has. */
export const shapeSize = (shape: number): number => shapeStart[shape + 1] - shapeStart[shape];

/** The words that `was` has and `is` lacks become 0: when a place in the batch gets a frame of another kind. */
export function clearWords(keys: Int32Array, at: number, was: number, is: number): void {
  const gone = was & ~is;
  for (let bit = 0; bit < GROUPS.length; bit++) {
    if (((gone >> bit) & 1) === 0) continue;
    const words = GROUPS[bit];
    for (let w = 0; w < words.length; w++) keys[at + words[w]] = 0;
  }
}

/** The shape of an arbitrary key: every group that has a word other than 0. */
export function shapeOf(keys: Int32Array, at: number): number {
  let shape = 0;
  for (let bit = 0; bit < GROUPS.length; bit++) {
    for (const word of GROUPS[bit]) if (keys[at + word] !== 0) shape |= 1 << bit;
  }
  return shape;
}

if (Math.max(...GROUPS.flat()) >= KEY_WORDS) throw new Error("a shape names a word beyond KEY_WORDS");
