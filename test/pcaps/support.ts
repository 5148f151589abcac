/** What the tests of this room share: a folder for files, tools that may be missing, frames of a trace. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Trace } from "../../datapath/packet/trace.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
export const fixtures = join(root, "test", "pcaps", "fixtures");
export const recorded = join(root, "pcaps", "recorded");
export const program = join(root, "dist", "bench", "main.js");

const folder = mkdtempSync(join(tmpdir(), "eastwest-pcaps-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

export const scratch = (name: string): string => join(folder, name);

let files = 0;

/** Writes `bytes` to a new file and returns its path. */
export function fileOf(bytes: Uint8Array | readonly number[], name = "made.cap"): string {
  const path = scratch(`${files++}-${name}`);
  writeFileSync(path, Uint8Array.from(bytes));
  return path;
}

export function has(tool: string): boolean {
  return spawnSync(tool, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** Standard output of a tool, which must succeed. */
export function run(tool: string, ...args: string[]): string {
  const done = spawnSync(tool, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(`${tool} ${args.join(" ")}: ${done.error ?? done.stderr}`);
  return done.stdout;
}

export function frameOf(trace: Trace, i: number): Uint8Array {
  return trace.bytes.slice(trace.start[i], trace.start[i] + trace.length[i]);
}

export function framesOf(trace: Trace): number[][] {
  return Array.from({ length: trace.count }, (_, i) => [...frameOf(trace, i)]);
}

/** A line per frame as tshark prints frame.time_epoch, frame.len, frame.cap_len and frame.md5_hash. */
export function listing(trace: Trace): string[] {
  return Array.from({ length: trace.count }, (_, i) => {
    const ns = trace.epochNs + BigInt(trace.time[i]);
    const time = `${ns / 1_000_000_000n}.${(ns % 1_000_000_000n).toString().padStart(9, "0")}`;
    const md5 = createHash("md5").update(frameOf(trace, i)).digest("hex");
    return `${time}\t${trace.wireLength[i]}\t${trace.length[i]}\t${md5}`;
  });
}

/** What tshark says of a file, in the same lines. */
export function tsharkListing(path: string): string[] {
  const fields = ["frame.time_epoch", "frame.len", "frame.cap_len", "frame.md5_hash"].flatMap((field) => ["-e", field]);
  const text = run("tshark", "-r", path, "-o", "frame.generate_md5_hash:TRUE", "-T", "fields", ...fields);
  return text.trimEnd().split("\n");
}
