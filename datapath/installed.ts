/**
 * What is installed in a datapath: for each megaflow its translation and program, the crediting of its hits, and when it
 * has to go. Nothing here runs for a packet that hits.
 */
import type { OdpAction } from "./action/odp-action.ts";
import { ProgramStore } from "./action/program-store.ts";
import { C_REVALIDATIONS, type Counters } from "./counters.ts";
import { KEY_WORDS } from "./flow/flow-key.ts";
import { installedMask, isInstalledAs } from "./flow/flow-mask.ts";
import type { ExactMatchCache } from "./lookup/exact-match-cache.ts";
import {
  F_BYTES,
  F_CREDITED_BYTES,
  F_CREDITED_PACKETS,
  F_PACKETS,
  F_USED,
  I_EPOCH,
  I_PROGRAM,
  type MegaflowCache,
  RECORD_F64,
  RECORD_I32,
} from "./lookup/megaflow-cache.ts";
import type { Translation, UpcallHandler } from "./upcall.ts";

/** Numbers in quarantine that are worth a sweep of the exact-match cache between two revalidations. */
const SWEEP_AT = 4096;

/** One megaflow, for dumps. */
export interface MegaflowView {
  readonly flow: number;
  /** Full key of the packet that made it; KEY_WORDS words. */
  readonly key: Int32Array;
  readonly mask: Int32Array;
  readonly actions: readonly OdpAction[];
  readonly packets: number;
  readonly bytes: number;
  /** Virtual time of the last hit in ns, undefined when never hit. */
  readonly used: number | undefined;
  readonly translation: Translation;
}

export interface RevalidateResult {
  readonly kept: number;
  readonly idle: number;
  readonly stale: number;
}

export class Installed {
  readonly programs: ProgramStore;
  readonly #handler: UpcallHandler;
  readonly #cache: MegaflowCache;
  readonly #exactMatch: ExactMatchCache;
  readonly #counters: Counters;
  /** By megaflow. */
  readonly #translations: (Translation | undefined)[] = [];
  readonly #releases: number[] = [];

  constructor(handler: UpcallHandler, cache: MegaflowCache, exactMatch: ExactMatchCache, counters: Counters) {
    this.programs = new ProgramStore(cache.arena);
    this.#handler = handler;
    this.#cache = cache;
    this.#exactMatch = exactMatch;
    this.#counters = counters;
  }

  /** Programs wait to be freed. */
  get hasGarbage(): boolean {
    return this.#releases.length > 0;
  }

