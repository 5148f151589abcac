/** One host's part of a mode's trial with `--placement hosts`: its host on a thread of its own, rings for wires. */
import { Fabric } from "../../datapath/fabric.ts";
import { Meeting } from "../../workers/control.ts";
import { FrameLog } from "../../workers/frame-log.ts";
import { RingReader, type RingShape, RingWriter } from "../../workers/frame-ring.ts";
import { HostRunner } from "../../workers/host-runner.ts";
import type { Seat } from "../../workers/pool.ts";
import { Tally } from "../../workers/tally.ts";
import { HEAP_TALLY } from "./allocation.ts";
import { count, type Measured } from "./counted.ts";
import { HostPasses, tallyLength } from "./host-passes.ts";
import type { ColdResult } from "./passes.ts";
import { leadPasses, offeredBy, type ThreadTask, tapOf } from "./thread-task.ts";

export interface Ring {
  readonly buffer: SharedArrayBuffer;
  readonly shape: RingShape;
}

export interface HostTask extends ThreadTask {
  /** rings[from][to]; null where two hosts share no wire. */
  readonly rings: readonly (readonly (Ring | null)[])[];
  readonly words: SharedArrayBuffer;
  readonly drop: boolean;
}

/** What each host says of itself; times only the first. */
export interface HostDone extends Measured {
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
  const heaps = new Tally(task.heaps, meeting, HEAP_TALLY);
  const passes = new HostPasses(fabric, runner, meeting, tally, heaps, { work: task.warm, entries, mine, start: end });
  if (host !== 0) {
    await passes.follow();
    return { ...result, ...rings(), after: fabric.check() };
  }
  const warm = await leadPasses(fabric, passes, task, meeting);
  passes.end();
  return { ...result, ...rings(), warm, after: fabric.check() };
}
