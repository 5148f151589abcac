/** Work and what a side prepared of it, as a file: V8's own serialization, with frames in shared memory again when read. */
import { readFileSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";

/** Writes plain data. Frames in shared memory are copied: the format has no word for it. */
export function writeWork(file: string, work: unknown): void {
  writeFileSync(file, serialize(replaced(work, (array) => array.slice())));
}

/** Reads it back: typed arrays have memory of their own; bytes are shared, as readers of captures make them. */
export function readWork(file: string): unknown {
  return replaced(deserialize(readFileSync(file)), (array) => {
    if (!(array instanceof Uint8Array)) return array.slice();
    const bytes = new Uint8Array(new SharedArrayBuffer(array.length));
    bytes.set(array);
    return bytes;
  });
}

type Columns = Uint8Array | Int32Array | Float64Array;

function replaced(value: unknown, array: (from: Columns) => Columns): unknown {
  if (value instanceof Uint8Array) return array(new Uint8Array(value));
  if (value instanceof Int32Array || value instanceof Float64Array) return array(value);
  if (Array.isArray(value)) return value.map((item) => replaced(item, array));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replaced(item, array)]));
}
