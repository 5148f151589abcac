/**
 * The fast path of one host, and the page to read first. A burst of packets goes in, every packet comes out in a transmit
 * queue or as a counted drop:
 *
 *   process(batch)
 *     extract        frames -> keys, hashes                                             flow/extract.ts
 *     look up        exact-match cache, then megaflow cache                             lookup/
 *     resolve        in packet order: what is in no cache is translated (upcall) and installed, what is older than the
 *                    handler's epoch is translated again and kept or replaced           installed.ts
 *     group          packets of one megaflow become a chain, in order of first appearance
 *     execute        each chain runs its program: edit in place, push, pop, transmit    action/
 *     recirculate    packets popped from tunnels go through again, at most six times
 *
 * A datapath knows ports by number and never sees bridges or tables: those are behind the upcall handler (upcall.ts).
 *
 * Statistics of rules: the packet that made an upcall is credited at once, as in Open vSwitch; hits are counted in their
 * megaflow and credited by `revalidate` and `flushStats`. So a dump of a fresh megaflow shows 0 packets, as there.
 *
 * Staleness: a megaflow carries the epoch at which its translation was asked for. On its first hit under another epoch
 * the packet is translated with side effects, as it would be without a cache (a sweep takes the first packet's key and has
 * none): the same mask and actions keep it (its effects are replaced), others remove it and the packet makes an upcall.
 * Until then a stale megaflow costs nothing.
 *
 * Longer than a page should be, because a burst's way is one thing: what does not run for a hit is in installed.ts.
 */

import { Executor, type Recirculator } from "./action/execute.ts";
import { TunnelKind } from "./action/opcodes.ts";
import { compile } from "./action/program.ts";
import type { ProgramStore } from "./action/program-store.ts";
import {
  C_EXACT,
  C_LOOKUPS,
  C_MEGAFLOW,
  C_RECEIVED,
  C_RECEIVED_BYTES,
  C_RECIRCULATIONS,
  C_REVALIDATIONS,
  C_SLOW,
  C_SUBTABLE_LOOKUPS,
  C_TABLE_LOOKUPS,
  C_UPCALL,
  Counters,
} from "./counters.ts";
import { extract } from "./flow/extract.ts";
import { Installed, type MegaflowView, type RevalidateResult } from "./installed.ts";
import { type EmcOptions, ExactMatchCache } from "./lookup/exact-match-cache.ts";
import { FlowJournal } from "./lookup/flow-journal.ts";
import {
  F_BYTES,
  F_PACKETS,
  I_EPOCH,
  I_GROUP,
  I_STAMP,
  MegaflowCache,
  RECORD_F64,
  RECORD_I32,
} from "./lookup/megaflow-cache.ts";
import { Drop } from "./packet/drop.ts";
import { BURST, KEY_STRIDE, type PacketBatch } from "./packet/packet-batch.ts";
import { type PacketKernel, packetModule } from "./packet/packet-kernel.ts";
import type { PacketPool } from "./packet/packet-pool.ts";
import { PacketQueue } from "./packet/packet-queue.ts";
import { Speculation } from "./packet/speculation.ts";
import { Pass } from "./pass.ts";
import type { Translation, UpcallHandler } from "./upcall.ts";

export type { MegaflowView, RevalidateResult } from "./installed.ts";

/** Open vSwitch's MAX_RECIRC_DEPTH (lib/dpif-netdev.c). */
export const RECIRCULATION_LIMIT = 6;
/** Open vSwitch's max-idle. */
const IDLE_NS = 10e9;

