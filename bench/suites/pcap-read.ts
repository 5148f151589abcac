/**
 * How fast a capture becomes a Trace. Writes a generated file to the system's temporary folder, reads it again and again
 * from the page cache, prints bytes of file per second, and removes it. Run it by itself:
 *
 *     node dist/bench/suites/pcap-read.js [MEGABYTES] [ROUNDS]
 *
 * Three ways: as one trace (what a run does), in windows of 64 MiB (memory that is used again), and a plain read(2) of the
 * file into memory as fresh as the trace's, which is the floor: the difference is what finding the frames costs.
 * Fresh memory has to be zeroed by the system page by page; in a virtual machine the first touch of memory that the host
 * has not given yet is several times slower, so the first rounds are slow there. On a machine with other work, believe the
 * CPU seconds.
 */
import { closeSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { readTrace, TraceWindows } from "../../pcaps/read-trace.ts";

const MEAN = { "60": 60, IMIX_v4_1: 349.8 };

function floor(path: string, size: number): number {
  const bytes = new Uint8Array(new SharedArrayBuffer(size));
  const fd = openSync(path, "r");
  let at = 0;
  while (at < size) at += readSync(fd, bytes, at, Math.min(4 << 20, size - at), at);
  closeSync(fd);
  return bytes[size - 1] & 0;
}

async function whole(path: string): Promise<number> {
  return (await readTrace(path)).count;
}

async function windows(path: string): Promise<number> {
  let frames = 0;
  for await (const window of await TraceWindows.open(path, { memory: 64 << 20 })) frames += window.count;
  return frames;
}

/** Seconds of one call by the clock and by the processor. A collection before each frees the memory of the one before. */
async function seconds(work: () => number | Promise<number>, expected: number): Promise<readonly [number, number]> {
  globalThis.gc?.();
  await setTimeout(100); // the pages are given back by another thread
  const cpu = process.cpuUsage();
  const begin = process.hrtime.bigint();
  const frames = await work();
  const took = Number(process.hrtime.bigint() - begin) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  if (frames !== expected) throw new Error(`${frames} frames read, ${expected} written`);
  return [took, (user + system) / 1e6];
}

const megabytes = Number(process.argv[2] ?? 500);
const rounds = Number(process.argv[3] ?? 7);
for (const [size, mean] of Object.entries(MEAN)) {
  const path = join(tmpdir(), `eastwest-pcap-read-${process.pid}.pcap`);
  try {
    const frames = Math.round((megabytes * 1e6) / (mean + 16));
    generateFile(path, { frames, flows: 1000, size, seed: 1 });
    const bytes = statSync(path).size;
    const ways: readonly (readonly [string, () => number | Promise<number>, number])[] = [
      ["one trace", () => whole(path), frames],
      ["windows of 64 MiB", () => windows(path), frames],
      ["read(2) alone", () => floor(path, bytes), 0],
    ];
    const taken = ways.map((): (readonly [number, number])[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, [, work, expected]] of ways.entries()) taken[i].push(await seconds(work, expected));
    }
    console.log(`${(bytes / 1e6).toFixed(0)} MB, ${frames} frames, sizes ${size}`);
    for (const [i, [name]] of ways.entries()) {
      const rates = (column: 0 | 1): number[] =>
        taken[i].map((took) => bytes / took[column] / 1e9).sort((a, b) => a - b);
      const text = (sorted: number[]): string =>
        `${sorted[sorted.length >> 1].toFixed(2)} (${sorted[0].toFixed(2)} to ${(sorted.at(-1) ?? 0).toFixed(2)})`;
      console.log(`  ${name.padEnd(18)} ${text(rates(0))} GB/s by the clock, ${text(rates(1))} GB per CPU second`);
    }
  } finally {
    rmSync(path, { force: true });
    rmSync(`${path}.part`, { force: true });
  }
}
