/** A replay: what goes through which bridge and what is asked of it, and what comes of it. replay.ts does it. */
import type { InputResult } from "../trial/inputs.ts";
import type { Input } from "../trial/schedule.ts";
import type { BridgeSetup } from "./bridge.ts";
import type { ReplayResult } from "./result.ts";

export interface ReplayTrial {
  readonly setup: BridgeSetup;
  readonly inputs: readonly Input[];
  readonly inputResults: readonly InputResult[];
  /** Frames of the counting pass; undefined: each once. */
  readonly frames: number | undefined;
  /** Threads that share the work; 1 = this one. */
  readonly workers: number;
  readonly timing: boolean;
  readonly repeat: number | undefined;
  readonly seconds: number | undefined;
  readonly perf: boolean;
  readonly suspiciousUs: number;
  /** Folder for what leaves; it is there. */
  readonly write: string | undefined;
  readonly dumpFlows: boolean;
  readonly dumpMegaflows: boolean;
  /** Share of the work that is done, 0 to 1, and what is being done; false stops. */
  readonly progress: (done: number, doing: string) => boolean;
}

export interface ReplayOutcome {
  readonly result: ReplayResult;
  readonly rules: string;
  readonly megaflows: string;
  readonly files: readonly { readonly path: string; readonly frames: number }[];
}

/** What a thread needs to know of a trial: everything but the frames, and it can be sent. */
export type ReplayPlan = Omit<ReplayTrial, "inputs" | "write" | "progress">;
