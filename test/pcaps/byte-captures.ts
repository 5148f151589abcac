/** Captures made byte by byte, for the tests of the readers. Written from the format's drafts, not with our own writers. */
export interface Made {
  readonly frame: readonly number[];
  readonly seconds: number;
  /** Micro- or nanoseconds, as the file counts. */
  readonly fraction: number;
  /** Bytes on the wire, if more. */
  readonly wire?: number;
}

export class Bytes {
  readonly list: number[] = [];
  readonly little: boolean;

  constructor(little: boolean) {
    this.little = little;
  }

  u16(...values: number[]): this {
    for (const value of values) {
      const both = [value >>> 8, value & 0xff];
      this.list.push(...(this.little ? both.reverse() : both));
    }
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) {
      const four = [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
      this.list.push(...(this.little ? four.reverse() : four));
    }
    return this;
  }

  raw(bytes: readonly number[] | Uint8Array | string): this {
    this.list.push(...(typeof bytes === "string" ? Buffer.from(bytes) : bytes));
    return this;
  }

  pad4(): this {
    while (this.list.length % 4 !== 0) this.list.push(0);
    return this;
  }
}

export function pcap(
  frames: readonly Made[],
  { little = true, nano = false, linkType = 1, snapshot = 65535 } = {},
): Uint8Array {
  const out = new Bytes(little);
  out
    .u32(nano ? 0xa1b23c4d : 0xa1b2c3d4)
    .u16(2, 4)
    .u32(0, 0, snapshot, linkType);
  for (const { frame, seconds, fraction, wire } of frames) {
    out.u32(seconds, fraction, frame.length, wire ?? frame.length).raw(frame);
  }
  return Uint8Array.from(out.list);
}

export function option(little: boolean, code: number, value: readonly number[] | string): number[] {
  const bytes = typeof value === "string" ? [...Buffer.from(value)] : value;
  return new Bytes(little).u16(code, bytes.length).raw(bytes).pad4().list;
}

export function block(little: boolean, type: number, body: readonly number[]): number[] {
  const padded = new Bytes(little).raw(body).pad4().list;
  const total = padded.length + 12;
  return new Bytes(little).u32(type, total).raw(padded).u32(total).list;
}

export const sectionHeader = (little: boolean): number[] =>
  block(little, 0x0a0d0d0a, new Bytes(little).u32(0x1a2b3c4d).u16(1, 0).u32(0xffffffff, 0xffffffff).list);

export const interfaceBlock = (
  little: boolean,
  linkType = 1,
  snapshot = 0,
  options: readonly number[] = [],
): number[] => block(little, 1, new Bytes(little).u16(linkType, 0).u32(snapshot).raw(options).list);

/** `ticks`: of the interface's resolution. */
export function enhancedPacket(
  little: boolean,
  index: number,
  ticks: bigint,
  frame: readonly number[],
  wire = frame.length,
): number[] {
  const body = new Bytes(little).u32(index, Number(ticks >> 32n), Number(ticks & 0xffffffffn), frame.length, wire);
  return block(little, 6, body.raw(frame).list);
}

export function obsoletePacket(little: boolean, index: number, ticks: bigint, frame: readonly number[]): number[] {
  const body = new Bytes(little)
    .u16(index, 3)
    .u32(Number(ticks >> 32n), Number(ticks & 0xffffffffn), frame.length, frame.length);
  return block(little, 2, body.raw(frame).list);
}

export function simplePacket(little: boolean, frame: readonly number[], wire = frame.length): number[] {
  return block(little, 3, new Bytes(little).u32(wire).raw(frame).list);
}

/** A frame of `length` bytes that no other has: Ethernet with a local experimental type (0x88b5). */
export function anyFrame(length: number, mark: number): number[] {
  const frame = Array.from({ length }, (_, i) => (i * 7 + mark) & 0xff);
  frame.splice(12, 2, 0x88, 0xb5);
  return frame.slice(0, length);
}
