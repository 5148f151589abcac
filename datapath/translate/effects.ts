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

/**
 * A side effect. Not the `first` time it may only keep young what is as it would make it: the hits that it is repeated for
 * are older than whatever has changed it since (an address that moved, a rule that was removed).
 */
export type Repeated = (now: number, first: boolean) => void;

export class Effects implements TranslationEffects {
  private readonly credited: Credited[] = [];
  /** Bytes of outer headers that a packet has gained by then, for each of `credited`; undefined: none has any. */
  private extra: number[] | undefined = undefined;
  private refreshed: Repeated[] | undefined = undefined;
  /** Outer header bytes on the packet now: what is counted from here on sees the longer frame. */
  headerBytes = 0;

  counts(target: Credited): void {
    if (this.headerBytes !== 0 && this.extra === undefined) this.extra = this.credited.map(() => 0);
    this.credited.push(target);
    this.extra?.push(this.headerBytes);
  }

  repeats(again: Repeated): void {
    if (this.refreshed === undefined) this.refreshed = [again];
    else this.refreshed.push(again);
  }

  /** How many repeated effects there are; with `performFrom`, to have only the newest happen. */
  get repeated(): number {
    return this.refreshed?.length ?? 0;
  }

  credit(packets: number, bytes: number, now: number): void {
    const { credited, extra } = this;
    for (let i = 0; i < credited.length; i++) {
      credited[i].credit(packets, extra === undefined ? bytes : bytes + packets * extra[i], now);
    }
  }

  refresh(now: number): void {
    this.repeat(0, now, false);
  }

  /** The effects from number `first` on happen for the first time. */
  performFrom(first: number, now: number): void {
    this.repeat(first, now, true);
  }

  private repeat(from: number, now: number, first: boolean): void {
    const { refreshed } = this;
    if (refreshed === undefined) return;
    for (let i = from; i < refreshed.length; i++) refreshed[i](now, first);
  }
}
