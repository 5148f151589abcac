/** What the cluster tests share: frames made by hand, a cluster that they go through, and what came out of it. */
import { type modes, type networks, scenarioFile } from "../../bench/paths.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import { Fabric } from "../../datapath/fabric.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import type { Topology } from "../../datapath/topology.ts";
import { ipv4FromText } from "../../datapath/wire/addresses.ts";
import { put16, put32 } from "../../datapath/wire/bytes.ts";
import { checksum } from "../../datapath/wire/checksum.ts";

export const VM1 = {
  mac: "fa:16:3e:17:6b:a7",
  ip: "192.168.1.11",
  gateway: "fa:16:3e:cd:50:8d",
  router: "192.168.1.1",
};
export const VM2 = {
  mac: "fa:16:3e:2a:34:19",
  ip: "192.168.2.11",
  gateway: "fa:16:3e:a3:95:c2",
  router: "192.168.2.1",
};
export const DVR_MACS = { test114: "fa:16:3f:1a:cf:03", test115: "fa:16:3f:97:87:a1", test116: "fa:16:3f:ec:09:21" };

const mac = (text: string): number[] => text.split(":").map((byte) => Number.parseInt(byte, 16));

/** An ICMP echo (type 8 request, 0 reply) over IPv4 with 56 bytes of payload: 98 bytes, as `ping` sends it. */
export function echo(
  source: { mac: string; ip: string },
  toMac: string,
  toIp: string,
  options: { type?: 0 | 8; ttl?: number; sequence?: number } = {},
): Uint8Array {
  const frame = new Uint8Array(98);
  frame.set([...mac(toMac), ...mac(source.mac), 8, 0, 0x45, 0, 0, 84, 0x12, 0x34, 0x40, 0, options.ttl ?? 64, 1]);
  put32(frame, 26, ipv4FromText(source.ip));
  put32(frame, 30, ipv4FromText(toIp));
  put16(frame, 24, checksum(frame, 14, 34));
  frame[34] = options.type ?? 8;
  put16(frame, 38, 0x1234);
  put16(frame, 40, options.sequence ?? 1);
  for (let i = 42; i < 98; i++) frame[i] = i;
  put16(frame, 36, checksum(frame, 34, 98));
  return frame;
}

/** An ARP request, broadcast. */
export function arpRequest(source: { mac: string; ip: string }, target: string): Uint8Array {
  const frame = new Uint8Array(42);
  frame.set([255, 255, 255, 255, 255, 255, ...mac(source.mac), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...mac(source.mac)]);
  put32(frame, 28, ipv4FromText(source.ip));
  put32(frame, 38, ipv4FromText(target));
  return frame;
}

/** Frames as a trace, all at time 0. */
export function traceOf(frames: readonly Uint8Array[]): Trace {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  const start = new Int32Array(frames.length);
  const length = Int32Array.from(frames, (frame) => frame.length);
  let at = 0;
  for (const [i, frame] of frames.entries()) {
    start[i] = at;
    bytes.set(frame, at);
    at += frame.length;
  }
  const time = new Float64Array(frames.length);
  return {
    name: "test",
    count: frames.length,
    bytes,
    start,
    length,
    wireLength: length,
    time,
    epochNs: 0n,
    warnings: [],
  };
}

export interface WireFrame {
  readonly hex: string;
  /** "115>114" and so on, from the outer addresses; "" without a tunnel header. */
  readonly path: string;
  /** GRE key. */
  readonly key: number;
  readonly inner: string;
}

export class Cluster {
  readonly fabric: Fabric;
  /** Frames put on the underlay since `clear`, and those given to the VMs, as hexadecimal text. */
  readonly wire: WireFrame[] = [];
  readonly delivered: string[][];
  #now = 0;

  constructor(topology: Topology) {
    this.fabric = new Fabric(topology);
    this.delivered = this.fabric.vms.map(() => []);
    const text = (bytes: Uint8Array, start: number, end: number): string =>
      Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("hex");
    this.fabric.tap = {
      delivered: (vm, bytes, start, end) => this.delivered[vm].push(text(bytes, start, end)),
      underlay: () => {},
      wire: (_, bytes, start, end) => this.wire.push(wireFrame(text(bytes, start, end))),
    };
  }

  static article(network: (typeof networks)[number], mode: (typeof modes)[number]): Cluster {
    return new Cluster(loadTopology(scenarioFile(network, mode)));
  }

  clear(): void {
    this.wire.length = 0;
    for (const frames of this.delivered) frames.length = 0;
  }

  /** Sends one frame at an entry and lets it run to its end; virtual time moves on by `ms` before. */
  send(entry: string, frame: Uint8Array, ms = 1): void {
    this.#now += ms * 1e6;
    this.fabric.advance(this.#now);
    if (!this.fabric.offer(this.fabric.entry(entry), traceOf([frame]), 0, this.#now)) throw new Error("no room");
    this.fabric.settle();
  }

  wait(ms: number): void {
    for (let left = ms; left > 0; left -= 500) {
      this.#now += 500e6;
      this.fabric.advance(this.#now);
      this.fabric.settle();
    }
  }

  host(name: string): Fabric["hosts"][number] {
    const host = this.fabric.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }
}

function wireFrame(hex: string): WireFrame {
  if (hex.slice(24, 28) !== "0800") return { hex, path: "", key: 0, inner: hex };
  const from = Number.parseInt(hex.slice(58, 60), 16);
  const to = Number.parseInt(hex.slice(66, 68), 16);
  return { hex, path: `${from}>${to}`, key: Number.parseInt(hex.slice(76, 84), 16), inner: hex.slice(84) };
}
