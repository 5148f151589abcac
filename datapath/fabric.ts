/**
 * A cluster on one thread: hosts, the VMs at their ports, and the wires between their NICs. The fabric owns the packet pool
 * and decides where a transmitted packet goes next; the hosts never know each other.
 *
 * Work is a ring of (host, port) pairs that have packets waiting, first come first served, so that a run is the same every
 * time and packets of one flow keep their order. `settle` empties the ring; `offer` fills it from a trace.
 *
 *   VM --offer--> rx of its port -> Host -> tx --+--> namespace -> rx of the same host
 *                                                +--> wire -> rx of another host's NIC
 *                                                +--> VM (delivered)
 *                                                +--> nothing (the bridge's own LOCAL port): consumed by the host's stack
 *
 * Over 400 lines: every way out of a port and into one, which need each other.
 */
import { type ClusterCounters, clusterCounters, violations } from "./cluster-counters.ts";
import type { Datapath } from "./datapath.ts";
import { type Destination, Destinations, type VmState } from "./destinations.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { FabricLedger } from "./fabric-ledger.ts";
import type { FabricTap } from "./fabric-tap.ts";
import { Host, type HostOptions } from "./host.ts";
import { copyBytes } from "./packet/copy.ts";
import { PacketBatch } from "./packet/packet-batch.ts";
import { PacketPool } from "./packet/packet-pool.ts";
import { PacketQueue } from "./packet/packet-queue.ts";
import { Speculation } from "./packet/speculation.ts";
import type { Trace } from "./packet/trace.ts";
import { TraceSources } from "./packet/trace-sources.ts";
import { VmResponder } from "./router/vm.ts";
import type { Segment } from "./segment.ts";
import type { Topology } from "./topology.ts";

/** Revalidation and ageing happen this often in virtual time: OVS's revalidators wake at least every 500 ms. */
const TICK_NS = 500e6;
/** Bursts that one call of `settle` works off at most, and by port: frames that still go round then do so for ever. */
const MAX_BURSTS = 1 << 14;
const MAX_BURSTS_PORT = 256;
/** Packets in flight at once: 32 offered, times the copies that flooding over three hosts makes, with room to spare. */
const POOL_SLOTS = 4096;

/** The ring of ports has none. */
const NO_TIME = new Float64Array(1);

export interface FabricOptions extends Omit<HostOptions, "ports"> {
  readonly poolSlots?: number | undefined;
  /** The longest frame that can enter or arise, in bytes. */
  readonly frameBytes?: number | undefined;
  /** Measure the time spent in each host, per burst. */
  readonly timing?: boolean | undefined;
  /** Names of VMs that answer ARP and neighbour solicitations by a small model, because their capture holds none. */
  readonly answering?: readonly string[] | undefined;
}

export class Fabric {
  readonly topology: Topology;
  readonly pool: PacketPool;
  readonly hosts: readonly Host[];
  readonly vms: readonly VmState[];
  readonly wires: readonly Segment[];
  tap: FabricTap | null = null;
  #elsewhere: Elsewhere | null = null;
  /** Frames that the bridges' own ports took in: the end of flooded copies. By host. */
  readonly consumed: Float64Array;
  /** Set while this thread runs ahead of what it may change. */
  readonly speculation: Speculation;
  /**
   * Time spent on revalidation and ageing since the last reset, in ns; only kept when timing is on. Open vSwitch does this
   * on threads beside the datapath's, and virtual time that runs faster than the clock makes more of it.
   */
  readonly housekeeping = new Float64Array(1);
  /** [0] frames that found no buffer when offered or copied on a wire. */
  readonly #lost = new Float64Array(1);
  readonly #destinations: Destinations;
  readonly #responders: readonly (VmResponder | undefined)[];
  /** The time spent in each host is kept, by burst. Reading the clock may leave an object on the heap. */
  timing: boolean;
  readonly #batch: PacketBatch;
  readonly #ring: PacketQueue;
  readonly #mostBursts: number;
  readonly #waiting: readonly Uint8Array[];
  readonly #traces: TraceSources;
  readonly #ledger: FabricLedger;
  #now = 0;
  /** Where a caller puts the time, ns, before `advanceToClock` and `offerAtClock`; why an array: see `#time`. */
  readonly clock = new Float64Array(1);
  /** [0] when `advance` will next do something, ns of virtual time. */
  readonly due = Float64Array.of(TICK_NS);
  /**
   * Virtual time of the packet in hand, ns. An array, because a number with a fraction that is an argument of a call which is
   * not compiled into its caller becomes an object: 16 bytes a packet here, and as many in `Namespace.process`.
   */
  readonly #time = new Float64Array(1);

