/**
 * Writes a pcapng file with several named interfaces: the whole underlay in one file, in which Wireshark shows where each
 * frame was seen. One section, little endian, nanoseconds. Block layouts in pcapng-format.ts.
 */
import { FileSink } from "./file-sink.ts";
import { LinkType } from "./link-type.ts";
import { MAX_CAPTURED } from "./pcap-format.ts";
import { BYTE_ORDER_MAGIC, ENHANCED_PACKET, INTERFACE_DESCRIPTION, SECTION_HEADER } from "./pcapng-format.ts";

const SECOND = 1_000_000_000n;
const OPTION_END = 0;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;

/** Which way a frame went through its interface (epb_flags, bits 0 and 1). */
export const Direction = { Unknown: 0, Inbound: 1, Outbound: 2 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

export class PcapngWriter {
  readonly path: string;
  frames = 0;
  bytes = 0;
  readonly #sink: FileSink;
  readonly #epochSeconds: number;
  readonly #epochNanoseconds: number;
  #interfaces = 0;

  /** Creates `path` (gzip when it ends in .gz). Times of frames count from `epochNs` (ns since 1970). Throws InputError. */
  constructor(path: string, epochNs: bigint) {
    this.path = path;
    this.#epochSeconds = Number(epochNs / SECOND);
    this.#epochNanoseconds = Number(epochNs % SECOND);
    this.#sink = new FileSink(path);
    const application = new TextEncoder().encode("eastwest");
    const total = 28 + optionLength(application) + 4;
    const at = this.#sink.room(total);
    const { view } = this.#sink;
    view.setUint32(at + 8, BYTE_ORDER_MAGIC, true);
    view.setUint16(at + 12, 1, true);
    view.setUint16(at + 14, 0, true);
    view.setBigInt64(at + 16, -1n, true); // length of the section: not known beforehand
    this.#endOptions(this.#option(at + 24, SHB_USERAPPL, application));
    this.#frame(at, SECTION_HEADER, total);
  }

  /** Adds an interface, at any time; returns its number for `write`. */
  addInterface(name: string, description = ""): number {
    const named = new TextEncoder().encode(name);
    const described = new TextEncoder().encode(description);
    const resolution = Uint8Array.of(9); // 10^-9 s
    const optional = description === "" ? 0 : optionLength(described);
    const total = 16 + optionLength(named) + optional + optionLength(resolution) + 4 + 4;
    const at = this.#sink.room(total);
    const { view } = this.#sink;
    view.setUint16(at + 8, LinkType.Ethernet, true);
    view.setUint16(at + 10, 0, true);
    view.setUint32(at + 12, MAX_CAPTURED, true);
    let next = this.#option(at + 16, IF_NAME, named);
    if (description !== "") next = this.#option(next, IF_DESCRIPTION, described);
    this.#endOptions(this.#option(next, IF_TSRESOL, resolution));
    this.#frame(at, INTERFACE_DESCRIPTION, total);
    return this.#interfaces++;
  }

  /** Appends frame[start, end) as seen at an interface, `time` ns after the epoch. */
  write(
    interfaceNumber: number,
    frame: Uint8Array,
    start: number,
    end: number,
    time: number,
    direction: Direction = Direction.Unknown,
    wireLength = end - start,
  ): void {
    const length = end - start;
    const padded = (length + 3) & ~3;
    const total = 28 + padded + (direction === Direction.Unknown ? 0 : 12) + 4;
    const at = this.#sink.room(total);
    const { bytes, view } = this.#sink;
    // seconds * 10^9 + nanoseconds as two words, without BigInt: the product is made of the halves of the seconds, each
    // step below 2^53.
    const ns = this.#epochNanoseconds + time;
    const whole = Math.floor(ns / 1e9);
    const seconds = this.#epochSeconds + whole;
    const lower = (seconds & 0xffff) * 1e9 + (ns - whole * 1e9);
    const upper = Math.floor(seconds / 65536) * 1e9; // counts 2^16 ns each
    const low = (upper % 65536) * 65536 + lower;
    view.setUint32(at + 8, interfaceNumber, true);
    view.setUint32(at + 12, Math.floor(upper / 65536) + Math.floor(low / 4294967296), true);
    view.setUint32(at + 16, low % 4294967296, true);
    view.setUint32(at + 20, length, true);
    view.setUint32(at + 24, wireLength, true);
    bytes.set(frame.subarray(start, end), at + 28);
    bytes.fill(0, at + 28 + length, at + 28 + padded);
    if (direction !== Direction.Unknown) {
      const option = at + 28 + padded;
      view.setUint16(option, EPB_FLAGS, true);
      view.setUint16(option + 2, 4, true);
      view.setUint32(option + 4, direction, true);
      this.#endOptions(option + 8);
    }
    this.#frame(at, ENHANCED_PACKET, total);
    this.frames++;
    this.bytes += length;
  }

  /** Writes what is left and gives the file its name; again: nothing. */
  close(): void {
    this.#sink.close();
  }

  /** Gives up and leaves no file. */
  abort(): void {
    this.#sink.abort();
  }

  /** Type, length, and the length again at the end. */
  #frame(at: number, type: number, total: number): void {
    const { view } = this.#sink;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, total, true);
    view.setUint32(at + total - 4, total, true);
  }

  #option(at: number, code: number, value: Uint8Array): number {
    const { bytes, view } = this.#sink;
    const next = at + 4 + ((value.length + 3) & ~3);
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    bytes.fill(0, at + 4, next);
    bytes.set(value, at + 4);
    return next;
  }

  #endOptions(at: number): void {
    this.#sink.view.setUint32(at, OPTION_END, true);
  }
}

function optionLength(value: Uint8Array): number {
  return 4 + ((value.length + 3) & ~3);
}
