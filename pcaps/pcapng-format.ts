/**
 * The pcapng format (draft-ietf-opsawg-pcapng): sections, each with its own byte order and its own interfaces; packets in
 * blocks that name their interface, and other blocks between them.
 *
 *   every block                 section header            interface description      enhanced (obsolete) packet
 *    0 type                      8 byte-order magic        8 link type, 10 reserved   8 interface (2 bytes + 2 drops)
 *    4 total length              12 version 1.x            12 snapshot length        12 time, upper half, 16 lower
 *    8 body, to 4 bytes          16 section length         16 options                20 captured, 24 original length
 *    n-4 total length again      24 options                                          28 the frame
 *
 * Read: section header, interface description, enhanced, simple and obsolete packet blocks. Every other block is skipped;
 * those the standard does not know are counted. Packets of an interface that we cannot read (link-type.ts) are left out
 * with a note when others remain, and are an error when nothing does. Of the options, if_name, if_tsresol, if_tsoffset
 * and if_fcslen count; those of single packets (direction, comment, FCS length) are not read.
 */
import { COOKED_NOTE, recoverEthernet, SLL_SURPLUS, SLL2_SURPLUS } from "./cooked.ts";
import type { FrameColumns } from "./frame-columns.ts";
import { InputError } from "./input-error.ts";
import { isReadable, LinkType, linkTypeName, refusal } from "./link-type.ts";
import { MAX_CAPTURED, withoutFcs } from "./pcap-format.ts";
import type { CaptureInterface, RecordParser } from "./record-parser.ts";

export const SECTION_HEADER = 0x0a0d0d0a; // reads the same in both byte orders
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
export const ENHANCED_PACKET = 6;
/** Blocks that the standard and its registry describe and that hold no packets; 0x0BAD/0x40000BAD are custom blocks. */
const KNOWN_BLOCKS: readonly number[] = [4, 5, 7, 8, 9, 10, 11, 0x80000001, 0xbad, 0x40000bad];
/** libpcap's and Wireshark's bound for one block. */
const MAX_BLOCK = 16 << 20;

const IF_NAME = 2;
const IF_TSRESOL = 9;
const IF_FCSLEN = 13;
const IF_TSOFFSET = 14;

class Interface implements CaptureInterface {
  name = "";
  linkType = 0;
  linkTypeName = "";
  snapshot = 0;
  resolution = "10^-6 s";
  readable = false;
  fcs = 0;
  packets = 0;
  leftOut = 0;
  /** Ticks per second where division by it is exact in doubles, 0 where BigInt has to do it. */
  ticks = 1e6;
  nanosecondsPerTick = 1e3;
  ticksBig = 1_000_000n;
  offsetSeconds = 0;
}

/** Frames of it were made of cooked packets. */
const isCooked = ({ linkType, readable, packets, leftOut }: Interface): boolean =>
  readable && linkType !== LinkType.Ethernet && packets > leftOut;

export class PcapngParser implements RecordParser {
  readonly interfaces: Interface[] = [];
  readonly notes: string[] = [];
  offset = 0;
  readonly #name: string;
  #little = true;
  #sections = 0;
  /** Where the interfaces of the current section begin in `interfaces`. */
  #base = 0;
  #records = 0;
  #timeless = 0;
  readonly #unknown = new Map<number, number>();
  /** Written by #split: the last time taken apart. */
  #seconds = 0;
  #nanoseconds = 0;

  constructor(name: string) {
    this.#name = name;
  }

  get format(): string {
    const sections = this.#sections > 1 ? `, ${this.#sections} sections` : "";
    return `pcapng, ${this.#little ? "little" : "big"} endian${sections}`;
  }

