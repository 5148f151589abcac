/** Numbers of packets of a burst, in the arena, for kernels: those that a cache did not have. */
import type { Arena } from "../wasm/arena.ts";
import { BURST } from "./packet-batch.ts";

export class PacketList {
  readonly words: Int32Array;
  /** Address of `words`. */
  readonly at: number;

  constructor(arena: Arena) {
    this.at = arena.alloc(4 * BURST);
    this.words = arena.i32(this.at, BURST);
  }
}
