/**
 * Processes that are compared belong on one core: two cores have different neighbours, and a process that the scheduler moves
 * leaves its caches behind. Node cannot say so itself; util-linux's taskset can, on Linux, where it is installed.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";

/** The last core that this process may run on (the first serves interrupts more often); null where nobody can tell. */
export function sharedCore(): number | null {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return list === undefined ? null : Number(/\d+$/.exec(list)?.[0] ?? Number.NaN);
  } catch {
    return null;
  }
}

/** Keeps all threads of a process on a core. False where that cannot be: it is measured all the same. */
export function pin(pid: number, core: number): Promise<boolean> {
  return new Promise((resolve) => {
    execFile("taskset", ["-a", "-c", "-p", String(core), String(pid)], (error) => resolve(error === null));
  });
}
