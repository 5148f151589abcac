/**
 * The floor: DPDK's testpmd with the same devices and nothing but the addresses of each frame swapped (macswap). What
 * receiving and sending cost is below every figure of OVS-DPDK, and whoever reads packets from memory pays something like it.
 *
 * Measured is what testpmd counts itself: cycles of its forwarding thread by packet, and their clock (`CPU cycles/packet`,
 * --record-core-cycles; testpmd.c fwd_stats_display). Packets always wait, so empty polls hide no time.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTrace } from "../../pcaps/read-trace.ts";
import { lastWords, temporaryFolder } from "./child.ts";
import { reserveHugepages } from "./hugepages.ts";
import { otherCores } from "./packages.ts";
import { plainCapture } from "./plain-capture.ts";
import type { Undo } from "./undo.ts";

export interface TestpmdOptions {
  readonly capture: string;
  /** testpmd's forwarding mode: macswap, mac, io, csum, ... */
  readonly mode: string;
  readonly core: number;
  readonly seconds: number;
  readonly runs: number;
}

export interface TestpmdRun {
  readonly packets: number;
  readonly cyclesPerPacket: number;
  readonly nsPerPacket: number;
  readonly clockMHz: number;
}

const MEMORY_MB = 1000;
const BUFFERS = 262_144;
const STARTING_SECONDS = 1.5;

/** Runs testpmd `runs` times. Throws an Error with its last words when it does not forward. */
export async function runTestpmd(
  undo: Undo,
  options: TestpmdOptions,
  progress: (line: string) => void,
): Promise<{ readonly frames: number; readonly bytes: number; readonly runs: readonly TestpmdRun[] }> {
  const trace = await readTrace(options.capture);
  const folder = temporaryFolder(undo, "eastwest-testpmd-");
  const capture = join(folder, "capture.pcap");
  writeFileSync(capture, plainCapture(trace));
  reserveHugepages(undo, (MEMORY_MB + 32) * 2 ** 20);
  const runs: TestpmdRun[] = [];
  for (let i = 0; i < options.runs; i++) {
    const one = parseTestpmd(await forward(undo, options, folder, capture));
    runs.push(one);
    progress(`${i + 1} of ${options.runs}: testpmd ${options.mode} ${one.nsPerPacket.toFixed(1)} ns`);
  }
  let bytes = 0;
  for (let i = 0; i < trace.count; i++) bytes += trace.length[i];
  return { frames: trace.count, bytes, runs };
}

/** One run: it forwards until a newline arrives at its standard input, then prints what it counted. */
function forward(
  undo: Undo,
  { mode, core, seconds }: TestpmdOptions,
  folder: string,
  capture: string,
): Promise<string> {
  const main = otherCores(core).split(",")[0];
  const eal = [
    "-l",
    `${main},${core}`,
    "--main-lcore",
    main,
    "--in-memory",
    "-m",
    String(MEMORY_MB),
    "--no-pci",
    "--iova-mode=va",
  ];
  const devices = [`--vdev=net_pcap0,rx_pcap=${capture},infinite_rx=1`, "--vdev=net_null1,no-rx=1"];
  const own = [
    `--forward-mode=${mode}`,
    `--total-num-mbufs=${BUFFERS}`,
    "--burst=32",
    "--no-lsc-interrupt",
    "--record-core-cycles",
  ];
  const child = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "dpdk-testpmd", ...eal, "--no-telemetry", ...devices, "--", ...own],
    {
      env: { ...process.env, RUNTIME_DIRECTORY: folder },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    },
  );
  let gone = false;
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  undo.add("stop testpmd", async () => {
    if (gone) return;
    child.kill("SIGKILL");
    await ended;
  });
  let out = "";
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (piece: Buffer) => (out += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (out += piece.toString()));
  const stopping = setTimeout(() => child.stdin.end("\n"), (STARTING_SECONDS + seconds) * 1000);
  const killing = setTimeout(() => child.kill("SIGKILL"), (STARTING_SECONDS + seconds + 20) * 1000);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new Error(`dpdk-testpmd: ${error.message}`)));
    child.on("close", (code) => {
      gone = true;
      clearTimeout(stopping);
      clearTimeout(killing);
      if (code === 0) resolve(out);
      else reject(new Error(`dpdk-testpmd ended with exit code ${code}: ${lastWords(out)}`));
    });
  });
}

/** What testpmd prints at its end. Throws an Error when it says nothing of cycles, or forwarded nothing. */
export function parseTestpmd(text: string): TestpmdRun {
  const found = /CPU cycles\/packet=([\d.]+) \(total cycles=(\d+) \/ total \S+ packets=(\d+)\) at (\d+) MHz/.exec(text);
  if (found === null) throw new Error(`dpdk-testpmd: no line of cycles a packet: ${lastWords(text)}`);
  const [cycles, packets, clockMHz] = [Number(found[2]), Number(found[3]), Number(found[4])];
  if (packets === 0) throw new Error("dpdk-testpmd forwarded no packet");
  const cyclesPerPacket = cycles / packets;
  return { packets, cyclesPerPacket, nsPerPacket: (cyclesPerPacket * 1000) / clockMHz, clockMHz };
}
