/**
 * What a worker leaves on its heap: a thread of allocation.test.ts. Its copy, a bridge or a cluster, is warmed, then the heap
 * of this thread is read before and after shorter and longer stretches of the lane's work.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { BridgeSetup } from "../../bench/replay/bridge.ts";
import { ReplayEngine } from "../../bench/replay/engine.ts";
import { Fabric } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { Meeting } from "../../workers/control.ts";
import { Lane } from "../../workers/lane.ts";
import type { Seat } from "../../workers/pool.ts";
import type { Replica, Work } from "../../workers/replica.ts";

export interface AllocationTask {
  /** A cluster, or else a bridge. */
  readonly topology: Topology | null;
  readonly setup: BridgeSetup;
  readonly port: string;
  readonly work: Work;
  readonly outbox: SharedArrayBuffer;
  /** Bursts of a window: small, so that what happens once a window shows. */
  readonly window: number;
  /** Passes: unmeasured, in the shorter stretch, in the longer one. */
  readonly passes: readonly [number, number, number];
  /** One small object is made for each packet. */
  readonly planted: boolean;
}

export interface AllocationDone {
  /** Bytes by which this thread's heap grew beyond what reading it leaves; least of some rounds. */
  readonly short: number;
  readonly long: number;
  /** Bursts done ahead and in order. */
  readonly ahead: number;
  readonly inOrder: number;
}

/**
 * Rounds at least, and at most while the two stretches differ on any thread: V8's own work (a function compiled anew) falls into
 * some, what the code allocates into all.
 */
const ROUNDS = 3;
const MOST_ROUNDS = 10;
/** The bracket's own boxed numbers come to 16 bytes more or less. */
export const ALIKE = 64;
let kept: { n: number } = { n: 0 };

export function thread(task: AllocationTask & { seat: Seat }): AllocationDone {
  const { seat, work } = task;
  const meeting = new Meeting(seat.control, seat.worker, seat.workers);
  const replica: Replica & { entry(name: string): number } =
    task.topology === null
      ? new ReplayEngine(task.setup, { longest: 60 })
      : new Fabric(task.topology, { answering: ["vm1", "vm2"] });
  const entries = Int32Array.of(replica.entry(task.port));
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const lane = new Lane(replica, work, entries, meeting, task.outbox, { window: task.window });
  let at = 0;
  const grow = (passes: number): number => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < passes; i++) {
      lane.run(at, at + lane.bursts);
      at += lane.bursts;
      if (task.planted) for (let n = 0; n < work.frame.length; n++) kept = { n };
    }
    return process.memoryUsage().heapUsed - before;
  };
  const [warmUp, few, many] = task.passes;
  grow(warmUp);
  let bracket = Number.POSITIVE_INFINITY;
  let short = Number.POSITIVE_INFINITY;
  let long = Number.POSITIVE_INFINITY;
  let differ = true;
  for (let round = 0; round < ROUNDS || (differ && round < MOST_ROUNDS); round++) {
    collect();
    meeting.meet();
    bracket = Math.min(bracket, grow(0));
    short = Math.min(short, grow(few));
    long = Math.min(long, grow(many));
    differ = meeting.meet(Math.abs(long - short) > ALIKE ? 1 : 0) !== 0;
  }
  if (kept.n < 0) throw new Error("kept");
  return { short: short - bracket, long: long - bracket, ahead: lane.stats.ahead, inOrder: lane.stats.inOrder };
}