export interface DatapathOptions {
  /** Datapath ports are 0..ports-1. */
  readonly ports?: number | undefined;
  /** Exact-match cache: size and insertion policy; `{ entries: 0 }` switches it off. */
  readonly emc?: EmcOptions | undefined;
  /** false: every packet makes an upcall, nothing is installed. */
  readonly megaflow?: boolean | undefined;
  /** VLAN tags that are parsed, 1 or 2. Default 1, as Open vSwitch's vlan-limit. */
  readonly vlanLimit?: number | undefined;
  /** Most megaflows, default 200,000. */
  readonly flowLimit?: number | undefined;
  /** Packets that a transmit queue holds. Default 1024. */
  readonly txCapacity?: number | undefined;
  /**
   * Called within `process` when a transmit queue or the pool has no room for a packet: takes out what waits in `tx`, as a
   * port of Open vSwitch sends every 32 packets. Without it the packet is dropped.
   */
  readonly makeRoom?: (() => void) | undefined;
  /** Keep the time of the stages in `counters.ns`, by burst. */
  readonly timing?: boolean | undefined;
  /** Set while this thread runs ahead of what it may change; shared with what lies around the datapath. */
  readonly speculation?: Speculation | undefined;
}

export class Datapath implements Recirculator {
  readonly tx: readonly PacketQueue[];
  readonly counters: Counters;
  readonly exactMatch: ExactMatchCache;
  readonly megaflowCache: MegaflowCache;
  readonly vlanLimit: number;
  /** What a speculative stretch did to megaflows. */
  readonly journal: FlowJournal;
  readonly #speculation: Speculation;
  readonly #handler: UpcallHandler;
  readonly #executor: Executor;
  readonly #programs: ProgramStore;
  readonly #installed: Installed;
  readonly #packets: PacketKernel;
  readonly #passes: readonly Pass[];
  readonly #install: boolean;
  /** Whether the stages' times are kept. */
  timing: boolean;
  readonly #tunnelKinds = new Map<number, number>();
  #stamp = 0;

  constructor(pool: PacketPool, handler: UpcallHandler, options: DatapathOptions = {}) {
    const ports = options.ports ?? 64;
    const vlanLimit = options.vlanLimit ?? 1;
    if (vlanLimit !== 1 && vlanLimit !== 2) throw new Error(`vlanLimit: ${vlanLimit}, expected 1 or 2`);
    if (!Number.isInteger(ports) || ports < 1) throw new Error(`ports: ${ports}, expected an integer of at least 1`);
    this.#handler = handler;
    this.vlanLimit = vlanLimit;
    this.tx = Array.from({ length: ports }, () => new PacketQueue(options.txCapacity ?? 1024, pool.arena));
    this.counters = new Counters(ports);
    this.#install = options.megaflow ?? true;
    this.exactMatch = new ExactMatchCache(pool.arena, this.#install ? options.emc : { entries: 0 });
    this.megaflowCache = new MegaflowCache(pool.arena, options.flowLimit);
    this.journal = new FlowJournal(this.megaflowCache);
    this.#speculation = options.speculation ?? new Speculation();
    this.#installed = new Installed(handler, this.megaflowCache, this.exactMatch, this.counters);
    this.#programs = this.#installed.programs;
    this.timing = options.timing ?? false;
    this.#executor = new Executor(pool, this.tx, this.counters, this.#programs, this, vlanLimit, options.makeRoom);
    this.#packets = pool.arena.kernels(packetModule);
    this.#passes = Array.from({ length: RECIRCULATION_LIMIT + 1 }, () => new Pass(pool));
  }

  /** Says how port `port` decapsulates. A tnl_pop at a port that was not declared goes by the outer header. */
  setTunnel(port: number, kind: "gre" | "vxlan" | "geneve"): void {
    this.#tunnelKinds.set(
      port,
      kind === "gre" ? TunnelKind.Gre : kind === "vxlan" ? TunnelKind.Vxlan : TunnelKind.Geneve,
    );
  }

