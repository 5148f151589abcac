/**
 * Writes a classic capture with nanosecond timestamps, Ethernet, little endian: what Wireshark, tcpdump and `readTrace`
 * open. Synchronous, because frames are handed over as bytes of a packet pool that is used again at once. Layout in
 * pcap-format.ts; how the file comes to be in file-sink.ts.
 */
import { FileSink } from "./file-sink.ts";
import { LinkType } from "./link-type.ts";
import { MAX_CAPTURED, PCAP_NANOSECONDS } from "./pcap-format.ts";

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const SECOND = 1_000_000_000n;
/** Seconds are 32 bits without sign: 1970 to 2106. */
const LAST_SECOND = 2 ** 32 - 1;

export class PcapWriter {
  readonly path: string;
  /** Frames and bytes of frames so far. */
  frames = 0;
  bytes = 0;
  /** The epoch is one that the format cannot hold: times count from 1970. */
  readonly rebased: boolean;
  readonly #sink: FileSink;
  readonly #epochSeconds: number;
  readonly #epochNanoseconds: number;

  /**
   * Creates `path` (gzip when it ends in .gz). Times of frames count from `epochNs` (ns since 1970), or from 1970
   * where that is before 1970 or after 2106. Throws InputError.
   */
  constructor(path: string, epochNs: bigint) {
    this.path = path;
    this.rebased = epochNs < 0n || epochNs / SECOND > BigInt(LAST_SECOND);
    this.#epochSeconds = this.rebased ? 0 : Number(epochNs / SECOND);
    this.#epochNanoseconds = this.rebased ? 0 : Number(epochNs % SECOND);
    this.#sink = new FileSink(path);
    const at = this.#sink.room(FILE_HEADER);
    const { bytes, view } = this.#sink;
    bytes.fill(0, at, at + FILE_HEADER);
    view.setUint32(at, PCAP_NANOSECONDS, true);
    view.setUint16(at + 4, 2, true);
    view.setUint16(at + 6, 4, true);
    view.setUint32(at + 16, MAX_CAPTURED, true);
    view.setUint32(at + 20, LinkType.Ethernet, true);
  }

  /**
   * Appends frame[start, end), `time` ns after the epoch; `wireLength` bytes on the wire if that was more. Throws
   * InputError when the disk is full; the file is gone then.
   */
  write(frame: Uint8Array, start: number, end: number, time: number, wireLength = end - start): void {
    const length = end - start;
    const at = this.#sink.room(RECORD_HEADER + length);
    const { bytes, view } = this.#sink;
    const ns = this.#epochNanoseconds + time;
    const seconds = Math.floor(ns / 1e9);
    view.setUint32(at, Math.min(this.#epochSeconds + seconds, LAST_SECOND), true);
    view.setUint32(at + 4, ns - seconds * 1e9, true);
    view.setUint32(at + 8, length, true);
    view.setUint32(at + 12, wireLength, true);
    bytes.set(frame.subarray(start, end), at + RECORD_HEADER);
    this.frames++;
    this.bytes += length;
  }

  /** Hands what is left to the system. Throws InputError when the disk is full; the file is gone then. */
  flush(): void {
    this.#sink.flush();
  }

  /** Writes what is left and gives the file its name; again: nothing. */
  close(): void {
    this.#sink.close();
  }

  /** Gives up and leaves no file. */
  abort(): void {
    this.#sink.abort();
  }
}
