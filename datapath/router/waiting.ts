/**
 * Packets that wait until a neighbour answers: first-in first-out lists, one per neighbour, over one set of columns. Linux
 * bounds each list by bytes (unres_qlen_bytes = 212992, which its unres_qlen counts as 101 full frames) and drops the
 * oldest when it is full; so does this one, by packets.
 */
import type { NeighbourTable } from "./neighbours.ts";

/** Packets that may wait for one neighbour: sysctl unres_qlen. */
export const WAITING_PER_NEIGHBOUR = 101;

export class WaitingPackets {
  /** Packets that wait in all lists together. */
  count = 0;
  readonly slot: Int32Array;
  /** Where the IP header starts; the frame starts 14 bytes before. */
  readonly l3: Int32Array;
  readonly end: Int32Array;
  readonly time: Float64Array;
  /** Interface it came in by, -1 = made here. */
  readonly from: Int32Array;
  readonly #next: Int32Array;
  #free = 0;

  constructor(capacity = 1024) {
    this.slot = new Int32Array(capacity);
    this.l3 = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
    this.time = new Float64Array(capacity);
    this.from = new Int32Array(capacity);
    this.#next = Int32Array.from({ length: capacity }, (_, i) => (i + 1 < capacity ? i + 1 : -1));
  }

  /** Appends to the list of neighbour `n`; false when no node is left. The caller has made room in the list before. */
  push(table: NeighbourTable, n: number, slot: number, l3: number, end: number, time: number, from: number): boolean {
    const node = this.#free;
    if (node < 0) return false;
    this.#free = this.#next[node];
    this.#next[node] = -1;
    this.slot[node] = slot;
    this.l3[node] = l3;
    this.end[node] = end;
    this.time[node] = time;
    this.from[node] = from;
    if (table.waitingCount[n] === 0) table.waitingHead[n] = node;
    else this.#next[table.waitingTail[n]] = node;
    table.waitingTail[n] = node;
    table.waitingCount[n]++;
    this.count++;
    return true;
  }

  /** Takes the oldest of neighbour `n`: a node whose columns stay readable until the next push, or -1. */
  shift(table: NeighbourTable, n: number): number {
    if (table.waitingCount[n] === 0) return -1;
    const node = table.waitingHead[n];
    table.waitingHead[n] = this.#next[node];
    table.waitingCount[n]--;
    this.#next[node] = this.#free;
    this.#free = node;
    this.count--;
    return node;
  }
}
