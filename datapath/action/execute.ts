/**
 * Runs programs (program.ts) on packets. The packets of one flow in a burst are a chain, `head`, next[head], ... -1, and
 * each operation goes over the whole chain before the next one starts, as odp_execute_actions() does in Open vSwitch: the
 * cost of telling operations apart is paid once a chain, and outputs leave in the same order as there.
 *
 * A program owns the packets it is given: every one ends in a transmit queue, in the next pass, or as a counted drop with
 * its slot freed. Copies (outputs before the last one, clone) are new slots, counted as copies, dropped where there is none.
 */
import {
  C_COPIES,
  C_POPS,
  C_PUSHES,
  C_TRANSMITTED,
  C_TRANSMITTED_BYTES,
  C_USERSPACE,
  type Counters,
} from "../counters.ts";
import { extractOthers } from "../flow/extract.ts";
import { hashAdd, hashFinish } from "../flow/hash.ts";
import { Drop } from "../packet/drop.ts";
import type { PacketBatch } from "../packet/packet-batch.ts";
import type { PacketPool } from "../packet/packet-pool.ts";
import type { PacketQueue } from "../packet/packet-queue.ts";
import { type ActionKernel, actionModule } from "./action-kernel.ts";
import { type Chain, ChainSplit } from "./chain.ts";
import { Copies } from "./copies.ts";
import { NO_TRANSPORT, Op } from "./opcodes.ts";
import type { ProgramStore } from "./program-store.ts";
import { popEth, popMpls, popVlan, pushEth, pushMpls, pushVlan, setMpls } from "./push-pop.ts";
import { setArp, setEthMasked, setIcmp, setIpv4, setIpv6, setNd, setSctp, setTcp, setTtl, setUdp } from "./rewrite.ts";
import { popTunnel, pushTunnel } from "./tunnel.ts";

/** Takes packets that go through the datapath again. */
export interface Recirculator {
  /** Packet i of `set` comes in again by `inPort` with recirculation id `id`; it was in pass number `depth`. */
  recirculate(set: PacketBatch, i: number, inPort: number, id: number, depth: number): void;
}

export class Executor {
  readonly #pool: PacketPool;
  readonly #tx: readonly PacketQueue[];
  readonly #counters: Counters;
  readonly #again: Recirculator;
  readonly #programs: ProgramStore;
  readonly #kernel: ActionKernel;
  /** What `enqueue` says beside its result. */
  readonly #answer: Int32Array;
  readonly #answerAt: number;
  readonly #copies: Copies;
  readonly #split = new ChainSplit();
  readonly #vlanLimit: number;
  readonly #makeRoom: (() => void) | undefined;

  /**
   * The queues of `tx` lie in the pool's arena. `vlanLimit`: VLAN tags that are parsed. `makeRoom`: sends what waits in `tx`
   * when there is no room for more; without it that is dropped.
   */
  constructor(
    pool: PacketPool,
    tx: readonly PacketQueue[],
    counters: Counters,
    programs: ProgramStore,
    again: Recirculator,
    vlanLimit: number,
    makeRoom?: () => void,
  ) {
    this.#vlanLimit = vlanLimit;
    this.#makeRoom = makeRoom;
    this.#programs = programs;
    this.#kernel = pool.arena.kernels(actionModule);
    this.#answerAt = pool.arena.alloc(8);
    this.#answer = pool.arena.i32(this.#answerAt, 2);
    this.#pool = pool;
    this.#tx = tx;
    this.#counters = counters;
    this.#again = again;
    this.#copies = new Copies(pool, counters, makeRoom);
  }

