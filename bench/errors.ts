/**
 * What a person at the command line did wrong, apart from what we did wrong. Every room throws plain `Error`s with one
 * line that says the thing, the value and what was expected; this file turns those that come from input into exit code 2
 * and leaves the rest (a TypeError, a RangeError) to be reported as a bug.
 */
import { printable } from "../datapath/openflow/syntax.ts";

export class InputError extends Error {
  override readonly name = "InputError";
}

/** A check of the run itself failed (counters that do not conserve): exit code 1. */
export class CheckError extends Error {
  override readonly name = "CheckError";
}

/** The exit codes of every command. */
export const Exit = { Done: 0, CheckFailed: 1, BadInput: 2, Interrupted: 130 } as const;

/** Errors that JavaScript or Node raises by itself: our fault, whatever was typed. */
const BUGS = new Set(["TypeError", "RangeError", "ReferenceError", "SyntaxError", "EvalError", "AssertionError"]);

/** True for an error whose message is meant for the person who typed the command. */
export function isInputError(error: unknown): error is Error {
  return error instanceof Error && !BUGS.has(error.constructor.name);
}

/** The reader of what we write has gone (`eastwest generate /dev/stdout | head`): no error of anybody. */
export function isClosedPipe(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return code === "EPIPE" || cause?.code === "EPIPE";
}

/** One line for an error of the file system: what, which file, why. Other errors keep their first line, made printable. */
export function messageOf(error: Error): string {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined) {
    const why: Record<string, string> = {
      ENOENT: "no such file or directory",
      EACCES: "permission denied",
      EISDIR: "is a directory, expected a file",
      ENOTDIR: "a part of the path is not a directory",
      EEXIST: "exists already",
      ENOSPC: "no space left on the device",
      EROFS: "read-only file system",
    };
    return `${path}: ${why[code] ?? code}`;
  }
  return printable(error.message.split("\n", 1)[0]);
}
