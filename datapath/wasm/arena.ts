/**
 * The memory of one thread's fast path: packets, batches, queues and caches lie in one WebAssembly memory, so that the same
 * words are typed-array elements for JavaScript and plain loads for the kernels (assembler.ts).
 *
 * The memory is a shared one for a property of those: growing it leaves the views that exist valid. A pool of its own is
 * not shared between threads by that. V8 reserves 10.5 GB of address space for each memory, whatever its maximum is
 * (measured with 64, 1024 and 32768 pages: the guard region that stands in for bounds checks); pages that nobody touches
 * cost nothing, and making one takes 0.01 to 0.14 ms.
 *
 * Blocks are whole cache lines and never move; freed blocks are kept by size and handed out again.
 */

import { FIRST_PAGES, MAX_PAGES } from "./assembler.ts";
import "./webassembly.ts";

const PAGE = 65536;
const LINE = 64;

export class Arena {
  readonly memory: WebAssembly.Memory;
  #top = 0;
  #bytes = FIRST_PAGES * PAGE;
  readonly #free = new Map<number, number[]>();
  readonly #instances = new Map<WebAssembly.Module, WebAssembly.Exports>();

  constructor() {
    try {
      this.memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: MAX_PAGES, shared: true });
    } catch (error) {
      throw new Error("no packet memory can be had: V8 asks for up to 10.5 GB of address space (see ulimit -v)", {
        cause: error,
      });
    }
  }

  /** Address of `bytes` zeroed bytes, a multiple of 64. Throws RangeError when 2 GB are used up. */
  alloc(bytes: number): number {
    const size = Math.ceil(bytes / LINE) * LINE;
    const reused = this.#free.get(size)?.pop();
    if (reused !== undefined) {
      new Uint8Array(this.memory.buffer, reused, size).fill(0);
      return reused;
    }
    const at = this.#top;
    if (at + size > MAX_PAGES * PAGE) {
      throw new RangeError(`${bytes} bytes of packet memory, ${MAX_PAGES * PAGE - at} of ${MAX_PAGES * PAGE} are left`);
    }
    if (at + size > this.#bytes) {
      const pages = Math.ceil((at + size - this.#bytes) / PAGE);
      this.memory.grow(Math.min(Math.max(pages, this.#bytes / PAGE), MAX_PAGES - this.#bytes / PAGE));
      this.#bytes = this.memory.buffer.byteLength;
    }
    this.#top = at + size;
    return at;
  }

  /** Gives a block of `alloc(bytes)` back. */
  free(at: number, bytes: number): void {
    const size = Math.ceil(bytes / LINE) * LINE;
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [at]);
    else list.push(at);
  }

  i32(at: number, count: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, count);
  }
  f64(at: number, count: number): Float64Array {
    return new Float64Array(this.memory.buffer, at, count);
  }
  u8(at: number, count: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, count);
  }

  /** The functions of a module over this memory; one instance a module. */
  kernels<T>(module: WebAssembly.Module): T {
    let exports = this.#instances.get(module);
    if (exports === undefined) {
      exports = new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports;
      this.#instances.set(module, exports);
    }
    return exports as T;
  }
}
