/**
 * What somebody has today who reads a capture in JavaScript: the `pcap` package, libpcap through an addon, one call and
 * one tree of objects a packet. It only decodes; no lookup, no change, nothing sent. Two figures: reading alone, and
 * reading with `decode.packet`.
 */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readTrace } from "../../pcaps/read-trace.ts";
import { InputError } from "../errors.ts";
import { run, temporaryFolder } from "./child.ts";
import type { NodePcapCounts } from "./node-pcap-child.ts";
import { plainCapture } from "./plain-capture.ts";
import type { Undo } from "./undo.ts";

export interface NodePcapRun {
  readonly readNs: number;
  readonly decodeNs: number;
  readonly packets: number;
  readonly failed: number;
}

/** Version of the package. Throws InputError when it is not installed, or its addon was not built. */
export function nodePcapVersion(): string {
  const require = createRequire(import.meta.url);
  try {
    require.resolve("node-pcap/build/Release/pcap_binding");
    return (require("node-pcap/package.json") as { version: string }).version;
  } catch {
    throw new InputError(
      "peer node-pcap is not installed: apt-get install libpcap-dev build-essential python3, then npm install again",
    );
  }
}

/** Measures `runs` times, each in fresh processes. */
export async function runNodePcap(
  undo: Undo,
  options: { readonly capture: string; readonly core: number; readonly seconds: number; readonly runs: number },
  progress: (line: string) => void,
): Promise<{ readonly frames: number; readonly bytes: number; readonly runs: readonly NodePcapRun[] }> {
  const trace = await readTrace(options.capture);
  const folder = temporaryFolder(undo, "eastwest-node-pcap-");
  const capture = join(folder, "capture.pcap");
  writeFileSync(capture, plainCapture(trace));
  const child = join(dirname(fileURLToPath(import.meta.url)), "node-pcap-child.js");
  const measure = async (work: string): Promise<NodePcapCounts> => {
    const command = [
      "--pdeathsig",
      "KILL",
      "taskset",
      "-c",
      String(options.core),
      process.execPath,
      child,
      capture,
      String(options.seconds),
      work,
    ];
    return JSON.parse(await run("setpriv", command, { timeout: (options.seconds + 120) * 1000 })) as NodePcapCounts;
  };
  const runs: NodePcapRun[] = [];
  for (let i = 0; i < options.runs; i++) {
    const read = await measure("read");
    const decode = await measure("decode");
    const { packets, failed } = decode;
    runs.push({ readNs: read.ns / read.packets, decodeNs: decode.ns / packets, packets, failed });
    progress(
      `${i + 1} of ${options.runs}: read ${runs[i].readNs.toFixed(0)} ns, read and decode ${runs[i].decodeNs.toFixed(0)} ns`,
    );
  }
  let bytes = 0;
  for (let i = 0; i < trace.count; i++) bytes += trace.length[i];
  return { frames: trace.count, bytes, runs };
}
