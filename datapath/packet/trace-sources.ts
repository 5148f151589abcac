/**
 * Where frames come from that are put into slots one at a time: any number of traces, of which the first 64 MB are copied next to
 * the slots, from where a frame comes at a tenth of the cost (copy-kernel.ts); the others come through a window each.
 */
import { copyBytes } from "./copy.ts";
import type { PacketPool } from "./packet-pool.ts";
import { longestFrame, type Trace } from "./trace.ts";
import { TraceWindow } from "./trace-window.ts";

const MOST_BYTES = 64 << 20;

/** A trace's address next to the slots, or the window on it; the trace itself. */
interface Source {
  readonly at: number;
  readonly window: TraceWindow | null;
  readonly view: DataView;
}

export class TraceSources {
  readonly #pool: PacketPool;
  readonly #sources = new Map<Trace, Source>();
  #bytes = 0;
  /** The trace that was used last. */
  #trace: Trace | null = null;
  #at = 0;
  #window: TraceWindow | null = null;
  #view: DataView;

  constructor(pool: PacketPool) {
    this.#pool = pool;
    this.#view = pool.view;
  }

  /** Copies frame `index` of `trace` to the pool's byte `to`; the caller has looked at its length. */
  copy(trace: Trace, index: number, to: number): void {
    if (trace !== this.#trace) this.#use(trace);
    const length = trace.length[index];
    const at = this.#window === null ? this.#at : this.#window.over(index, index);
    if (at !== null) this.#pool.copy((at + trace.start[index]) | 0, to, length);
    else copyBytes(this.#view, trace.start[index], this.#pool.view, to, length);
  }

  #use(trace: Trace): void {
    const source = this.#sources.get(trace) ?? this.#add(trace);
    this.#trace = trace;
    this.#at = source.at;
    this.#window = source.window;
    this.#view = source.view;
  }

  #add(trace: Trace): Source {
    const { bytes } = trace;
    const { arena } = this.#pool;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let source: Source;
    if (this.#bytes + bytes.length <= MOST_BYTES) {
      source = { at: arena.alloc(bytes.length), window: null, view };
      arena.u8(source.at, bytes.length).set(bytes);
      this.#bytes += bytes.length;
    } else source = { at: 0, window: new TraceWindow(trace, arena, longestFrame(trace)), view };
    this.#sources.set(trace, source);
    return source;
  }
}
