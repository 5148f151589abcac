/** What `npm run bench --json` writes: tasks, curves, or the compute node, as bench/suites/result.schema.json describes it. */
import type { Conditions } from "../trial/conditions.ts";
import { type Environment, environment } from "../trial/environment.ts";
import type { ComputeNode } from "./compute-node.ts";
import type { Curve } from "./curves.ts";
import type { TaskResult } from "./harness.ts";

export const TASKS_FORMAT = "eastwest bench result";
export const CURVES_FORMAT = "eastwest curves";
export const COMPUTE_NODE_FORMAT = "eastwest compute node";
export const SUITE_VERSION = 1;

interface Suite<Format extends string> {
  readonly format: Format;
  readonly version: typeof SUITE_VERSION;
  readonly environment: Environment;
  /** ISO 8601; the words after `npm run bench --`; what else the machine did. Older results have none of these. */
  readonly created?: string;
  readonly command?: readonly string[];
  readonly conditions?: Conditions;
}

export type TasksResult = Suite<typeof TASKS_FORMAT> & { readonly tasks: readonly TaskResult[] };
export type CurvesResult = Suite<typeof CURVES_FORMAT> & {
  readonly interrupted: boolean;
  readonly curves: readonly Curve[];
};
export type ComputeNodeResult = Suite<typeof COMPUTE_NODE_FORMAT> & ComputeNode;
export type SuiteResult = TasksResult | CurvesResult | ComputeNodeResult;

export function resultsJson(results: readonly TaskResult[]): TasksResult {
  return { format: TASKS_FORMAT, version: SUITE_VERSION, environment: environment(), tasks: results };
}

export function curvesJson(curves: readonly Curve[], interrupted: boolean): CurvesResult {
  return { format: CURVES_FORMAT, version: SUITE_VERSION, environment: environment(), interrupted, curves };
}

export function computeNodeJson(of: ComputeNode): ComputeNodeResult {
  return { format: COMPUTE_NODE_FORMAT, version: SUITE_VERSION, environment: environment(), ...of };
}
