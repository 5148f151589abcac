/**
 * What a shard has done so far, as JSON Lines: a head that says which work it is a part of, then a line for each finished
 * unit. A killed shard goes on from its file: units that are there are not done again, a torn last line is cut off and its
 * unit done again. So nothing is lost and nothing counted twice.
 *
 *     {"format":"eastwest shard","version":1,"kind":"self-test","inputs":"sha256:...","commit":"...","units":400,"shard":{...}}
 *     {"unit":"A/A 17","counts":{"red":0,"pass":1},"histograms":{},"values":{"ns":[...]}}
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { systemError } from "../../pcaps/input-error.ts";
import { InputError, messageOf } from "../errors.ts";
import { isGzip, readText } from "../input-file.ts";
import { shown } from "../paths.ts";
import type { HistogramJson } from "../statistics/hdr-histogram.ts";
import type { Shard } from "./shard.ts";

export const SHARD_FORMAT = "eastwest shard";
export const SHARD_VERSION = 1;

/** What must be equal for two results to be parts of one. */
export interface Work {
  /** "self-test", "sweep", "replay". */
  readonly kind: string;
  /** A digest of everything that goes in: captures, rules, topologies, plan. */
  readonly inputs: string;
  /** Commit (or commits) that is measured. */
  readonly commit: string;
  /** Number of units of all shards together. */
  readonly units: number;
}

export interface ShardHead extends Work {
  readonly format: typeof SHARD_FORMAT;
  readonly version: typeof SHARD_VERSION;
  readonly shard: Shard;
}

/** One finished unit. Counts and histograms add up; values are kept one by one, in the order in which they were measured. */
export interface UnitResult {
  /** Names the unit among all units of the work. */
  readonly unit: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly histograms: Readonly<Record<string, HistogramJson>>;
  readonly values: Readonly<Record<string, readonly number[]>>;
  /** Whatever else there is of the unit, as JSON: kept as it is. */
  readonly detail?: unknown;
}

export interface ShardContent {
  readonly head: ShardHead;
  readonly results: readonly UnitResult[];
  /** Bytes up to the end of the last whole line; what comes after is torn. */
  readonly wholeBytes: number;
}

/** Reads a shard's file, plain or gzipped. Throws an InputError with file and line for what is none. */
export function readShardFile(file: string): ShardContent {
  const text = readText(file);
  // A line counts when its end is there: without it, nobody knows whether it is whole.
  const end = text.lastIndexOf("\n") + 1;
  const lines = text.slice(0, end).split("\n").slice(0, -1);
  if (lines.length === 0) throw new InputError(`${shown(file)}: no shard result: not even its first line is whole`);
  const values = lines.map((line, i) => parseLine(line, `${shown(file)}:${i + 1}`));
  const head = checkHead(values[0], shown(file));
  const results: UnitResult[] = [];
  const seen = new Set<string>();
  for (const [i, value] of values.slice(1).entries()) {
    const result = checkUnit(value, `${shown(file)}:${i + 2}`);
    if (seen.has(result.unit)) throw new InputError(`${shown(file)}:${i + 2}: unit "${result.unit}" is there twice`);
    seen.add(result.unit);
    results.push(result);
  }
  return { head, results, wholeBytes: Buffer.byteLength(text.slice(0, end)) };
}

/** Writes a shard's file, unit by unit; goes on with one that is there. */
export class ShardWriter {
  readonly #file: string;
  readonly #handle: number;
  readonly #done: Set<string>;
  /** Where the next line goes. */
  #at = 0;

