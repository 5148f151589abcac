/**
 * One bridge in its datapath, and what feeds and empties it: frames of a trace are copied into packet slots (receiving),
 * taken through the datapath, and what it transmits is counted and freed. The clock of a measurement holds all of that.
 *
 * `burst` takes any frames of a trace by their numbers, so that several engines can share one trace, each with its own part.
 * No object is made for a packet or a burst: the virtual time of a burst goes through `clock` (why: PacketQueue.push).
 */
import { Datapath } from "../../datapath/datapath.ts";
import { Drop } from "../../datapath/packet/drop.ts";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { Receiver } from "../../datapath/packet/receiver.ts";
import { Speculation } from "../../datapath/packet/speculation.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import type { OvsSwitch } from "../../datapath/translate/switch.ts";
import type { Replica } from "../../workers/replica.ts";
import type { Player } from "../trial/passes.ts";
import type { Schedule } from "../trial/schedule.ts";
import { BRIDGE, type BridgeSetup, datapathPort, makeSwitch } from "./bridge.ts";
import type { PerfRecorder } from "./perf.ts";
import { UNDERLAY } from "./port-spec.ts";
import type { UpcallWatch } from "./upcall-watch.ts";

/** Revalidation and ageing happen this often in virtual time: OVS's revalidators wake at least every 500 ms. */
const TICK_NS = 500e6;
/** A burst, the copies that flooding makes of it, and those on their second pass. The free list is last in first out, so
 * the number costs nothing until they are needed. */
const POOL_SLOTS = 4096;
/** Bytes for packet slots, at most. */
const POOL_BYTES = 256 << 20;
/** Shorter frames than this fit always. */
const FRAME_BYTES = 1800;

export interface EngineOptions {
  /** The longest frame of the traces. */
  readonly longest: number;
  /** Keep the time of each stage: five readings of the clock a burst, so not for the figure itself. */
  readonly timing?: boolean;
  /** Stands between the datapath and its switch. */
  readonly upcalls?: UpcallWatch | undefined;
}

/** Sees every frame that leaves, while the counting pass runs. */
export type Tap = (port: number, bytes: Uint8Array, start: number, end: number, time: number) => void;

/** Index into `stageNs`. */
export const stageNames = ["rx", "extract", "lookup", "execute", "tx"] as const;
export type StageName = (typeof stageNames)[number];

export class ReplayEngine implements Player, Replica {
  readonly switch: OvsSwitch;
  readonly speculation = new Speculation();
  readonly datapath: Datapath;
  readonly pool: PacketPool;
  /** [0] virtual time of the next burst, ns. */
  readonly clock = new Float64Array(1);
  /** [0] when `advance` will next do something, ns of virtual time. */
  readonly due = Float64Array.of(TICK_NS);
  /** [0] time spent on revalidation and ageing since `resetTimes`, ns: OVS has other threads for it. */
  readonly housekeeping = new Float64Array(1);
  /** [0] bursts that left, by port: what is found in a transmit queue at once is one. */
  readonly txBatches = new Float64Array(1);
  /** [0] frames that found no slot. */
  readonly lost = new Float64Array(1);
  tap: Tap | null = null;
  perf: PerfRecorder | null = null;
  readonly #batch: PacketBatch;
  readonly #timing: boolean;
  readonly #rxTx = new Float64Array(2);
  readonly #receivers = new Map<Trace, Receiver>();
  #keptClock = 0.5;

  /** Throws when a rule is none. */
  constructor(setup: BridgeSetup, options: EngineOptions) {
    this.switch = makeSwitch(setup);
    const longest = Math.max(FRAME_BYTES, options.longest);
    this.pool = new PacketPool(Math.min(POOL_SLOTS, Math.floor(POOL_BYTES / (longest + 256))), longest);
    this.#timing = options.timing ?? false;
    this.datapath = new Datapath(this.pool, options.upcalls?.over(this.switch) ?? this.switch, {
      ports: this.switch.portCount,
      vlanLimit: setup.vlanLimit,
      emc: setup.emc,
      timing: this.#timing,
      speculation: this.speculation,
      makeRoom: () => this.#send(),
    });
    for (const [port, name] of this.switch.portNames().entries()) {
      if (name.startsWith("gre_sys")) this.datapath.setTunnel(port, "gre");
      else if (name.startsWith("vxlan_sys")) this.datapath.setTunnel(port, "vxlan");
    }
    this.#batch = new PacketBatch(this.pool);
  }

