/**
 * What a tap sees when several workers carry the frames: each writes down its own, window by window (lane.ts), into a file of
 * its own, and forgets what a window that was taken back has seen. Of windows done in order, which all workers do, the first
 * worker's count. Afterwards the logs are read together: windows in their order, within a window by time, then by `order`
 * where the workers number what they see; each flow's frames in the order in which they left.
 *
 *   record:  f64 window | f64 time, ns | i32 kind | i32 index | i32 bytes | i32 order | the frame
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import type { FabricTap } from "../datapath/fabric-tap.ts";
import type { WindowWatcher } from "./lane.ts";

const HEADER = 32;
const CHUNK = 1 << 20;

/** A frame given to a VM (index: the VM); at a NIC (index: host << 16 | port); put on a wire (index: the wire). */
export const Seen = { Delivered: 0, Rx: 1, Tx: 2, Wire: 3 } as const;
export type Seen = (typeof Seen)[keyof typeof Seen];

/** Numbers and names of a host's ports. */
export interface PortNames {
  readonly switch: { portNumber(name: string): number | undefined; portName(port: number): string };
}

export class FrameLog implements FabricTap, WindowWatcher {
  readonly path: string;
  /** What is written down; wires end with `wiresDone`. */
  readonly #frames: boolean;
  readonly #worker: number;
  readonly #hosts: readonly PortNames[];
  readonly #file: number;
  readonly #order: (() => number) | undefined;
  #wires = true;
  #bytes = new Uint8Array(CHUNK);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;
  /** Where the window that is being done begins. */
  #begin = 0;
  #window = 0;
  #inOrder = false;

  /**
   * `frames` false: only what is put on wires, not what VMs and NICs see. `order` numbers what is seen, over all workers.
   * Throws when the file cannot be made.
   */
  constructor(path: string, worker: number, hosts: readonly PortNames[], frames: boolean, order?: () => number) {
    this.#order = order;
    this.path = path;
    this.#worker = worker;
    this.#hosts = hosts;
    this.#frames = frames;
    this.#file = openSync(path, "wx");
  }

  /** Frames on wires are not needed any more. */
  wiresDone(): void {
    this.#wires = false;
  }

  begin(window: number, inOrder: boolean): void {
    this.#window = window;
    this.#inOrder = inOrder;
    this.#begin = this.#used;
  }

  end(counts: boolean): void {
    if (!counts || (this.#inOrder && this.#worker !== 0)) this.#used = this.#begin;
    else if (this.#used >= CHUNK) this.#flush();
  }

  delivered(vm: number, bytes: Uint8Array, start: number, end: number, time: number): void {
    if (this.#frames) this.#add(Seen.Delivered, vm, bytes, start, end, time);
  }

  underlay(
    host: number,
    port: string,
    direction: "rx" | "tx",
    bytes: Uint8Array,
    start: number,
    end: number,
    time: number,
  ): void {
    if (!this.#frames) return;
    const number = this.#hosts[host].switch.portNumber(port) ?? 0;
    this.#add(direction === "rx" ? Seen.Rx : Seen.Tx, (host << 16) | number, bytes, start, end, time);
  }

  wire(wire: number, bytes: Uint8Array, start: number, end: number, time: number): void {
    if (this.#wires || this.#frames) this.#add(Seen.Wire, wire, bytes, start, end, time);
  }

  /** Writes what is left and closes the file. */
  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #add(kind: Seen, index: number, bytes: Uint8Array, start: number, end: number, time: number): void {
    const needed = this.#used + HEADER + end - start;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, needed));
      larger.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    const at = this.#used;
    this.#view.setFloat64(at, this.#window);
    this.#view.setFloat64(at + 8, time);
    this.#view.setInt32(at + 16, kind);
    this.#view.setInt32(at + 20, index);
    this.#view.setInt32(at + 24, end - start);
    this.#view.setInt32(at + 28, this.#order?.() ?? 0);
    this.#bytes.set(bytes.subarray(start, end), at + HEADER);
    this.#used = needed;
  }

  #flush(): void {
    for (let at = 0; at < this.#used; ) at += writeSync(this.#file, this.#bytes, at, this.#used - at);
    this.#used = 0;
  }
}

interface Entry {
  readonly time: number;
  readonly order: number;
  readonly kind: number;
  readonly index: number;
  readonly frame: Uint8Array;
}

/** Reads the logs of all workers, in the order of the workers, and shows their frames to `tap`. The logs are removed. */
export function readFrameLogs(paths: readonly string[], hosts: readonly PortNames[], tap: FabricTap): void {
  const readers = paths.map((path) => new LogReader(path));
  try {
    for (;;) {
      const window = Math.min(...readers.map((reader) => reader.window));
      if (window === Number.POSITIVE_INFINITY) return;
      const entries = readers.flatMap((reader) => reader.take(window));
      entries.sort((a, b) => a.time - b.time || a.order - b.order); // stable: frames of a flow stay in order
      for (const { kind, index, time, frame } of entries) {
        if (kind === Seen.Delivered) tap.delivered(index, frame, 0, frame.length, time);
        else if (kind === Seen.Wire) tap.wire(index, frame, 0, frame.length, time);
        else {
          const host = index >> 16;
          const port = hosts[host].switch.portName(index & 0xffff);
          tap.underlay(host, port, kind === Seen.Rx ? "rx" : "tx", frame, 0, frame.length, time);
        }
      }
    }
  } finally {
    for (const reader of readers) reader.close();
  }
}

class LogReader {
  /** Window of the next record, Infinity = there is none. */
  window = 0;
  readonly #path: string;
  readonly #file: number;
  #bytes = new Uint8Array(CHUNK);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #filled = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, "r");
    this.#look();
  }

  /** The records of `window`, if those are next. */
  take(window: number): Entry[] {
    const entries: Entry[] = [];
    while (this.window === window) {
      const length = this.#view.getInt32(this.#at + 24);
      this.#need(HEADER + length);
      const at = this.#at;
      entries.push({
        time: this.#view.getFloat64(at + 8),
        order: this.#view.getInt32(at + 28),
        kind: this.#view.getInt32(at + 16),
        index: this.#view.getInt32(at + 20),
        frame: this.#bytes.slice(at + HEADER, at + HEADER + length),
      });
      this.#at += HEADER + length;
      this.#look();
    }
    return entries;
  }

  close(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }

  #look(): void {
    this.window = this.#need(HEADER) ? this.#view.getFloat64(this.#at) : Number.POSITIVE_INFINITY;
  }

  /** Makes sure that `count` bytes from here on are in memory; false at the end of the file. */
  #need(count: number): boolean {
    if (this.#filled - this.#at >= count) return true;
    const left = this.#bytes.subarray(this.#at, this.#filled);
    const larger = count > this.#bytes.length ? new Uint8Array(2 * count) : this.#bytes;
    if (larger === this.#bytes) this.#bytes.copyWithin(0, this.#at, this.#filled);
    else larger.set(left);
    this.#filled -= this.#at;
    this.#at = 0;
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
    while (this.#filled < count) {
      const got = readSync(this.#file, this.#bytes, this.#filled, this.#bytes.length - this.#filled, null);
      if (got === 0) return false;
      this.#filled += got;
    }
    return true;
  }
}
