/**
 * A capture file into a Trace: the bytes of the file are read once, straight into shared memory, and stay as they are; a
 * frame is an offset into them. So reading costs the copy out of the page cache plus one look at each record header,
 * done piece by piece while the piece is still in a cache.
 *
 * Offsets are int32, so a trace holds less than 2 GiB of file. What is larger, or larger than a given limit, is refused
 * in one line here, or read through `TraceWindows`: pieces of the file, one after the other, in the same memory.
 */
import { freemem } from "node:os";
import type { Trace } from "../datapath/packet/trace.ts";
import { type ByteSource, openSource } from "./byte-source.ts";
import { COLUMN_BYTES, FrameColumns } from "./frame-columns.ts";
import { InputError } from "./input-error.ts";
import { PcapParser, pcapByteOrder } from "./pcap-format.ts";
import { PcapngParser, SECTION_HEADER } from "./pcapng-format.ts";
import type { CaptureInterface, RecordParser } from "./record-parser.ts";

const MAX_BYTES = 2 ** 31 - 1;
const FIRST_PIECE = 64 << 10;
const PROGRESS_MS = 100;
/** Bytes of file that are left from which on other threads read ahead. */
const READ_AHEAD_FROM = 16 << 20;

export interface ReadOptions {
  /** Most bytes of memory for file content and columns together. Without it: 2 GiB of content. */
  readonly memory?: number | undefined;
  /** Told now and then how many bytes of the capture are read, of how many; -1 = not known before (gzip, pipes). */
  readonly progress?: ((bytes: number, size: number) => void) | undefined;
}

/** What the file is, beside its frames. */
export interface CaptureDescription {
  readonly path: string;
  /** "pcap, nanoseconds, little endian". */
  readonly format: string;
  readonly gzip: boolean;
  /** Bytes of the capture, unpacked. */
  readonly bytes: number;
  readonly interfaces: readonly CaptureInterface[];
}

/**
 * Reads a whole capture: classic pcap or pcapng, plain or gzip, "-" for standard input. Throws InputError for what is not
 * there, not a capture, of a foreign link type, damaged in the middle, without frames, or too large. A file that ends
 * within a record is read as far as it goes; `warnings` says so.
 */
export async function readTrace(path: string, options: ReadOptions = {}): Promise<Trace> {
  return (await readCapture(path, options)).trace;
}

/** As readTrace, and says what the file is. */
export async function readCapture(
  path: string,
  options: ReadOptions = {},
): Promise<{ trace: Trace; description: CaptureDescription }> {
  const windows = await TraceWindows.open(path, options);
  try {
    const trace = await windows.all();
    return { trace, description: windows.description };
  } finally {
    windows.close();
  }
}

/**
 * A capture of any size in windows:
 *
 *     const windows = await TraceWindows.open(path, { memory: 256 << 20 });
 *     for await (const trace of windows) replay(trace);
 *     for (const warning of windows.warnings) ...
 *
 * A window is valid until the next one is asked for: they share their memory. Time runs on over all of them from the
 * first frame of the file. The warnings are complete behind the last window.
 */
export class TraceWindows implements AsyncIterable<Trace> {
  readonly path: string;
  readonly #source: ByteSource;
  readonly #memory: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  /** Bytes of the file that lie in #bytes, and how far records were taken from them. */
  #filled = 0;
  #at = 0;
  #end = false;
  #read = 0;
  #parser: RecordParser | undefined;
  #columns = new FrameColumns(0);
  #warnings: string[] = [];

  readonly #progress: ReadOptions["progress"];
  #told = performance.now();

  private constructor(source: ByteSource, { memory, progress }: ReadOptions) {
    this.path = source.name;
    this.#source = source;
    this.#memory = memory ?? Infinity;
    this.#progress = progress;
  }

  /** Opens the file and reads its first bytes. Throws InputError as readTrace does. */
  static async open(path: string, options: ReadOptions = {}): Promise<TraceWindows> {
    const windows = new TraceWindows(await openSource(path), options);
    try {
      await windows.#begin();
    } catch (error) {
      windows.close();
      throw error;
    }
    return windows;
  }

  /** A sentence for each oddity; complete when the last window was read. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Frames over all windows so far. */
  get frames(): number {
    return this.#columns.total;
  }

  get description(): CaptureDescription {
    const parser = this.#parser as RecordParser;
    return {
      path: this.path,
      format: parser.format,
      gzip: this.#source.gzip,
      bytes: this.#read,
      interfaces: parser.interfaces.map(({ name, linkType, linkTypeName, snapshot, resolution }) => ({
        name,
        linkType,
        linkTypeName,
        snapshot,
        resolution,
      })),
    };
  }

