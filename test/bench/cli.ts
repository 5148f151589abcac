/** Runs the built program as a person would: a process of its own. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../../bench/paths.ts";

export const program = join(packageRoot, "dist", "bench", "main.js");
export const recorded = (name: string): string => join(packageRoot, "pcaps", "recorded", name);

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `eastwest ...args`, in the package's folder. */
export const eastwest = (...args: readonly string[]): Ran => eastwestIn(packageRoot, args);

/** The same in another folder, and with more in its environment. */
export function eastwestIn(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: 300_000,
    maxBuffer: 64 << 20,
  });
  return { status, stdout, stderr };
}

export interface Interrupt {
  readonly signal: NodeJS.Signals;
  /** Whether the work has begun. */
  readonly begun: () => boolean;
  /** How long it then goes on before the signal, in milliseconds. */
  readonly after?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; the package's folder if not given. */
  readonly cwd?: string;
}

/** `eastwest ...args`, which gets a signal once its work has begun. */
export async function interrupted(
  args: readonly string[],
  { signal, begun, after = 0, env, cwd = packageRoot }: Interrupt,
): Promise<Ran> {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  while (!begun() && child.exitCode === null) await sleep(20);
  await sleep(after);
  child.kill(signal);
  return { status: await ended, stdout, stderr };
}

/** Calls `use` with a fresh folder that is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "eastwest-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
