/**
 * Which frames of which capture go in where. A capture taken at a VM holds both directions: what the VM sent goes in at its
 * port, what it received is what the run has to produce. A capture taken at a host's NIC likewise holds frames that the
 * host sent itself, which must not come back in.
 */
import { existsSync } from "node:fs";
import type { Trace } from "../../datapath/packet/trace.ts";
import type { Topology, VmConfig } from "../../datapath/topology.ts";
import { macWords } from "../../datapath/wire/addresses.ts";
import { readTraceWithLibpcap } from "../../pcaps/libpcap-reader.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { InputError } from "../errors.ts";
import { type ModeName, type NetworkName, networks, recordedFile, shown } from "../paths.ts";
import type { Input } from "./schedule.ts";

/** One `--from PORT=FILE`. */
export interface Source {
  readonly port: string;
  readonly file: string;
}

/** What was read from a capture and what of it goes in, as results say it. */
export interface InputResult {
  readonly port: string;
  readonly file: string;
  /** Frames in the file. */
  readonly frames: number;
  /** Frames that went in, and why those. */
  readonly sent: number;
  readonly sentBytes: number;
  readonly rule: string;
  readonly warnings: readonly string[];
}

export interface Inputs {
  readonly inputs: readonly Input[];
  readonly results: readonly InputResult[];
  /** VMs without ARP of their own: a small model answers for them. */
  readonly answering: readonly string[];
  readonly notes: readonly string[];
}

/** Splits "vm1=a.pcap" at its first "=". */
export function parseSource(text: string): Source {
  const at = text.indexOf("=");
  if (at <= 0 || at === text.length - 1) {
    throw new InputError(`--from ${text}: expected PORT=FILE, as in vm1=a.pcap or test116/eth0=underlay.pcap`);
  }
  return { port: text.slice(0, at), file: text.slice(at + 1) };
}

/** The recorded captures of a topology's network and mode at each of its VMs. */
export function recordedSources(topology: Topology): Source[] {
  const { network, mode } = topology;
  if (!(networks as readonly string[]).includes(network) || (mode !== "legacy" && mode !== "dvr")) return [];
  return topology.vms
    .map(({ name }) => ({ port: name, file: recordedFile(network as NetworkName, mode as ModeName, name) }))
    .filter(({ file }) => existsSync(file));
}

/** Throws an InputError that says what exists when the topology has no such VM or port. */
export function checkPort(topology: Topology, name: string): void {
  if (topology.vms.some((vm) => vm.name === name)) return;
  const slash = name.indexOf("/");
  const host = topology.hosts.find((candidate) => candidate.name === name.slice(0, slash));
  const vms = topology.vms.map((vm) => vm.name).join(", ");
  const hosts = topology.hosts.map((candidate) => candidate.name).join(", ");
  if (slash < 0 || host === undefined) {
    throw new InputError(
      `--from: unknown port "${name}" in ${topology.name}, expected a VM (${vms}) or HOST/PORT with a host of ${hosts}`,
    );
  }
  const ports = host.bridges.flatMap((bridge) => [
    bridge.name,
    ...bridge.ports.filter((port) => port.type === "system" || port.type === "internal").map((port) => port.name),
  ]);
  if (!ports.includes(name.slice(slash + 1))) {
    throw new InputError(
      `--from: unknown port "${name}" in ${topology.name}, ${host.name} has the ports ${ports.join(", ")}`,
    );
  }
}

/** How captures are read. */
export interface Reading {
  /** Most bytes for one capture. */
  readonly memory: number | undefined;
  /** Read through libpcap (the optional package node-pcap) in place of the own reader. */
  readonly libpcap: boolean;
  /** pcap-filter(7) expression, compiled by libpcap: reads through it. */
  readonly filter: string | undefined;
  /** Told now and then how far a large capture is read: a share (0 when the size is not known) and words. */
  readonly progress?: ((done: number, doing: string) => void) | undefined;
}

/** Captures by path, each read once, however many modes and ports use it. */
export class Captures {
  readonly #reading: Reading;
  readonly #traces = new Map<string, Promise<Trace>>();

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  read(file: string): Promise<Trace> {
    let trace = this.#traces.get(file);
    if (trace === undefined) {
      const { memory, libpcap, filter } = this.#reading;
      const progress = (bytes: number, size: number): void =>
        this.#reading.progress?.(size > 0 ? bytes / size : 0, `reading ${shown(file)}, ${Math.round(bytes / 1e6)} MB`);
      trace =
        libpcap || filter !== undefined
          ? readTraceWithLibpcap(file, { memory, filter, progress })
          : readTrace(file, { memory, progress });
      this.#traces.set(file, trace);
    }
    return trace;
  }
}