  /** Datapath port of "2" or "underlay". */
  entry(name: string): number {
    const port = this.switch.portNumber(datapathPort(name === "underlay" ? UNDERLAY : Number(name)));
    if (port === undefined) throw new Error(`bridge ${BRIDGE} has no port ${name}`);
    return port;
  }

  /** Moves virtual time to `now` (ns): ageing, timeouts and revalidation, when 500 ms have passed since the last time. */
  advance(now: number): void {
    this.clock[0] = now;
    this.advanceToClock();
  }

  /** `advance` to the time that `clock` holds. */
  advanceToClock(): void {
    if (this.clock[0] >= this.due[0]) this.#tick();
  }

  // Replica: so that several engines can do the work of one (workers/lane.ts).

  get datapaths(): readonly Datapath[] {
    return [this.datapath];
  }

  ledger(): readonly Float64Array[] {
    const { counters, exactMatch, megaflowCache } = this.datapath;
    return [this.lost, ...counters.columns, exactMatch.stats, megaflowCache.stats];
  }

  losses(): number {
    const { drops } = this.datapath.counters;
    return this.lost[0] + drops[Drop.NoBuffer] + drops[Drop.QueueFull];
  }

  get clocked(): readonly Float64Array[] {
    return [this.housekeeping, this.datapath.counters.ns];
  }

  keepClocks(): void {
    this.#keptClock = this.clock[0];
  }

  resetClocks(): void {
    this.clock[0] = this.#keptClock;
  }

  /** Frames listed in frames[first, first + count), each at its own time, `times` after `base[0]`; at most a burst. */
  takeBurst(
    entry: number,
    trace: Trace,
    frames: Int32Array,
    first: number,
    count: number,
    times: Float64Array,
    base: Float64Array,
  ): void {
    const round = base[0];
    this.clock[0] = round + times[first];
    this.#fill(this.#receiver(trace), entry, frames, first, count);
    const { time } = this.#batch;
    for (let i = 0; i < count; i++) time[i] = round + times[first + i];
    this.datapath.process(this.#batch);
    this.#send();
    this.#batch.count = 0;
    if (this.perf !== null) this.#count(this.perf, count);
  }

  #tick(): void {
    const now = this.clock[0];
    this.due[0] = now + TICK_NS;
    const begin = performance.now();
    this.datapath.revalidate(now);
    this.switch.expire(now);
    this.housekeeping[0] += (performance.now() - begin) * 1e6;
  }

  /** Player: puts one frame into the burst that `settle` takes through. */
  offer(entry: number, trace: Trace, index: number, time: number): boolean {
    this.clock[0] = time;
    return this.offerAtClock(entry, trace, index);
  }

  /** `offer` at the time that `clock` holds. */
  offerAtClock(entry: number, trace: Trace, index: number): boolean {
    const batch = this.#batch;
    if (batch.count === BURST) this.settle();
    const i = batch.count;
    const slot = this.pool.alloc();
    if (slot < 0) {
      this.lost[0]++;
      return false;
    }
    batch.slot[i] = slot;
    this.#receiver(trace).place(batch, i, index, entry, this.clock);
    batch.count = i + 1;
    return true;
  }

