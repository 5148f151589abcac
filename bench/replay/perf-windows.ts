/**
 * Iterations of a worker that works in windows (workers/lane.ts): what is taken back never was, and what all workers do in
 * order, each in its own copy, is the first one's.
 */
import type { WindowWatcher } from "../../workers/lane.ts";
import type { PerfRecorder } from "./perf.ts";
import type { UpcallWatch } from "./upcall-watch.ts";

export class PerfWindows implements WindowWatcher {
  readonly #engine: { perf: PerfRecorder | null };
  readonly #upcalls: UpcallWatch;
  readonly #worker: number;
  readonly #next: WindowWatcher | undefined;
  /** The recorder, while another worker records. */
  #held: PerfRecorder | null = null;

  /** `next`: who is told too. */
  constructor(
    engine: { perf: PerfRecorder | null },
    upcalls: UpcallWatch,
    worker: number,
    next: WindowWatcher | undefined,
  ) {
    this.#engine = engine;
    this.#upcalls = upcalls;
    this.#worker = worker;
    this.#next = next;
  }

  begin(window: number, inOrder: boolean): void {
    if (inOrder && this.#worker !== 0) {
      this.#held = this.#engine.perf;
      this.#engine.perf = null;
      this.#upcalls.quiet = true;
    } else this.#engine.perf?.begin();
    this.#next?.begin(window, inOrder);
  }

  end(counts: boolean): void {
    this.#next?.end(counts);
    if (this.#upcalls.quiet) {
      this.#engine.perf = this.#held;
      this.#upcalls.quiet = false;
    } else if (counts) this.#engine.perf?.pause();
    else this.#engine.perf?.drop();
  }
}
