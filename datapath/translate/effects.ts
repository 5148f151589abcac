/**
 * What a translation did beside giving actions, kept with the megaflow so that packets which never see the slow path count
 * for the rules and ports on their way, and keep learned addresses and rules young (OVS: struct xlate_cache,
 * ofproto/ofproto-dpif-xlate-cache.c).
 */
import type { TranslationEffects } from "../upcall.ts";

/** Something with packet and byte counters. */
export interface Credited {
  credit(packets: number, bytes: number, now: number): void;
}

export class Effects implements TranslationEffects {
  private readonly credited: Credited[] = [];
  /** Bytes of outer headers that a packet has gained by then, for each of `credited`. */
  private readonly extra: number[] = [];
  private readonly refreshed: ((now: number) => void)[] = [];
  /** Outer header bytes on the packet now: what is counted from here on sees the longer frame. */
  headerBytes = 0;

  counts(target: Credited): void {
    this.credited.push(target);
    this.extra.push(this.headerBytes);
  }

  repeats(again: (now: number) => void): void {
    this.refreshed.push(again);
  }

  /** How many repeated effects there are; with `refreshFrom`, to repeat only the newest. */
  get repeated(): number {
    return this.refreshed.length;
  }

  credit(packets: number, bytes: number, now: number): void {
    for (let i = 0; i < this.credited.length; i++)
      this.credited[i].credit(packets, bytes + packets * this.extra[i], now);
  }

  refresh(now: number): void {
    this.refreshFrom(0, now);
  }

  refreshFrom(first: number, now: number): void {
    for (let i = first; i < this.refreshed.length; i++) this.refreshed[i](now);
  }
}