  /** Adds a megaflow that owns `program` from here on; -1 when there is no room, and the program stays the caller's. */
  add(keys: Int32Array, at: number, translation: Translation, program: number, epoch: number, now: number): number {
    const f = this.#cache.add(keys, at, installedMask(translation.mask), program, epoch, now);
    if (f < 0) return -1;
    while (this.#translations.length <= f) this.#translations.push(undefined);
    this.#translations[f] = translation;
    return f;
  }

  /** Gives a program back, after the burst: it may be running. */
  release(program: number): void {
    this.#releases.push(program);
  }

  /** Compares a megaflow with what translation says today, for a sweep; false when it was removed. */
  #isCurrent(f: number, now: number): boolean {
    const { i32, keys } = this.#cache;
    const epoch = this.#handler.epoch;
    if (i32[f * RECORD_I32 + I_EPOCH] === epoch) return true;
    this.#counters.total[C_REVALIDATIONS]++;
    return this.keep(f, this.#handler.translate(keys, f * KEY_WORDS, now, false), epoch);
  }

  /** A megaflow that does what the translation `fresh`, of `epoch`, says is kept and takes its place; others are removed. */
  keep(f: number, fresh: Translation, epoch: number): boolean {
    const cache = this.#cache;
    const old = this.#translations[f];
    if (old === undefined) throw new Error(`megaflow ${f} has no translation`);
    if (
      fresh.slow.length === 0 &&
      (fresh.error === undefined) === (old.error === undefined) &&
      isInstalledAs(fresh.mask, cache.maskOf(f)) &&
      sameActions(fresh.actions, old.actions)
    ) {
      // Hits so far belong to the rules of the old translation.
      this.#credit(f);
      this.#translations[f] = fresh;
      if (fresh.suppressed !== true) cache.i32[f * RECORD_I32 + I_EPOCH] = epoch;
      return true;
    }
    this.#remove(f);
    return false;
  }

  #remove(f: number): void {
    this.#credit(f);
    this.release(this.#cache.i32[f * RECORD_I32 + I_PROGRAM]);
    this.#translations[f] = undefined;
    this.#cache.remove(f);
  }

  /** Between bursts only: until then a program may be running, and a number may be in a group. */
  reclaim(): void {
    for (const program of this.#releases) this.programs.release(program);
    this.#releases.length = 0;
    if (this.#cache.quarantined >= SWEEP_AT) this.#recycle();
  }

  #recycle(): void {
    if (this.#cache.quarantined === 0) return;
    this.#cache.recycle((dead) => this.#exactMatch.sweep(dead));
  }

  /** Hands the hits of a megaflow that are not credited yet to its translation's effects; how many packets they were. */
  #credit(f: number): number {
    const { f64 } = this.#cache;
    const at = f * RECORD_F64;
    const packets = f64[at + F_PACKETS] - f64[at + F_CREDITED_PACKETS];
    const bytes = f64[at + F_BYTES] - f64[at + F_CREDITED_BYTES];
    if (packets === 0) return 0;
    f64[at + F_CREDITED_PACKETS] += packets;
    f64[at + F_CREDITED_BYTES] += bytes;
    this.#translations[f]?.effects.credit(packets, bytes, f64[at + F_USED]);
    return packets;
  }

  /**
   * What Open vSwitch's revalidators do (ofproto/ofproto-dpif-upcall.c): credits hits, repeats the side effects of
   * megaflows that had any (learned addresses stay young), removes the idle ones (no hit for `idleNs`, OVS's max-idle of
   * 10 s) and those that translation would make differently now. `now` in ns of virtual time.
   */
  revalidate(now: number, idleNs: number): RevalidateResult {
    const cache = this.#cache;
    let kept = 0;
    let idle = 0;
    let stale = 0;
    this.flushStats();
    for (let f = cache.next(0); f >= 0; f = cache.next(f + 1)) {
      if (now - cache.f64[f * RECORD_F64 + F_USED] > idleNs) {
        this.#remove(f);
        idle++;
      } else if (this.#isCurrent(f, now)) {
        kept++;
      } else {
        stale++;
      }
    }
    this.reclaim();
    this.#recycle();
    return { kept, idle, stale };
  }

  /** Credits all hits and repeats their side effects, without the rest of `revalidate`: before rule counters are read. */
  flushStats(): void {
    const cache = this.#cache;
    for (let f = cache.next(0); f >= 0; f = cache.next(f + 1)) {
      if (this.#credit(f) > 0) this.#translations[f]?.effects.refresh(cache.f64[f * RECORD_F64 + F_USED]);
    }
  }

  /** Removes every megaflow (OVS: revalidator/purge), credited. */
  purge(): void {
    for (const f of this.#cache.numbers()) this.#remove(f);
    this.reclaim();
    this.#recycle();
  }

  /** All megaflows, in order of their numbers. */
  *views(): Generator<MegaflowView> {
    const cache = this.#cache;
    for (const f of cache.numbers()) {
      const translation = this.#translations[f];
      if (translation === undefined) continue;
      const at = f * RECORD_F64;
      const packets = cache.f64[at + F_PACKETS];
      yield {
        flow: f,
        key: cache.keys.slice(f * KEY_WORDS, (f + 1) * KEY_WORDS),
        mask: cache.maskOf(f).slice(),
        actions: translation.actions,
        packets,
        bytes: cache.f64[at + F_BYTES],
        used: packets > 0 ? cache.f64[at + F_USED] : undefined,
        translation,
      };
    }
  }
}

/** Structural equality of plain data: numbers, strings, arrays, byte arrays, objects. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!same(a[i], b[i])) return false;
    return true;
  }
  let keys = 0;
  for (const key in a) {
    if (!same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false;
    keys++;
  }
  // As many on the other side: an output, by far the most frequent action, has two.
  for (const _ in b) keys--;
  return keys === 0;
}

function sameActions(a: readonly OdpAction[], b: readonly OdpAction[]): boolean {
  return same(a, b);
}
