/**
 * Where the bytes of a written capture go. They are gathered in a buffer and written when it is full, always up to the end
 * of a record, so that what is on disk can be opened at any moment. A regular file is written as NAME.part and gets its
 * name when it is complete: whoever finds NAME finds a whole capture, and an interrupted run leaves a NAME.part that opens.
 * Pipes and devices (/dev/stdout, /dev/null, a FIFO) are written directly. A name that ends in .gz is compressed: each
 * buffer a gzip member of its own (RFC 1952 2.2), which every reader takes as one stream.
 */
import { closeSync, fstatSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { InputError, systemError } from "./input-error.ts";

const BUFFER = 1 << 20;

export class FileSink {
  readonly path: string;
  /** The buffer that records are composed in, and a view of it; only between `room` and the next call. */
  bytes = new Uint8Array(BUFFER);
  view = new DataView(this.bytes.buffer);
  /** Bytes handed over so far, before compression. */
  written = 0;
  readonly #target: string;
  readonly #part: string;
  readonly #gzip: boolean;
  #fd: number;
  #filled = 0;

  /** Creates the file. Throws InputError: "cannot write x.pcap: no such file or directory". */
  constructor(path: string) {
    this.path = path;
    this.#gzip = path.endsWith(".gz");
    const kind = statSync(path, { throwIfNoEntry: false });
    const direct = kind !== undefined && !kind.isFile() && !kind.isDirectory();
    // Through a symbolic link, so that the file behind it is replaced and not the link.
    this.#target = kind?.isFile() ? realpathSync(path) : path;
    this.#part = direct || kind?.isDirectory() ? this.#target : `${this.#target}.part`;
    try {
      // A new file: two programs that write the same name at once do not write into each other's.
      if (this.#part !== this.#target) rmSync(this.#part, { force: true });
      this.#fd = openSync(this.#part, "w");
    } catch (error) {
      throw systemError(error, `cannot write ${path}`);
    }
  }

  /** Room for a record of `length` bytes: the offset in `bytes` to write it at. It counts as written. */
  room(length: number): number {
    if (this.#filled + length > this.bytes.length) {
      this.flush();
      if (length > this.bytes.length) {
        this.bytes = new Uint8Array(length);
        this.view = new DataView(this.bytes.buffer);
      }
    }
    const at = this.#filled;
    this.#filled = at + length;
    this.written += length;
    return at;
  }

  /** Hands all whole records to the system. */
  flush(): void {
    if (this.#filled === 0) return;
    const whole = this.bytes.subarray(0, this.#filled);
    const bytes = this.#gzip ? gzipSync(whole) : whole;
    this.#filled = 0;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSome(this.#fd, bytes, at);
    } catch (error) {
      const failed = systemError(error, `cannot write ${this.path} beyond ${this.written - whole.length} bytes`);
      this.abort();
      throw failed;
    }
  }

  /** Writes the rest and gives the file its name; again: nothing. */
  close(): void {
    if (this.#fd < 0) return;
    this.flush();
    const ours = this.#isOurs();
    const fd = this.#fd;
    this.#fd = -1;
    try {
      closeSync(fd);
      if (!ours) {
        throw new InputError(
          `cannot finish ${this.path}: another program has written it meanwhile, expected another name`,
        );
      }
      if (this.#part !== this.#target) renameSync(this.#part, this.#target);
    } catch (error) {
      throw systemError(error, `cannot finish ${this.path}`);
    }
  }

  /** Gives up: no file is left behind. Harmless behind `close`. */
  abort(): void {
    if (this.#fd < 0) return;
    const ours = this.#isOurs();
    closeSync(this.#fd);
    this.#fd = -1;
    if (ours && this.#part !== this.#target) rmSync(this.#part, { force: true });
  }

  /** NAME.part is still the file that this began. */
  #isOurs(): boolean {
    if (this.#part === this.#target) return true;
    const own = fstatSync(this.#fd);
    const there = statSync(this.#part, { throwIfNoEntry: false });
    return there?.ino === own.ino && there.dev === own.dev;
  }
}

/** One write; waits a little when a pipe is full and does not block. */
function writeSome(fd: number, bytes: Uint8Array, at: number): number {
  for (;;) {
    try {
      return writeSync(fd, bytes, at, bytes.length - at);
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
