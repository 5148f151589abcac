/**
 * Seeded random numbers: xoshiro128** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018), its
 * state filled by splitmix32 from one 32-bit seed. Same seed, same numbers, on every machine: only 32-bit integer steps.
 * Not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed`: any integer; its low 32 bits count. */
  constructor(seed: number) {
    let state = seed | 0;
    const split = (): number => {
      state = (state + 0x9e3779b9) | 0;
      return mix(state);
    };
    this.#a = split();
    this.#b = split();
    this.#c = split();
    this.#d = split() | 1; // the all-zero state would stay there
  }

  /** 32 random bits as int32. */
  next(): number {
    const x = Math.imul(this.#b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9);
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A number in [0, 1) with 32 random bits. */
  unit(): number {
    return (this.next() >>> 0) / 4294967296;
  }

  /** A whole number in [0, n), n up to 2^32: the bias is below n / 2^32. */
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }
}

/** Murmur3's finalizer: a bijection of 32-bit words in which every input bit reaches every output bit. */
export function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}
