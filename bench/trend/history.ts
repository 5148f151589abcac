/**
 * The history: one result a line, as JSON, only ever appended to. Written with one write a line; when a run is killed in the
 * middle of it the torn line is left out and said, never a reason to lose the rest.
 */

import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { InputError, messageOf } from "../errors.ts";
import { readText } from "../input-file.ts";
import { shown } from "../paths.ts";

export const HISTORY_FORMAT = "eastwest history";
export const HISTORY_VERSION = 1;

export interface HistoryMetric {
  /** "scenario/metric". */
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly direction: "lower-is-better" | "higher-is-better";
}

export interface HistoryEntry {
  readonly format: typeof HISTORY_FORMAT;
  readonly version: typeof HISTORY_VERSION;
  /** Commit that was measured, as git names it. */
  readonly commit: string;
  /** ISO 8601. */
  readonly created: string;
  /** What it ran on: results of different machines are never put in one series. */
  readonly machine: string;
  readonly metrics: readonly HistoryMetric[];
}

export interface History {
  readonly entries: readonly HistoryEntry[];
  /** Lines that were cut off and left out: one sentence each. */
  readonly warnings: readonly string[];
}

/** Reads a history. Throws an InputError for a file that cannot be read or is something else. */
export function readHistory(file: string): History {
  const text = readText(file);
  const entries: HistoryEntry[] = [];
  const warnings: string[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const where = `${shown(file)}:${i + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      warnings.push(`${where}: cut off or not JSON, left out`);
      continue;
    }
    entries.push(checkEntry(value, where));
  }
  if (entries.length === 0 && warnings.length > 0)
    throw new InputError(`${shown(file)}: no history: no line of it is JSON`);
  return { entries, warnings };
}

/** Appends entries, each as one line; after a torn line it begins a new one. Throws an InputError when it cannot. */
export function appendHistory(file: string, entries: readonly HistoryEntry[]): void {
  try {
    const handle = openSync(file, "a+");
    try {
      const { size } = fstatSync(handle);
      const last = new Uint8Array(1);
      const torn = size > 0 && readSync(handle, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
      const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
      const bytes = new TextEncoder().encode(`${torn ? "\n" : ""}${lines}`);
      for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at, bytes.length - at);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(
      `cannot append to ${shown(file)}: ${messageOf(Object.assign(error as Error, { path: undefined }))} (${code})`,
    );
  }
}

function checkEntry(value: unknown, where: string): HistoryEntry {
  const entry = (value ?? {}) as Partial<Record<keyof HistoryEntry, unknown>>;
  if (entry.format !== HISTORY_FORMAT) {
    throw new InputError(`${where}: format is ${JSON.stringify(entry.format)}, expected "${HISTORY_FORMAT}"`);
  }
  if (entry.version !== HISTORY_VERSION) {
    throw new InputError(
      `${where}: version is ${JSON.stringify(entry.version)}, this program reads ${HISTORY_VERSION}`,
    );
  }
  for (const key of ["commit", "created", "machine"] as const) {
    if (typeof entry[key] !== "string") throw new InputError(`${where}: ${key} is missing, expected a text`);
  }
  if (!Array.isArray(entry.metrics)) throw new InputError(`${where}: metrics are missing, expected a list`);
  for (const [i, metric] of (entry.metrics as Partial<HistoryMetric>[]).entries()) {
    const { name, unit, value: figure, direction } = metric ?? {};
    const known = direction === "lower-is-better" || direction === "higher-is-better";
    if (typeof name !== "string" || typeof unit !== "string" || typeof figure !== "number" || !known) {
      throw new InputError(`${where}: metrics.${i}: expected name, unit, value and direction`);
    }
  }
  return entry as HistoryEntry;
}
