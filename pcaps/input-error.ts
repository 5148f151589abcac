/**
 * What somebody handed us cannot be used: a file that is not there, a capture that is none, a rule that does not parse.
 * The message is the whole answer, one line: what, where, and what was expected. The command line prints it without a
 * stack trace and exits with code 2; every other error is a fault of the program and keeps its stack.
 */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** Codes of the system calls that people meet, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EISDIR: "is a directory, expected a file",
  ENOTDIR: "a part of the path is not a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EFBIG: "file too large for the file system",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ELOOP: "too many symbolic links",
  EPIPE: "the reader has closed the pipe",
  EIO: "input/output error",
};

/**
 * A failed system call as an InputError: "cannot read a.pcap: no such file or directory". Anything that carries no
 * system code is not bad input, and comes back as it is.
 */
export function systemError(error: unknown, doing: string): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof InputError || typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return error;
  return new InputError(`${doing}: ${REASONS[code] ?? (error as Error).message} (${code})`, { cause: error });
}
