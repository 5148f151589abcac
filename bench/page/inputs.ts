/**
 * The files that a report is made of. Each says by its format what it is: results of run, replay, measure, gate and the suites
 * of `npm run bench`, and histories. What is no result, of another version, or does not belong with the others is one InputError.
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { GATE_FORMAT, GATE_VERSION, type GateResult } from "../gate/result.ts";
import { readText } from "../input-file.ts";
import { MEASURE_FORMAT, MEASURE_VERSION, type MeasureResult } from "../measure/result.ts";
import { packageRoot, shown } from "../paths.ts";
import { REPLAY_SET_FORMAT, REPLAY_SET_VERSION, type ReplaySetResult } from "../replay/replay-set.ts";
import { REPLAY_FORMAT, REPLAY_VERSION, type ReplayResult } from "../replay/result.ts";
import { compileSchema, sentence } from "../scenarios/yaml-source.ts";
import { COMPUTE_NODE_FORMAT, CURVES_FORMAT, SUITE_VERSION, type SuiteResult, TASKS_FORMAT } from "../suites/result.ts";
import { HISTORY_FORMAT, type HistoryEntry, readHistory } from "../trend/history.ts";
import { RESULT_FORMAT, RESULT_VERSION, type RunResult } from "../trial/result.ts";

export interface Named<T> {
  /** As shown. */
  readonly file: string;
  readonly result: T;
}

export interface ReportInputs {
  readonly runs: readonly Named<RunResult>[];
  readonly replays: readonly Named<ReplayResult>[];
  readonly measures: readonly Named<MeasureResult>[];
  readonly gates: readonly Named<GateResult>[];
  readonly suites: readonly Named<SuiteResult>[];
  readonly histories: readonly Named<readonly HistoryEntry[]>[];
  readonly warnings: readonly string[];
}

/** A result format that one JSON file holds. */
interface Kind {
  readonly list: "runs" | "replays" | "measures" | "gates" | "suites";
  readonly version: number;
  /** Of the command that writes it, for messages. */
  readonly command: string;
  readonly schema: string;
}

const suite: Kind = {
  list: "suites",
  version: SUITE_VERSION,
  command: "npm run bench",
  schema: "bench/suites/result.schema.json",
};

const replaySet: Kind = {
  list: "replays",
  version: REPLAY_SET_VERSION,
  command: "replay",
  schema: "bench/replay/set.schema.json",
};

const kinds: Readonly<Record<string, Kind>> = {
  [RESULT_FORMAT]: { list: "runs", version: RESULT_VERSION, command: "run", schema: "bench/result.schema.json" },
  [REPLAY_FORMAT]: { list: "replays", version: REPLAY_VERSION, command: "replay", schema: "bench/replay.schema.json" },
  [REPLAY_SET_FORMAT]: replaySet,
  [MEASURE_FORMAT]: {
    list: "measures",
    version: MEASURE_VERSION,
    command: "measure",
    schema: "bench/search/measure.schema.json",
  },
  [GATE_FORMAT]: { list: "gates", version: GATE_VERSION, command: "gate", schema: "bench/gate/result.schema.json" },
  [TASKS_FORMAT]: suite,
  [CURVES_FORMAT]: suite,
  [COMPUTE_NODE_FORMAT]: suite,
};

/** Reads and checks all files. Throws an InputError for the first that does not fit. */
export function readReportInputs(files: readonly string[]): ReportInputs {
  const inputs = {
    runs: [] as Named<RunResult>[],
    replays: [] as Named<ReplayResult>[],
    measures: [] as Named<MeasureResult>[],
    gates: [] as Named<GateResult>[],
    suites: [] as Named<SuiteResult>[],
    histories: [] as Named<readonly HistoryEntry[]>[],
    warnings: [] as string[],
  };
  const texts = new Map<string, string>();
  for (const file of files) {
    const text = readText(file);
    const twin = texts.get(text);
    if (twin !== undefined) throw new InputError(`${shown(file)}: the same result as ${twin}, expected another one`);
    texts.set(text, shown(file));
    const value = parse(text);
    if (value === undefined || isHistory(value)) {
      if (!text.includes(`"${HISTORY_FORMAT}"`)) throw notOurs(file, undefined);
      const { entries, warnings } = readHistory(file);
      inputs.histories.push({ file: shown(file), result: entries });
      inputs.warnings.push(...warnings);
      continue;
    }
    const kind = check(file, value);
    if (kind === replaySet) {
      // Each as if it had been given by itself.
      for (const result of (value as ReplaySetResult).results) {
        const name = `${shown(file)}: ${result.inputs.map((input) => input.file).join(", ")}`;
        check(name, result);
        inputs.replays.push({ file: name, result });
      }
      continue;
    }
    (inputs[kind.list] as Named<unknown>[]).push({ file: shown(file), result: value });
  }
  refuseMixture(inputs.runs);
  return inputs;
}

/** A result that was just made. */
export function inputsOfRun(result: RunResult): ReportInputs {
  return {
    runs: [{ file: "this run", result }],
    replays: [],
    measures: [],
    gates: [],
    suites: [],
    histories: [],
    warnings: [],
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isHistory = (value: unknown): boolean => (value as { format?: unknown } | null)?.format === HISTORY_FORMAT;

function notOurs(file: string, format: unknown): InputError {
  const found = format === undefined ? "no JSON of eastwest" : `format is ${JSON.stringify(format)}`;
  return new InputError(
    `${shown(file)}: ${found}, expected a result of run, replay, measure, gate or npm run bench (--json), or a history of trend`,
  );
}

function check(file: string, value: unknown): Kind {
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  const kind = typeof format === "string" && Object.hasOwn(kinds, format) ? kinds[format] : undefined;
  if (kind === undefined) throw notOurs(file, format ?? null);
  if (version !== kind.version) {
    throw new InputError(
      `${shown(file)}: version is ${JSON.stringify(version)}, this program reads version ${kind.version} of ${kind.command}'s results`,
    );
  }
  const validate = compileSchema(join(packageRoot, kind.schema));
  if (validate(value)) return kind;
  const error = validate.errors?.[0];
  const what = error === undefined ? "does not fit the schema" : `${error.instancePath || "/"}: ${sentence(error)}`;
  throw new InputError(`${shown(file)}: ${what}`);
}

/** Times of different machines or programs side by side would look like a difference of the designs. */
function refuseMixture(runs: readonly Named<RunResult>[]): void {
  const machine = ({ result }: Named<RunResult>): string =>
    `${result.environment.cpu}, ${result.environment.cores} cores, Node ${result.environment.node}, eastwest ${result.eastwest}`;
  for (const run of runs.slice(1)) {
    if (machine(run) !== machine(runs[0])) {
      throw new InputError(
        `${run.file}: from ${machine(run)}; ${runs[0].file} is from ${machine(runs[0])}: expected results of one machine and program`,
      );
    }
  }
}
