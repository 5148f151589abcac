/**
 * The two ways to put a schedule through a fabric. The cold pass begins with empty caches and is exact: every count and
 * every written file comes from it. The warm passes follow in the same fabric, virtual time running on, and are only timed:
 * the copy of each frame from the trace into a packet buffer is inside the clock, reading the capture is not.
 */
import type { Fabric } from "../../datapath/fabric.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import { bytesPerPacket, type Growth, HeapWatch } from "./allocation.ts";
import { OnlyPackets } from "./only-packets.ts";
import { breathe, sample } from "./sampling.ts";
import type { Schedule } from "./schedule.ts";
import { type Spread, spread } from "./statistics.ts";

/** What frames can be put into: a cluster (datapath/fabric.ts), a bridge (../replay). */
export interface Player {
  /** Number of the place called `name`; throws for places that there are not. */
  entry(name: string): number;
  /** [0] virtual time, ns, for the two below; why an array: PacketQueue.push. */
  readonly clock: Float64Array;
  /** Moves virtual time on. */
  advanceToClock(): void;
  /** Puts a frame in; false: there was no room. */
  offerAtClock(entry: number, trace: Trace, index: number): boolean;
  /** Works until nothing waits. */
  settle(): void;
}

/** Entry numbers of a schedule's inputs. Throws for places that there are not. */
export function entriesOf(player: Player, schedule: Schedule): Int32Array {
  return Int32Array.from(schedule.inputs, ({ port }) => player.entry(port));
}

/** Share of the counting pass in all the work, 0 to 1. */
export const coldShareOf = ({ timing }: { readonly timing: boolean }): number => (timing ? 0.2 : 1);

export interface ColdOptions {
  /** Rounds through the capture, virtual time running on. */
  readonly rounds: number;
  /** Exactly this many frames, in as many rounds as that takes, in place of `rounds`. */
  readonly frames?: number | undefined;
  /** Frames enter when their time has come on the wall clock too. */
  readonly realTime: boolean;
  /** Called now and then with the frames offered so far; false stops the pass. */
  readonly progress: (frames: number) => boolean;
  /** Called when a quarter more frames have been offered than last time, with all of them worked off. */
  readonly sample?: (frames: number) => void;
}

/** Next number of frames at which a cold pass is sampled: 64 points or so from the first frame to a million. */
const SAMPLE_STEP = 1.25;

export interface ColdResult {
  /** Frames that went in, and those that found no buffer. */
  readonly offered: number;
  readonly refused: number;
  readonly bytes: number;
  /** Virtual time at the end, ns. */
  readonly end: number;
  /** Wall clock: how long it took, and how late the latest frame was when paced, ms. */
  readonly wallMs: number;
  readonly latestMs: number;
  readonly interrupted: boolean;
}

/** Every frame once per round, in time order, each burst carried to its end before the next goes in. */
export async function coldPass(player: Player, schedule: Schedule, options: ColdOptions): Promise<ColdResult> {
  const { inputs, burst, input, frame, time, span } = schedule;
  const entries = entriesOf(player, schedule);
  const { clock } = player;
  const bursts = burst.length - 1;
  const began = performance.now();
  let looked = began;
  let offered = 0;
  let refused = 0;
  let bytes = 0;
  let latestMs = 0;
  let base = 0;
  let interrupted = false;
  let sampleAt = 1;
  const wanted = options.frames ?? options.rounds * schedule.count;
  // A product, not a sum: workers that begin in the middle get the same times.
  for (let round = 0; offered < wanted && !interrupted; base = ++round * span) {
    for (let b = 0; b < bursts && offered < wanted; b++) {
      const at = base + time[burst[b]];
      if (options.realTime) {
        const due = began + at / 1e6;
        if (due - performance.now() > 1) interrupted = !(await sleepUntil(due, () => options.progress(offered)));
        while (performance.now() < due && !interrupted);
        latestMs = Math.max(latestMs, performance.now() - due);
      } else if ((b & 63) === 0 && performance.now() - looked > 50) {
        looked = performance.now();
        interrupted = !options.progress(offered);
        await breathe();
      }
      if (interrupted) break;
      clock[0] = at;
      player.advanceToClock();
      const from = input[burst[b]];
      const { trace } = inputs[from];
      const end = Math.min(burst[b + 1], burst[b] + wanted - offered);
      for (let i = burst[b]; i < end; i++) {
        clock[0] = base + time[i];
        if (!player.offerAtClock(entries[from], trace, frame[i])) refused++;
        bytes += trace.length[frame[i]];
      }
      offered += end - burst[b];
      player.settle();
      if (offered >= sampleAt && options.sample !== undefined) {
        options.sample(offered);
        sampleAt = Math.max(offered + 1, offered * SAMPLE_STEP);
      }
    }
  }
  options.progress(offered);
  options.sample?.(offered);
  return { offered, refused, bytes, end: base, wallMs: performance.now() - began, latestMs, interrupted };
}

