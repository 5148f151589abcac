/**
 * The result of a replay, as it is printed and written with --json (../replay.schema.json). Keys that `run` has too mean
 * the same: integer counts from the cold pass, times from the warm ones. A packet is a frame that came in.
 */
import type { WorkTree } from "../git.ts";
import type { Conditions } from "../trial/conditions.ts";
import type { Environment } from "../trial/environment.ts";
import type { InputResult } from "../trial/inputs.ts";
import type { Spread } from "../trial/statistics.ts";
import type { StageName } from "./engine.ts";
import type { PerfResult } from "./perf-result.ts";
import type { Station } from "./underlay.ts";

export const REPLAY_FORMAT = "eastwest replay result";
export const REPLAY_VERSION = 1;
export const REPLAY_BITS_LAYER = "layer 2: received Ethernet frames without preamble, frame check sequence and gap";

export interface CacheResult {
  /** Passes through the caches: received packets and recirculated ones. */
  readonly lookups: number;
  readonly exactHits: number;
  readonly megaflowHits: number;
  readonly upcalls: number;
  /** Subtables of the megaflow cache that were tried. */
  readonly subtableLookups: number;
  /** Of those, by megaflow hit; null without one. */
  readonly lookupsPerHit: number | null;
  readonly tableLookups: number;
  /** Held at the end. */
  readonly megaflows: number;
  readonly masks: number;
}

export interface PortResult {
  /** "2"; "underlay" for the card of the tunnels; a name for a bridge's own port. */
  readonly port: string;
  /** As given: "null", "gre:10.11.1.115:10.11.1.116"; "" for a bridge's own port. */
  readonly kind: string;
  readonly rxPackets: number;
  readonly rxBytes: number;
  /** To a tunnel: frames as they go in, once and without the outer header, which the underlay's row has. */
  readonly txPackets: number;
  readonly txBytes: number;
}

export interface UnderlayResult extends Station {
  /** Frames whose header was taken off, but that no tunnel has the ends and the key of: dropped, with a reason of their own. */
  readonly unmatched: number;
  /** Frames that were not for a tunnel: they ended at the own port of the underlay's bridge. */
  readonly ended: { readonly packets: number; readonly bytes: number };
}

export interface RuleResult {
  readonly table: number;
  readonly priority: number;
  /** "0x1". */
  readonly cookie: string;
  /** As `ovs-ofctl dump-flows` prints them. */
  readonly match: string;
  readonly actions: string;
  /** In the cold pass, and in the measured warm ones (null without those). */
  readonly packets: number;
  readonly bytes: number;
  readonly timedPackets: number | null;
}

export interface ReplayTimes {
  readonly rule: string;
  readonly warmUpPasses: number;
  readonly passes: number;
  readonly packets: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly nsPerPacket: Spread;
  /** Revalidation and ageing by packet, which `nsPerPacket` does not hold. */
  readonly housekeepingNsPerPacket: Spread;
  readonly frameBytes: number;
  /** Share of the time in which the thread was ready but others had its core; null where the system does not say. */
  readonly waitedShare: number | null;
  readonly cache: CacheResult;
}

export interface ReplayResult {
  readonly format: typeof REPLAY_FORMAT;
  readonly version: typeof REPLAY_VERSION;
  readonly eastwest: string;
  /** ISO 8601. */
  readonly created: string;
  readonly command: readonly string[];
  readonly interrupted: boolean;
  readonly environment: Environment;
  /** The program's commit (null outside of a repository), and what else the machine did; older results have neither. */
  readonly commit?: WorkTree | null;
  readonly conditions?: Conditions;
  readonly workers: number;
  readonly inputs: readonly InputResult[];
  readonly rulesFile: string | null;
  readonly exactMatchEntries: number;
  readonly offered: { readonly packets: number; readonly bytes: number; readonly refused: number };
  readonly packets: number;
  readonly bytes: number;
  readonly frameBytes: number | null;
  readonly nsPerPacket: number | null;
  readonly packetsPerSecond: number | null;
  readonly bitsPerSecond: number | null;
  readonly bitsPerSecondLayer: string;
  readonly times: ReplayTimes | null;
  /** ns a packet in each stage, the reading of the clock in it: from passes of their own, so more than `nsPerPacket` in all. */
  readonly stages: Readonly<Record<StageName, number>> | null;
  /** Null when not measured, or when a garbage collection came into every stretch. */
  readonly bytesAllocatedPerPacket: number | null;
  readonly passes: number;
  readonly recirculations: number;
  readonly encapsulations: number;
  readonly decapsulations: number;
  readonly copies: number;
  /** To ports, those of the bridges themselves among them: `underlay.ended` is in it. */
  readonly transmitted: { readonly packets: number; readonly bytes: number };
  /** Null without tunnels. */
  readonly underlay: UnderlayResult | null;
  readonly cache: CacheResult;
  readonly drops: Readonly<Record<string, number>>;
  readonly ports: readonly PortResult[];
  readonly rules: readonly RuleResult[];
  readonly conservation: { readonly ok: boolean; readonly violations: readonly string[] };
  /** With --perf. */
  readonly perf: PerfLoops | null;
}

/** What the loops of all workers did in the cold pass and in the timed ones. */
export interface PerfLoops {
  readonly cold: PerfResult;
  readonly timed: PerfResult | null;
  /** Of each worker, where there are several: `cold` and `timed` are merged of them. */
  readonly workers?: readonly Omit<PerfLoops, "workers">[];
}
