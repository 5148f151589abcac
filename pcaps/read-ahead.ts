/**
 * A file read by several threads into memory that nobody has touched yet. The system gives such memory page by page, each at
 * its first touch with a fault; in a virtual machine the host may take one as well, and then the faults are what reading
 * costs. Node's thread pool reads the next pieces, and takes their faults, while the piece that is there is looked through.
 *
 * It costs processor time (waking threads, a piece that another core's cache holds), so memory that is used again is read
 * with plain calls (byte-source.ts).
 */
import { read } from "node:fs";

/** Bytes asked for at once. */
const PIECE = 4 << 20;
/** Pieces on their way, at most: the pool has four threads. */
const IN_FLIGHT = 3;

export class ReadAhead {
  readonly #fd: number;
  readonly #into: Uint8Array;
  readonly #end: number;
  /** Position in the file of into[0]. */
  readonly #base: number;
  /** Where the next piece begins that is asked for, and that is given out. */
  #asked: number;
  #given: number;
  /** Bytes of the pieces on their way, in the order of the file. */
  readonly #pieces: Promise<number>[] = [];

  /** The file from `position` on, to into[at, end). */
  constructor(fd: number, position: number, into: Uint8Array, at: number, end: number) {
    this.#fd = fd;
    this.#into = into;
    this.#end = end;
    this.#base = position - at;
    this.#asked = at;
    this.#given = at;
    this.#ask();
  }

  /** Where in the file the next piece lies. */
  get position(): number {
    return this.#base + this.#given;
  }

  /** Bytes of the next piece, which lies behind the one before; 0 at the end, also that of a file which became shorter. */
  async next(): Promise<number> {
    const piece = this.#pieces.shift();
    if (piece === undefined) return 0;
    const wanted = Math.min(PIECE, this.#end - this.#given);
    const n = await piece;
    this.#given += n;
    if (n < wanted) await this.stop();
    this.#ask();
    return n;
  }

  /** Asks for nothing more; when it is over, nothing is being read. */
  async stop(): Promise<void> {
    this.#asked = this.#end;
    await Promise.allSettled(this.#pieces.splice(0));
  }

  #ask(): void {
    while (this.#pieces.length < IN_FLIGHT && this.#asked < this.#end) {
      const until = Math.min(this.#asked + PIECE, this.#end);
      const piece = this.#read(this.#asked, until);
      // Who asks for it hears of an error; until then it is nobody's.
      piece.catch(() => undefined);
      this.#pieces.push(piece);
      this.#asked = until;
    }
  }

  /** All of [from, until), or up to the end of the file: a call may bring less than it was asked for. */
  #read(from: number, until: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const more = (at: number): void => {
        read(this.#fd, this.#into, at, until - at, this.#base + at, (error, n) => {
          if (error !== null) reject(error);
          else if (n === 0 || at + n === until) resolve(at + n - from);
          else more(at + n);
        });
      };
      more(from);
    });
  }
}