export interface WarmOptions {
  /** Exactly this many measured passes. */
  readonly repeat?: number | undefined;
  /** Measure for this long, s. */
  readonly seconds?: number | undefined;
  /** Called after every sample with the share of the work done, 0 to 1; false stops. */
  readonly progress: (done: number) => boolean;
}

export interface WarmResult {
  /** How the figures came about, a sentence. */
  readonly rule: string;
  readonly warmUpPasses: number;
  readonly passes: number;
  /** Frames given to VMs in the measured passes, and their bytes. */
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly seconds: number;
  /** Per delivered packet: all together, then by host in the fabric's order. */
  readonly nsPerPacket: Spread;
  readonly nodes: readonly Spread[];
  /** Revalidation and ageing by delivered packet, beside `nsPerPacket` and not in it: how often they happen is a setting. */
  readonly housekeeping: Spread;
  /** Share of the time in which the thread that measures was ready but others had its core; null: not known. */
  readonly waitedShare: number | null;
  /** Samples in all, those that lost the core, and those that the figures are of. */
  readonly samples: number;
  readonly disturbed: number;
  readonly usedSamples: number;
  readonly interrupted: boolean;
  /** Bytes that a delivered packet leaves on the heaps of all threads, as of allocation.ts; null: not measured. */
  readonly allocated: number | null;
}

/**
 * Passes in full bursts until the figure is stable (see sampling.ts), or as many or as long as asked. Null when no frame reaches
 * a VM: there is nothing to divide by.
 */
export async function warmPasses(fabric: Fabric, runner: PassRunner, options: WarmOptions): Promise<WarmResult | null> {
  const nodes = fabric.hosts.map(() => [] as number[]);
  let firstDelivered = 0;
  let firstBytes = 0;
  const sampled = await sample(
    {
      pass: () => runner.pass(),
      ...(runner.passes === undefined ? {} : { passes: (size: number) => runner.passes?.(size) }),
      packets: () => runner.delivered(),
      reset: () => runner.reset(),
      apart: () => fabric.housekeeping[0],
      sampled: (packets) => {
        for (const [n, ns] of runner.nodeNs().entries()) nodes[n].push(ns / packets);
      },
    },
    {
      ...options,
      warm: () => {
        firstDelivered = runner.delivered();
        firstBytes = runner.deliveredBytes();
      },
    },
  );
  if (sampled === null) return null;
  const { rule, warmUpPasses, passes, seconds, nsPerPacket, apart, waitedShare, disturbed, used } = sampled;
  const delivered = runner.delivered() - firstDelivered;
  const deliveredBytes = runner.deliveredBytes() - firstBytes;
  let { interrupted } = sampled;
  const goOn = (): boolean => {
    interrupted = interrupted || !options.progress(1);
    return !interrupted;
  };
  const allocated = goOn() ? await bytesPerPacket((count) => runner.grow(count), goOn) : null;
  return {
    allocated,
    rule,
    warmUpPasses,
    passes,
    seconds,
    nsPerPacket,
    waitedShare,
    samples: nodes[0].length,
    disturbed,
    usedSamples: used.length,
    interrupted,
    housekeeping: apart,
    delivered,
    deliveredBytes,
    nodes: nodes.map((ns) => spread(used.map((n) => ns[n]))),
  };
}

