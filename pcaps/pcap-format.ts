/**
 * The classic capture format, as draft-ietf-opsawg-pcap writes it down. All fields are in the byte order of the machine
 * that wrote the file, told by the magic number; the magic number tells micro- from nanoseconds too.
 *
 *   file header (24 bytes)                       packet record (16 bytes, then the frame)
 *    0 magic a1b2c3d4 (µs) or a1b23c4d (ns)       0 seconds since 1970, unsigned
 *    4 major version 2, 6 minor version 4         4 microseconds or nanoseconds
 *    8 reserved (time zone), 12 reserved          8 captured length
 *   16 snapshot length                           12 original length
 *   20 link type: FCS length (4 bits), R, P,
 *      reserved (10), link type (16)
 */
import { COOKED_NOTE, recoverEthernet, SLL_SURPLUS, SLL2_SURPLUS } from "./cooked.ts";
import type { FrameColumns } from "./frame-columns.ts";
import { InputError } from "./input-error.ts";
import { isReadable, LinkType, linkTypeName, refusal } from "./link-type.ts";
import type { CaptureInterface, RecordParser } from "./record-parser.ts";

export const PCAP_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** libpcap's and Wireshark's bound for one record (MAXIMUM_SNAPLEN, WTAP_MAX_PACKET_SIZE_STANDARD). */
export const MAX_CAPTURED = 262144;

/** Whether the first four bytes are a classic capture's: little endian (true), big endian (false), or neither. */
export function pcapByteOrder(view: DataView): boolean | undefined {
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === PCAP_MICROSECONDS || magic === PCAP_NANOSECONDS) return little;
  }
  return undefined;
}

export class PcapParser implements RecordParser {
  readonly format: string;
  readonly interfaces: CaptureInterface[] = [];
  readonly notes: string[] = [];
  offset = 0;
  readonly #name: string;
  readonly #little: boolean;
  #header = true;
  #unit = 1000;
  #linkType = 0;
  #fcs = 0;
  #records = 0;
  #leftOut = 0;

  constructor(name: string, view: DataView, little: boolean) {
    this.#name = name;
    this.#little = little;
    this.#unit = view.getUint32(0, little) === PCAP_NANOSECONDS ? 1 : 1000;
    this.format = `pcap, ${this.#unit === 1 ? "nanoseconds" : "microseconds"}, ${little ? "little" : "big"} endian`;
  }

  scan(bytes: Uint8Array, view: DataView, at: number, end: number, columns: FrameColumns): number {
    const little = this.#little;
    if (this.#header) {
      if (end - at < FILE_HEADER) return at;
      this.#readHeader(view, at);
      at += FILE_HEADER;
    }
    const unit = this.#unit;
    const fcs = this.#fcs;
    const plain = this.#linkType === LinkType.Ethernet;
    while (end - at >= RECORD_HEADER && !columns.full) {
      const captured = view.getUint32(at + 8, little);
      if (captured > MAX_CAPTURED) {
        throw new InputError(
          `${this.#name}: frame ${this.#records + 1} at offset ${this.offset + at} says that ${captured} bytes were ` +
            `captured, expected at most ${MAX_CAPTURED}: the file is damaged there`,
        );
      }
      const frame = at + RECORD_HEADER;
      const next = frame + captured;
      if (next > end) break;
      let wire = view.getUint32(at + 12, little);
      if (wire > 0x7fffffff) wire = 0x7fffffff;
      const seconds = view.getUint32(at, little);
      const nanoseconds = view.getUint32(at + 4, little) * unit;
      this.#records++;
      at = next;
      if (plain) {
        if (fcs === 0) columns.add(frame, captured, wire, seconds, nanoseconds);
        else columns.add(frame, withoutFcs(captured, wire, fcs), Math.max(wire - fcs, 0), seconds, nanoseconds);
        continue;
      }
      const second = this.#linkType === LinkType.LinuxSll2;
      const surplus = second ? SLL2_SURPLUS : SLL_SURPLUS;
      if (recoverEthernet(bytes, frame, next, wire, second)) {
        columns.add(frame + surplus, captured - surplus, wire - surplus, seconds, nanoseconds);
      } else {
        this.#leftOut++;
      }
    }
    return at;
  }

  tail(_bytes: Uint8Array, view: DataView, at: number, end: number): string {
    if (this.#header)
      throw new InputError(`${this.#name}: cut off in its file header, ${end - at} of ${FILE_HEADER} bytes`);
    const has = end - at;
    const next =
      has < RECORD_HEADER
        ? `${has} of the ${RECORD_HEADER} bytes of its header`
        : `${has - RECORD_HEADER} of its ${view.getUint32(at + 8, this.#little)} bytes`;
    return `cut off: ${this.#records} frames read, frame ${this.#records + 1} at offset ${this.offset + at} has only ${next}`;
  }

  finish(): void {
    if (this.#linkType !== LinkType.Ethernet && this.#records > this.#leftOut) this.notes.push(COOKED_NOTE);
    if (this.#leftOut > 0) {
      this.notes.push(
        `${this.#leftOut} of ${this.#records} cooked packets left out: their device has no Ethernet addresses`,
      );
    }
  }

  #readHeader(view: DataView, at: number): void {
    const little = this.#little;
    const major = view.getUint16(at + 4, little);
    const minor = view.getUint16(at + 6, little);
    if (major !== 2) throw new InputError(`${this.#name}: pcap version ${major}.${minor}, expected 2.4`);
    const snapshot = view.getUint32(at + 16, little);
    const word = view.getUint32(at + 20, little);
    this.#linkType = word & 0xffff;
    // Bit 5 (P) says that the upper four bits are the length of the FCS in units of 16 bits.
    this.#fcs = (word & 0x04000000) !== 0 ? (word >>> 28) * 2 : 0;
    if (!isReadable(this.#linkType)) throw new InputError(`${this.#name}: ${refusal(this.#linkType)}`);
    if (this.#fcs > 0) this.notes.push(`the last ${this.#fcs} bytes of each frame are its FCS: taken off`);
    this.interfaces.push({
      name: "",
      linkType: this.#linkType,
      linkTypeName: linkTypeName(this.#linkType),
      snapshot,
      resolution: this.#unit === 1 ? "10^-9 s" : "10^-6 s",
    });
    this.#header = false;
  }
}

/** Captured bytes of a frame without the part of its FCS that was captured. */
export function withoutFcs(captured: number, wire: number, fcs: number): number {
  return Math.min(captured, Math.max(wire - fcs, 0));
}
