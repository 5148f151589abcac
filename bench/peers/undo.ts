/**
 * What was started, reserved or made has to go away again: when the work is done, when it fails, and when somebody presses
 * Ctrl-C or the terminal closes. Every step that changes the machine puts its reversal here before or right after it
 * happens; reversals run last in, first out, each of them even when another fails.
 *
 * A kill -9 runs nothing of this; for that case see `launch` and `atOurDeath` in child.ts.
 */
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
