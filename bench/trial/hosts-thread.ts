/** One host's part of a mode's trial with `--placement hosts`: its host on a thread of its own, rings for wires. */
import { Fabric, type FabricOptions } from "../../datapath/fabric.ts";
import type { FabricTap } from "../../datapath/fabric-tap.ts";
import type { Topology } from "../../datapath/topology.ts";
import { Meeting } from "../../workers/control.ts";
import { FrameLog } from "../../workers/frame-log.ts";
import { RingReader, type RingShape, RingWriter } from "../../workers/frame-ring.ts";
import { HostRunner } from "../../workers/host-runner.ts";
import type { Seat } from "../../workers/pool.ts";
import type { Work } from "../../workers/replica.ts";
import { Tally } from "../../workers/tally.ts";
import { FirstPing } from "./first-ping.ts";
import { HostPasses, tallyLength } from "./host-passes.ts";
import { type ColdResult, type WarmResult, warmPasses } from "./passes.ts";
import { type Counted, count } from "./run-mode.ts";

export interface Ring {
  readonly buffer: SharedArrayBuffer;
  readonly shape: RingShape;
}

export interface HostTask {
  readonly topology: Topology;
  readonly fabric: FabricOptions;
  readonly ports: readonly string[];
  readonly cold: Work;
  readonly warm: Work | null;
  readonly rounds: number;
  readonly repeat: number | undefined;
  readonly seconds: number | undefined;
  readonly save: boolean;
  readonly dumpFlows: readonly string[];
  readonly logs: readonly string[];
  readonly frames: boolean;
  /** rings[from][to]; null where two hosts share no wire. */
  readonly rings: readonly (readonly (Ring | null)[])[];
  readonly words: SharedArrayBuffer;
  readonly tally: SharedArrayBuffer;
  readonly drop: boolean;
  readonly coldShare: number;
}

/** What each host says of itself; times only the first. */
export interface HostDone extends Counted {
  readonly cold: ColdResult;
  readonly warm: WarmResult | null;
  readonly after: readonly string[];
  /** Frames that found a ring full: dropped, and waits, in the counting pass. */
  readonly ringDrops: number;
  readonly ringWaits: number;
  /** Frames put into rings and taken out of them, in all passes. */
  readonly ringSent: number;
  readonly ringTaken: number;
}

/** Called by the pool on each host's thread. */
export async function thread(task: HostTask & { readonly seat: Seat }): Promise<HostDone> {
  const { seat, topology, cold: work, rounds } = task;
  const host = seat.worker;
  const meeting = new Meeting(seat.control, host, seat.workers);
  const fabric = new Fabric(topology, task.fabric);
  const entries = Int32Array.from(task.ports, (port) => fabric.entry(port));
  const mine = Array.from(entries, (entry) => entry >> 16 === host);
  const out = task.rings[host].map((ring) => (ring === null ? null : new RingWriter(ring.buffer, ring.shape)));
  const into = task.rings.map((from) => {
    const ring = from[host];
    return ring === null ? null : new RingReader(ring.buffer, ring.shape);
  });
  const log = new FrameLog(task.logs[host], host, fabric.hosts, task.frames, () => runner.sequence());
  const bursts = rounds * (work.burst.length - 1);
  const runner = new HostRunner(fabric, host, task.words, meeting, out, into, {
    drop: task.drop,
    watcher: log,
    progress: (steps) => meeting.done(Math.floor((1000 * task.coldShare * steps) / bursts)),
  });
  fabric.tap = tapOf(log, fabric, task);
  const began = performance.now();
  const { done, refused } = runner.count(work, entries, mine, bursts);
  const wallMs = performance.now() - began;
  fabric.tap = null;
  log.close();
  const end = rounds * work.span;
  const own = task.dumpFlows.filter((path) => path.startsWith(`${topology.hosts[host].name}/`));
  const counted = count(fabric, own, task.save, end);
  const drops = (): number => out.reduce((sum, ring) => sum + (ring?.refused ?? 0), 0);
  const ringDrops = drops();
  const ringWaits = runner.waits;
  const cold: ColdResult = {
    ...offeredBy(work, done, mine),
    refused,
    end,
    wallMs,
    latestMs: 0,
    interrupted: done < bursts,
  };
  const result = { ...counted, cold, warm: null, after: [], ringDrops, ringWaits };
  const rings = (): { ringSent: number; ringTaken: number } => ({ ringSent: runner.sent, ringTaken: runner.taken });
  if (task.warm === null || cold.interrupted) return { ...result, ...rings() };
  const tally = new Tally(task.tally, meeting, tallyLength(fabric.hosts.length));
  const passes = new HostPasses(fabric, runner, meeting, tally, { work: task.warm, entries, mine, start: end });
  if (host !== 0) {
    passes.follow();
    return { ...result, ...rings(), after: fabric.check() };
  }
  const warm = await warmPasses(fabric, passes, {
    repeat: task.repeat,
    seconds: task.seconds,
    progress: (share) => {
      meeting.done(Math.floor(1000 * (task.coldShare + (1 - task.coldShare) * share)));
      return !meeting.stopped;
    },
  });
  passes.end();
  return { ...result, ...rings(), warm, after: fabric.check() };
}

/** Frames and bytes that went in at this host in the first `bursts` bursts, through all rounds. */
function offeredBy(
  { traces, input, frame, burst }: Work,
  bursts: number,
  mine: readonly boolean[],
): { offered: number; bytes: number } {
  const perRound = burst.length - 1;
  const rounds = Math.floor(bursts / perRound);
  const rest = burst[bursts - rounds * perRound];
  let offered = 0;
  let bytes = 0;
  for (let i = 0; i < frame.length; i++) {
    if (!mine[input[i]]) continue;
    const times = rounds + (i < rest ? 1 : 0);
    offered += times;
    bytes += times * traces[input[i]].length[frame[i]];
  }
  return { offered, bytes };
}

/** Without `frames`, nothing more is written down once a ping has had time to end. */
function tapOf(log: FrameLog, fabric: Fabric, { topology, frames }: HostTask): FabricTap {
  if (frames) return log;
  const ping = new FirstPing(topology);
  return {
    delivered: () => {},
    underlay: () => {},
    wire: (wire, bytes, start, end, time) => {
      ping.wire(bytes, start, end, time);
      if (ping.done) fabric.tap = null;
      else log.wire(wire, bytes, start, end, time);
    },
  };
}
