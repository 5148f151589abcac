/**
 * The contract between the fast path and the slow path. The datapath asks with a key and gets a translation: datapath
 * actions, and the mask of every key bit that was looked at. It never sees bridges or tables.
 */
import type { OdpAction } from "./action/odp-action.ts";

/** What a translation touched, kept with the megaflow so that hits can be credited later (OVS: struct xlate_cache). */
export interface TranslationEffects {
  /** Credits `packets` and `bytes` (of the frame as it came in) to rules, tables, ports; `now` in ns of virtual time. */
  credit(packets: number, bytes: number, now: number): void;
  /** Repeats side effects of hits: MAC entries and learned rules stay young. `now` in ns: when the last hit was. */
  refresh(now: number): void;
}

export interface Translation {
  /** KEY_WORDS words; bit set = the megaflow matches on it. Shared with others: not to be written to. */
  readonly mask: Int32Array;
  readonly actions: readonly OdpAction[];
  /** Not empty: do not install, translate each packet anew (OVS: slow path reasons). */
  readonly slow: readonly string[];
  /**
   * Without side effects: one was left out that would have changed something. The next packet has to be translated with
   * them, so a megaflow may be kept on the word of this translation, but is not current.
   */
  readonly suppressed?: boolean | undefined;
  /** Set when translation failed: the packet is dropped (a drop flow is installed all the same, as OVS does). */
  readonly error: string | undefined;
  /** The error is that the packet came out of a tunnel of which no port is the end. */
  readonly noTunnel?: boolean | undefined;
  readonly effects: TranslationEffects;
  /** OpenFlow table lookups made (facts 5.1 "lookups"). */
  readonly lookups: number;
}

export interface UpcallHandler {
  /**
   * Translates one packet: `key` has KEY_WORDS words at `at` with datapath port numbers. Side effects (MAC learning,
   * learn actions) happen when `sideEffects` is true; they may raise `epoch`.
   */
  translate(keys: Int32Array, at: number, now: number, sideEffects: boolean): Translation;
  /** Raised by every change that can make a megaflow stale: rules, MAC moves and new MACs, port state. */
  readonly epoch: number;
}
