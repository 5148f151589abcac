/**
 * Hashes of flow words. Two kinds:
 *
 * A sum of products, each word of a key with an odd multiplier of its own (multilinear, Carter and Wegman), for packets:
 * its multiplications do not wait for each other, and a kernel does four at a time. A chain of steps of one multiplication
 * each took 13 ns for a 5-tuple where the sum takes 4, though those of several packets overlap. The multipliers are
 * unrelated: with multiples of one constant, keys whose differences are as 17 to -19 would collide.
 *
 * A chain, `hashAdd`, for lists of any length on the slow side.
 *
 * The finishing step carries high bits down, which the tables' masks need. Not a defence against chosen collisions: Open
 * vSwitch's mhash is none either (lib/hash.h).
 */
const GOLDEN = 0x9e3779b1 | 0;

/** Takes one more word into a hash. */
export function hashAdd(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, GOLDEN);
  return h ^ (h >>> 15);
}

/** The last step: every bit of the result depends on every bit of the last word. */
export function hashFinish(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), FINISH_1);
  h = Math.imul(h ^ (h >>> 13), FINISH_2);
  return h ^ (h >>> 16);
}
export const FINISH_1 = 0x85ebca6b | 0;
export const FINISH_2 = 0xc2b2ae35 | 0;

/** The odd multiplier of word `w` of a key in a sum of products. */
export const multiplier = (w: number): number => hashFinish(Math.imul(w + 1, GOLDEN)) | 1;
