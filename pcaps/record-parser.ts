/** What a capture format has to do for the reader: find whole records in the bytes that are there, and fill columns. */
import type { FrameColumns } from "./frame-columns.ts";

/** One interface that a capture was taken at; a classic capture has one, without a name. */
export interface CaptureInterface {
  readonly name: string;
  readonly linkType: number;
  readonly linkTypeName: string;
  /** Most bytes kept of a frame; 0 = no limit. */
  readonly snapshot: number;
  /** Unit of its timestamps. */
  readonly resolution: string;
}

export interface RecordParser {
  /** "pcap, nanoseconds, little endian". */
  readonly format: string;
  readonly interfaces: readonly CaptureInterface[];
  /** What was odd, a sentence each. */
  readonly notes: string[];
  /** Offset in the file of byte 0 of what `scan` is given, for messages. */
  offset: number;
  /**
   * Takes whole records from bytes[at, end) until they end or the columns are full; returns where the first record starts
   * that was not taken. May rewrite a record's link header in place. Throws InputError for a record that lies.
   */
  scan(bytes: Uint8Array, view: DataView, at: number, end: number, columns: FrameColumns): number;
  /** The file ends with bytes[at, end) of a record that is not whole: a sentence about it, or an InputError. */
  tail(bytes: Uint8Array, view: DataView, at: number, end: number): string;
  /** All records are read: says what was left out, or throws InputError when that was everything. */
  finish(): void;
}
