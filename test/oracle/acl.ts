/**
 * Access lists as ClassBench makes them (Taylor and Turner, "ClassBench: A Packet Classification Benchmark"): five-tuples
 * with nested prefixes from a small set, mostly exact or wildcard protocols, port ranges expanded to prefixes, and packets
 * that lie near the rules. Seeded; our own generator with the same ingredients.
 */
import { Random } from "../conformance/random.ts";

export interface AclRule {
  readonly priority: number;
  /** int32; src, dst, ports (src << 16 | dst), protocol; value and mask each. */
  readonly value: readonly [number, number, number, number];
  readonly mask: readonly [number, number, number, number];
}

const prefix = (bits: number): number => (bits === 0 ? 0 : -1 << (32 - bits));

/** A range of 16-bit ports as prefixes: at most 30 of them (Srinivasan et al., "Fast and Scalable Layer Four Switching"). */
export function rangePrefixes(first: number, last: number): { value: number; bits: number }[] {
  const prefixes: { value: number; bits: number }[] = [];
  for (let at = first; at <= last; ) {
    let size = at === 0 ? 65536 : at & -at;
    while (at + size - 1 > last) size >>= 1;
    prefixes.push({ value: at, bits: 16 - Math.log2(size) });
    at += size;
  }
  return prefixes;
}

export class AclTable {
  readonly rules: AclRule[] = [];
  readonly #random: Random;

  /** At least `count` rules; the last range may give a few more. Falling priorities. */
  constructor(count: number, seed: string) {
    this.#random = new Random(seed);
    const random = this.#random;
    const nets = Array.from({ length: Math.max(16, count >> 4) }, () => random.word() | 0);
    const address = (): [number, number] => {
      const bits = random.pick([0, 8, 16, 16, 24, 24, 24, 28, 32, 32]);
      return [random.pick(nets) & prefix(bits), prefix(bits)];
    };
    const ports = (): { value: number; bits: number }[] => {
      if (random.chance(45)) return [{ value: 0, bits: 0 }];
      if (random.chance(60)) return [{ value: random.pick([22, 53, 80, 443, 1521, 8080, 6789]), bits: 16 }];
      const first = random.below(65536);
      return random.chance(30)
        ? rangePrefixes(1024, 65535)
        : rangePrefixes(first, Math.min(65535, first + random.below(2000)));
    };
    while (this.rules.length < count) {
      const [src, srcMask] = address();
      const [dst, dstMask] = address();
      const protocol = random.pick([6, 6, 6, 17, 17]);
      for (const from of ports().slice(0, 4)) {
        for (const to of ports().slice(0, 6)) {
          this.rules.push({
            priority: 65000 - Math.floor((this.rules.length * 64000) / (count + 64)),
            value: [src, dst, (from.value << 16) | to.value, protocol],
            mask: [
              srcMask,
              dstMask,
              ((from.bits === 0 ? 0 : (0xffff << (16 - from.bits)) & 0xffff) << 16) |
                (to.bits === 0 ? 0 : (0xffff << (16 - to.bits)) & 0xffff),
              0xff,
            ],
          });
        }
      }
    }
  }

  /** The five-tuple of a packet that matches a random rule, or nearly so. */
  packet(out: Int32Array): void {
    const random = this.#random;
    const { value, mask } = this.rules[random.below(this.rules.length)];
    for (let i = 0; i < 4; i++) out[i] = value[i] | (random.word() & ~mask[i]);
    out[3] = value[3];
    if (random.chance(20)) out[random.below(3)] ^= 1 << random.below(32);
  }
}
