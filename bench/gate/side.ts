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
import { packageRoot } from "../paths.ts";
import { ClusterSubject } from "./cluster-subject.ts";
import { ExtractSubject, ReplaySubject } from "./replay-subject.ts";
import type { Prepared, Subject, Work } from "./subject.ts";

export { kinds } from "./subject.ts";

export const GATE_ENTRY = 1;

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
