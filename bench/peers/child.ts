/**
 * Other programs: short ones that are asked something (`run`), and daemons that live as long as a measurement (`launch`).
 *
 * A daemon gets a session of its own, so that Ctrl-C at the terminal reaches us first and everything is stopped in order;
 * and `setpriv --pdeathsig` has the kernel end it when we die without a word. Folders and hugepages are given back even
 * then (`atOurDeath`).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Undo } from "./undo.ts";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** ms after which it is killed and counts as failed. */
  readonly timeout?: number;
  /** Exit codes that are no failure; 0 by default. */
  readonly accept?: readonly number[];
}

/** Short programs that run now: an interruption ends them, as they would wait for a switch that is going away. */
const running = new Set<ChildProcess>();

/** Ends every program that `run` waits for; their promises reject. */
export function endRunning(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Where system programs are too, which a person's PATH often lacks. */
const SYSTEM_PATH = "/usr/sbin:/sbin";
const environment = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:${SYSTEM_PATH}`,
  ...more,
});

/** Runs a program to its end and gives its standard output. Throws an Error with its name and last words. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { env, input, timeout = 30_000, accept = [0] } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: environment(env),
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    running.add(child);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeout);
    child.stdout!.on("data", (piece: Buffer) => out.push(piece));
    child.stderr!.on("data", (piece: Buffer) => err.push(piece));
    child.on("error", (error) => {
      running.delete(child);
      clearTimeout(timer);
      reject(new Error(`${file}: ${error.message}`));
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      clearTimeout(timer);
      const stdout = Buffer.concat(out).toString();
      if (code !== null && accept.includes(code)) {
        resolve(stdout);
        return;
      }
      const words = lastWords(Buffer.concat(err).toString()) || lastWords(stdout);
      const how = late
        ? `gave no answer for ${timeout / 1000} s`
        : signal !== null
          ? `ended by ${signal}`
          : `exit code ${code}`;
      reject(new Error(`${file} ${args.slice(0, 4).join(" ")}: ${how}${words === "" ? "" : `: ${words}`}`));
    });
    if (input !== undefined) {
      child.stdin!.on("error", () => undefined); // it ended without reading all: its exit code tells
      child.stdin!.end(input);
    }
  });
}

/** The last line that is not empty. */
export function lastWords(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}

export interface Daemon {
  readonly pid: number;
  /** Settles when it has ended, with the way it ended. */
  readonly ended: Promise<string>;
  /** True once it has ended. */
  readonly gone: () => boolean;
  /** SIGTERM, and SIGKILL after 5 s; returns when it is gone. */
  stop(): Promise<void>;
}

/** Starts a program that is stopped by `undo` (or `stop`). Throws when it cannot be started. */
export async function launch(
  undo: Undo,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Daemon> {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", file, ...args], {
    env: environment(env),
    stdio: "ignore",
    detached: true,
  });
  let ending = "";
  const ended = new Promise<string>((resolve) => {
    child.on("exit", (code, signal) => {
      ending = signal === null ? `exit code ${code}` : `ended by ${signal}`;
      resolve(ending);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.on("spawn", resolve);
    child.on("error", (error) => reject(new Error(`${file}: ${error.message}`)));
  });
  const stop = async (): Promise<void> => {
    if (ending !== "") return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
  };
  undo.add(`stop ${file}`, stop);
  return { pid: child.pid!, ended, gone: () => ending !== "", stop };
}

/**
 * Starts a shell that waits for our end, however it comes (its standard input closes), and then runs `script` with `words`
 * as $1, $2, ...: for what a kill -9 would leave behind. `undo` ends it without that.
 */
export function atOurDeath(undo: Undo, script: string, ...words: string[]): void {
  const child = spawn("sh", ["-c", `cat >/dev/null; sleep 1; ${script}`, "sh", ...words], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  // Without a shell there is nothing to guard with; the ordinary reversal still runs.
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  child.unref();
  (child.stdin as unknown as { unref?: () => void }).unref?.();
  undo.add("stop waiting for our end", () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  });
}

/** A folder for the time of a run, gone after it in every case. */
export function temporaryFolder(undo: Undo, prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  undo.add(`remove ${folder}`, () => rmSync(folder, { recursive: true, force: true }));
  atOurDeath(undo, 'rm -rf "$1"', folder);
  return folder;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * ns that a thread has run, and ns that it was ready but waited for a core, since it began. Zeros when it is gone or the
 * kernel keeps no such figures. Source: Linux Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat.
 */
export function schedule(pid: number, thread = pid): { readonly ran: number; readonly waited: number } {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ").map(Number);
    return { ran, waited };
  } catch {
    return { ran: 0, waited: 0 };
  }
}
