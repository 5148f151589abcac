/**
 * What a worker's own copy of the thing under test must offer, so that several copies can do the work of one (lane.ts): a
 * whole cluster (datapath/fabric.ts) or one bridge. Two copies that are given the same calls are in the same state, to the
 * last bit, but for the places of keys in the exact-match cache, the rank of subtables, and measured times.
 */
import type { Datapath } from "../datapath/datapath.ts";
import type { PacketPool } from "../datapath/packet/packet-pool.ts";
import type { Speculation } from "../datapath/packet/speculation.ts";
import type { Trace } from "../datapath/packet/trace.ts";

export interface Replica {
  /** Shared by everything in this copy that would have to change something. */
  readonly speculation: Speculation;
  readonly pool: PacketPool;
  /** All datapaths, always in the same order. */
  readonly datapaths: readonly Datapath[];
  /** Integers that are only added to, as columns, always the same ones in the same order. */
  ledger(): readonly Float64Array[];
  /** Packets that found no room so far, of any kind: what depends on how many are under way at once. */
  losses(): number;
  /** Times that are measured, not counted: not undone, and kept by one copy where all do the same. */
  readonly clocked: readonly Float64Array[];
  /** Remembers what all clocks of virtual time say, and turns them back to it. */
  keepClocks(): void;
  resetClocks(): void;
  /**
   * [0] virtual time, ns, put there before `advanceToClock` and `offerAtClock`. An array, as a number with a fraction that is
   * an argument or a result of a call becomes an object where the call is not compiled into its caller.
   */
  readonly clock: Float64Array;
  /** [0] when `advanceToClock` will next do something, ns of virtual time. */
  readonly due: Float64Array;
  advanceToClock(): void;
  /** Puts frame `index` of `trace` in at `entry`; false: there was no room. */
  offerAtClock(entry: number, trace: Trace, index: number): boolean;
  /** Works until nothing waits. */
  settle(): void;
  /**
   * Optional, in place of `offerAtClock` and `settle` for a burst ahead: frames[first, first + count) of `trace`, each at its
   * own time, `times[...]` after `base[0]`. Those for which there is no room are counted among the losses.
   */
  takeBurst?(
    entry: number,
    trace: Trace,
    frames: Int32Array,
    first: number,
    count: number,
    times: Float64Array,
    base: Float64Array,
  ): void;
}

/** What goes in, in which order; made once, shared by all workers. Columns as of bench/trial/schedule.ts. */
export interface Work {
  readonly traces: readonly Trace[];
  /** By frame: its input (an index into `traces`), its index in that trace, its virtual time in ns. */
  readonly input: Uint16Array;
  readonly frame: Int32Array;
  readonly time: Float64Array;
  /** Burst b is frames [burst[b], burst[b + 1]), all of one input. */
  readonly burst: Int32Array;
  /** Virtual time of a round. */
  readonly span: number;
  /** By frame: the worker that it belongs to. */
  readonly owner: Uint8Array;
}