  /**
   * Takes a burst through. All packets of `batch` must be alive, their slots become the datapath's: afterwards each is in
   * `tx` or freed.
   */
  process(batch: PacketBatch): void {
    if (this.#installed.hasGarbage) this.#installed.reclaim();
    this.#received(batch);
    this.#pass(this.#passes[0], batch, 0);
  }

  #received(batch: PacketBatch): void {
    const { inPort, start, end, count } = batch;
    const { total, rxPackets, rxBytes } = this.counters;
    let sum = this.#packets.bytesOfOnePort(batch.base, count);
    if (sum >= 0) {
      rxPackets[inPort[0]] += count;
      rxBytes[inPort[0]] += sum;
    } else {
      sum = 0;
      for (let i = 0; i < count; i++) {
        const length = end[i] - start[i];
        const port = inPort[i];
        rxPackets[port]++;
        rxBytes[port] += length;
        sum += length;
      }
    }
    total[C_RECEIVED] += count;
    total[C_RECEIVED_BYTES] += sum;
  }

  #pass(pass: Pass, batch: PacketBatch, depth: number): void {
    if (this.timing) {
      this.#timedPass(pass, batch, depth);
      return;
    }
    this.#extract(batch);
    this.#lookUp(pass, batch, depth);
    this.#execute(pass, batch, depth);
    this.#passAgain(depth);
  }

  #timedPass(pass: Pass, batch: PacketBatch, depth: number): void {
    const { ns } = this.counters;
    const t0 = performance.now();
    this.#extract(batch);
    const t1 = performance.now();
    this.#lookUp(pass, batch, depth);
    const t2 = performance.now();
    this.#execute(pass, batch, depth);
    const t3 = performance.now();
    ns[0] += (t1 - t0) * 1e6;
    ns[1] += (t2 - t1) * 1e6;
    ns[2] += (t3 - t2) * 1e6;
    this.#passAgain(depth);
  }

  #passAgain(depth: number): void {
    if (depth >= RECIRCULATION_LIMIT) return;
    const again = this.#passes[depth + 1];
    if (again.batch.count === 0) return;
    this.#pass(again, again.batch, depth + 1);
    again.batch.count = 0;
  }

  #extract(batch: PacketBatch): void {
    if (extract(batch, this.vlanLimit) === 0) return;
    for (let i = 0; i < batch.count; i++) {
      if (batch.drop[i] === Drop.Truncated) this.#executor.drop(batch, i, Drop.Truncated);
    }
  }

  /** Finds or makes the megaflow of every packet, and the groups. */
  #lookUp(pass: Pass, batch: PacketBatch, depth: number): void {
    const { count, drop } = batch;
    const { total } = this.counters;
    const { missed, groups } = pass;
    const cache = this.megaflowCache;
    const misses = this.exactMatch.lookup(batch, missed);
    pass.misses = misses;
    let probes = 0;
    if (misses > 0) {
      probes = -cache.stats[1];
      cache.lookup(batch, missed, misses, pass.open);
      probes += cache.stats[1];
      total[C_SUBTABLE_LOOKUPS] += probes;
      this.exactMatch.offer(batch, missed, misses);
    }

    groups.clear();
    pass.demoted = 0;
    const stamp = this.#nextStamp();
    const upcalls = total[C_UPCALL];
    let dropped = 0;
    for (let from = 0; ; from++) {
      const i = groups.collect(batch, from, cache, this.#handler.epoch, stamp);
      if (i === count) break;
      from = i;
      if (drop[i] !== 0) {
        dropped++;
        continue;
      }
      const f = this.#resolve(pass, batch, i);
      if (f >= 0) groups.join(batch, i, cache, f, stamp);
    }
    if (this.#speculation.active) this.journal.note(groups.megaflow, groups.count);
    // Before execution: a pass that is started by it may remove megaflows.
    groups.book(batch, cache);
    const live = count - dropped;
    const made = total[C_UPCALL] - upcalls;
    this.exactMatch.weigh(live, misses, probes);
    total[C_LOOKUPS] += live;
    total[C_EXACT] += live - misses - pass.demoted;
    total[C_MEGAFLOW] += misses - (made - pass.demoted);
    if (depth > 0) total[C_RECIRCULATIONS] += live;
  }

  #execute(pass: Pass, batch: PacketBatch, depth: number): void {
    const { groups, held } = pass;
    const { head, tail, program, next } = groups;
    const count = groups.count;
    for (let g = 0; g < count; g++) {
      const first = head[g];
      // Groups that one program takes straight through become one chain: what leaves by a port keeps its order. Where each
      // packet of a burst has a megaflow of its own, 30 ns less a packet.
      if (held[g] === 0 && this.#programs.isStraight(program[g])) {
        while (g + 1 < count && program[g + 1] === program[g] && held[g + 1] === 0) {
          next[tail[g]] = head[g + 1];
          g++;
        }
      }
      this.#executor.run(program[g], batch, groups, first, depth);
      if (held[g] !== 0) {
        held[g] = 0;
        this.#installed.release(program[g]);
      }
    }
  }

  /** Recirculator: called by the executor. */
  recirculate(set: PacketBatch, i: number, inPort: number, id: number, depth: number): void {
    if (depth >= RECIRCULATION_LIMIT) {
      this.#executor.drop(set, i, Drop.RecirculationLimit);
      return;
    }
    const pass = this.#passes[depth + 1];
    const to = pass.batch;
    if (to.count === BURST) {
      // Clones can make more than a burst out of one: what waits goes first, in order.
      this.#pass(pass, to, depth + 1);
      to.count = 0;
    }
    const n = to.count++;
    to.slot[n] = set.slot[i];
    to.start[n] = set.start[i];
    to.end[n] = set.end[i];
    to.time[n] = set.time[i];
    to.drop[n] = 0;
    to.inPort[n] = inPort;
    to.tunId[n] = set.tunId[i];
    to.tunSrc[n] = set.tunSrc[i];
    to.tunDst[n] = set.tunDst[i];
    to.tunMeta[n] = set.tunMeta[i];
    to.recircId[n] = id;
    // tnl_pop (id 0) starts with clean metadata, as pkt_metadata_init_tnl() and a new port do in Open vSwitch.
    to.mark[n] = id === 0 ? 0 : set.mark[i];
    to.priority[n] = id === 0 ? 0 : set.priority[i];
    to.dpHash[n] = id === 0 ? 0 : set.dpHash[i];
  }

  // ------------------------------------------------------------------------------------------------ the slow side

  #nextStamp(): number {
    this.#stamp = (this.#stamp + 1) | 0;
    if (this.#stamp === -1 || this.#stamp === 0) {
      // Once in 2^32 bursts: old stamps could be taken for new ones, and -1 is that of a new megaflow.
      this.#stamp = 1;
      const { i32 } = this.megaflowCache;
      for (let at = I_STAMP; at < i32.length; at += RECORD_I32) i32[at] = -1;
    }
    return this.#stamp;
  }

  /**
   * Packet i is in no cache, or in a megaflow of another epoch. Returns a megaflow to count the hit on, or -1 when the
   * packet made an upcall and is in a group already.
   */
  #resolve(pass: Pass, batch: PacketBatch, i: number): number {
    const cache = this.megaflowCache;
    const { keys } = batch;
    const at = i * KEY_STRIDE;
    const now = batch.time[i];
    const epoch = this.#handler.epoch;
    // Not batch.flow[i]: an earlier packet of this burst may have installed, replaced or removed it, and of stale ones that
    // overlap the caches name any.
    let f = this.#install ? cache.find(keys, at, epoch) : -1;
    if (f >= 0 && cache.i32[f * RECORD_I32 + I_EPOCH] === epoch) {
      batch.flow[i] = f;
      return f;
    }
    this.#speculation.failed = true;
    if (this.#speculation.active) {
      this.#executor.drop(batch, i, Drop.NoReceiver);
      return -1;
    }
    let fresh: Translation | undefined;
    // Stale megaflows can overlap: every one that takes this packet is looked at, or the new one might stand beside its twin.
    while (f >= 0) {
      this.#settle(pass, f);
      if (cache.i32[f * RECORD_I32 + I_EPOCH] !== epoch && fresh === undefined) {
        this.counters.total[C_REVALIDATIONS]++;
        fresh = this.#handler.translate(keys, at, now, true);
      }
      if (fresh === undefined || this.#installed.keep(f, fresh, epoch)) {
        batch.flow[i] = f;
        return f;
      }
      f = cache.find(keys, at, epoch);
    }
    if (!pass.missed.words.subarray(0, pass.misses).includes(i)) pass.demoted++;
    this.#upcall(pass, batch, i, epoch, fresh ?? this.#handler.translate(keys, at, now, true));
    return -1;
  }

  /** Books the hits that this pass has for a megaflow so far, as it may be removed before the pass books them. */
  #settle(pass: Pass, f: number): void {
    const { i32, f64 } = this.megaflowCache;
    if (i32[f * RECORD_I32 + I_STAMP] !== this.#stamp) return;
    const g = i32[f * RECORD_I32 + I_GROUP];
    f64[f * RECORD_F64 + F_PACKETS] += pass.groups.packets[g];
    f64[f * RECORD_F64 + F_BYTES] += pass.groups.bytes[g];
    pass.groups.packets[g] = 0;
    pass.groups.bytes[g] = 0;
  }

  /**
   * Installs the megaflow of packet i where that is allowed, and puts the packet in a group. `epoch` is that before the
   * translation: what the packet itself taught may change what the next one gets.
   */
  #upcall(pass: Pass, batch: PacketBatch, i: number, epoch: number, translation: Translation): void {
    const { keys, time, start, end, flow } = batch;
    const { total } = this.counters;
    const cache = this.megaflowCache;
    const at = i * KEY_STRIDE;
    total[C_UPCALL]++;
    total[C_TABLE_LOOKUPS] += translation.lookups;
    translation.effects.credit(1, end[i] - start[i], time[i]);
    const words = compile(
      translation.actions,
      reasonOf(translation),
      (port) => this.#tunnelKinds.get(port) ?? TunnelKind.Any,
    );
    const program = this.#programs.retain(words);
    const g = pass.groups.open(i, program, -1);
    pass.held[g] = 1;
    flow[i] = -1;
    if (translation.slow.length > 0 || !this.#install) {
      total[C_SLOW]++;
      return;
    }
    const f = this.#installed.add(keys, at, translation, program, epoch, time[i]);
    if (f < 0) {
      total[C_SLOW]++;
      return;
    }
    pass.held[g] = 0;
    // The upcall's packet was credited already: it does not count as a hit.
    pass.groups.megaflow[g] = f;
    flow[i] = f;
    // Later packets of this burst join the chain.
    cache.i32[f * RECORD_I32 + I_STAMP] = this.#stamp;
    cache.i32[f * RECORD_I32 + I_GROUP] = g;
    this.exactMatch.offerOne(batch, i);
  }

  /**
   * Credits hits, repeats the side effects of megaflows that had any, removes those without a hit for `idleNs` and those that
   * translation would make differently now (installed.ts). `now` in ns of virtual time.
   */
  revalidate(now: number, options: { readonly idleNs?: number } = {}): RevalidateResult {
    return this.#installed.revalidate(now, options.idleNs ?? IDLE_NS);
  }

  /** Credits all hits and repeats their side effects, without the rest: before rule counters are read. */
  flushStats(): void {
    this.#installed.flushStats();
  }

  /** Removes every megaflow (OVS: revalidator/purge), credited. */
  purge(): void {
    this.#installed.purge();
  }

  /** All megaflows, in order of their numbers. */
  megaflows(): Generator<MegaflowView> {
    return this.#installed.views();
  }
}

/** What a packet is counted as that the actions leave without an end. */
function reasonOf({ error, noTunnel }: Translation): Drop {
  if (error === undefined) return Drop.NoAction;
  return noTunnel === true ? Drop.NoTunnel : Drop.TranslationError;
}