/** Signals are looked after this often in a pass, ms. */
export const PART_MS = 50;

/** What warm passes are made of. */
export interface PassRunner {
  /** A pass, or a part of one: false then. */
  pass(): unknown;
  /** So many passes at once. */
  passes?(count: number): void;
  /** So many whole passes, with the heaps of all threads watched and without the clock at each host. */
  grow(count: number): Promise<Growth>;
  /** Forgets measured times. */
  reset(): void;
  /** Time spent in each host since then, ns. */
  nodeNs(): readonly number[];
  /** Frames given to VMs so far, and their bytes. */
  delivered(): number;
  deliveredBytes(): number;
}

/** One pass after the other over a fixed schedule, on this thread. */
export class WarmRunner implements PassRunner {
  readonly #fabric: Fabric;
  readonly #schedule: Schedule;
  readonly #entries: Int32Array;
  readonly #start: number;
  /** Where the pass goes on. */
  #burst = 0;
  readonly #base = new Float64Array(1);
  #round = 0;

  /** `start`: virtual time of the first pass, ns. */
  constructor(fabric: Fabric, schedule: Schedule, start: number) {
    this.#start = start;
    this.#fabric = fabric;
    this.#schedule = schedule;
    this.#entries = entriesOf(fabric, schedule);
    this.#base[0] = start;
  }

  reset(): void {
    this.#fabric.resetTimes();
  }

  nodeNs(): readonly number[] {
    return this.#fabric.hosts.map(({ ns }) => ns[0] + ns[1]);
  }

  delivered(): number {
    return deliveredNow(this.#fabric);
  }

  deliveredBytes(): number {
    return deliveredBytesNow(this.#fabric);
  }

  async grow(count: number): Promise<Growth> {
    const heap = new HeapWatch();
    const first = this.delivered();
    const only = new OnlyPackets(this.#fabric);
    only.begin();
    const grown = await heap.over(() => {
      for (let i = 0; i < count; i++) this.pass(true);
    });
    only.end();
    heap.close();
    return { ...grown, packets: this.delivered() - first };
  }

  /** A pass, or PART_MS of a long one: false then, to be called again. A `whole` one reads no clock, which makes objects. */
  pass(whole = false): boolean {
    const fabric = this.#fabric;
    const { clock } = fabric;
    const { inputs, burst, input, frame, time, span } = this.#schedule;
    const base = this.#base[0];
    const began = whole ? 0 : performance.now();
    for (let b = this.#burst; b + 1 < burst.length; b++) {
      if (!whole && (b & 63) === 0 && performance.now() - began > PART_MS) {
        this.#burst = b;
        return false;
      }
      const first = burst[b];
      const end = burst[b + 1];
      const { trace } = inputs[input[first]];
      const entry = this.#entries[input[first]];
      clock[0] = base + time[first];
      fabric.advanceToClock();
      for (let i = first; i < end; i++) fabric.offerAtClock(entry, trace, frame[i]);
      fabric.settle();
    }
    this.#burst = 0;
    this.#base[0] = this.#start + ++this.#round * span;
    return true;
  }
}

export function deliveredNow(fabric: Fabric): number {
  let packets = 0;
  for (const vm of fabric.vms) packets += vm.delivered;
  return packets;
}

export function deliveredBytesNow(fabric: Fabric): number {
  let bytes = 0;
  for (const vm of fabric.vms) bytes += vm.deliveredBytes;
  return bytes;
}

/** Sleeps until `due` (performance.now()), looking up every 100 ms; false when told to stop. */
async function sleepUntil(due: number, goOn: () => boolean): Promise<boolean> {
  for (let left = due - performance.now() - 1; left > 0; left = due - performance.now() - 1) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 100)));
    if (!goOn()) return false;
  }
  return true;
}
