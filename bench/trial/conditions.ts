/**
 * Evidence of noise: what else the machine did while something was measured. Time that the hypervisor gave to others
 * (steal, from /proc/stat), load averages, and how smoothly the clock could be read just before: a figure from a machine
 * that stole 5 % says so.
 */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";

export interface SpinJitter {
  /** Milliseconds that the clock was read without pause. */
  readonly ms: number;
  /** Share of them in gaps of more than GAP_MS: time in which we did not run. 0 is a core of one's own. */
  readonly lost: number;
  /** Longest gap, milliseconds. */
  readonly longest: number;
}

export interface Conditions {
  /** Load averages over 1, 5 and 15 minutes at the beginning. */
  readonly load: readonly [number, number, number];
  /** Share of all processors' time that others got, and that was busy; null where there is no /proc/stat. */
  readonly steal: number | null;
  readonly busy: number | null;
  readonly spin: SpinJitter;
}

/** Reading the clock takes well under a microsecond; a gap of more than this was somebody else's. */
const GAP_MS = 0.02;
const SPIN_MS = 50;

/** Watches from now until `end()`. Spins for 50 ms first. */
export class ConditionsWatch {
  readonly #load = loadavg() as [number, number, number];
  readonly #spin = spinJitter();
  readonly #begin = readCpuTimes();

  end(): Conditions {
    const share = cpuShare(this.#begin, readCpuTimes());
    return { load: this.#load, steal: share?.steal ?? null, busy: share?.busy ?? null, spin: this.#spin };
  }
}

/** Reads the clock for `ms` milliseconds and says what was missing. */
export function spinJitter(ms = SPIN_MS, clock: () => number = () => performance.now()): SpinJitter {
  const begin = clock();
  let last = begin;
  let lost = 0;
  let longest = 0;
  while (last - begin < ms) {
    const now = clock();
    const gap = now - last;
    if (gap > GAP_MS) lost += gap;
    if (gap > longest) longest = gap;
    last = now;
  }
  return { ms: last - begin, lost: lost / (last - begin), longest };
}

/** Ticks of all processors together since the machine started. */
export interface CpuTimes {
  readonly total: number;
  /** Neither running nor stolen: idle, and waiting for disks. */
  readonly idle: number;
  readonly steal: number;
}

/** The line "cpu" of /proc/stat (proc(5)); null when it is not there. Guests' time is in user's already. */
export function parseCpuTimes(text: string): CpuTimes | null {
  const line = /^cpu +(\d+(?: \d+)*)/m.exec(text);
  if (line === null) return null;
  const [user, nice, system, idle, iowait = 0, irq = 0, softirq = 0, steal = 0] = line[1].split(" ").map(Number);
  if (idle === undefined) return null;
  return { total: user + nice + system + idle + iowait + irq + softirq + steal, idle: idle + iowait, steal };
}

/** Shares of the time between two readings; null when one is missing or no tick lies between them. */
export function cpuShare(
  begin: CpuTimes | null,
  end: CpuTimes | null,
): { readonly steal: number; readonly busy: number } | null {
  if (begin === null || end === null || end.total <= begin.total) return null;
  const total = end.total - begin.total;
  // Idle and iowait may go backwards by a tick (proc(5)).
  const share = (ticks: number): number => Math.min(1, Math.max(0, ticks / total));
  const steal = share(end.steal - begin.steal);
  return { steal, busy: Math.max(0, share(total - (end.idle - begin.idle)) - steal) };
}

function readCpuTimes(): CpuTimes | null {
  try {
    return parseCpuTimes(readFileSync("/proc/stat", "utf8"));
  } catch {
    return null;
  }
}
