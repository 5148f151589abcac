/** A measuring child as its parent sees it: a process that is asked line by line, and answers each with a line (protocol.ts). */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { packageRoot } from "../paths.ts";
import { MARK } from "./protocol.ts";
import { Interrupted } from "./sides.ts";

const CHILD = join(packageRoot, "dist", "bench", "gate", "child.js");
/** A child that lives for this long is lost, ms. */
const LOST_MS = 120_000;
/** Of its standard error, so much is kept. */
const MOST_SAID = 4000;

/** What it did not answer with. */
export class NoAnswer extends Error {}

export class MeasuringChild {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #stop: AbortSignal;
  /** Answers that nobody has asked for yet, and who waits for one. */
  readonly #answers: string[] = [];
  #waiting: { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void } | null = null;
  #rest = "";
  #stderr = "";
  #end: string | null = null;
  /** Settles when the process has ended. */
  readonly closed: Promise<void>;

  /** `argument`: its request. `trace`: a file for V8's trace of deoptimisations, removed at the end. `stop` kills it. */
  constructor(argument: string, folder: string, trace: string, stop: AbortSignal) {
    if (stop.aborted) throw new Interrupted();
    this.#stop = stop;
    // Without V8's memory reducer: it collects eight seconds after a collection that was asked for, whatever was allocated
    // since, and a collection counts as the side's own.
    const engine = ["--expose-gc", "--no-memory-reducer"];
    const flags = [...engine, "--trace-deopt", "--redirect-code-traces", `--redirect-code-traces-to=${trace}`];
    // Options for every Node process (coverage, inspectors) would be measured with it.
    const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env;
    // In a process group of its own: Ctrl-C is for us, we end it.
    const child = spawn(process.execPath, [...flags, CHILD, argument], {
      cwd: folder,
      env: { ...env, EASTWEST_DEOPT_TRACE: trace },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      signal: stop,
      killSignal: "SIGKILL",
      timeout: LOST_MS,
    });
    this.#process = child;
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => this.#hear(chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stderr = `${this.#stderr}${chunk}`.slice(0, MOST_SAID);
    });
    // A child that has ended is told by its end, not by the pipe that nobody reads.
    child.stdin.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      const over = (end: string): void => {
        this.#end ??= end;
        rmSync(trace, { force: true });
        this.#waiting?.reject(this.#why());
        this.#waiting = null;
        resolve();
      };
      child.on("error", (error) => over(error.message));
      child.on("close", (code, signal) => over(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** The next answer's JSON. Rejects with Interrupted when stopped, with NoAnswer when the process ends without one. */
  answer(): Promise<string> {
    const line = this.#answers.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#end !== null) return Promise.reject(this.#why());
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Asks, and gives the answer. */
  ask(line: string): Promise<string> {
    this.#process.stdin.write(`${line}\n`);
    return this.answer();
  }

  /** Lets it go, and waits for its end. */
  end(): Promise<void> {
    this.#process.stdin.end();
    return this.closed;
  }

  /** Ends it whatever it does. */
  kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    return this.closed;
  }

  #hear(chunk: string): void {
    const lines = `${this.#rest}${chunk}`.split("\n");
    this.#rest = lines.pop() as string;
    for (const line of lines) {
      if (!line.startsWith(MARK)) continue;
      const said = line.slice(MARK.length);
      if (this.#waiting === null) this.#answers.push(said);
      else this.#waiting.resolve(said);
      this.#waiting = null;
    }
  }

  #why(): Error {
    if (this.#stop.aborted) return new Interrupted();
    return new NoAnswer(oneLine(this.#stderr) || `it ended with ${this.#end} and said nothing`);
  }
}

/** The line that says what is wrong, without the error's class. */
export function oneLine(text: string): string {
  const line = text.split("\n").find((one) => /\b\w*Error: /.test(one)) ?? text.split("\n", 1)[0];
  return line.replace(/^(?:Uncaught )?\w*Error: /, "");
}