/** Reads the captures and chooses the frames. Throws for unknown ports and files that are no captures. */
export async function loadInputs(topology: Topology, sources: readonly Source[], captures: Captures): Promise<Inputs> {
  for (const { port } of sources) checkPort(topology, port);
  const inputs: Input[] = [];
  const results: InputResult[] = [];
  const speaking = new Set<string>();
  for (const { port, file } of sources) {
    const trace = await captures.read(file);
    const vm = topology.vms.find((candidate) => candidate.name === port);
    const { frames, rule } = vm === undefined ? atPort(topology, port, trace) : atVm(vm, trace);
    if (vm !== undefined && holdsArp(trace, frames)) speaking.add(vm.name);
    inputs.push({ port, file, trace, frames });
    results.push({
      port,
      file: shown(file),
      frames: trace.count,
      sent: frames.length,
      sentBytes: frames.reduce((sum, i) => sum + trace.length[i], 0),
      rule,
      warnings: trace.warnings,
    });
  }
  const answering = topology.vms.map((vm) => vm.name).filter((name) => !speaking.has(name));
  const notes: string[] = [];
  if (answering.length > 0) {
    notes.push(
      `${answering.join(", ")}: no ARP of ${answering.length === 1 ? "its" : "their"} own in a capture, so a small model ` +
        "answers ARP and neighbour solicitations",
    );
  }
  return { inputs, results, answering, notes };
}

function atVm(vm: VmConfig, trace: Trace): { frames: Int32Array; rule: string } {
  const own = bySource(trace, [vm.mac]);
  const frames = chosen(trace, (i) => own[i] === 1);
  if (frames.length > 0) return { frames, rule: `frames from the VM's own address ${vm.mac}` };
  return { frames: chosen(trace, () => true), rule: `all frames: none is from the VM's own address ${vm.mac}` };
}

function atPort(topology: Topology, port: string, trace: Trace): { frames: Int32Array; rule: string } {
  const slash = port.indexOf("/");
  const name = port.slice(0, slash);
  const macs = (own: boolean): string[] =>
    topology.hosts
      .filter((host) => (host.name === name) === own)
      .flatMap((host) => host.bridges.flatMap((bridge) => bridge.mac ?? []));
  const from = bySource(trace, macs(true));
  const forOthers = byDestination(trace, macs(false));
  return {
    frames: chosen(trace, (i) => from[i] === 0 && forOthers[i] === 0),
    rule: `frames that ${name} did not send itself and that are for no other host`,
  };
}

function chosen(trace: Trace, keep: (i: number) => boolean): Int32Array {
  const frames = new Int32Array(trace.count);
  let count = 0;
  for (let i = 0; i < trace.count; i++) if (keep(i)) frames[count++] = i;
  return frames.slice(0, count);
}

const bySource = (trace: Trace, macs: readonly string[]): Uint8Array => byAddress(trace, macs, 6);
const byDestination = (trace: Trace, macs: readonly string[]): Uint8Array => byAddress(trace, macs, 0);

/** 1 for each frame with one of the addresses `offset` bytes from its start. */
function byAddress(trace: Trace, macs: readonly string[], offset: number): Uint8Array {
  const words = macs.map(macWords);
  const view = new DataView(trace.bytes.buffer, trace.bytes.byteOffset, trace.bytes.byteLength);
  const hit = new Uint8Array(trace.count);
  for (let i = 0; i < trace.count; i++) {
    if (trace.length[i] < 14) continue;
    const at = trace.start[i] + offset;
    const high = view.getInt32(at);
    const low = view.getUint16(at + 4);
    for (const [h, l] of words) if (high === h && low === (l & 0xffff)) hit[i] = 1;
  }
  return hit;
}

/** One of the frames is ARP, untagged or with one 802.1Q tag. */
function holdsArp(trace: Trace, frames: Int32Array): boolean {
  const { bytes, start, length } = trace;
  for (const i of frames) {
    let at = start[i] + 12;
    if (length[i] >= 18 && bytes[at] === 0x81 && bytes[at + 1] === 0) at += 4;
    if (length[i] >= 14 && bytes[at] === 0x08 && bytes[at + 1] === 0x06) return true;
  }
  return false;
}
