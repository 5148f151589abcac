/** Texts that people hand to a command: read whole, plain or gzipped; what is wrong is said with the file's name. */
import { constants } from "node:buffer";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import { gunzipSync } from "node:zlib";
import { systemError } from "../pcaps/input-error.ts";
import { InputError } from "./errors.ts";
import { withPlainSignals } from "./interrupt.ts";

/** The first two bytes are those of a gzip member (RFC 1952, 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** No text is longer: what V8 holds in one string. Devices (/dev/zero) and gzip files made for it never end by themselves. */
const LONGEST = constants.MAX_STRING_LENGTH;
const CHUNK = 1 << 20;

/** The text of `file`, UTF-8. Throws an InputError when it cannot be read, is too long or its gzip data is damaged. */
export function readText(file: string): string {
  const bytes = readBytes(file);
  if (!isGzip(bytes)) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes, { maxOutputLength: LONGEST }).toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLong(file);
    throw new InputError(`${file}: its gzip data is damaged or cut off: ${(error as Error).message}`, { cause: error });
  }
}

/** All bytes of a file or pipe, at most LONGEST. */
function readBytes(file: string): Buffer {
  try {
    // Waiting for a pipe is a blocking call: nothing of ours would hear a signal meanwhile.
    if (statSync(file).isFIFO()) return withPlainSignals(() => readToEnd(file));
    return readToEnd(file);
  } catch (error) {
    throw error instanceof InputError ? error : systemError(error, `cannot read ${file}`);
  }
}

function readToEnd(file: string): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  const descriptor = openSync(file, "r");
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const got = readSync(descriptor, chunk);
      if (got === 0) break;
      length += got;
      if (length > LONGEST) throw tooLong(file);
      chunks.push(chunk.subarray(0, got));
    }
  } finally {
    closeSync(descriptor);
  }
  return Buffer.concat(chunks, length);
}

function tooLong(file: string): InputError {
  return new InputError(`${file}: holds more than ${LONGEST} bytes, the most that is read as one text`);
}

/** Heap that a rule takes (measured: 3.1 kB with a mask of its own), twice, because rules are read once to look for mistakes. */
const RULE_BYTES = 2 * 3500;

/** Throws an InputError when rules of so many lines do not fit: what happens then is V8's doing, and it is not one clear line. */
export function checkRoom(file: string, text: string): void {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  const limit = getHeapStatistics().heap_size_limit;
  if (lines * RULE_BYTES <= limit) return;
  const [needed, have] = [lines * RULE_BYTES, limit].map((bytes) => (bytes / 1e9).toFixed(1));
  throw new InputError(
    `${file}: ${lines} rules need about ${needed} GB of memory, the limit is ${have} GB: ` +
      `raise it with NODE_OPTIONS=--max-old-space-size=${Math.ceil((lines * RULE_BYTES * 1.1) / 2 ** 20)}`,
  );
}
