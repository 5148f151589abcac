/** Packets of a batch one after the other: next[i] comes after packet i, -1 ends it. In the arena, for kernels. */
export interface Chain {
  readonly next: Int32Array;
  /** Address of `next`. */
  readonly at: number;
}
