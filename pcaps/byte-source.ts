/**
 * Where the bytes of a capture come from: a file, a gzip file, or a pipe; read straight into the memory of the trace, in
 * large pieces, never through a buffer in between (gzip and pipes excepted).
 *
 * Plain files are read with blocking calls: a piece comes from the page cache at 15 GB/s, and through the thread pool
 * each piece costs a round trip on top; only where the memory is new do other threads gain more (read-ahead.ts). Gzip may
 * have several members back to back (RFC 1952 2.2), as bgzip, pigz or
 * `cat` make them; zlib goes on to the next by itself.
 */
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { Socket } from "node:net";
import { createGunzip } from "node:zlib";
import { InputError, systemError } from "./input-error.ts";
import { ReadAhead } from "./read-ahead.ts";

/**
 * Bytes asked of a plain file at once: few enough that the parser finds them in the second-level cache. Finding the frames
 * of 1 GB (IMIX) takes 0.05 s of CPU with pieces of 256 KiB, 0.09 s with 1 MiB, 0.13 s with 4 MiB.
 */
const PIECE = 256 << 10;
const GZIP_PIECE = 1 << 20;

export interface ByteSource {
  readonly name: string;
  /** Bytes that will come when it is known beforehand, -1 otherwise (gzip, pipes). */
  readonly size: number;
  readonly gzip: boolean;
  /** A sentence when the source itself ended early (gzip data cut off); known at the end. */
  readonly warning: string;
  /** Reads at least one and at most `room` bytes to into[at...]; 0 at the end. Throws InputError. */
  read(into: Uint8Array, at: number, room: number): number | Promise<number>;
  /**
   * From here on, `read` will be asked for what follows, to into[at, end), without a gap: a plain file lets other threads
   * read ahead. Only for memory that nobody has touched yet, see ReadAhead.
   */
  readAhead(into: Uint8Array, at: number, end: number): void;
  close(): void;
}

/** Opens a capture file, gzip or not, or standard input ("-"). Throws InputError: no such file, a directory, no rights. */
export async function openSource(path: string): Promise<ByteSource> {
  if (path === "-") return await openStream("standard input", process.stdin);
  const doing = `cannot read ${path}`;
  let fd = -1;
  try {
    const named = statSync(path, { throwIfNoEntry: false })?.isFIFO() === true && process.platform !== "win32";
    fd = openSync(path, named ? constants.O_RDONLY | constants.O_NONBLOCK : "r");
    const stats = fstatSync(fd);
    if (stats.isDirectory()) throw new InputError(`${doing}: is a directory, expected a capture file`);
    // A pipe is waited for by the event loop, for a writer to come as for what it writes: a thread that waits in open() or
    // read() hears no signal, and keeps even a process that exits.
    if (stats.isFIFO() && named) {
      const socket = new Socket({ fd, readable: true, writable: false });
      fd = -1;
      return await openStream(path, socket);
    }
    if (!stats.isFile()) return await openStream(path, createReadStream("", { fd, highWaterMark: GZIP_PIECE }));
    const head = new Uint8Array(2);
    if (readSync(fd, head, 0, 2, 0) === 2 && isGzip(head)) {
      return new StreamSource(path, createReadStream("", { fd, start: 0, highWaterMark: GZIP_PIECE }), true);
    }
    return new FileSource(path, fd, stats);
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    throw systemError(error, doing);
  }
}

function isGzip(head: Uint8Array): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/** A pipe tells what it is only by its first bytes. */
async function openStream(name: string, stream: NodeJS.ReadableStream): Promise<ByteSource> {
  const pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first: Buffer[] = [];
  let length = 0;
  while (length < 2) {
    const { done, value } = await pieces.next();
    if (done) break;
    first.push(value);
    length += value.length;
  }
  const head = Buffer.concat(first);
  async function* all(): AsyncGenerator<Buffer> {
    yield head;
    for (;;) {
      const { done, value } = await pieces.next();
      if (done) return;
      yield value;
    }
  }
  return new StreamSource(name, all(), isGzip(head));
}

class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly gzip = false;
  readonly warning = "";
  readonly #fd: number;
  #position = 0;
  #ahead: ReadAhead | undefined;

  constructor(name: string, fd: number, stats: Stats) {
    this.name = name;
    this.size = stats.size;
    this.#fd = fd;
  }

  readAhead(into: Uint8Array, at: number, end: number): void {
    this.#ahead = new ReadAhead(this.#fd, this.#position, into, at, end);
  }

  read(into: Uint8Array, at: number, room: number): number | Promise<number> {
    if (this.#ahead !== undefined) return this.#next(this.#ahead);
    try {
      const n = readSync(this.#fd, into, at, room < PIECE ? room : PIECE, this.#position);
      this.#position += n;
      return n;
    } catch (error) {
      throw systemError(error, `cannot read ${this.name} at offset ${this.#position}`);
    }
  }

  async #next(ahead: ReadAhead): Promise<number> {
    try {
      return await ahead.next();
    } catch (error) {
      throw systemError(error, `cannot read ${this.name} at offset ${ahead.position}`);
    }
  }

  /** Behind what is being read ahead, if anything is: the number of a closed file may soon be another's. */
  close(): void {
    if (this.#ahead === undefined) closeSync(this.#fd);
    else void this.#ahead.stop().then(() => closeSync(this.#fd));
  }
}

class StreamSource implements ByteSource {
  readonly name: string;
  readonly size = -1;
  readonly gzip: boolean;
  warning = "";
  readonly #pieces: AsyncIterator<Buffer>;
  #piece: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(name: string, stream: AsyncIterable<Buffer | string>, gzip: boolean) {
    this.name = name;
    this.gzip = gzip;
    const bytes = stream as AsyncIterable<Buffer>;
    this.#pieces = gzip ? this.#gunzip(bytes) : bytes[Symbol.asyncIterator]();
  }

  /** What comes in a stream comes by itself. */
  readAhead(): void {}

  async read(into: Uint8Array, at: number, room: number): Promise<number> {
    while (this.#used === this.#piece.length) {
      try {
        const { done, value } = await this.#pieces.next();
        if (done) return 0;
        this.#piece = value;
        this.#used = 0;
      } catch (error) {
        throw systemError(error, `cannot read ${this.name}`);
      }
    }
    const n = Math.min(room, this.#piece.length - this.#used);
    into.set(this.#piece.subarray(this.#used, this.#used + n), at);
    this.#used += n;
    return n;
  }

  close(): void {
    void this.#pieces.return?.();
  }

  /**
   * zlib's end is told apart from its data: each piece is written and flushed before the next, and the end is given
   * alone, so that of a file that was cut off everything that is in it comes out before the error does.
   */
  async *#gunzip(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const gunzip = createGunzip({ chunkSize: GZIP_PIECE });
    const pumped = (async () => {
      for await (const piece of bytes) {
        if (gunzip.destroyed) return;
        await new Promise<void>((resolve, reject) => {
          gunzip.once("close", resolve); // the reader went away: nobody will drain what is left
          gunzip.write(piece, (error) => {
            gunzip.off("close", resolve);
            if (error) reject(error);
            else resolve();
          });
        });
      }
      gunzip.end();
    })();
    pumped.catch((error: Error) => gunzip.destroy(error));
    try {
      for await (const piece of gunzip) yield piece as Buffer;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === "Z_BUF_ERROR") this.warning = "the gzip data is cut off";
      else if (code?.startsWith("Z_")) throw new InputError(`${this.name}: the gzip data is damaged: ${message}`);
      else throw error;
    } finally {
      gunzip.destroy();
    }
  }
}
