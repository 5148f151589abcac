/** Texts that people hand to a command: read whole, plain or gzipped; what is wrong is said with the file's name. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { systemError } from "../pcaps/input-error.ts";
import { InputError } from "./errors.ts";

/** The text of `file`, UTF-8. Throws an InputError when it cannot be read or its gzip data is damaged. */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw systemError(error, `cannot read ${file}`);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes).toString("utf8");
  } catch (error) {
    throw new InputError(`${file}: its gzip data is damaged or cut off: ${(error as Error).message}`, { cause: error });
  }
}
