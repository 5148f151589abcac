/** A mode's trial with every host on its own thread, seen from the main thread. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fabric, type FabricOptions } from "../../datapath/fabric.ts";
import type { FabricTap } from "../../datapath/fabric-tap.ts";
import type { Topology } from "../../datapath/topology.ts";
import { readFrameLogs } from "../../workers/frame-log.ts";
import { ringBuffer } from "../../workers/frame-ring.ts";
import { hostWords } from "../../workers/host-runner.ts";
import { runThreads, WorkerError } from "../../workers/pool.ts";
import { tallyBuffer } from "../../workers/tally.ts";
import { workOf } from "../../workers/work.ts";
import { CheckError } from "../errors.ts";
import { HEAP_TALLY } from "./allocation.ts";
import type { Measured } from "./counted.ts";
import { tallyLength } from "./host-passes.ts";
import type { HostDone, HostTask, Ring } from "./hosts-thread.ts";
import type { ModeTrial } from "./mode-trial.ts";
import { coldShareOf } from "./passes.ts";
import type { Placement } from "./placement.ts";
import { type Schedule, warmSchedule } from "./schedule.ts";

const module = new URL("./hosts-thread.js", import.meta.url).href;
/** Tunnel headers and tags that a frame may have gained on a wire, bytes. */
const GROWTH = 128;

/** As runModeThreads, one thread a host. */
export async function runHostThreads(
  trial: ModeTrial,
  schedule: Schedule,
  fabric: FabricOptions,
  frames: boolean,
  tap: FabricTap,
): Promise<Measured & { readonly placement: Placement }> {
  const { topology, placement } = trial;
  if (placement === null) throw new Error("no placement");
  const names = new Fabric(topology, { ...fabric, poolSlots: 1 });
  const folder = mkdtempSync(join(tmpdir(), "eastwest-run-"));
  const coldShare = coldShareOf(trial);
  const hosts = topology.hosts.length;
  const rings = ringsOf(topology, placement.ringSlots, (fabric.frameBytes ?? 1800) + GROWTH);
  const task: HostTask = {
    topology,
    fabric,
    ports: schedule.inputs.map(({ port }) => port),
    cold: workOf(schedule, 1),
    warm: trial.timing ? workOf(warmSchedule(schedule), 1) : null,
    rounds: trial.rounds,
    repeat: trial.repeat,
    seconds: trial.seconds,
    save: trial.save,
    dumpFlows: trial.dumpFlows,
    logs: Array.from({ length: hosts }, (_, host) => join(folder, `frames.${host}`)),
    frames,
    rings,
    words: hostWords(hosts),
    tally: tallyBuffer(hosts, tallyLength(hosts)),
    heaps: tallyBuffer(hosts, HEAP_TALLY),
    drop: placement.ringDrop,
    coldShare,
  };
  try {
    const all = await runThreads<HostDone>({
      module,
      tasks: Array.from({ length: hosts }, () => task),
      progress: (thousandths) =>
        trial.progress(thousandths / 1000, thousandths < 1000 * coldShare ? "counting" : "timing"),
    });
    readFrameLogs(task.logs, names.hosts, tap);
    const [ring] = rings.flat().filter((one) => one !== null);
    return {
      ...together(all, names),
      placement: {
        threads: hosts,
        ringSlots: ring?.shape.slots ?? 0,
        ringDrops: sum(all, ({ ringDrops }) => ringDrops),
        ringWaits: sum(all, ({ ringWaits }) => ringWaits),
      },
    };
  } catch (error) {
    throw error instanceof WorkerError ? new CheckError(`${topology.mode}: ${error.message}`) : error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((total, one) => total + of(one), 0);

/** Of each host what its thread says, of each VM what its host's does; wires are counted where frames are put on them. */
function together(all: readonly HostDone[], names: Fabric): Measured {
  const [first] = all;
  const { cold, warm, state } = first;
  return {
    counters: {
      nodes: all.map(({ counters }, host) => counters.nodes[host]),
      vms: names.vms.map((vm, v) => all[vm.host].counters.vms[v]),
      wires: first.counters.wires.map(({ name }, wire) => ({
        name,
        frames: sum(all, ({ counters }) => counters.wires[wire].frames),
        bytes: sum(all, ({ counters }) => counters.wires[wire].bytes),
        longFrames: sum(all, ({ counters }) => counters.wires[wire].longFrames),
      })),
    },
    violations: [...new Set(all.flatMap(({ violations }) => violations)), ...ringViolations(all)],
    dumps: new Map(all.flatMap(({ dumps }) => [...dumps])),
    state:
      state === null ? null : { ...state, hosts: all.map((one, host) => one.state?.hosts[host] ?? state.hosts[host]) },
    cold: {
      ...cold,
      offered: sum(all, (one) => one.cold.offered),
      bytes: sum(all, (one) => one.cold.bytes),
      refused: sum(all, (one) => one.cold.refused),
    },
    warm,
    after: [...new Set(all.flatMap(({ after }) => after))],
  };
}

function ringViolations(all: readonly HostDone[]): string[] {
  const sent = sum(all, ({ ringSent }) => ringSent);
  const taken = sum(all, ({ ringTaken }) => ringTaken);
  return sent === taken ? [] : [`rings: frames put in = frames taken out: ${sent} is not ${taken}`];
}

/** A ring each way between all hosts that have a wire in common. */
function ringsOf({ hosts, wires }: Topology, slots: number, frameBytes: number): (Ring | null)[][] {
  const on = (host: string): string[] =>
    wires.filter(({ members }) => members.some((member) => member.startsWith(`${host}/`))).map(({ name }) => name);
  return hosts.map((from) =>
    hosts.map((to) =>
      from !== to && on(from.name).some((wire) => on(to.name).includes(wire)) ? ringBuffer(slots, frameBytes) : null,
    ),
  );
}