  /** Runs the program at `pc` on the packets of `set` from `head` on; `depth` is the number of the pass. */
  run(pc: number, set: PacketBatch, chain: Chain, head: number, depth: number): void {
    const { code } = this.#programs;
    const { next } = chain;
    const { view, bytes } = this.#pool;
    const { start, end, l3, l4 } = set;
    for (;;) {
      switch (code[pc]) {
        case Op.SetEth:
          this.#kernel.setEth(set.base, chain.at, head, code[pc + 1], code[pc + 2], code[pc + 3]);
          pc += 4;
          break;
        case Op.Output:
          this.#output(set, chain, head, code[pc + 1]);
          return;
        case Op.OutputCopy:
          for (let i = head; i >= 0; i = next[i]) this.#outputCopy(set, i, code[pc + 1], code[pc + 2]);
          pc += 3;
          break;
        case Op.Drop:
          for (let i = head; i >= 0; i = next[i]) this.drop(set, i, code[pc + 1]);
          return;
        case Op.SetTtl:
          for (let i = head; i >= 0; i = next[i]) setTtl(view, l3[i], l4[i], code[pc + 1]);
          pc += 2;
          break;
        case Op.PushTunnel:
          this.#counters.total[C_PUSHES] += pushTunnel(
            this.#kernel,
            this.#pool,
            set,
            chain,
            head,
            this.#programs,
            pc + 1,
          );
          pc += 6 + ((code[pc + 3] + 3) >> 2);
          break;
        case Op.PopTunnel:
          for (let i = head; i >= 0; i = next[i]) {
            if (popTunnel(view, bytes, set, i, code[pc + 2])) {
              this.#counters.total[C_POPS]++;
              this.#again.recirculate(set, i, code[pc + 1], 0, depth);
            } else {
              this.drop(set, i, Drop.NoTunnel);
            }
          }
          return;
        case Op.PushVlan:
          for (let i = head; i >= 0; i = next[i]) pushVlan(view, set, i, code[pc + 1]);
          pc += 2;
          break;
        case Op.PopVlan:
          for (let i = head; i >= 0; i = next[i]) popVlan(view, set, i);
          pc += 1;
          break;
        case Op.Headroom:
          head = this.#headroom(set, next, head, code[pc + 1]);
          if (head < 0) return;
          pc += 2;
          break;
        case Op.SetEthMasked:
          for (let i = head; i >= 0; i = next[i]) setEthMasked(view, start[i], code, pc + 1);
          pc += 7;
          break;
        case Op.SetIpv4:
          for (let i = head; i >= 0; i = next[i]) setIpv4(view, l3[i], l4[i], code, pc + 1);
          pc += 7;
          break;
        case Op.SetIpv6:
          for (let i = head; i >= 0; i = next[i]) setIpv6(view, l3[i], l4[i], code, pc + 1);
          pc += 21;
          break;
        case Op.SetTcp:
          for (let i = head; i >= 0; i = next[i]) setTcp(view, l3[i], l4[i], code, pc + 1);
          pc += 3;
          break;
        case Op.SetUdp:
          for (let i = head; i >= 0; i = next[i]) setUdp(view, l3[i], l4[i], code, pc + 1);
          pc += 3;
          break;
        case Op.SetSctp:
          for (let i = head; i >= 0; i = next[i]) setSctp(view, bytes, l3[i], l4[i], code, pc + 1);
          pc += 3;
          break;
        case Op.SetIcmp:
          for (let i = head; i >= 0; i = next[i]) setIcmp(view, l3[i], l4[i], code, pc + 1);
          pc += 3;
          break;
        case Op.SetArp:
          for (let i = head; i >= 0; i = next[i]) setArp(view, l3[i], end[i], code, pc + 1);
          pc += 13;
          break;
        case Op.SetNd:
          for (let i = head; i >= 0; i = next[i]) setNd(view, l3[i], l4[i], code, pc + 1);
          pc += 15;
          break;
        case Op.SetMpls:
          for (let i = head; i >= 0; i = next[i]) setMpls(view, set, i, code[pc + 1], code[pc + 2]);
          pc += 3;
          break;
        case Op.PushMpls:
          for (let i = head; i >= 0; i = next[i]) pushMpls(view, bytes, set, i, code[pc + 1], code[pc + 2]);
          pc += 3;
          break;
        case Op.PopMpls:
          for (let i = head; i >= 0; i = next[i]) popMpls(view, bytes, set, i, code[pc + 1]);
          pc += 2;
          break;
        case Op.PushEth:
          for (let i = head; i >= 0; i = next[i]) pushEth(view, set, i, code[pc + 1], code[pc + 2], code[pc + 3]);
          pc += 4;
          break;
        case Op.PopEth:
          for (let i = head; i >= 0; i = next[i]) popEth(set, i);
          pc += 1;
          break;
        case Op.Recirculate:
          for (let i = head; i >= 0; i = next[i]) this.#again.recirculate(set, i, set.inPort[i], code[pc + 1], depth);
          return;
        case Op.EnterBy:
          for (let i = head; i >= 0; i = next[i]) {
            set.inPort[i] = code[pc + 1];
            set.tunDst[i] = 0;
          }
          pc += 2;
          break;
        case Op.Clone:
          this.#clone(pc + 2, set, next, head, depth);
          pc += 2 + code[pc + 1];
          break;
        case Op.CheckLength: {
          const size = code[pc + 1];
          const lesser = this.#split.longer(set, next, head, size);
          const { chosen } = this.#split;
          if (chosen >= 0) this.run(pc + 3, set, chain, chosen, depth);
          if (lesser < 0) return;
          head = lesser;
          pc += 3 + code[pc + 2];
          break;
        }
        case Op.Sample: {
          const others = this.#split.sampled(set, next, head, code[pc + 1]);
          const { chosen } = this.#split;
          if (chosen >= 0) this.run(pc + 3, set, chain, chosen, depth);
          if (others < 0) return;
          head = others;
          pc += 3 + code[pc + 2];
          break;
        }
        case Op.Truncate:
          for (let i = head; i >= 0; i = next[i])
            if (end[i] - start[i] > code[pc + 1]) end[i] = start[i] + code[pc + 1];
          pc += 2;
          break;
        case Op.Hash:
          for (let i = head; i >= 0; i = next[i]) set.dpHash[i] = hashFinish(hashAdd(code[pc + 1], set.hash[i]));
          pc += 2;
          break;
        case Op.Userspace:
          for (let i = head; i >= 0; i = next[i]) this.#counters.total[C_USERSPACE]++;
          pc += 1;
          break;
        case Op.Reparse:
          for (let i = head; i >= 0; i = next[i]) this.#reparse(set, i);
          pc += 1;
          break;
        case Op.SetMark:
          for (let i = head; i >= 0; i = next[i]) set.mark[i] = (set.mark[i] & ~code[pc + 2]) | code[pc + 1];
          pc += 3;
          break;
        case Op.SetPriority:
          for (let i = head; i >= 0; i = next[i]) set.priority[i] = (set.priority[i] & ~code[pc + 2]) | code[pc + 1];
          pc += 3;
          break;
        case Op.ClearMetadata:
          if (!set.recirculated) {
            for (let i = head; i >= 0; i = next[i]) {
              set.mark[i] = 0;
              set.priority[i] = 0;
              set.dpHash[i] = 0;
            }
          }
          pc += 1;
          break;
        default:
          // Only compile() writes programs, so this is an error of ours: better loud than a packet in limbo.
          throw new Error(`program at ${pc}: unknown operation ${code[pc]}`);
      }
    }
  }

  /** Ends packet i: counted under `reason`, slot freed. */
  drop(set: PacketBatch, i: number, reason: number): void {
    set.drop[i] = reason;
    this.#counters.drops[reason]++;
    this.#pool.free(set.slot[i]);
  }

  #output(set: PacketBatch, chain: Chain, head: number, port: number): void {
    const { next } = chain;
    if (port < 0 || port >= this.#tx.length) {
      for (let i = head; i >= 0; i = next[i]) this.drop(set, i, Drop.NoReceiver);
      return;
    }
    let left = this.#enqueue(set, chain, head, port);
    if (left < 0) return;
    if (this.#makeRoom !== undefined) {
      this.#makeRoom();
      left = this.#enqueue(set, chain, left, port);
    }
    for (let i = left; i >= 0; i = next[i]) this.drop(set, i, Drop.QueueFull);
  }

  /** Puts the packets from `head` on into the queue of `port`; returns the first for which there is no room, or -1. */
  #enqueue(set: PacketBatch, chain: Chain, head: number, port: number): number {
    const queue = this.#tx[port];
    const answer = this.#answer;
    const packets = this.#kernel.enqueue(
      set.base,
      chain.at,
      head,
      queue.base,
      queue.capacity,
      queue.tail,
      queue.limit,
      this.#answerAt,
    );
    queue.pushed(packets);
    const { total, txPackets, txBytes } = this.#counters;
    total[C_TRANSMITTED] += packets;
    total[C_TRANSMITTED_BYTES] += answer[1];
    txPackets[port] += packets;
    txBytes[port] += answer[1];
    return answer[0];
  }

  #outputCopy(set: PacketBatch, i: number, port: number, most: number): void {
    const counters = this.#counters;
    const pool = this.#pool;
    counters.total[C_COPIES]++;
    if (port < 0 || port >= this.#tx.length) {
      counters.drops[Drop.NoReceiver]++;
      return;
    }
    let slot = pool.alloc();
    if (slot < 0 && this.#makeRoom !== undefined) {
      this.#makeRoom();
      slot = pool.alloc();
    }
    if (slot < 0) {
      counters.drops[Drop.NoBuffer]++;
      return;
    }
    const from = set.start[i];
    const whole = set.end[i] - from;
    const length = most > 0 && whole > most ? most : whole;
    const at = from + (slot - set.slot[i]) * pool.stride;
    pool.copy(from, at, length);
    let pushed = this.#tx[port].push(slot, at, at + length, set.time, i);
    if (!pushed && this.#makeRoom !== undefined) {
      this.#makeRoom();
      pushed = this.#tx[port].push(slot, at, at + length, set.time, i);
    }
    if (!pushed) {
      counters.drops[Drop.QueueFull]++;
      pool.free(slot);
      return;
    }
    counters.total[C_TRANSMITTED]++;
    counters.total[C_TRANSMITTED_BYTES] += length;
    counters.txPackets[port]++;
    counters.txBytes[port] += length;
  }

  /**
   * l3 and l4 of packet i as the packet is now. A packet with more tags than are parsed gets a network header too far in
   * front, where the changes that follow are then written: a fault of Open vSwitch (dp_execute_userspace_action() extracts the
   * flow from the packet itself) that its userspace datapath shows on every such packet, so it is shown here.
   */
  #reparse(set: PacketBatch, i: number): void {
    const { batch } = this.#copies.free();
    batch.start[0] = set.start[i];
    batch.end[0] = set.end[i];
    batch.drop[0] = Drop.None;
    batch.tunDst[0] = 0;
    extractOthers(batch, 1, this.#vlanLimit);
    if (batch.drop[0] !== Drop.None) return;
    const net = batch.l3[0];
    set.l3[i] = net;
    set.l4[i] = batch.l4[0] !== 0 || net + 20 > set.end[i] ? batch.l4[0] : NO_TRANSPORT;
  }

  /** Runs the program at `pc` on copies of the chain. */
  #clone(pc: number, set: PacketBatch, next: Int32Array, head: number, depth: number): void {
    const copies = this.#copies.of(set, next, head);
    if (copies === null) return;
    this.run(pc, copies.batch, copies, 0, depth);
    this.#copies.done();
  }

  /** Takes packets out of the chain that have less than `bytes` before them in their slot; returns the new head. */
  #headroom(set: PacketBatch, next: Int32Array, head: number, bytes: number): number {
    const stride = this.#pool.stride;
    let first = head;
    let previous = -1;
    for (let i = head; i >= 0; i = next[i]) {
      if (set.start[i] - set.slot[i] * stride >= bytes) {
        previous = i;
        continue;
      }
      if (previous < 0) first = next[i];
      else next[previous] = next[i];
      this.drop(set, i, Drop.NoBuffer);
    }
    return first;
  }
}