  settle(): void {
    const { count } = this.#batch;
    if (count === 0) return;
    this.datapath.process(this.#batch);
    this.#batch.count = 0;
    this.#send();
    if (this.perf !== null) this.#count(this.perf, count);
  }

  /** Takes frames `frames[first]` to `frames[first + count - 1]` of a trace (at most 32) through, at virtual time `clock[0]`. */
  burst(entry: number, trace: Trace, frames: Int32Array, first: number, count: number): void {
    const receiver = this.#receiver(trace);
    if (this.#timing) {
      const t0 = performance.now();
      this.#fill(receiver, entry, frames, first, count);
      const t1 = performance.now();
      this.datapath.process(this.#batch);
      const t2 = performance.now();
      this.#discard();
      this.#rxTx[0] += (t1 - t0) * 1e6;
      this.#rxTx[1] += (performance.now() - t2) * 1e6;
    } else {
      this.#fill(receiver, entry, frames, first, count);
      this.datapath.process(this.#batch);
      this.#discard();
    }
    this.#batch.count = 0;
  }

  /**
   * One pass over a schedule whose virtual time begins at `base[0]`, which then moves on by its span; `entries` are those of
   * its inputs.
   */
  pass(schedule: Schedule, entries: Int32Array, base: Float64Array): void {
    this.part(schedule, entries, base, 0, Number.MAX_SAFE_INTEGER);
  }

  /**
   * A pass from burst `from` on, for `mostMs` at least and 64 bursts more at most. Returns the burst where it goes on; 0: it is
   * done, and `base` has moved on.
   */
  part(schedule: Schedule, entries: Int32Array, base: Float64Array, from: number, mostMs: number): number {
    const { inputs, burst, input, frame, time } = schedule;
    const begin = base[0];
    const { perf, clock } = this;
    const looks = mostMs < Number.MAX_SAFE_INTEGER;
    const began = looks ? performance.now() : 0;
    for (let b = from; b + 1 < burst.length; b++) {
      if (looks && (b & 63) === 63 && performance.now() - began > mostMs) return b;
      const first = burst[b];
      const at = begin + time[first];
      clock[0] = at;
      if (at >= this.due[0]) this.#tick();
      const source = input[first];
      const count = burst[b + 1] - first;
      this.burst(entries[source], inputs[source].trace, frame, first, count);
      if (perf !== null) this.#count(perf, count);
    }
    base[0] = begin + schedule.span;
    return 0;
  }

  #count(perf: PerfRecorder, frames: number): void {
    perf.batches[frames]++;
    if (--perf.countdown === 0) perf.end();
  }

  resetTimes(): void {
    this.housekeeping.fill(0);
    this.#rxTx.fill(0);
    this.datapath.counters.ns.fill(0);
  }

  /** Time in each stage since `resetTimes`, ns; 0 without `timing`. */
  stageNs(): Record<StageName, number> {
    const [rx, tx] = this.#rxTx;
    const [extract, lookup, execute] = this.datapath.counters.ns;
    return { rx, extract, lookup, execute, tx };
  }

  /** What does not add up, a sentence each; empty when every packet is where it should be. For between bursts. */
  violations(): string[] {
    const { counters } = this.datapath;
    const get = counters.get.bind(counters);
    const wrong: string[] = [];
    const equal = (law: string, left: number, right: number): void => {
      if (left !== right) wrong.push(`${law}: ${left} is not ${right}`);
    };
    const sum = (column: Float64Array): number => column.reduce((total, count) => total + count, 0);
    equal(
      "received + copies = transmitted + drops",
      get("received") + get("copies"),
      get("transmitted") + counters.dropped,
    );
    equal("exact + megaflow + upcall = lookups", get("exact") + get("megaflow") + get("upcall"), get("lookups"));
    equal("sum of the ports' received packets = received", sum(counters.rxPackets), get("received"));
    equal("sum of the ports' transmitted packets = transmitted", sum(counters.txPackets), get("transmitted"));
    equal("free packet slots = slots", this.pool.available, this.pool.slots);
    return wrong;
  }

  /** Receiving: the copy of each frame into a slot, at the time of `clock`. */
  #fill(receiver: Receiver, entry: number, frames: Int32Array, first: number, wanted: number): void {
    const count = receiver.fill(this.#batch, frames, first, wanted, entry, this.clock);
    if (count < wanted) this.lost[0] += wanted - count;
  }

  /** Sending, after each burst, and within one whose copies (flooding, rules with many outputs) fill a queue. */
  #send(): void {
    if (this.tap === null) this.#discard();
    else this.#show(this.tap);
  }

  /** Every queue is emptied, the slots are free again. */
  #discard(): void {
    const { tx } = this.datapath;
    for (let port = 0; port < tx.length; port++) {
      if (tx[port].count === 0) continue;
      tx[port].discard(this.pool);
      this.txBatches[0]++;
    }
  }

  #show(tap: Tap): void {
    for (const [port, queue] of this.datapath.tx.entries()) {
      if (queue.count > 0) this.txBatches[0]++;
      while (queue.shiftOne()) {
        tap(port, this.pool.bytes, queue.lastStart, queue.lastEnd, queue.lastTime);
        this.pool.free(queue.lastSlot);
      }
    }
  }

  #receiver(trace: Trace): Receiver {
    let receiver = this.#receivers.get(trace);
    if (receiver === undefined) {
      receiver = new Receiver(trace, this.pool);
      this.#receivers.set(trace, receiver);
    }
    return receiver;
  }
}
