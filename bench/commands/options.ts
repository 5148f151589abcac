/** Options, and readers of their values, that several commands share. A reader throws commander's error, which names the option. */
import { InvalidArgumentError, Option } from "commander";

/** A whole number of at least 1. */
export function count(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1 || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError("Expected a whole number, 1 or more.");
  }
  return Number(text);
}

/** Most threads: owners of frames are bytes. */
const MOST_WORKERS = 128;

/** Threads. */
export function workerCount(text: string): number {
  const workers = count(text);
  if (workers > MOST_WORKERS) throw new InvalidArgumentError(`Expected at most ${MOST_WORKERS} workers.`);
  return workers;
}

/** Most frames in a ring: 128 MB of memory each with frames of 1800 bytes. */
const MOST_RING_SLOTS = 65_536;

/** Frames that a ring holds. */
export function ringSlots(text: string): number {
  const slots = count(text);
  if (slots > MOST_RING_SLOTS) throw new InvalidArgumentError(`Expected at most ${MOST_RING_SLOTS} frames.`);
  return slots;
}

/** A number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError("Expected a number above 0.");
  }
  return value;
}

/** A list of some of `known`, comma-separated, each once. */
export function oneOrMoreOf<T extends string>(known: readonly T[]): (text: string) => T[] {
  return (text) => {
    const chosen = text.split(",").map((word) => word.trim());
    for (const word of chosen) {
      if (!(known as readonly string[]).includes(word)) {
        throw new InvalidArgumentError(`"${word}" is not one of ${known.join(", ")}.`);
      }
    }
    return [...new Set(chosen)] as T[];
  };
}

/** Bytes: "1500", "64k", "512M", "2G" (powers of 1024). */
export function byteSize(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)([kKmMgG])?(?:i?[bB])?$/.exec(text);
  const value = parts === null ? 0 : Number(parts[1]) * 1024 ** " KMG".indexOf((parts[2] ?? " ").toUpperCase());
  if (!(value >= 1)) throw new InvalidArgumentError("Expected a size in bytes, as in 512M or 2G.");
  return Math.floor(value);
}

/** Bits a second: "10G", "2.5G", "100M" (powers of 1000). */
export function bitRate(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)([kKmMgGtT])?(?:bit\/s|bps)?$/.exec(text);
  const value = parts === null ? 0 : Number(parts[1]) * 1000 ** " KMGT".indexOf((parts[2] ?? " ").toUpperCase());
  if (!(value > 0)) throw new InvalidArgumentError("Expected bits a second, as in 10G or 2.5G.");
  return value;
}

/** For options that may be given several times. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

// How long is measured, where something is.

export const repeatOption = (): Option =>
  new Option("--repeat <n>", "measure exactly this many warm passes").argParser(count).conflicts(["seconds", "timing"]);

export const secondsOption = (): Option =>
  new Option("--seconds <s>", "measure warm passes for this long (default: until the figure is stable)")
    .argParser(positive)
    .conflicts("timing");

export const noTimingOption = (): Option => new Option("--no-timing", "count only, no warm passes");
