/**
 * The measuring child: one fresh process, one side. It loads the side's own code through side.ts, fills the caches, warms up,
 * and then does a round of fixed work each time it is asked for one, in turn with the children that it is compared with. It
 * says what in a stretch of rounds was not warm (an upcall, a collection, a deoptimisation): then the stretch is done again.
 * Deoptimisations are seen in V8's own trace of them, a file whose length does not change while none happens.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { createInterface } from "node:readline";
import {
  type Amount,
  type Answers,
  type ChildRequest,
  formatReply,
  parseRequest,
  type Question,
  type Refused,
  type Replies,
} from "./protocol.ts";
import type { Subject, Work } from "./subject.ts";
import { readWork, writeWork } from "./work-file.ts";

type Side = typeof import("./side.ts");
const ENTRY = 1;
/** A stretch that is not warm is done again at most so often. */
const AGAIN = 5;
/** Frames of the shorter of the two stretches that allocation is read from, about. */
const HEAP_FRAMES = 100_000;

class Refusal extends Error {
  readonly what: Refused["what"];
  constructor(what: Refused["what"], message: string) {
    super(message);
    this.what = what;
  }
}

/** The one reply to a request; null for one whose answers are said already. */
async function answer(request: ChildRequest): Promise<Replies[keyof Replies] | null> {
  const side = await load(request.entry);
  if (request.op === "prepare") {
    const work = readWork(request.work) as Work;
    if (!(side.kinds as readonly string[]).includes(work.kind)) {
      throw new Refusal("scenario", `it cannot measure "${work.kind}"`);
    }
    try {
      writeWork(request.prepared, await side.prepare(work));
    } catch (error) {
      throw new Refusal("scenario", (error as Error).message.split("\n", 1)[0]);
    }
    return { ok: true };
  }
  const subject = side.subject(readWork(request.prepared) as Parameters<Side["subject"]>[0]);
  if (request.op === "pilot") {
    await subject.cold(null);
    return { ok: true, passMs: passTime(subject, request.warmMs), frames: subject.frames };
  }
  if (request.op === "exact") return { ok: true, exact: await exact(subject, request.amount) };
  await subject.cold(null);
  await measure(subject, request.amount, request.extraTurns);
  return null;
}

async function load(entry: string): Promise<Side> {
  let side: Side;
  try {
    side = (await import(entry)) as Side;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND") throw new Refusal("entry", "it has no entry for the gate");
    throw error;
  }
  if (side.GATE_ENTRY !== ENTRY) {
    throw new Refusal("entry", `its entry for the gate is version ${side.GATE_ENTRY}, expected ${ENTRY}`);
  }
  return side;
}

/**
 * Milliseconds of a warm pass: the least of the later ones, which others on the machine disturb least. `warmMs` of processor
 * time, not of the clock: a pilot that waits for its core half of the time would see code that is not compiled yet.
 */
function passTime(subject: Subject, warmMs: number): number {
  const times: number[] = [];
  const used = process.cpuUsage();
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage(used);
    return (user + system) / 1000;
  };
  while (times.length < 8 || cpuMs() < warmMs) {
    const begin = performance.now();
    subject.pass(null);
    times.push(performance.now() - begin);
  }
  return Math.max(1e-6, Math.min(...times.slice(-(times.length >> 2))));
}

/** Warms up, then answers questions until there are no more. */
async function measure(subject: Subject, { warmUpPasses, passes }: Amount, turns: number): Promise<void> {
  const extra = turns === 0 ? null : extraWork(turns);
  for (let i = 0; i < warmUpPasses; i++) subject.pass(extra);
  const watch = new Watch();
  const each = (ms: number): number => (ms * 1e6) / (passes * subject.frames);
  const answers: { readonly [Q in Question]: () => Answers[Q] | Promise<Answers[Q]> } = {
    begin: async () => {
      globalThis.gc?.();
      await watch.begin(subject);
      return { ok: true };
    },
    round: () => {
      const used = process.cpuUsage();
      const begin = performance.now();
      for (let i = 0; i < passes; i++) subject.pass(extra);
      const clock = performance.now() - begin;
      const { user, system } = process.cpuUsage(used);
      return { ok: true, clock: each(clock), cpu: each((user + system) / 1000) };
    },
    end: async () => ({ ok: true, ...(await watch.end(subject)) }),
  };
  process.stdout.write(formatReply({ ok: true, frames: subject.frames }));
  for await (const line of createInterface({ input: process.stdin })) {
    if (!Object.hasOwn(answers, line)) throw new Error(`measuring child: "${line}", expected begin, round or end`);
    process.stdout.write(formatReply(await answers[line as Question]()));
  }
}

