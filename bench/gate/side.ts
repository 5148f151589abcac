/**
 * The narrow entry by which the gate's measuring child (child.ts) drives a version of this program: of the base, of the head.
 * The child comes from the program that runs the gate and is the same for both, so this is the one thing that versions must
 * agree on. GATE_ENTRY changes when its meaning does; a version with another number, or without this file, is refused by name.
 *
 *     prepare(work)      reads what the work needs (a topology with its rules and captures): once a side, outside the clock
 *     subject(prepared)  the datapath with that in it: `cold` counts, `pass` is what is measured
 *
 * What crosses is plain data that can be structured-cloned: texts, numbers, traces (datapath/packet/trace.ts).
 */
import { isAbsolute, join } from "node:path";
import type { Trace } from "../../datapath/packet/trace.ts";
import type { Topology } from "../../datapath/topology.ts";
import { packageRoot } from "../paths.ts";
import { ClusterSubject } from "./cluster-subject.ts";
import { ExtractSubject, ReplaySubject } from "./replay-subject.ts";

export const GATE_ENTRY = 1;

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

/** Reads what `work` needs. Throws an Error of one line when there is no such topology, or it cannot be read. */
export async function prepare(work: Work): Promise<Prepared> {
  if (work.kind !== "run") return work;
  // Only here: reading YAML and captures is most of what there is to load, and no measuring process needs it.
  const { loadTopology } = await import("../scenarios/loader.ts");
  const { Captures, loadInputs, recordedSources } = await import("../trial/inputs.ts");
  const topology = loadTopology(isAbsolute(work.topology) ? work.topology : join(packageRoot, work.topology));
  const sources = work.captures ?? recordedSources(topology);
  if (sources.length === 0) throw new Error(`${work.topology}: no recorded captures belong to it`);
  const captures = new Captures({ memory: undefined, libpcap: false, filter: undefined });
  const { inputs, answering } = await loadInputs(topology, sources, captures);
  return {
    kind: "run",
    topology,
    answering,
    inputs: inputs.map(({ port, trace, frames }) => ({ port, trace, frames })),
  };
}

/** The datapath that the work goes through. */
export function subject(prepared: Prepared): Subject {
  if (prepared.kind === "run") return new ClusterSubject(prepared);
  return prepared.kind === "replay" ? new ReplaySubject(prepared) : new ExtractSubject(prepared);
}
