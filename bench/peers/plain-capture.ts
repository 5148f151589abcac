/**
 * A trace as the plainest pcap there is, which libpcap inside a DPDK driver and we both read the same: little endian,
 * microseconds, Ethernet, every frame as long as it was captured. So any capture that we can read, compressed or pcapng or
 * cooked, can be put through a peer.
 *
 * A lead-in of runts can stand in front: frames of 10 bytes, which a switch drops before it looks at them (Open vSwitch:
 * dpif-netdev.c dfc_processing, shorter than an Ethernet header), so that it can make its last preparations while it has
 * already begun to receive.
 */
import { statSync } from "node:fs";
import type { Trace } from "../../datapath/packet/trace.ts";
import { readTrace } from "../../pcaps/read-trace.ts";

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const RUNT = 10;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const ETHERNET = 1;

/** The bytes of the file. */
export function plainCapture(trace: Trace, runts = 0): Uint8Array {
  let size = FILE_HEADER + runts * (RECORD_HEADER + RUNT);
  for (let i = 0; i < trace.count; i++) size += RECORD_HEADER + trace.length[i];
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC_MICROSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 262144, true);
  view.setUint32(20, ETHERNET, true);
  let at = FILE_HEADER;
  const record = (ns: number, length: number): void => {
    view.setUint32(at, Math.floor(ns / 1e9), true);
    view.setUint32(at + 4, Math.floor((ns % 1e9) / 1000), true);
    view.setUint32(at + 8, length, true);
    view.setUint32(at + 12, length, true);
    at += RECORD_HEADER;
  };
  for (let i = 0; i < runts; i++) {
    record(0, RUNT);
    at += RUNT;
  }
  for (let i = 0; i < trace.count; i++) {
    record(trace.time[i], trace.length[i]);
    out.set(trace.bytes.subarray(trace.start[i], trace.start[i] + trace.length[i]), at);
    at += trace.length[i];
  }
  return out;
}

/** The frames of a file that may hold none, which `readTrace` refuses; a list of one trace or none. */
export async function readOutput(file: string): Promise<Trace[]> {
  return statSync(file).size <= FILE_HEADER ? [] : [await readTrace(file)];
}
