/**
 * A rule of a flow table, and the message that adds, changes or removes rules (OVS: struct rule, struct ofputil_flow_mod).
 * Times are nanoseconds of virtual time; timeouts are seconds as OpenFlow has them.
 */
import type { OfAction } from "./action.ts";
import type { Match } from "./match.ts";

/** Flags of a flow mod (OVS: OFPUTIL_FF_*). */
export const FLAG_SEND_FLOW_REM = 1;
export const FLAG_NO_PACKET_COUNTS = 2;
export const FLAG_NO_BYTE_COUNTS = 4;
export const FLAG_CHECK_OVERLAP = 8;
export const FLAG_RESET_COUNTS = 16;

export const DEFAULT_PRIORITY = 0x8000;

export interface FlowMod {
  readonly command: "add" | "modify" | "modify_strict" | "delete" | "delete_strict";
  /** 255: every table (modify, delete), or table 0 (add). */
  readonly table: number;
  readonly priority: number;
  readonly match: Match;
  readonly actions: readonly OfAction[];
  /** The new cookie, and for modify and delete the filter `cookie=value/mask`. */
  readonly newCookie: bigint;
  /** A modify changes the cookie (a cookie was given and it was no filter), as does an add of a rule that is there. */
  readonly modifyCookie: boolean;
  readonly cookie: bigint;
  readonly cookieMask: bigint;
  /** A modify that finds no rule adds one: so in OpenFlow 1.0 (where this is left out) and 1.1, not later. */
  readonly mayAdd?: boolean;
  /** Seconds; 0 = never. */
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly importance: number;
  readonly flags: number;
  /** Only rules that output there (modify, delete); undefined = any. */
  readonly outPort: number | undefined;
  readonly outGroup: number | undefined;
  /** Where it stands in its text, from 1. */
  readonly line?: number;
}

export class Rule {
  readonly table: number;
  readonly priority: number;
  readonly match: Match;
  cookie: bigint;
  actions: readonly OfAction[];
  idleTimeout: number;
  hardTimeout: number;
  importance: number;
  flags: number;
  packets = 0;
  bytes = 0;
  /** When it was added; `modified` is what the hard timeout counts from, `used` what the idle timeout does. ns. */
  readonly created: number;
  modified: number;
  used: number;
  /** It is in its table. A removed rule stays false for ever: megaflows that name it are stale. */
  live = true;

  constructor(mod: FlowMod, table: number, now: number) {
    this.table = table;
    this.priority = mod.priority;
    this.match = mod.match;
    this.cookie = mod.newCookie;
    this.actions = mod.actions;
    this.idleTimeout = mod.idleTimeout;
    this.hardTimeout = mod.hardTimeout;
    this.importance = mod.importance;
    this.flags = mod.flags;
    this.created = now;
    this.modified = now;
    this.used = now;
  }

  /** Counts packets that a translation through this rule stood for. */
  credit(packets: number, bytes: number, now: number): void {
    this.packets += packets;
    this.bytes += bytes;
    if (now > this.used) this.used = now;
  }
}
