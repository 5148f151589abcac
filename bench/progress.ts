/** A progress bar on standard error, for people at a terminal only. */
import { Presets, SingleBar } from "cli-progress";

export class Progress {
  readonly #bar: SingleBar | null;
  #last = -1;

  /** `hidden`: shows nothing, ever. */
  constructor(hidden: boolean) {
    this.#bar = hidden
      ? null
      : new SingleBar(
          { format: "{bar} {percentage} % {doing}", clearOnComplete: true, hideCursor: true, stream: process.stderr },
          Presets.rect,
        );
    this.#bar?.start(100, 0, { doing: "" });
  }

  /** `done` from 0 to 1. */
  show(done: number, doing: string): void {
    const percent = Math.floor(100 * done);
    if (percent === this.#last) return;
    this.#last = percent;
    this.#bar?.update(percent, { doing });
  }

  /** Makes room for lines on the terminal; the next `show` draws again. */
  hide(): void {
    if (this.#bar === null) return;
    process.stderr.write("\r\x1b[K");
    this.#last = -1;
  }

  stop(): void {
    this.#bar?.stop();
  }
}
