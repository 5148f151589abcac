/** Files that a command writes for people: checked before the work, so that it is not lost after it; whole or not there. */
import { accessSync, constants, mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { systemError } from "../pcaps/input-error.ts";
import { InputError } from "./errors.ts";

/** Throws an InputError when `file` is a folder or cannot be made where it is to be; "-" is always fine. */
export function checkWritable(file: string | undefined): void {
  if (file === undefined || file === "-") return;
  if (file === "") throw new InputError('cannot write "": expected the name of a file');
  try {
    const kind = statSync(file, { throwIfNoEntry: false });
    if (kind?.isDirectory()) throw new InputError(`cannot write ${file}: is a directory, expected a file`);
    // A regular file is replaced by a new one of its name, anything else (a pipe, a device) is written itself.
    accessSync(kind === undefined || kind.isFile() ? dirname(resolve(file)) : file, constants.W_OK);
  } catch (error) {
    throw systemError(error, `cannot write ${file}`);
  }
}

/** Writes `text` beside `file` first: whoever finds the name finds all of it. Throws an InputError when that fails. */
export function writeText(file: string, text: string): void {
  let part: string | undefined;
  try {
    const kind = statSync(file, { throwIfNoEntry: false });
    if (kind !== undefined && !kind.isFile()) {
      writeFileSync(file, text);
      return;
    }
    // Through a symbolic link, so that the file behind it is replaced and not the link.
    const target = kind === undefined ? file : realpathSync(file);
    part = `${target}.part`;
    writeFileSync(part, text);
    renameSync(part, target);
  } catch (error) {
    if (part !== undefined) rmSync(part, { force: true });
    throw systemError(error, `cannot write ${file}`);
  }
}

/**
 * Makes the folder `path`, and those above it, where it is not there yet; throws an InputError when that fails or when it
 * cannot be written to. Not mkdirSync's `recursive`: under /proc it never comes back (Node 20).
 */
export function makeFolder(path: string): void {
  try {
    const kind = statSync(path, { throwIfNoEntry: false });
    if (kind !== undefined) {
      if (!kind.isDirectory()) throw new InputError(`${path}: is a file, expected a folder`);
      accessSync(path, constants.W_OK);
      return;
    }
    makeFolder(dirname(resolve(path)));
    mkdirSync(path);
  } catch (error) {
    throw systemError(error, `cannot make the folder ${path}`);
  }
}