  scan(bytes: Uint8Array, view: DataView, at: number, end: number, columns: FrameColumns): number {
    while (end - at >= 12 && !columns.full) {
      if (view.getUint32(at, true) === SECTION_HEADER) this.#little = this.#byteOrder(view, at);
      const little = this.#little;
      const type = view.getUint32(at, little);
      const total = view.getUint32(at + 4, little);
      if (total < 12 || (total & 3) !== 0 || total > MAX_BLOCK) {
        throw this.#damaged(
          at,
          `block of type ${hex(type)} says ${total} bytes, expected a multiple of 4 from 12 to ${MAX_BLOCK}`,
        );
      }
      if (end - at < total) break;
      const again = view.getUint32(at + total - 4, little);
      if (again !== total) {
        throw this.#damaged(at, `block of type ${hex(type)} says ${total} bytes at its start and ${again} at its end`);
      }
      if (type === ENHANCED_PACKET || type === OBSOLETE_PACKET) this.#packet(bytes, view, at, total, type, columns);
      else if (type === SIMPLE_PACKET) this.#simplePacket(bytes, view, at, total, columns);
      else if (type === SECTION_HEADER) this.#section(view, at, total);
      else if (type === INTERFACE_DESCRIPTION) this.#interface(bytes, view, at, total);
      else if (!KNOWN_BLOCKS.includes(type)) this.#unknown.set(type, (this.#unknown.get(type) ?? 0) + 1);
      at += total;
    }
    return at;
  }

  tail(_bytes: Uint8Array, view: DataView, at: number, end: number): string {
    const has = end - at;
    if (this.#sections === 0)
      throw new InputError(`${this.#name}: cut off in its section header, only ${has} bytes of it`);
    const of = has < 12 ? "" : ` of its ${view.getUint32(at + 4, this.#little)}`;
    return `cut off: ${this.#records} packets read, the block at offset ${this.offset + at} has only ${has}${of} bytes`;
  }

  finish(): void {
    let leftOut = 0;
    for (const [i, one] of this.interfaces.entries()) {
      leftOut += one.leftOut;
      const which = `interface ${i}${one.name === "" ? "" : ` (${one.name})`}`;
      if (one.fcs > 0) this.notes.push(`${which}: the last ${one.fcs} bytes of each frame are its FCS: taken off`);
      if (one.leftOut === 0) continue;
      if (!one.readable) this.notes.push(`${which}: ${one.leftOut} packets left out: ${refusal(one.linkType)}`);
      else this.notes.push(`${which}: ${one.leftOut} cooked packets left out: their device has no Ethernet addresses`);
    }
    if (leftOut > 0 && leftOut === this.#records) throw new InputError(`${this.#name}: ${this.notes.at(-1)}`);
    if (this.interfaces.some(isCooked)) this.notes.push(COOKED_NOTE);
    if (this.#timeless > 0)
      this.notes.push(`${this.#timeless} packets carry no time: they got that of the packet before`);
    for (const [type, count] of this.#unknown) {
      this.notes.push(`${count} ${count === 1 ? "block" : "blocks"} of unknown type ${hex(type)} skipped`);
    }
  }

  #damaged(at: number, what: string): InputError {
    return new InputError(
      `${this.#name}: damaged at offset ${this.offset + at}, behind ${this.#records} packets: ${what}`,
    );
  }

  #byteOrder(view: DataView, at: number): boolean {
    if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) return true;
    if (view.getUint32(at + 8, false) === BYTE_ORDER_MAGIC) return false;
    throw this.#damaged(
      at,
      `byte-order magic ${hex(view.getUint32(at + 8, false))}, expected 0x1a2b3c4d in either order`,
    );
  }

  #section(view: DataView, at: number, total: number): void {
    if (total < 28) throw this.#damaged(at, `section header of ${total} bytes, expected at least 28`);
    const major = view.getUint16(at + 12, this.#little);
    if (major !== 1) throw this.#damaged(at, `pcapng version ${major}, expected 1`);
    this.#sections++;
    this.#base = this.interfaces.length;
  }

  #interface(bytes: Uint8Array, view: DataView, at: number, total: number): void {
    if (total < 20) throw this.#damaged(at, `interface description of ${total} bytes, expected at least 20`);
    const little = this.#little;
    const one = new Interface();
    one.linkType = view.getUint16(at + 8, little);
    one.linkTypeName = linkTypeName(one.linkType);
    one.readable = isReadable(one.linkType);
    one.snapshot = view.getUint32(at + 12, little);
    const end = at + total - 4;
    for (let option = at + 16; end - option >= 4; ) {
      const code = view.getUint16(option, little);
      const length = view.getUint16(option + 2, little);
      const value = option + 4;
      if (code === 0) break;
      if (value + length > end)
        throw this.#damaged(at, `interface option ${code} of ${length} bytes reaches beyond its block`);
      if (code === IF_NAME) one.name = text(bytes, value, value + length);
      else if (code === IF_TSRESOL && length >= 1) setResolution(one, bytes[value]);
      else if (code === IF_TSOFFSET && length >= 8) one.offsetSeconds = Number(view.getBigInt64(value, little));
      else if (code === IF_FCSLEN && length >= 1) one.fcs = bytes[value];
      option = value + ((length + 3) & ~3);
    }
    this.interfaces.push(one);
  }

  /** The interface with this number in the current section, or an error that names the packet. */
  #of(at: number, index: number): Interface {
    const one = this.interfaces[this.#base + index];
    if (one !== undefined) return one;
    throw this.#damaged(at, `packet of interface ${index}, but the section has ${this.interfaces.length - this.#base}`);
  }

  #packet(bytes: Uint8Array, view: DataView, at: number, total: number, type: number, columns: FrameColumns): void {
    const little = this.#little;
    if (total < 32) throw this.#damaged(at, `packet block of ${total} bytes, expected at least 32`);
    const index = type === ENHANCED_PACKET ? view.getUint32(at + 8, little) : view.getUint16(at + 8, little);
    const one = this.#of(at, index);
    const captured = view.getUint32(at + 20, little);
    if (captured > total - 32) throw this.#damaged(at, `packet of ${captured} captured bytes in a block of ${total}`);
    this.#split(view.getUint32(at + 12, little), view.getUint32(at + 16, little), one);
    this.#take(bytes, at, at + 28, captured, view.getUint32(at + 24, little), one, columns, true);
  }

  #simplePacket(bytes: Uint8Array, view: DataView, at: number, total: number, columns: FrameColumns): void {
    if (total < 16) throw this.#damaged(at, `simple packet block of ${total} bytes, expected at least 16`);
    const one = this.#of(at, 0);
    const wire = view.getUint32(at + 8, this.#little);
    let captured = Math.min(wire, total - 16);
    if (one.snapshot !== 0 && captured > one.snapshot) captured = one.snapshot;
    this.#timeless++;
    this.#take(bytes, at, at + 12, captured, wire, one, columns, false);
  }

  #take(
    bytes: Uint8Array,
    at: number,
    frame: number,
    captured: number,
    wire: number,
    one: Interface,
    columns: FrameColumns,
    timed: boolean,
  ): void {
    if (captured > MAX_CAPTURED) {
      throw this.#damaged(at, `packet of ${captured} captured bytes, expected at most ${MAX_CAPTURED}`);
    }
    if (wire > 0x7fffffff) wire = 0x7fffffff;
    this.#records++;
    one.packets++;
    if (one.linkType !== LinkType.Ethernet) {
      const second = one.linkType === LinkType.LinuxSll2;
      if (!one.readable || !recoverEthernet(bytes, frame, frame + captured, wire, second)) {
        one.leftOut++;
        return;
      }
      const surplus = second ? SLL2_SURPLUS : SLL_SURPLUS;
      frame += surplus;
      captured -= surplus;
      wire -= surplus;
    } else if (one.fcs > 0) {
      captured = withoutFcs(captured, wire, one.fcs);
      wire = Math.max(wire - one.fcs, 0);
    }
    if (timed) columns.add(frame, captured, wire, this.#seconds, this.#nanoseconds);
    else columns.addWithoutTime(frame, captured, wire);
  }

  /**
   * A 64-bit count of ticks into seconds and nanoseconds, exactly: one division while it fits a double, else long division
   * in digits of 16 bits, each step below 2^53; BigInt for resolutions finer than a nanosecond or 2^-22 s.
   */
  #split(high: number, low: number, one: Interface): void {
    const ticks = one.ticks;
    if (ticks === 0) {
      const all = (BigInt(high) << 32n) | BigInt(low);
      const seconds = all / one.ticksBig;
      this.#seconds = Number(seconds) + one.offsetSeconds;
      this.#nanoseconds = Number(((all - seconds * one.ticksBig) * 1_000_000_000n) / one.ticksBig);
      return;
    }
    if (high < 0x200000) {
      // Below 2^53, as microseconds are until the year 2255: one division, corrected where its rounding was upwards.
      const all = high * 4294967296 + low;
      let seconds = Math.floor(all / ticks);
      let rest = all - seconds * ticks;
      if (rest < 0) {
        seconds--;
        rest += ticks;
      }
      this.#seconds = seconds + one.offsetSeconds;
      this.#nanoseconds = Math.floor(rest * one.nanosecondsPerTick);
      return;
    }
    const q1 = Math.floor(high / ticks);
    const second = (high - q1 * ticks) * 65536 + (low >>> 16);
    const q2 = Math.floor(second / ticks);
    const third = (second - q2 * ticks) * 65536 + (low & 0xffff);
    const q3 = Math.floor(third / ticks);
    this.#seconds = q1 * 4294967296 + q2 * 65536 + q3 + one.offsetSeconds;
    this.#nanoseconds = Math.floor((third - q3 * ticks) * one.nanosecondsPerTick);
  }
}

/** if_tsresol: the exponent of 10^-n, or with the upper bit set of 2^-n. */
function setResolution(one: Interface, value: number): void {
  const exponent = value & 0x7f;
  const base = (value & 0x80) !== 0 ? 2 : 10;
  one.resolution = `${base}^-${exponent} s`;
  one.ticksBig = BigInt(base) ** BigInt(exponent);
  const exact = base === 2 ? exponent <= 22 : exponent <= 9;
  one.ticks = exact ? base ** exponent : 0;
  one.nanosecondsPerTick = exact ? 1e9 / one.ticks : 0;
}

function text(bytes: Uint8Array, at: number, end: number): string {
  const zero = bytes.indexOf(0, at);
  // A copy, because a decoder does not take shared memory. Control characters would get to the reader's terminal.
  const raw = new TextDecoder().decode(bytes.slice(at, zero >= at && zero < end ? zero : end));
  return raw.replace(/\p{Cc}/gu, "\ufffd");
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(8, "0")}`;
}
