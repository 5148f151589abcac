/**
 * What was started, reserved or made has to go away again: when the work is done, when it fails, and when somebody presses
 * Ctrl-C or the terminal closes. Every step that changes the machine puts its reversal here before or right after it
 * happens; reversals run last in, first out, each of them even when another fails.
 *
 * A kill -9 runs nothing of this; for that case see `launch` and `atOurDeath` in child.ts.
 */
import { endRunning } from "./child.ts";

export class Undo {
  readonly #steps: { readonly what: string; readonly back: () => void | Promise<void> }[] = [];
  #done: Promise<string[]> | undefined;

  /** Remembers how to take one step back. After `run` began the step is taken back at once. */
  add(what: string, back: () => void | Promise<void>): void {
    if (this.#done === undefined) this.#steps.push({ what, back });
    else
      void Promise.resolve()
        .then(back)
        .catch(() => undefined);
  }

  /** Takes everything back; a second call waits for the first. Gives a sentence for each step that failed. */
  run(): Promise<string[]> {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run(): Promise<string[]> {
    const failed: string[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.back();
      } catch (error) {
        failed.push(`${step.what}: ${(error as Error).message}`);
      }
    }
    return failed;
  }
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs `work` and takes back what it put on `undo`, however it ends. A signal takes everything back too and then ends the
 * process with 128 + the signal's number; `interruptedWith` tells before that what was done until then. Throws what `work`
 * throws; a reversal that failed is told through `warn`.
 */
export async function withUndo<T>(
  work: (undo: Undo) => Promise<T>,
  warn: (line: string) => void,
  interruptedWith: () => void = () => undefined,
): Promise<T> {
  const undo = new Undo();
  let interrupted = false;
  const handlers = Object.entries(SIGNALS).map(([signal, code]) => {
    const handler = (): void => {
      if (interrupted) return;
      interrupted = true;
      endRunning();
      void undo.run().then((failed) => {
        for (const line of failed) warn(line);
        try {
          interruptedWith();
        } catch (error) {
          warn((error as Error).message);
        }
        process.exit(code);
      });
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  try {
    return await work(undo);
  } finally {
    for (const line of await undo.run()) warn(line);
    // The handler ends the process; what `work` threw because its children are gone is not worth a line.
    if (interrupted) await new Promise(() => undefined);
    for (const { signal, handler } of handlers) process.off(signal, handler);
  }
}