  constructor(topology: Topology, options: FabricOptions = {}) {
    this.topology = topology;
    this.pool = new PacketPool(options.poolSlots ?? POOL_SLOTS, options.frameBytes ?? 1800);
    this.#batch = new PacketBatch(this.pool);
    this.timing = options.timing ?? false;
    this.speculation = options.speculation ?? new Speculation();
    const hostOptions: HostOptions = {
      ...options,
      speculation: this.speculation,
      vlanLimit: options.vlanLimit ?? topology.vlanLimit,
    } as HostOptions;
    this.hosts = topology.hosts.map((config) => new Host(config, this.pool, hostOptions));
    this.consumed = new Float64Array(this.hosts.length);
    this.#waiting = this.hosts.map((host) => new Uint8Array(host.rx.length));
    this.#ring = new PacketQueue(this.hosts.reduce((sum, host) => sum + host.rx.length, 1));
    this.#mostBursts = Math.max(
      MAX_BURSTS,
      MAX_BURSTS_PORT * this.#waiting.reduce((sum, { length }) => sum + length, 0),
    );
    this.#destinations = new Destinations(topology, this.hosts, this.speculation);
    this.vms = this.#destinations.vms;
    this.wires = this.#destinations.wires;
    for (const name of options.answering ?? []) {
      if (!this.vms.some((vm) => vm.config.name === name)) {
        throw new Error(`answering: no VM "${name}", the topology has ${this.#destinations.vmNames()}`);
      }
    }
    this.#responders = this.vms.map((vm) =>
      options.answering?.includes(vm.config.name) ? new VmResponder(vm.config, this.pool) : undefined,
    );
    this.#traces = new TraceSources(this.pool);
    this.#ledger = new FabricLedger(this, this.#lost);
  }

  /** Where frames can enter: a VM by name, or "host/port". The number is for `offer`. Throws with what exists. */
  entry(name: string): number {
    return this.#destinations.entry(name);
  }

  /** Copies frame `index` of `trace` into a slot and queues it at the entry. False: no buffer, or the queue is full. */
  offer(entry: number, trace: Trace, index: number, time: number): boolean {
    this.clock[0] = time;
    return this.offerAtClock(entry, trace, index);
  }

  /** `offer` at the time that `clock` holds. */
  offerAtClock(entry: number, trace: Trace, index: number): boolean {
    this.#now = this.clock[0];
    this.#time[0] = this.clock[0];
    const slot = this.pool.alloc();
    const length = trace.length[index];
    if (slot < 0 || length > this.pool.room) {
      if (slot >= 0) this.pool.free(slot);
      this.#lost[0]++;
      return false;
    }
    const start = this.pool.home(slot);
    this.#traces.copy(trace, index, start);
    const host = entry >> 16;
    const port = entry & 0xffff;
    const at = this.#destinations.byPort[host][port];
    if (at.kind === "vm") {
      this.vms[at.index].countSent(length);
    } else if (at.kind === "wire" && this.tap !== null) {
      const name = this.hosts[host].switch.portName(port);
      this.tap.underlay(host, name, "rx", this.pool.bytes, start, start + length, this.#time[0]);
    }
    return this.#receive(host, port, slot, start, start + length);
  }

  /**
   * Runs until every queue is empty. Throws when they never are: a loop of bridges and wires that floods carries a broadcast
   * round for ever, here as on real cables.
   */
  settle(): void {
    const batch = this.#batch;
    let left = this.#mostBursts;
    while (this.#ring.count > 0) {
      if (left-- === 0) throw this.#endless();
      // The ring's `slot` is the host and its `start` the port: the same queue serves for pairs of numbers.
      this.#ring.shiftOne();
      const h = this.#ring.lastSlot;
      const port = this.#ring.lastStart;
      const host = this.hosts[h];
      this.#waiting[h][port] = 0;
      const begin = this.timing ? performance.now() : 0;
      host.process(port, batch);
      if (this.timing) host.ns[0] += (performance.now() - begin) * 1e6;
      if (host.rx[port].count > 0) this.#wake(h, port);
      this.#drain(h);
    }
  }

  /** Frames that found no buffer when offered or copied on a wire. */
  get lost(): number {
    return this.#lost[0];
  }

  /** When `advance` will next do something, ns of virtual time. */
  get nextTick(): number {
    return this.due[0];
  }

  /**
   * Every integer that is only added to, as columns, always the same ones in the same order: what a speculative stretch
   * counted is taken back through them, and what threads counted is added up.
   */
  ledger(): readonly Float64Array[] {
    return this.#ledger.columns();
  }

  /** Times that are measured, not counted, as columns. */
  get clocked(): readonly Float64Array[] {
    return this.#ledger.clocked();
  }

  get datapaths(): readonly Datapath[] {
    return this.hosts.map(({ datapath }) => datapath);
  }

  /** Packets that found no buffer or a full queue, anywhere. */
  losses(): number {
    return this.#ledger.losses();
  }

  /** Remembers what all clocks of virtual time say, before a speculative stretch. */
  keepClocks(): void {
    this.#ledger.clocks[0] = this.#now;
    this.#ledger.keepClocks();
  }

  /** Turns them back to that. */
  resetClocks(): void {
    this.#ledger.resetClocks();
    this.#now = this.#ledger.clocks[0];
  }

  /** Moves virtual time to `now` (ns): ageing, timeouts and revalidation, when 500 ms have passed since the last time. */
  advance(now: number): void {
    this.clock[0] = now;
    this.advanceToClock();
  }

  /** `advance` to the time that `clock` holds. */
  advanceToClock(): void {
    const now = this.clock[0];
    this.#now = now;
    if (now < this.due[0]) return;
    this.due[0] = now + TICK_NS;
    const begin = this.timing ? performance.now() : 0;
    for (let h = 0; h < this.hosts.length; h++) {
      const host = this.hosts[h];
      host.datapath.revalidate(now);
      host.switch.expire(now);
      for (let n = 0; n < host.namespaces.length; n++) {
        host.namespaces[n].clock[0] = now;
        host.namespaces[n].tickAtClock();
        this.#drainNamespace(h, n);
      }
    }
    if (this.timing) this.housekeeping[0] += (performance.now() - begin) * 1e6;
    this.settle();
  }

  /** Keeps the times of hosts and of their datapaths' stages from now on, or does not. */
  keepTimes(on: boolean): void {
    this.timing = on;
    for (const { datapath } of this.hosts) datapath.timing = on;
  }

  /** Forgets the measured times, for a new measured stretch. */
  resetTimes(): void {
    for (const host of this.hosts) host.ns.fill(0);
    this.housekeeping.fill(0);
  }

  /** Everything counted so far. Allocates: for between bursts. */
  snapshot(): ClusterCounters {
    return clusterCounters(this);
  }

  /** What does not add up, a sentence each; empty when no packet is lost or counted twice. For between bursts. */
  check(): string[] {
    return violations(this);
  }

  /** Everything that a transmitting port of host `h` holds goes to where the port leads. */
  #drain(h: number): void {
    const host = this.hosts[h];
    const destinations = this.#destinations.byPort[h];
    for (let port = 0; port < destinations.length; port++) {
      const queue = host.datapath.tx[port];
      if (queue.count === 0) continue;
      const at = destinations[port];
      switch (at.kind) {
        case "namespace":
          this.#toNamespace(h, at, queue);
          break;
        case "wire":
          this.#toWire(h, port, at, queue);
          break;
        case "vm":
          this.#toVm(h, port, at.index, queue);
          break;
        default:
          while (queue.shiftOne()) {
            this.consumed[h]++;
            this.pool.free(queue.lastSlot);
          }
      }
    }
  }

  #toNamespace(h: number, at: Destination, queue: PacketQueue): void {
    const host = this.hosts[h];
    const namespace = host.namespaces[at.index];
    const begin = this.timing ? performance.now() : 0;
    namespace.clock[0] = this.#now;
    while (queue.shiftInto(this.#batch, at.member) > 0) namespace.processAtClock(this.#batch, at.member);
    if (this.timing) host.ns[1] += (performance.now() - begin) * 1e6;
    this.#drainNamespace(h, at.index);
  }

  #drainNamespace(h: number, n: number): void {
    const host = this.hosts[h];
    const { tx } = host.namespaces[n];
    for (let i = 0; i < tx.length; i++) {
      const queue = tx[i];
      const port = host.namespacePorts[n][i];
      while (queue.shiftOne()) {
        this.#time[0] = queue.lastTime;
        this.#receive(h, port, queue.lastSlot, queue.lastStart, queue.lastEnd);
      }
    }
  }

  #toWire(h: number, port: number, at: Destination, queue: PacketQueue): void {
    const { pool, tap } = this;
    const wire = this.wires[at.index];
    const members = this.#destinations.members[at.index];
    while (queue.shiftOne()) {
      const slot = queue.lastSlot;
      const start = queue.lastStart;
      const end = queue.lastEnd;
      this.#time[0] = queue.lastTime;
      wire.count(pool.view, start, end);
      if (tap !== null) {
        tap.underlay(h, this.hosts[h].switch.portName(port), "tx", pool.bytes, start, end, this.#time[0]);
        tap.wire(at.index, pool.bytes, start, end, this.#time[0]);
      }
      const to = wire.forward(pool.view, start, at.member);
      if (to === at.member) pool.free(slot);
      else if (to >= 0) this.#arrive(members[to], slot, start, end);
      else this.#flood(members, at.member, slot, start, end);
    }
  }

  /** A copy to every member but the sender; the last one takes the frame itself. */
  #flood(members: Int32Array, from: number, slot: number, start: number, end: number): void {
    const { pool } = this;
    let left = members.length - 1;
    for (let i = 0; i < members.length; i++) {
      if (i === from) continue;
      if (--left === 0) {
        this.#arrive(members[i], slot, start, end);
        return;
      }
      const copy = pool.alloc();
      if (copy < 0) {
        this.#lost[0]++;
        continue;
      }
      const at = pool.home(copy);
      pool.copy(start, at, end - start);
      this.#arrive(members[i], copy, at, at + end - start);
    }
    if (members.length === 1) pool.free(slot);
  }

  /** Only one host is here, from now on; frames for the others are handed over. */
  divide(elsewhere: Elsewhere): void {
    this.#elsewhere = elsewhere;
    for (const [index, wire] of this.wires.entries()) {
      wire.onLearn = (high, low, member) => elsewhere.learned(index, high, low, member);
    }
  }

  /** A frame from elsewhere reaches the NIC `member` at `time[0]`; `settle` works on it. False: no buffer, and it is lost. */
  arrive(member: number, view: DataView, start: number, length: number, time: Float64Array): boolean {
    const slot = this.pool.alloc();
    if (slot < 0 || length > this.pool.room) {
      if (slot >= 0) this.pool.free(slot);
      this.#lost[0]++;
      return false;
    }
    const at = this.pool.home(slot);
    copyBytes(view, start, this.pool.view, at, length);
    if (time[0] > this.#now) this.#now = time[0];
    const before = this.#time[0];
    this.#time[0] = time[0];
    this.#arrive(member, slot, at, at + length);
    // It may have come while something was being sent.
    this.#time[0] = before;
    return true;
  }

  /** A frame reaches the NIC `member` (host << 16 | port). */
  #arrive(member: number, slot: number, start: number, end: number): void {
    const host = member >> 16;
    const port = member & 0xffff;
    const elsewhere = this.#elsewhere;
    if (elsewhere !== null && host !== elsewhere.host) {
      elsewhere.send(member, this.pool.view, start, end - start, this.#time);
      this.pool.free(slot);
      return;
    }
    if (this.tap !== null) {
      const name = this.hosts[host].switch.portName(port);
      this.tap.underlay(host, name, "rx", this.pool.bytes, start, end, this.#time[0]);
    }
    this.#receive(host, port, slot, start, end);
  }

  #toVm(h: number, port: number, index: number, queue: PacketQueue): void {
    const { pool, tap } = this;
    const vm = this.vms[index];
    const responder = this.#responders[index];
    while (queue.shiftOne()) {
      const start = queue.lastStart;
      vm.countDelivered(pool.view, start, queue.lastEnd);
      if (tap !== null) tap.delivered(index, pool.bytes, start, queue.lastEnd, queue.lastTime);
      if (responder?.answer(queue.lastSlot, start, queue.lastEnd)) {
        this.#time[0] = queue.lastTime;
        this.#receive(h, port, queue.lastSlot, responder.start, responder.end);
      } else pool.free(queue.lastSlot);
    }
  }

  #receive(host: number, port: number, slot: number, start: number, end: number): boolean {
    const taken = this.hosts[host].receive(port, slot, start, end, this.#time, this.pool);
    this.#wake(host, port);
    return taken;
  }

  #wake(host: number, port: number): void {
    if (this.#waiting[host][port] !== 0) return;
    this.#waiting[host][port] = 1;
    this.#ring.push(host, port, 0, NO_TIME, 0);
  }

  #endless(): Error {
    this.#ring.shiftOne();
    const host = this.hosts[this.#ring.lastSlot];
    const port = host.switch.portName(this.#ring.lastStart);
    return new Error(
      `topology ${this.topology.name}: frames go round without end, ${this.#mostBursts} bursts after one was put in, now at ` +
        `${host.name}/${port}: a loop of wires or bridges that flood`,
    );
  }
}
