import { hashFinish } from "../flow/hash.ts";
import type { PacketBatch } from "../packet/packet-batch.ts";

/** Packets of a batch one after the other: next[i] comes after packet i, -1 ends it. In the arena, for kernels. */
export interface Chain {
  readonly next: Int32Array;
  /** Address of `next`. */
  readonly at: number;
}

/** Divides a chain in two, each in the order of before. */
export class ChainSplit {
  /** Head of the packets that the last call chose, -1: none. */
  chosen = -1;
  #tail = -1;
  #others = -1;
  #othersTail = -1;

  /** Chooses frames of more than `size` bytes; returns the head of the others. */
  longer(set: PacketBatch, next: Int32Array, head: number, size: number): number {
    this.#begin();
    for (let i = head; i >= 0; ) {
      const following = next[i];
      this.#put(next, i, set.end[i] - set.start[i] > size);
      i = following;
    }
    return this.#others;
  }

  /**
   * Chooses `probability` of 2^32 - 1. Not random, so that a run can be repeated: by hash, the same packets of a flow always.
   * Returns the head of the others.
   */
  sampled(set: PacketBatch, next: Int32Array, head: number, probability: number): number {
    this.#begin();
    for (let i = head; i >= 0; ) {
      const following = next[i];
      this.#put(next, i, probability === -1 || hashFinish(set.hash[i]) >>> 0 < probability >>> 0);
      i = following;
    }
    return this.#others;
  }

  #begin(): void {
    this.chosen = -1;
    this.#others = -1;
  }

  #put(next: Int32Array, i: number, chosen: boolean): void {
    next[i] = -1;
    if (chosen) {
      if (this.chosen < 0) this.chosen = i;
      else next[this.#tail] = i;
      this.#tail = i;
    } else {
      if (this.#others < 0) this.#others = i;
      else next[this.#othersTail] = i;
      this.#othersTail = i;
    }
  }
}
