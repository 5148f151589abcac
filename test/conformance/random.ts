/**
 * Random numbers that are the same for the same seed on every machine: sfc32 (Chris Doty-Humphrey's Small Fast Counter),
 * seeded from a text.
 */
export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 1;

  constructor(seed: string) {
    let hash = 0x811c9dc5; // FNV-1a.
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
    this.a = hash;
    this.b = Math.imul(hash, 0x9e3779b1);
    this.c = ~hash;
    for (let i = 0; i < 12; i++) this.word();
  }

  /** 32 random bits as a non-negative number. */
  word(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** From 0 to below `end`. */
  below(end: number): number {
    return this.word() % end;
  }

  /** From `first` to `last`, both included. */
  int(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** Up to `count` different ones, in their order. */
  some<T>(choices: readonly T[], count: number): T[] {
    const left = [...choices.keys()];
    const chosen: number[] = [];
    while (chosen.length < count && left.length > 0) chosen.push(left.splice(this.below(left.length), 1)[0]!);
    return chosen.sort((x, y) => x - y).map((i) => choices[i]!);
  }
}
