/** A cluster as the gate measures it: captures at the ports of VMs, all hosts on one thread (datapath/fabric.ts). */

import { C_UPCALL } from "../../datapath/counters.ts";
import { Fabric } from "../../datapath/fabric.ts";
import { coldPass, entriesOf } from "../trial/passes.ts";
import { coldSchedule, type Schedule, warmSchedule } from "../trial/schedule.ts";
import { dropsText } from "./replay-subject.ts";
import type { ExactCounts, PreparedRun, Sink, Subject } from "./subject.ts";

/** Shorter frames than this fit always. */
const FRAME_BYTES = 1800;

export class ClusterSubject implements Subject {
  readonly frames: number;
  readonly #fabric: Fabric;
  readonly #cold: Schedule;
  readonly #warm: Schedule;
  readonly #entries: Int32Array;
  #base = 0;

  constructor({ topology, answering, inputs }: PreparedRun) {
    const longest = Math.max(
      FRAME_BYTES,
      ...inputs.map(({ trace }) => trace.length.reduce((a, b) => Math.max(a, b), 0)),
    );
    this.#fabric = new Fabric(topology, { frameBytes: longest, answering });
    this.#cold = coldSchedule(
      inputs.map((input) => ({ ...input, file: input.trace.name })),
      {},
    );
    this.#warm = warmSchedule(this.#cold);
    this.#entries = entriesOf(this.#fabric, this.#warm);
    this.frames = this.#cold.count;
  }

  async cold(sink: Sink | null): Promise<ExactCounts> {
    const fabric = this.#fabric;
    const wires = fabric.wires.length;
    if (sink !== null) {
      fabric.tap = {
        delivered: (vm, bytes, start, end) => sink(wires + vm, bytes, start, end),
        underlay: () => {},
        wire: (wire, bytes, start, end) => sink(wire, bytes, start, end),
      };
    }
    const { end } = await coldPass(fabric, this.#cold, { rounds: 1, realTime: false, progress: () => true });
    fabric.tap = null;
    this.#base = end;
    for (const host of fabric.hosts) host.datapath.flushStats();
    const { nodes, vms, wires: segments } = fabric.snapshot();
    const wrong = fabric.check();
    if (wrong.length > 0) throw new Error(`counters do not add up: ${wrong.join("; ")}`);
    const sum = (of: (node: (typeof nodes)[number]) => number): number =>
      nodes.reduce((all, node) => all + of(node), 0);
    const drops: Record<string, number> = {};
    for (const node of nodes) for (const [why, n] of Object.entries(node.drops)) drops[why] = (drops[why] ?? 0) + n;
    const hits = sum((node) => node.megaflowHits);
    return {
      packets: vms.reduce((all, vm) => all + vm.delivered, 0),
      bytes: vms.reduce((all, vm) => all + vm.deliveredBytes, 0),
      drops: dropsText(drops),
      "underlay-frames": segments.reduce((all, wire) => all + wire.frames, 0),
      passes: sum((node) => node.passes),
      masks: sum((node) => node.masks),
      megaflows: sum((node) => node.megaflows),
      "lookups-per-hit": hits === 0 ? 0 : sum((node) => node.subtableLookups) / hits,
    };
  }

  pass(extra: (() => void) | null): void {
    const fabric = this.#fabric;
    const entries = this.#entries;
    const { inputs, burst, input, frame, time, span } = this.#warm;
    const base = this.#base;
    for (let b = 0; b + 1 < burst.length; b++) {
      const first = burst[b];
      const end = burst[b + 1];
      const from = input[first];
      const { trace } = inputs[from];
      fabric.clock[0] = base + time[first];
      fabric.advanceToClock();
      for (let i = first; i < end; i++) fabric.offerAtClock(entries[from], trace, frame[i]);
      if (extra !== null) extra();
      fabric.settle();
    }
    this.#base = base + span;
  }

  upcalls(): number {
    return this.#fabric.datapaths.reduce((sum, { counters }) => sum + counters.total[C_UPCALL], 0);
  }
}
