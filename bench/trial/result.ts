/**
 * The result of a run, as it is printed, written with --json (result.schema.json) and compared. Integer counts from the
 * cold pass; times from the warm passes; ratios only where people ask for them.
 */

import type { WorkTree } from "../git.ts";
import type { ClusterLayout } from "../path/cluster-layout.ts";
import type { PathResult } from "../path/hop.ts";
import type { CachePoint } from "./cache-series.ts";
import type { Capacity } from "./capacity.ts";
import type { Conditions } from "./conditions.ts";
import type { Environment } from "./environment.ts";
import type { InputResult } from "./inputs.ts";
import type { NodeCost } from "./node-cost.ts";
import type { Placement } from "./placement.ts";
import type { Spread } from "./statistics.ts";

export const RESULT_FORMAT = "eastwest run result";
export const RESULT_VERSION = 1;
export const BITS_LAYER = "layer 2: delivered Ethernet frames without preamble, frame check sequence and gap";

export interface RunResult {
  readonly format: typeof RESULT_FORMAT;
  readonly version: typeof RESULT_VERSION;
  readonly eastwest: string;
  /** ISO 8601. */
  readonly created: string;
  readonly command: readonly string[];
  readonly interrupted: boolean;
  readonly environment: Environment;
  /** The program's commit (null outside of a repository), and what else the machine did; older results have neither. */
  readonly commit?: WorkTree | null;
  readonly conditions?: Conditions;
  readonly modes: Readonly<Record<string, ModeResult>>;
}

export interface VmResult {
  readonly name: string;
  readonly sent: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  /** Its capture holds no ARP, so a small model answers ARP and neighbour solicitations for it. */
  readonly answering: boolean;
}

export interface ModeResult {
  readonly mode: string;
  readonly network: string;
  readonly topology: { readonly name: string; readonly file: string };
  readonly inputs: readonly InputResult[];
  readonly notes: readonly string[];
  /** Threads that shared the work. */
  readonly workers: number;
  /** Every host on its own thread; null: together. */
  readonly placement: Placement | null;
  readonly offered: { readonly packets: number; readonly bytes: number; readonly refused: number };
  /** Delivered to VMs in the cold pass. */
  readonly packets: number;
  readonly bytes: number;
  readonly frameBytes: number | null;
  readonly nsPerPacket: number | null;
  readonly packetsPerSecond: number | null;
  readonly bitsPerSecond: number | null;
  readonly bitsPerSecondLayer: string;
  readonly times: Times | null;
  /**
   * Bytes that a delivered packet leaves on the heaps of all threads in warm passes, the clock at each host off; null without
   * warm passes, or when a garbage collection came into every stretch. Absent in older results.
   */
  readonly bytesAllocatedPerPacket?: number | null;
  readonly vms: readonly VmResult[];
  readonly nodes: readonly NodeCost[];
  readonly passes: number;
  readonly tunnelPasses: number;
  readonly recirculations: number;
  readonly encapsulations: number;
  readonly decapsulations: number;
  readonly routings: number;
  readonly perPacket: Readonly<Record<PerPacket, number | null>>;
  readonly underlayFrames: number;
  readonly underlayBytes: number;
  readonly networkNode: {
    /** Delivered packets that a network node routed, in all and as a share. */
    readonly routings: number;
    readonly packetShare: number | null;
    /** Frames on the underlay that a network node sent or received, in all and as a share. */
    readonly underlayFrames: number;
    readonly underlayShare: number | null;
  };
  readonly cache: {
    readonly lookups: number;
    readonly exactHits: number;
    readonly megaflowHits: number;
    readonly upcalls: number;
    /** Subtables of the megaflow caches that were tried. */
    readonly subtableLookups: number;
    readonly tableLookups: number;
    readonly megaflows: number;
    readonly masks: number;
  };
  readonly drops: Readonly<Record<string, number>>;
  readonly wires: readonly {
    readonly name: string;
    readonly frames: number;
    readonly bytes: number;
    /** Of the frames, those that a card with an MTU of 1500 bytes would not send. Absent in older results. */
    readonly longFrames?: number;
  }[];
  readonly firstPing: readonly string[];
  /** Hosts, bridges, ports, namespaces and wires. Absent in older results, as the next two. */
  readonly cluster?: ClusterLayout;
  /** The first ping's way through them. */
  readonly path?: PathResult;
  /** How the caches filled in the cold pass; null where several threads did it. */
  readonly cacheSeries?: readonly CachePoint[] | null;
  readonly capacity: Capacity;
  readonly conservation: { readonly ok: boolean; readonly violations: readonly string[] };
  readonly pace: Pacing | null;
}

export const perPacketNames = [
  "passes",
  "tunnelPasses",
  "encapsulations",
  "decapsulations",
  "routings",
  "underlayFrames",
  "underlayBytes",
] as const;
export type PerPacket = (typeof perPacketNames)[number];

export interface Times {
  readonly rule: string;
  readonly warmUpPasses: number;
  readonly passes: number;
  readonly delivered: number;
  readonly seconds: number;
  readonly nsPerPacket: Spread;
  /** Revalidation and ageing for a delivered packet, which `nsPerPacket` does not hold. */
  readonly housekeepingNsPerPacket: Spread;
  /** Mean length of the frames delivered in warm passes. */
  readonly frameBytes: number;
  /**
   * Time of `nsPerPacket` in no node: copies from the capture into packet buffers, VMs, wires, readings of the clock. The
   * medians' difference, so that nodes and this add up; null where threads shared the work. Absent in older results.
   */
  readonly restNsPerPacket?: number | null;
  /** Share of the time in which the measuring thread was ready but others had its core; null: the system does not say. */
  readonly waitedShare?: number | null;
  readonly samples?: SampleCounts;
}

export interface SampleCounts {
  readonly taken: number;
  /** Without the core for more than DISTURBED of their time. */
  readonly disturbed: number;
  /** Of these, how many no figure holds: all, or none when too few others remain. */
  readonly leftOut: number;
}

export interface Pacing {
  readonly asked: string;
  readonly framesPerSecond: number;
  readonly latestMs: number;
}
