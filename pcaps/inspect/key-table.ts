/**
 * Counts frames and bytes by a key of a few words: flows, tunnels, addresses. Open addressing over typed arrays, whole keys
 * compared, so counts are exact; 4 bytes a word and 16 a counter, at a load of at most one half. Beyond `limit` keys no new
 * one is taken, and `overflow` counts their frames.
 */
import { mix } from "../generate/random.ts";

export class KeyTable {
  readonly words: number;
  readonly limit: number;
  count = 0;
  overflow = 0;
  #capacity = 1024;
  #slots = new Int32Array(2048).fill(-1);
  #keys: Int32Array;
  #frames = new Float64Array(1024);
  #bytes = new Float64Array(1024);

  /** Keys of `words` words, at most `limit` of them. */
  constructor(words: number, limit = 4 << 20) {
    this.words = words;
    this.limit = limit;
    this.#keys = new Int32Array(1024 * words);
  }

  /** Adds to the counters of key[0, words). */
  add(key: Int32Array, frames: number, bytes: number): void {
    const { words } = this;
    let hash = 0;
    for (let w = 0; w < words; w++) hash = mix((hash ^ key[w]) + 0x9e3779b9 + w);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const i = this.#slots[slot];
      if (i < 0) {
        if (this.count >= this.limit) this.overflow += frames;
        else this.#insert(slot, key, frames, bytes);
        return;
      }
      let w = 0;
      while (w < words && this.#keys[i * words + w] === key[w]) w++;
      if (w < words) continue;
      this.#frames[i] += frames;
      this.#bytes[i] += bytes;
      return;
    }
  }

  /** Word `w` of key `i`, 0 <= i < count. */
  word(i: number, w: number): number {
    return this.#keys[i * this.words + w];
  }

  frames(i: number): number {
    return this.#frames[i];
  }

  bytes(i: number): number {
    return this.#bytes[i];
  }

  /** Numbers of the `most` keys with the most bytes, largest first; equal ones in the order they came. */
  top(most: number): number[] {
    const best: number[] = [];
    for (let i = 0; i < this.count; i++) {
      if (best.length === most && this.#bytes[i] <= this.#bytes[best[most - 1]]) continue;
      let at = best.length;
      while (at > 0 && this.#bytes[best[at - 1]] < this.#bytes[i]) at--;
      best.splice(at, 0, i);
      if (best.length > most) best.pop();
    }
    return best;
  }

  #insert(slot: number, key: Int32Array, frames: number, bytes: number): void {
    const i = this.count++;
    this.#slots[slot] = i;
    for (let w = 0; w < this.words; w++) this.#keys[i * this.words + w] = key[w];
    this.#frames[i] = frames;
    this.#bytes[i] = bytes;
    if (this.count === this.#capacity) this.#grow();
  }

  #grow(): void {
    const { words } = this;
    this.#capacity *= 2;
    const keys = new Int32Array(this.#capacity * words);
    keys.set(this.#keys);
    this.#keys = keys;
    const frames = new Float64Array(this.#capacity);
    frames.set(this.#frames);
    this.#frames = frames;
    const bytes = new Float64Array(this.#capacity);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#slots = new Int32Array(this.#capacity * 2).fill(-1);
    const mask = this.#slots.length - 1;
    for (let i = 0; i < this.count; i++) {
      let hash = 0;
      for (let w = 0; w < words; w++) hash = mix((hash ^ keys[i * words + w]) + 0x9e3779b9 + w);
      let slot = hash & mask;
      while (this.#slots[slot] >= 0) slot = (slot + 1) & mask;
      this.#slots[slot] = i;
    }
  }
}
