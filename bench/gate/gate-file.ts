/**
 * The gate file: which scenarios, margins and exact gates count, in YAML with a schema. What it leaves out has the default,
 * so the shortest one is `version: 1`. Margins are given by metric name, "scenario/metric", with * for any part; where
 * several patterns match, later ones add to earlier ones.
 */
import { join } from "node:path";
import { packageRoot } from "../paths.ts";
import { compileSchema, YamlSource } from "../scenarios/yaml-source.ts";
import { checkPlan, DEFAULT_MARGIN, DEFAULT_PLAN, DEFAULT_TOLERANCE, type GatePlan, type MetricPlan } from "./plan.ts";
import { LENGTH, type Length } from "./protocol.ts";

export const GATE_SCHEMA = join(packageRoot, "bench", "gate", "gate.schema.json");

/** Everything that is compared exactly unless a gate file names fewer. */
export const exactGates = [
  "checksum",
  "packets",
  "bytes",
  "drops",
  "underlay-frames",
  "passes",
  "masks",
  "megaflows",
  "lookups-per-hit",
  "allocated-bytes",
  "collections",
  "deoptimisations",
] as const;
export type ExactGate = (typeof exactGates)[number];

interface MetricYaml {
  margin?: string;
  tolerance?: string;
  gate?: boolean;
}
interface GateYaml {
  process?: { "warm-ms"?: number; "round-ms"?: number; rounds?: number };
  scenarios?: string[];
  pairs?: { looks?: number[]; confirm?: number };
  errors?: { suspicion?: string; confirmation?: string; misses?: string };
  control?: { factor?: number; alarm?: string; ceiling?: string };
  metrics?: Record<string, MetricYaml>;
  exact?: ExactGate[];
  allow?: ("noisy" | "inconclusive")[];
}

export interface GateFile {
  /** As they stand in the file; null: the default set. */
  readonly scenarios: readonly string[] | null;
  readonly plan: Omit<GatePlan, "metrics">;
  readonly exact: readonly ExactGate[];
  /** How long a process works. */
  readonly length: Length;
  /** Verdicts that exit 0 all the same. */
  readonly allow: readonly ("noisy" | "inconclusive")[];
  /** Margin and tolerance of a metric; null when it is measured and shown, but does not count. */
  metric(name: string): MetricPlan | null;
}

/** What holds without a gate file. */
export const DEFAULT_GATE: GateFile = {
  scenarios: null,
  plan: DEFAULT_PLAN,
  exact: exactGates,
  length: LENGTH,
  allow: [],
  metric: (name) => ({ name, margin: DEFAULT_MARGIN, tolerance: DEFAULT_TOLERANCE }),
};

/** Reads a gate file. Throws an InputError of one line: file:line:column, the value, what was expected. */
export function readGateFile(file: string): GateFile {
  const source = new YamlSource(file);
  source.check(compileSchema(GATE_SCHEMA));
  const yaml = source.value as GateYaml;
  const plan = {
    ...DEFAULT_PLAN,
    looks: yaml.pairs?.looks ?? DEFAULT_PLAN.looks,
    confirmPairs: yaml.pairs?.confirm ?? DEFAULT_PLAN.confirmPairs,
    suspicion: ratio(yaml.errors?.suspicion) ?? DEFAULT_PLAN.suspicion,
    confirmation: ratio(yaml.errors?.confirmation) ?? DEFAULT_PLAN.confirmation,
    misses: ratio(yaml.errors?.misses) ?? DEFAULT_PLAN.misses,
    controlFactor: yaml.control?.factor ?? DEFAULT_PLAN.controlFactor,
    controlAlarm: ratio(yaml.control?.alarm) ?? DEFAULT_PLAN.controlAlarm,
    ceiling: ratio(yaml.control?.ceiling) ?? DEFAULT_PLAN.ceiling,
  };
  const patterns = Object.entries(yaml.metrics ?? {}).map(([pattern, settings]) => ({
    matches: glob(pattern),
    settings,
  }));
  try {
    checkPlan({ ...plan, metrics: [] });
  } catch (error) {
    const path = (error as Error).message.startsWith("looks") ? ["pairs", "looks"] : ["errors"];
    throw source.error(path, (error as Error).message);
  }
  return {
    scenarios: yaml.scenarios ?? null,
    plan,
    exact: yaml.exact ?? exactGates,
    length: {
      warmMs: yaml.process?.["warm-ms"] ?? LENGTH.warmMs,
      roundMs: yaml.process?.["round-ms"] ?? LENGTH.roundMs,
      rounds: yaml.process?.rounds ?? LENGTH.rounds,
    },
    allow: yaml.allow ?? [],
    metric(name) {
      const settings: MetricYaml = {};
      for (const pattern of patterns) if (pattern.matches(name)) Object.assign(settings, pattern.settings);
      if (settings.gate === false) return null;
      return {
        name,
        margin: ratio(settings.margin) ?? DEFAULT_MARGIN,
        tolerance: ratio(settings.tolerance) ?? DEFAULT_TOLERANCE,
      };
    },
  };
}

/** "2 %" -> 0.02. */
function ratio(percent: string | undefined): number | undefined {
  return percent === undefined ? undefined : Number.parseFloat(percent) / 100;
}

/** Does a name fit a pattern in which * stands for any characters? */
function glob(pattern: string): (name: string) => boolean {
  const escaped = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${escaped.join(".*")}$`, "u");
  return (name) => expression.test(name);
}

/** What `eastwest gate --init` writes: all settings with their defaults, and what they mean. Reads back as the default. */
export function initialGateFile(scenarios: readonly string[]): string {
  const { looks, confirmPairs, suspicion, confirmation, misses, controlFactor, controlAlarm, ceiling } = DEFAULT_PLAN;
  const percent = (value: number): string => `${Number((100 * value).toPrecision(6))} %`;
  return `# Gate file of eastwest: eastwest gate --base REF --gate-file THIS
version: 1

# What is measured: names of scenarios that come with eastwest, or topology files.
scenarios:
${scenarios.map((scenario) => `  - ${scenario}\n`).join("")}
# A pair is one fresh process of either side. The gate looks after so many pairs and goes on only with doubtful metrics;
# what looks like a regression is measured again on fresh pairs.
pairs:
  looks: [${looks.join(", ")}]
  confirm: ${confirmPairs}

# How long one process works: warm-up, then rounds in turn with those of the other side.
process:
  warm-ms: ${LENGTH.warmMs}
  round-ms: ${LENGTH.roundMs}
  rounds: ${LENGTH.rounds}

# Error rates of a whole run, over all metrics and looks. suspicion x confirmation bounds the false reds.
errors:
  suspicion: ${percent(suspicion)}
  confirmation: ${percent(confirmation)}
  misses: ${percent(misses)}

# The control leg measures the base against its own copy. The margin is at least \`factor\` standard errors of it; a control
# outside its margin, or a runner that could not show a slow-down of \`ceiling\`, is "too noisy".
control:
  factor: ${controlFactor}
  alarm: ${percent(controlAlarm)}
  ceiling: ${percent(ceiling)}

# By metric, "scenario/metric", * for any part; later patterns add to earlier ones. Red: surely slower by more than the
# margin. Pass: surely slower by less than margin + tolerance. \`gate: false\`: shown, but does not count.
metrics:
  "*":
    margin: ${percent(DEFAULT_MARGIN)}
    tolerance: ${percent(DEFAULT_TOLERANCE)}

# What must be equal to the last digit.
exact:
${exactGates.map((gate) => `  - ${gate}\n`).join("")}
# Verdicts that exit 0 all the same: noisy (3), inconclusive (4).
allow: []
`;
}
