/**
 * Puts fragments together that are addressed to the namespace itself (RFC 791 3.2, RFC 8200 4.5); a router never does it for
 * what it forwards. A few datagrams at a time, each in a buffer of its own that is made when the first one comes. As in
 * Linux (net/ipv4/ip_fragment.c): a fragment that repeats what is there is ignored, one that overlaps it in part ends the
 * datagram (RFC 5722), and after 30 s the rest is thrown away.
 *
 *   bytes: [ header of the first fragment, ending at PAYLOAD | payload by offset ... ]
 */
import { copyBytes } from "../packet/copy.ts";

/** Linux: ipfrag_time. */
const TIMEOUT_NS = 30e9;
const QUEUES = 16;
const MOST = 65535;
const KEY_WORDS = 10;
/** Where the payload starts in a buffer: room before it for the longest IPv4 header, or IPv6 with extensions. */
export const PAYLOAD = 256;

/** One datagram that is being put together. */
export class Datagram {
  readonly bytes = new Uint8Array(PAYLOAD + MOST + 1);
  readonly view = new DataView(this.bytes.buffer);
  readonly key = new Int32Array(KEY_WORDS);
  /** One flag for each 8 bytes that are there. */
  readonly have = new Uint8Array((MOST + 1) / 8);
  live = false;
  /** When it is given up, ns. */
  due = 0.5;
  /** Bytes of payload there are; and how many there will be, -1 = the last fragment has not come. */
  received = 0;
  total = -1;
  /** Bytes of the first fragment's header that lie before PAYLOAD, 0 = it has not come; and of its payload. */
  headerLength = 0;
  firstLength = 0;
  /** Interface that the last fragment came in by. */
  from = 0;
}

export class Reassembly {
  readonly datagrams: Datagram[] = [];
  /** The key of the fragment that `add` is about: source and destination (4 words each), identification, protocol. */
  readonly key = new Int32Array(KEY_WORDS);
  readonly #clock: Float64Array;

  /** `clock[0]` is the time, ns. */
  constructor(clock: Float64Array) {
    this.#clock = clock;
  }

  /**
   * Takes in a fragment of the datagram named by `key`: `length` bytes at `at`, to lie at `offset`; `headerAt` and
   * `headerLength` are the IP header(s) before it. Returns the datagram when it is whole (the caller ends it with
   * `release`), else null.
   */
  add(
    view: DataView,
    headerAt: number,
    headerLength: number,
    at: number,
    length: number,
    offset: number,
    more: boolean,
    from: number,
  ): Datagram | null {
    const end = offset + length;
    // All but the last come in multiples of 8 bytes; nothing may reach past the longest packet.
    if (end > MOST || length === 0 || (more && (length & 7) !== 0)) return null;
    const datagram = this.#find();
    if (datagram === null) return null;
    if (!more) {
      if (datagram.total >= 0 ? datagram.total !== end : end < datagram.received) {
        this.release(datagram);
        return null;
      }
      datagram.total = end;
    } else if (datagram.total >= 0 && end > datagram.total) {
      this.release(datagram);
      return null;
    }
    const first = offset >> 3;
    const last = (end + 7) >> 3;
    let known = 0;
    for (let i = first; i < last; i++) known += datagram.have[i];
    if (known === last - first) return null;
    if (known > 0) {
      this.release(datagram);
      return null;
    }
    datagram.have.fill(1, first, last);
    copyBytes(view, at, datagram.view, PAYLOAD + offset, length);
    datagram.received += length;
    datagram.from = from;
    if (offset === 0 && headerLength <= PAYLOAD) {
      copyBytes(view, headerAt, datagram.view, PAYLOAD - headerLength, headerLength);
      datagram.headerLength = headerLength;
      datagram.firstLength = length;
    }
    return datagram.received === datagram.total && datagram.headerLength > 0 ? datagram : null;
  }

  /** When the next one is given up, ns; Infinity = none. */
  nextDue(): number {
    let due = Infinity;
    for (const datagram of this.datagrams) if (datagram.live && datagram.due < due) due = datagram.due;
    return due;
  }

  release(datagram: Datagram): void {
    datagram.live = false;
    datagram.have.fill(0);
    datagram.received = 0;
    datagram.total = -1;
    datagram.headerLength = 0;
    datagram.firstLength = 0;
  }

  /** The datagram of `key`, or a new one; null when all are in use. */
  #find(): Datagram | null {
    let idle: Datagram | null = null;
    for (const datagram of this.datagrams) {
      if (!datagram.live) {
        idle = datagram;
        continue;
      }
      let same = true;
      for (let i = 0; i < KEY_WORDS; i++) same &&= datagram.key[i] === this.key[i];
      if (same) return datagram;
    }
    if (idle === null) {
      if (this.datagrams.length === QUEUES) return null;
      idle = new Datagram();
      this.datagrams.push(idle);
    }
    idle.key.set(this.key);
    idle.live = true;
    idle.due = this.#clock[0] + TIMEOUT_NS;
    return idle;
  }
}
