/**
 * Where frames come from that are put into slots one at a time: any number of traces, of which the first 64 MB are copied next to
 * the slots, from where a frame comes at a tenth of the cost (copy-kernel.ts). A window on the others, as a receiver has it
 * (trace-window.ts), gained nothing: 545 and 546 ns a frame over the whole way, 78 MB.
 */
import { copyBytes } from "./copy.ts";
import type { PacketPool } from "./packet-pool.ts";
import type { Trace } from "./trace.ts";

const MOST_BYTES = 64 << 20;

/** A trace's address next to the slots, -1 when it is not there; the trace itself. */
interface Source {
  readonly at: number;
  readonly view: DataView;
}

export class TraceSources {
  readonly #pool: PacketPool;
  readonly #sources = new Map<Trace, Source>();
  #bytes = 0;
  /** The trace that was used last. */
  #trace: Trace | null = null;
  #at = -1;
  #view: DataView;

  constructor(pool: PacketPool) {
    this.#pool = pool;
    this.#view = pool.view;
  }

  /** Copies frame `index` of `trace` to the pool's byte `to`; the caller has looked at its length. */
  copy(trace: Trace, index: number, to: number): void {
    if (trace !== this.#trace) this.#use(trace);
    const length = trace.length[index];
    if (this.#at >= 0) this.#pool.copy(this.#at + trace.start[index], to, length);
    else copyBytes(this.#view, trace.start[index], this.#pool.view, to, length);
  }

  #use(trace: Trace): void {
    const source = this.#sources.get(trace) ?? this.#add(trace);
    this.#trace = trace;
    this.#at = source.at;
    this.#view = source.view;
  }

  #add(trace: Trace): Source {
    const { bytes } = trace;
    const { arena } = this.#pool;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = -1;
    if (this.#bytes + bytes.length <= MOST_BYTES) {
      at = arena.alloc(bytes.length);
      arena.u8(at, bytes.length).set(bytes);
      this.#bytes += bytes.length;
    }
    const source = { at, view };
    this.#sources.set(trace, source);
    return source;
  }
}
