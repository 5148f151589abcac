/** A progress bar on standard error, for people at a terminal only. */
import { Presets, SingleBar } from "cli-progress";

export class Progress {
  readonly #bar: SingleBar | null;
  #started = false;
  #last = -1;
  #doing = "";

  /** `hidden`: shows nothing, ever. */
  constructor(hidden: boolean) {
    this.#bar = hidden
      ? null
      : new SingleBar(
          { format: "{bar} {percentage} % {doing}", clearOnComplete: true, hideCursor: true, stream: process.stderr },
          Presets.rect,
        );
  }

  /** `done` from 0 to 1. The bar appears with the first call. */
  show(done: number, doing: string): void {
    const percent = Math.floor(100 * done);
    if (this.#bar === null || (percent === this.#last && doing === this.#doing)) return;
    this.#last = percent;
    this.#doing = doing;
    if (this.#started) this.#bar.update(percent, { doing });
    else this.#bar.start(100, percent, { doing });
    this.#started = true;
  }

  /** Makes room for lines on the terminal; the next `show` draws again. */
  hide(): void {
    if (!this.#started) return;
    process.stderr.write("\r\x1b[K");
    this.#last = -1;
  }

  stop(): void {
    if (this.#started) this.#bar?.stop();
    this.#started = false;
  }
}
