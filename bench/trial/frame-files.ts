/**
 * `--write DIR`: what a capture would have shown, as nanosecond pcap files in DIR/MODE:
 *
 *   VM.pcap           frames given to the VM
 *   HOST-PORT.pcap    frames at a host's port on a wire, both directions
 *   underlay.pcap     frames on all wires, each once
 *
 * Frames stand in the order in which they passed: a burst leaves by flow, so that times step back within one (each flow's
 * own never do). Sorting them by time would show an order that no wire has seen.
 */
import { join } from "node:path";
import type { Fabric } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { PcapWriter } from "../../pcaps/write-pcap.ts";
import { makeFolder, removeFolders } from "../output-file.ts";

/** DIR/MODE/NAME.pcap of a VM or of HOST/PORT. */
const frameFile = (folder: string, name: string): string => join(folder, `${name.replaceAll(/[^\w.@-]/g, "-")}.pcap`);

/** All files that FrameFiles makes in `folder`. */
export function frameFiles(folder: string, { vms, wires }: Topology): string[] {
  const names = [...vms.map(({ name }) => name), ...wires.flatMap(({ members }) => members), "underlay"];
  return [...new Set(names)].map((name) => frameFile(folder, name));
}

export class FrameFiles {
  readonly #all: PcapWriter[] = [];
  readonly #vms: readonly PcapWriter[];
  /** By "host/port". */
  readonly #ports = new Map<string, PcapWriter>();
  readonly #hosts: readonly string[];
  readonly #underlay: PcapWriter;
  /** Folders that were not there before. */
  readonly #made: readonly string[];

  /** Makes the folder and the files. `epochNs` is the time of virtual time 0. */
  constructor(folder: string, fabric: Fabric, epochNs: bigint) {
    this.#made = makeFolder(folder);
    const create = (name: string): PcapWriter => {
      const writer = new PcapWriter(frameFile(folder, name), epochNs);
      this.#all.push(writer);
      return writer;
    };
    this.#hosts = fabric.hosts.map((host) => host.name);
    try {
      this.#vms = fabric.vms.map((vm) => create(vm.config.name));
      for (const wire of fabric.topology.wires) {
        for (const member of wire.members) this.#ports.set(member, create(member));
      }
      this.#underlay = create("underlay");
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  delivered(vm: number, bytes: Uint8Array, start: number, end: number, time: number): void {
    this.#vms[vm].write(bytes, start, end, time);
  }

  underlay(host: number, port: string, bytes: Uint8Array, start: number, end: number, time: number): void {
    this.#ports.get(`${this.#hosts[host]}/${port}`)?.write(bytes, start, end, time);
  }

  wire(bytes: Uint8Array, start: number, end: number, time: number): void {
    this.#underlay.write(bytes, start, end, time);
  }

  /** Closes all files; returns how many frames each holds, by path, and whether their times count from 1970. */
  close(): { path: string; frames: number; rebased: boolean }[] {
    // The disk may be full only now: then none of them gets its name.
    for (const writer of this.#all) writer.flush();
    for (const writer of this.#all) writer.close();
    return this.#all.map(({ path, frames, rebased }) => ({ path, frames, rebased }));
  }

  /** Gives up: files that were not closed yet are gone, and so are folders made for them. */
  abort(): void {
    for (const writer of this.#all) writer.abort();
    removeFolders(this.#made);
  }
}
