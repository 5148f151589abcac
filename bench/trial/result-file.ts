/** Reads results that `run --json` has written, checked against their schema. */

import { join } from "node:path";
import { InputError } from "../errors.ts";
import { readText } from "../input-file.ts";
import { packageRoot } from "../paths.ts";
import { compileSchema, sentence } from "../scenarios/yaml-source.ts";
import { RESULT_FORMAT, RESULT_VERSION, type RunResult } from "./result.ts";

export const RESULT_SCHEMA = join(packageRoot, "bench", "result.schema.json");

/** The result in `file`. Throws an InputError that says what is wrong with it and where. */
export function readResult(file: string): RunResult {
  const text = readText(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}: not JSON: ${(error as Error).message}`);
  }
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  if (format !== RESULT_FORMAT) {
    throw new InputError(`${file}: format is ${JSON.stringify(format)}, expected "${RESULT_FORMAT}" (of run --json)`);
  }
  if (version !== RESULT_VERSION) {
    throw new InputError(
      `${file}: version is ${JSON.stringify(version)}, this program reads version ${RESULT_VERSION}`,
    );
  }
  const validate = compileSchema(RESULT_SCHEMA);
  if (!validate(value)) {
    const error = validate.errors?.[0];
    const what = error === undefined ? "does not fit the schema" : `${error.instancePath || "/"}: ${sentence(error)}`;
    throw new InputError(`${file}: ${what}`);
  }
  return value as RunResult;
}