  /** Throws an InputError when the file cannot be written or belongs to other work. */
  constructor(file: string, work: Work, shard: Shard) {
    this.#file = file;
    const { kind, inputs, commit, units } = work;
    const head: ShardHead = { format: SHARD_FORMAT, version: SHARD_VERSION, kind, inputs, commit, units, shard };
    const line = `${JSON.stringify(head)}\n`;
    const before = holdsOnlyPartOf(line, file) ? null : readShardFile(file);
    if (before !== null) {
      const difference = workDifference(before.head, head) ?? shardDifference(before.head.shard, shard);
      if (difference !== null) throw new InputError(`${shown(file)} is of other work: ${difference}`);
    }
    this.#done = new Set(before?.results.map(({ unit }) => unit));
    const isNew = !existsSync(file);
    try {
      this.#handle = openSync(file, before === null ? "w" : "r+");
      if (before === null) this.#write(line, 0);
      else {
        ftruncateSync(this.#handle, before.wholeBytes);
        this.#at = before.wholeBytes;
      }
    } catch (error) {
      if (isNew) rmSync(file, { force: true });
      throw systemError(error, `cannot write ${shown(file)}`);
    }
  }

  /** True when the unit is in the file already. */
  has(unit: string): boolean {
    return this.#done.has(unit);
  }

  /** Units in the file. */
  get finished(): number {
    return this.#done.size;
  }

  /** Appends a finished unit; on the disk when it returns. Throws an Error for one that is there. */
  add(result: UnitResult): void {
    if (this.has(result.unit)) throw new Error(`unit "${result.unit}" is finished already`);
    try {
      this.#write(`${JSON.stringify(result)}\n`, this.#at);
      fsyncSync(this.#handle);
    } catch (error) {
      ftruncateSync(this.#handle, this.#at);
      throw systemError(error, `cannot write ${shown(this.#file)}`);
    }
    this.#done.add(result.unit);
  }

  close(): void {
    closeSync(this.#handle);
  }

  #write(text: string, at: number): void {
    const bytes = new TextEncoder().encode(text);
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(this.#handle, bytes, written, bytes.length - written, at + written);
    }
    this.#at = at + written;
  }
}

/** The file is not there, empty, or was killed while its first line was written: nothing is lost by beginning anew. */
function holdsOnlyPartOf(head: string, file: string): boolean {
  if (!existsSync(file)) return true;
  try {
    const bytes = readFileSync(file);
    if (isGzip(bytes)) {
      throw new InputError(`${shown(file)} is gzipped: unpack it, so that the shard can go on where it ends`);
    }
    const text = bytes.toString("utf8");
    return text.length < head.length && head.startsWith(text);
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(messageOf(error as Error));
  }
}

/** What differs between two works, as a phrase; null when they are the same. */
export function workDifference(a: Work, b: Work): string | null {
  for (const key of ["kind", "inputs", "commit", "units"] as const) {
    if (a[key] !== b[key]) return `${key} ${a[key]} and ${b[key]}`;
  }
  return null;
}

function shardDifference(a: Shard, b: Shard): string | null {
  return a.index === b.index && a.count === b.count ? null : `shard ${a.index}/${a.count} and ${b.index}/${b.count}`;
}

function parseLine(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new InputError(`${where}: not JSON`);
  }
}

function checkHead(value: unknown, file: string): ShardHead {
  const head = (value ?? {}) as Partial<Record<keyof ShardHead, unknown>>;
  if (head.format !== SHARD_FORMAT) {
    throw new InputError(`${file}: format is ${JSON.stringify(head.format)}, expected "${SHARD_FORMAT}"`);
  }
  if (head.version !== SHARD_VERSION) {
    throw new InputError(`${file}: version is ${JSON.stringify(head.version)}, this program reads ${SHARD_VERSION}`);
  }
  const { index, count } = (head.shard ?? {}) as Partial<Shard>;
  const texts = [head.kind, head.inputs, head.commit].every((text) => typeof text === "string");
  const fits = Number.isInteger(index) && Number.isInteger(count) && (index ?? 0) >= 1 && (index ?? 0) <= (count ?? 0);
  if (!texts || !fits || !Number.isInteger(head.units)) {
    throw new InputError(`${file}:1: expected kind, inputs, commit, units and shard`);
  }
  return value as ShardHead;
}

function checkUnit(value: unknown, where: string): UnitResult {
  const { unit, counts, histograms, values } = (value ?? {}) as Partial<Record<keyof UnitResult, unknown>>;
  const isObject = (of: unknown): of is object => typeof of === "object" && of !== null && !Array.isArray(of);
  if (typeof unit !== "string" || !isObject(counts) || !isObject(histograms) || !isObject(values)) {
    throw new InputError(`${where}: expected unit, counts, histograms and values`);
  }
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isSafeInteger(count))
      throw new InputError(`${where}: count ${name} is ${count}, expected a whole number`);
  }
  return value as UnitResult;
}
