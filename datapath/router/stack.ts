/**
 * What the parts of a namespace share: its interfaces, tables, queues and counters, and the three things that can happen to
 * a packet: it is sent, it is dropped, or a new one is made. The parts (arp, output, local, ipv6, ...) are functions over it.
 */
import { Drop } from "../packet/drop.ts";
import type { PacketPool } from "../packet/packet-pool.ts";
import { PacketQueue } from "../packet/packet-queue.ts";
import { Speculation } from "../packet/speculation.ts";
import type { NamespaceConfig } from "../topology.ts";
import { ipv4FromText, ipv6FromText, macFromText } from "../wire/addresses.ts";
import { RouterCounters } from "./counters.ts";
import { RouterInterface } from "./interface.ts";
import { MAPPED, NeighbourTable, Nud } from "./neighbours.ts";
import { IpOptions } from "./options.ts";
import { IcmpRateLimit } from "./rate-limit.ts";
import { Reassembly } from "./reassembly.ts";
import { RouteTable } from "./routes.ts";
import { WaitingPackets } from "./waiting.ts";

export interface NamespaceOptions {
  /** Limit ICMP errors as Linux does (1 a second per receiver after a burst of 6, 1000 a second in all). Default true. */
  readonly rateLimit?: boolean | undefined;
  /**
   * Let stale neighbours be probed by unicast requests once they are used, and fail when they do not answer, as Linux does
   * 5 s after the first use. Default false: a stale entry is used on as it is. What is replayed here is a capture, and a
   * recorded VM answers only the requests of its own day; probing would end its flows after 8 s of virtual time.
   */
  readonly probing?: boolean | undefined;
  /** Entries of the neighbour table beside the permanent ones; Linux's gc_thresh3 is 1024. */
  readonly neighbours?: number | undefined;
  /** Packets that each interface's transmit queue holds. */
  readonly queueLength?: number | undefined;
  /** Set while the thread runs ahead of what it may change. */
  readonly speculation?: Speculation | undefined;
}

export class Stack {
  readonly name: string;
  readonly pool: PacketPool;
  readonly forwarding: boolean;
  readonly probing: boolean;
  readonly interfaces: readonly RouterInterface[];
  readonly routes: RouteTable;
  readonly neighbours: NeighbourTable;
  readonly waiting = new WaitingPackets();
  readonly reassembly: Reassembly;
  /** Options of the IPv4 packet that is being looked at. */
  readonly options = new IpOptions();
  /** Virtual time, ns. */
  readonly clock = new Float64Array(1);
  /** That of the packet in hand. Arrays both, because as arguments they would become objects (../fabric.ts). */
  readonly frameTime = new Float64Array(1);
  readonly limit: IcmpRateLimit | null;
  readonly speculation: Speculation;
  readonly counters = new RouterCounters();
  /** Frames to be sent, by interface. */
  readonly tx: readonly PacketQueue[];
  /** When the earliest timer of a neighbour or of a reassembly is due, ns; Infinity = none. */
  nextDue = Infinity;
  #ipId = 0;

  /** Throws an Error that names the namespace and what is wrong with it. */
  constructor(config: NamespaceConfig, pool: PacketPool, options: NamespaceOptions) {
    this.name = config.name;
    this.pool = pool;
    this.forwarding = config.forwarding;
    this.probing = options.probing ?? false;
    this.interfaces = config.interfaces.map((link) => new RouterInterface(link, config.name));
    this.routes = new RouteTable(config, this.interfaces);
    const permanent = config.neighbours ?? [];
    const broadcasts = this.interfaces.reduce((sum, link) => sum + link.broadcasts.length, 0);
    this.neighbours = new NeighbourTable(this.clock, (options.neighbours ?? 1024) + permanent.length + broadcasts);
    this.limit = (options.rateLimit ?? true) ? new IcmpRateLimit(this.clock) : null;
    this.reassembly = new Reassembly(this.clock);
    this.speculation = options.speculation ?? new Speculation();
    this.tx = config.interfaces.map(() => new PacketQueue(options.queueLength ?? 1024));
    for (const [dev, link] of this.interfaces.entries()) {
      for (const broadcast of link.broadcasts) {
        const n = this.neighbours.create(dev, 0, 0, MAPPED, broadcast);
        this.neighbours.update(n, -1, 0xffff, Nud.NoArp, true);
      }
    }
    for (const { ip, mac, dev } of permanent) {
      const where = `namespace ${config.name}, neighbour ${ip}`;
      const index = this.interfaces.findIndex((link) => link.name === dev);
      if (index < 0) {
        const names = this.interfaces.map((link) => link.name).join(", ");
        throw new Error(`${where}: no interface "${dev}", expected one of ${names}`);
      }
      try {
        const words = ip.includes(":") ? ipv6FromText(ip) : Int32Array.of(0, 0, MAPPED, ipv4FromText(ip));
        const { high, low } = macFromText(mac);
        let n = this.neighbours.find(index, words[0], words[1], words[2], words[3]);
        if (n < 0) n = this.neighbours.create(index, words[0], words[1], words[2], words[3]);
        this.neighbours.update(n, high, low, Nud.Permanent, true);
      } catch (error) {
        throw new Error(`${where}: ${(error as Error).message}`);
      }
    }
  }

  /** The packet ends here. */
  drop(slot: number, code: Drop): void {
    this.counters.drops[code]++;
    this.pool.free(slot);
  }

  /**
   * Asked before a packet changes what later ones depend on, and notes that. While the thread only speculates
   * (packet/speculation.ts) it may not be: the packet ends here, true.
   */
  givesUp(slot: number): boolean {
    this.speculation.failed = true;
    if (!this.speculation.active) return false;
    this.drop(slot, Drop.Unhandled);
    return true;
  }

  /** Hands the frame in hand to an interface, whole, at its time; a full queue drops it. */
  transmit(dev: number, slot: number, start: number, end: number): void {
    if (this.tx[dev].push(slot, start, end, this.frameTime, 0)) this.counters.countSent();
    else this.drop(slot, Drop.QueueFull);
  }

  /** A slot for a frame of `length` bytes that is made here, or -1 (counted as generated and dropped). */
  make(length: number): number {
    this.counters.countGenerated();
    if (length > this.pool.room) {
      this.counters.drops[Drop.Truncated]++;
      return -1;
    }
    const slot = this.pool.alloc();
    if (slot < 0) this.counters.drops[Drop.NoBuffer]++;
    return slot;
  }

  /** An IP identification for a packet made here. Linux's come from a keyed hash; this is a counter. */
  ipId(): number {
    this.#ipId = (this.#ipId + 1) & 0xffff;
    return this.#ipId;
  }

  /** Notes that a timer is due at `time`. */
  wakeAt(time: number): void {
    if (time < this.nextDue) this.nextDue = time;
  }
}
