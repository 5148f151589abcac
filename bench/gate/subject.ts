/** What the gate measures, in words that base and head agree on: the work, what is read for it, and the datapath that does it. */
import type { Trace } from "../../datapath/packet/trace.ts";
import type { Topology } from "../../datapath/topology.ts";

/** What can be measured; a side says which of them it knows. */
export const kinds = ["run", "replay", "extract"] as const;
export type Kind = (typeof kinds)[number];

/** Frames through one bridge, or only their extraction. */
export interface ReplayWork {
  readonly kind: "replay" | "extract";
  readonly trace: Trace;
  /** OpenFlow rules as text; null: NORMAL. */
  readonly rules: string | null;
  readonly rulesFile: string;
  /** As --port takes them; and the port at which the frames come in. */
  readonly ports: readonly string[];
  readonly port: string;
  readonly exactMatchCache: boolean;
}

/** Captures through a cluster. */
export interface RunWork {
  readonly kind: "run";
  /** Topology file; a relative one lies in the side's own tree. */
  readonly topology: string;
  /** Captures by place; null: those recorded for the topology, in the side's own tree. */
  readonly captures: readonly { readonly port: string; readonly file: string }[] | null;
}
export type Work = ReplayWork | RunWork;

export interface PreparedRun {
  readonly kind: "run";
  readonly topology: Topology;
  readonly answering: readonly string[];
  readonly inputs: readonly { readonly port: string; readonly trace: Trace; readonly frames: Int32Array }[];
}
export type Prepared = ReplayWork | PreparedRun;

/** Integers (and one ratio, one text) that must be equal on both sides, of the counting pass. Names as in gate-file.ts. */
export type ExactCounts = Readonly<Record<string, number | string>>;

/** Sees every frame that leaves, in order; `place` numbers where. */
export type Sink = (place: number, bytes: Uint8Array, start: number, end: number) => void;

export interface Subject {
  /** Frames that one pass puts in: what times are divided by. */
  readonly frames: number;
  /** The counting pass, from empty caches; `sink` sees what leaves. */
  cold(sink: Sink | null): Promise<ExactCounts>;
  /** A warm pass. `extra` is called after each burst: the self-test's built-in slow-down. */
  pass(extra: (() => void) | null): void;
  /** Upcalls so far: a warm path makes none. */
  upcalls(): number;
}