  close(): void {
    this.#source.close();
  }

  /** The whole file as one trace. Ask before any window was read. */
  async all(): Promise<Trace> {
    const { size } = this.#source;
    if (size > MAX_BYTES || size > this.#memory) throw this.#tooLarge(size);
    // Pages that are not there are not missed before they are written to, and then the system ends the program.
    if (size > freemem()) {
      throw new InputError(
        `${this.path}: needs ${size} bytes of memory as one trace, the machine has ${freemem()} free: split the file (editcap -c)`,
      );
    }
    this.#reserve(size >= 0 ? size : Math.min(this.#memory, 1 << 20));
    const columns = this.#columns;
    if (size - this.#filled > READ_AHEAD_FROM) this.#source.readAhead(this.#bytes, this.#filled, size);
    for (;;) {
      const before = columns.count;
      await this.#fill(true);
      this.#scan();
      const needed = this.#bytes.length + columns.capacity * COLUMN_BYTES;
      if (needed > this.#memory && this.#filled + columns.count * COLUMN_BYTES > this.#memory)
        throw this.#tooLarge(needed);
      if (this.#end) break;
      // The frames so far say how many will come: one growth in place of many. Pages that are not touched cost nothing.
      const perPiece = columns.count - before;
      if (size > 0 && columns.capacity - columns.count < perPiece * 2) {
        columns.expect(Math.ceil((columns.count / this.#filled) * size * 1.25));
      }
    }
    this.#finish();
    return columns.trace(this.path, this.#bytes, this.#warnings);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Trace> {
    const { size } = this.#source;
    // Three parts bytes, one part columns: a record of 80 bytes and its 20 bytes of columns fill both at once.
    const budget = Math.min(this.#memory, (MAX_BYTES / 3) * 4);
    const bytes = Math.floor((budget * 3) / 4);
    const frames = Math.max(Math.floor(budget / 4 / COLUMN_BYTES), 1);
    this.#columns = new FrameColumns(Math.min(frames, 1 << 16), frames);
    this.#reserve(size >= 0 ? Math.min(size, bytes) : bytes);
    try {
      for (;;) {
        while (!this.#end && this.#filled < this.#bytes.length && !this.#columns.full) {
          await this.#fill(false);
          this.#scan();
        }
        if (this.#columns.count === 0 && !this.#done()) {
          // A window without a frame: blocks that hold none, or a record that does not fit.
          if (this.#at === 0) throw this.#recordTooLarge();
          this.#slide();
          continue;
        }
        const last = this.#done();
        if (last) this.#finish();
        if (this.#columns.count > 0) yield this.#columns.trace(this.path, this.#bytes, this.#warnings);
        if (last) return;
        this.#columns.nextWindow();
        this.#slide();
        this.#scan();
      }
    } finally {
      this.close();
    }
  }

  /** Reads the first bytes and finds out what the file is. */
  async #begin(): Promise<void> {
    this.#reserve(FIRST_PIECE);
    const { name } = this.#source;
    while (!this.#end && this.#filled < 4) await this.#fill(false);
    if (this.#filled === 0) {
      const why = this.#source.gzip
        ? `holds no byte behind its gzip header${dashed(this.#source.warning)}`
        : "is empty (0 bytes)";
      throw new InputError(`${name}: ${why}, expected a pcap or pcapng capture`);
    }
    const little = this.#filled >= 4 ? pcapByteOrder(this.#view) : undefined;
    if (little !== undefined) this.#parser = new PcapParser(name, this.#view, little);
    else if (this.#filled >= 4 && this.#view.getUint32(0) === SECTION_HEADER) this.#parser = new PcapngParser(name);
    else throw new InputError(`${name}: ${notACapture(this.#bytes, this.#filled)}`);
  }

  /** Room for `bytes` of the file. */
  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(this.#memoryOf(bytes));
    larger.set(this.#bytes.subarray(0, this.#filled));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  #memoryOf(bytes: number): SharedArrayBuffer {
    try {
      return new SharedArrayBuffer(bytes);
    } catch (error) {
      throw new InputError(`${this.path}: ${bytes} bytes of memory for it cannot be had`, { cause: error });
    }
  }

  /** Reads one piece behind what is there; with `grow`, makes room first. */
  async #fill(grow: boolean): Promise<void> {
    if (this.#filled === this.#bytes.length) {
      const most = Math.min(MAX_BYTES, this.#memory);
      if (!grow) return;
      if (this.#source.size < 0) {
        if (this.#filled >= most) throw this.#tooLarge(-1);
        this.#reserve(Math.min(this.#filled * 2, most));
      } else {
        // All of the size that it had when it was opened is here; a file that still grows is read up to there.
        this.#end = true;
        return;
      }
    }
    const read = this.#source.read(this.#bytes, this.#filled, this.#bytes.length - this.#filled);
    const n = typeof read === "number" ? read : await read;
    if (n === 0) this.#end = true;
    this.#filled += n;
    this.#read += n;
    if (this.#progress !== undefined && performance.now() - this.#told > PROGRESS_MS) {
      this.#told = performance.now();
      this.#progress(this.#read, this.#source.size);
    }
  }

  #scan(): void {
    this.#at = (this.#parser as RecordParser).scan(this.#bytes, this.#view, this.#at, this.#filled, this.#columns);
  }

  /** All bytes are read and all records taken that are whole. */
  #done(): boolean {
    return this.#end && !this.#columns.full;
  }

  /** Moves what no record was taken from to the front. */
  #slide(): void {
    (this.#parser as RecordParser).offset += this.#at;
    this.#bytes.copyWithin(0, this.#at, this.#filled);
    this.#filled -= this.#at;
    this.#at = 0;
  }

  #finish(): void {
    const parser = this.#parser as RecordParser;
    const columns = this.#columns;
    let cut = "";
    if (this.#at < this.#filled) cut = parser.tail(this.#bytes, this.#view, this.#at, this.#filled);
    parser.finish();
    if (columns.total === 0) {
      const nothing =
        parser.notes.length > 0 ? parser.notes.join("; ") : `${this.#read} bytes of headers and nothing behind them`;
      throw new InputError(`${this.path}: holds no frame: ${parser.format}, ${cut === "" ? nothing : cut}`);
    }
    if (cut !== "") this.#warnings.push(cut);
    if (this.#source.warning !== "") this.#warnings.push(this.#source.warning);
    this.#warnings.push(...parser.notes, ...columns.warnings());
  }

  #tooLarge(needed: number): InputError {
    const limit = Math.min(this.#memory, MAX_BYTES);
    const size = needed < 0 ? `more than ${limit} bytes` : `${needed} bytes`;
    const way = limit === MAX_BYTES ? "split the file (editcap -c)" : "raise it, or split the file (editcap -c)";
    return new InputError(`${this.path}: needs ${size} of memory as one trace, the limit is ${limit} bytes: ${way}`);
  }

  #recordTooLarge(): InputError {
    const offset = (this.#parser as RecordParser).offset;
    return new InputError(
      `${this.path}: the record at offset ${offset} does not fit into a window of ${this.#bytes.length} bytes: give more memory`,
    );
  }
}

const dashed = (text: string): string => (text === "" ? "" : `: ${text}`);

/** First bytes of files that people take for captures, in their names. */
const OTHERS: readonly (readonly [readonly number[], string])[] = [
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed data: unpack it first"],
  [[0xfd, 0x37, 0x7a, 0x58], "xz-compressed data: unpack it first"],
  [[0x42, 0x5a, 0x68], "bzip2-compressed data: unpack it first"],
  [[0x04, 0x22, 0x4d, 0x18], "lz4-compressed data: unpack it first"],
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive: unpack it first"],
  [[0x73, 0x6e, 0x6f, 0x6f, 0x70], "a snoop capture: convert it with editcap"],
  [[0x47, 0x4d, 0x42, 0x55], "a Network Monitor capture: convert it with editcap"],
  [[0xa1, 0xb2, 0xcd, 0x34], "a modified pcap (Kuznetzov): convert it with editcap"],
  [[0x34, 0xcd, 0xb2, 0xa1], "a modified pcap (Kuznetzov): convert it with editcap"],
];

function notACapture(bytes: Uint8Array, filled: number): string {
  const other = OTHERS.find(([magic]) => magic.every((byte, i) => bytes[i] === byte));
  const first = Array.from(bytes.subarray(0, Math.min(filled, 8)), (byte) => byte.toString(16).padStart(2, "0")).join(
    " ",
  );
  const what = other === undefined ? "" : ` (${other[1]})`;
  return `not a capture: it begins with ${first}${what}, expected pcap (a1 b2 c3 d4, d4 c3 b2 a1, a1 b2 3c 4d, 4d 3c b2 a1) or pcapng (0a 0d 0d 0a)`;
}
