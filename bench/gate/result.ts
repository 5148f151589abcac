/** What `eastwest gate` writes: everything that its verdict came from. */
import type { Conditions } from "../trial/conditions.ts";
import type { Environment } from "../trial/environment.ts";
import type { Missing } from "./bench.ts";
import type { GatePlan } from "./plan.ts";
import type { Amount } from "./protocol.ts";
import type { SideAbout } from "./sides.ts";
import type { ExactBreak, MetricResult, RunVerdict } from "./verdict.ts";

export const GATE_FORMAT = "eastwest gate";
export const GATE_VERSION = 1;

/** What a process's time was taken with: its own processor time, or the clock on the wall. */
export type Timer = "cpu" | "clock";

/** One pair: three processes that worked in turn; ns a frame (rounds.ts). */
export interface Pair {
  readonly scenario: string;
  readonly purpose: "look" | "confirm";
  readonly base: number;
  readonly head: number;
  /** Null without a control leg. */
  readonly copy: number | null;
}

export interface GateResult {
  readonly format: typeof GATE_FORMAT;
  readonly version: typeof GATE_VERSION;
  readonly eastwest: string;
  /** ISO 8601. */
  readonly created: string;
  readonly command: readonly string[];
  readonly interrupted: boolean;
  readonly verdict: RunVerdict;
  readonly exitCode: number;
  readonly seconds: number;
  readonly seed: number;
  readonly timer: Timer;
  readonly sides: { readonly base: SideAbout; readonly head: SideAbout };
  readonly plan: Omit<GatePlan, "metrics">;
  readonly scenarios: Readonly<Record<string, Amount>>;
  /** Scenarios that a side does not have: not judged. */
  readonly missing: readonly Missing[];
  readonly metrics: readonly MetricResult[];
  /** Median of each side's processes, ns a packet, by metric. */
  readonly figures: Readonly<Record<string, { readonly base: number; readonly head: number }>>;
  /** By scenario, of the base: what was compared exactly; and what differs. */
  readonly exact: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
  readonly broken: readonly ExactBreak[];
  readonly pairs: readonly Pair[];
  readonly processes: number;
  readonly environment: Environment;
  readonly conditions: Conditions;
}
