/**
 * Ctrl-C and SIGTERM from the first moment on: before there is anything to report, one line and exit code 130; then, the
 * command decides, once. A second one ends the program at once, as it does where a command looks after itself.
 */
import { Exit } from "./errors.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
let listener: (() => void) | undefined;

function stop(): void {
  releaseSignals();
  if (listener === undefined) {
    process.stderr.write("eastwest: interrupted before anything was counted\n");
    process.exit(Exit.Interrupted);
  }
  listener();
}

/** From now on a signal ends the program with one line. */
export function watchSignals(): void {
  for (const signal of SIGNALS) process.on(signal, stop);
}

/** Signals do again what they do by themselves. */
export function releaseSignals(): void {
  for (const signal of SIGNALS) process.off(signal, stop);
}

/** While `work` runs, signals do what they do by themselves: for calls that block this thread. */
export function withPlainSignals<T>(work: () => T): T {
  const ours = SIGNALS.filter((signal) => process.listeners(signal).includes(stop));
  for (const signal of ours) process.off(signal, stop);
  try {
    return work();
  } finally {
    for (const signal of ours) process.on(signal, stop);
  }
}

/** The next signal calls `stopping`. Returns what ends that, and releases signals. */
export function onInterrupt(stopping: () => void): () => void {
  listener = stopping;
  return () => {
    listener = undefined;
    releaseSignals();
  };
}
