/** Files that a command writes for people: checked before the work, so that it is not lost after it. */
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InputError, messageOf } from "./errors.ts";

/** Throws an InputError when the folder that `file` is to be written to is not there or not ours; "-" is always fine. */
export function checkWritable(file: string | undefined): void {
  if (file === undefined || file === "-") return;
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    throw new InputError(`cannot write ${file}: ${messageOf(error as Error)}`);
  }
}

/** Throws an InputError when it cannot be written. */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new InputError(messageOf(error as Error));
  }
}
