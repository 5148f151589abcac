/**
 * Hashes of flow words. A step is one multiplication, so a 5-tuple costs about 4 ns and the steps of the packets of a
 * burst overlap. The multiplier is the golden ratio's (Knuth, TAOCP 6.4); the shifts carry its high bits down, which the
 * tables' masks need. Not a defence against chosen collisions: Open vSwitch's mhash is none either (lib/hash.h).
 */
const GOLDEN = 0x9e3779b1 | 0;

/** Takes one more word into a hash. */
export function hashAdd(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, GOLDEN);
  return h ^ (h >>> 15);
}

/** The last step: every bit of the result depends on every bit of the last word. */
export function hashFinish(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
