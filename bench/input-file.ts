/** Texts that people hand to a command: read whole, plain or gzipped; what is wrong is said with the file's name. */
import { readFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import { gunzipSync } from "node:zlib";
import { systemError } from "../pcaps/input-error.ts";
import { InputError } from "./errors.ts";

/** The first two bytes are those of a gzip member (RFC 1952, 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The text of `file`, UTF-8. Throws an InputError when it cannot be read or its gzip data is damaged. */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw systemError(error, `cannot read ${file}`);
  }
  if (!isGzip(bytes)) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes).toString("utf8");
  } catch (error) {
    throw new InputError(`${file}: its gzip data is damaged or cut off: ${(error as Error).message}`, { cause: error });
  }
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