/** What must not happen in a measured stretch. */
class Watch {
  #collections = 0;
  #upcalls = 0;
  #trace = 0;

  constructor() {
    new PerformanceObserver((list) => {
      this.#collections += list.getEntries().length;
    }).observe({ entryTypes: ["gc"] });
  }

  async begin(subject: Subject): Promise<void> {
    await turn();
    this.#collections = 0;
    this.#upcalls = subject.upcalls();
    this.#trace = traceBytes();
  }

  async end(
    subject: Subject,
  ): Promise<{ readonly upcalls: number; readonly collections: number; readonly deoptimisations: number }> {
    const deoptimisations = traceBytes() === this.#trace ? 0 : 1;
    await turn();
    return { upcalls: subject.upcalls() - this.#upcalls, collections: this.#collections, deoptimisations };
  }
}

/** Length of V8's trace of deoptimisations; 0 where none is written. */
function traceBytes(): number {
  const file = process.env["EASTWEST_DEOPT_TRACE"];
  return file === undefined ? 0 : (statSync(file, { throwIfNoEntry: false })?.size ?? 0);
}

/** Collections are reported a turn later. */
async function turn(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function exact(
  subject: Subject,
  { warmUpPasses, passes, rounds }: Amount,
): Promise<Record<string, string | number>> {
  const hash = createHash("sha256");
  const head = new Int32Array(2);
  const headBytes = new Uint8Array(head.buffer);
  const counts = await subject.cold((place, bytes, start, end) => {
    head[0] = place;
    head[1] = end - start;
    hash.update(headBytes).update(bytes.subarray(start, end));
  });
  for (let i = 0; i < warmUpPasses; i++) subject.pass(null);
  const watch = new Watch();
  let seen = { upcalls: 0, collections: 0, deoptimisations: 0 };
  globalThis.gc?.();
  for (let again = 0; again <= AGAIN; again++) {
    await watch.begin(subject);
    for (let i = 0; i < passes * rounds; i++) subject.pass(null);
    seen = await watch.end(subject);
    if (seen.upcalls + seen.collections + seen.deoptimisations === 0) break;
  }
  return {
    checksum: hash.digest("hex").slice(0, 32),
    ...counts,
    "allocated-bytes": await allocated(subject),
    collections: seen.collections,
    deoptimisations: seen.deoptimisations,
  };
}

/**
 * Bytes of heap a frame, to a tenth: the growth over some passes taken from that over twice as many, free of what reading
 * itself allocates. The least of a few tries: whatever else allocates only adds.
 */
async function allocated(subject: Subject): Promise<number> {
  const passes = Math.max(1, Math.round(HEAP_FRAMES / subject.frames));
  const grow = (count: number): number => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < count; i++) subject.pass(null);
    return process.memoryUsage().heapUsed - before;
  };
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && least > 0; i++) {
    globalThis.gc?.();
    await turn();
    const short = grow(passes);
    const bytes = (grow(2 * passes) - short) / (passes * subject.frames);
    least = Math.min(least, Math.max(0, Math.round(10 * bytes) / 10));
  }
  return least;
}

/** The self-test's slow-down: `turns` steps of a hash over bytes in the first-level cache, after each burst is received. */
function extraWork(turns: number): () => void {
  const bytes = new Uint8Array(64).map((_, i) => i * 37);
  const state = new Int32Array(1);
  return () => {
    let hash = state[0];
    for (let i = 0; i < turns; i++) hash = Math.imul(hash ^ bytes[i & 63], 0x01000193);
    state[0] = hash;
  };
}

async function main(): Promise<void> {
  let reply: Replies[keyof Replies] | Refused | null;
  try {
    reply = await answer(parseRequest(process.argv[2]));
  } catch (error) {
    const what = error instanceof Refusal ? error.what : "fault";
    const { message, stack } = error as Error;
    reply = { ok: false, what, message: what === "fault" ? (stack ?? message) : message };
  }
  if (reply !== null) process.stdout.write(formatReply(reply));
}

await main();
