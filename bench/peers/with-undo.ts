/** Work that takes back what it did to the machine, however it ends: done, failed, or interrupted. */
import { endRunning } from "./child.ts";
import { Undo } from "./undo.ts";

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
