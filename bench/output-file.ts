/** Files that a command writes for people: checked before the work, so that it is not lost after it; whole or not there. */
import {
  accessSync,
  constants,
  mkdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
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

/**
 * Throws an InputError when one of `writes` is a file of `reads`, which would be lost, or another of `writes`, under whatever
 * name. Undefined and "-" are no files; devices and pipes may be given twice.
 */
export function checkApart(reads: readonly (string | undefined)[], writes: readonly (string | undefined)[]): void {
  const taken = new Map<string, string>();
  for (const file of reads) {
    if (isFile(file)) taken.set(identity(file), `${file} is read`);
  }
  for (const file of writes) {
    if (!isFile(file)) continue;
    const other = taken.get(identity(file));
    if (other !== undefined) throw new InputError(`cannot write ${file}: ${other} too, expected another file`);
    taken.set(identity(file), `${file} is written`);
  }
}

function isFile(file: string | undefined): file is string {
  if (file === undefined || file === "-" || file === "") return false;
  try {
    return statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
  } catch {
    return true; // whoever opens it says what is wrong
  }
}

/** The path without symbolic links; of a file that is not there yet, its folder's. */
function identity(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    try {
      return join(realpathSync(dirname(resolve(file))), basename(file));
    } catch {
      return resolve(file);
    }
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
 * cannot be written to. Returns those it made, the outermost first. Not mkdirSync's `recursive`: under /proc it never comes
 * back (Node 20).
 */
export function makeFolder(path: string): string[] {
  try {
    const kind = statSync(path, { throwIfNoEntry: false });
    if (kind !== undefined) {
      if (!kind.isDirectory()) throw new InputError(`${path}: is a file, expected a folder`);
      accessSync(path, constants.W_OK);
      return [];
    }
    const made = makeFolder(dirname(resolve(path)));
    mkdirSync(path);
    return [...made, path];
  } catch (error) {
    throw systemError(error, `cannot make the folder ${path}`);
  }
}

/** Takes folders away that `makeFolder` made, where nothing is in them. */
export function removeFolders(made: readonly string[]): void {
  for (const path of made.toReversed()) {
    try {
      rmdirSync(path);
    } catch {
      return; // not empty, or gone
    }
  }
}
