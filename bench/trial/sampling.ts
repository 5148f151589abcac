/**
 * How a figure is taken from passes that repeat: some run unmeasured, then samples of several passes each, until the
 * interval of the median is narrow, or for as many passes or as long as asked. What a pass does is the subject's business:
 * a cluster (passes.ts) or a bridge (../replay).
 */
import { readFileSync } from "node:fs";
import { relativeSpread, type Spread, spread } from "./statistics.ts";

/** A sample holds as many passes as take at least this long, so that reading the clock does not count, ms. */
const SAMPLE_MS = 10;
/** Passes run unmeasured for this long first, ms: the compiler has then seen every branch of the path. */
const WARM_UP_MS = 700;
/** Without `seconds` and `repeat`: at least 15 samples, until the interval is this narrow, but no longer than this. */
const MIN_SAMPLES = 15;
const STABLE = 0.01;
const MAX_MS = 4000;
/**
 * A sample is disturbed when its thread was ready but without a core for more than this share of it. Disturbed samples are
 * left out where MIN_SAMPLES others remain; on a machine that is busy all the time none are, and the share says so.
 */
const DISTURBED = 0.05;

/** Times that others on the machine took part in: more than DISTURBED without the core. Null: nothing was timed. */
export const isDisturbed = (times: { readonly waitedShare?: number | null } | null): boolean =>
  (times?.waitedShare ?? 0) > DISTURBED;

/** How the figures come about, in a sentence, for those who read them. */
function samplingRule({ repeat, seconds }: Pick<SampleOptions, "repeat" | "seconds">): string {
  const warmUp = `${Math.min(WARM_UP_MS / 1000, seconds ?? Number.POSITIVE_INFINITY)} s of passes unmeasured, then `;
  let samples = `samples of at least ${SAMPLE_MS} ms; `;
  if (repeat !== undefined) {
    samples = `exactly ${repeat} ${repeat === 1 ? "pass" : "passes"}, as asked, in samples of up to ${SAMPLE_MS} ms or one pass; `;
  } else if (seconds !== undefined) {
    samples += `for ${seconds} s, as asked; `;
  } else {
    samples +=
      `at least ${MIN_SAMPLES} samples, until the 95 % interval of the median is within ${100 * STABLE} % of it or ` +
      `${MAX_MS / 1000} s have passed; `;
  }
  return (
    `${warmUp}${samples}samples without the core for more than ${100 * DISTURBED} % are left out where ${MIN_SAMPLES} others ` +
    "remain; virtual time runs at 1 us a frame"
  );
}

export interface Subject {
  /** One pass; false: only a part of it, of some 50 ms, to be called again. So signals have their turn in long passes. */
  pass(): unknown;
  /** So many passes at once, none in parts: for those to whom beginning and ending one costs something. */
  passes?(count: number): void;
  /** Packets that the figure is divided by, so far. */
  packets(): number;
  /** Forgets measured times: a sample begins. */
  reset(): void;
  /** Time since `reset` that is told apart and not in the figure, ns. */
  apart(): number;
  /** A sample of this many packets has ended. */
  sampled?(packets: number): void;
}

export interface SampleOptions {
  /** Exactly this many measured passes. */
  readonly repeat?: number | undefined;
  /** Measure for this long, s. */
  readonly seconds?: number | undefined;
  /** Called after the warm-up, before the first sample. */
  readonly warm?: () => void;
  /** Called after every sample with the share of the work done, 0 to 1; false stops. */
  readonly progress: (done: number) => boolean;
}

export interface Sampled {
  /** How the figures came about, a sentence. */
  readonly rule: string;
  readonly warmUpPasses: number;
  readonly passes: number;
  /** Time in the measured passes, without what is apart. */
  readonly seconds: number;
  readonly nsPerPacket: Spread;
  /** `apart` by packet. */
  readonly apart: Spread;
  /** Share of the time in which this thread was ready but others had its core, 0 to 1; null where the system does not say. */
  readonly waitedShare: number | null;
  /** Samples whose share was above DISTURBED, and which samples the figures are of, by number. */
  readonly disturbed: number;
  readonly used: readonly number[];
  readonly interrupted: boolean;
}

/** Null when no packet counts, or it was stopped in the first sample: there is nothing to divide by, or nothing at all. */
export async function sample(subject: Subject, options: SampleOptions): Promise<Sampled | null> {
  const { repeat, seconds } = options;
  const atStart = subject.packets();
  let warmUpPasses = 0;
  let interrupted = false;
  const warmUpMs = Math.min(WARM_UP_MS, seconds === undefined ? WARM_UP_MS : seconds * 1000);
  const began = performance.now();
  let breathed = began;
  let perPass = Number.POSITIVE_INFINITY;
  while (performance.now() - began < warmUpMs && !interrupted) {
    const start = performance.now();
    interrupted = (await wholePass(subject, () => options.progress(0))) < 0;
    warmUpPasses++;
    perPass = Math.min(perPass, performance.now() - start);
    if (start - breathed > 50) {
      interrupted = interrupted || !options.progress(0);
      await breathe();
      breathed = performance.now();
    }
  }
  if (subject.packets() === atStart) return null;
  options.warm?.();

  let group = Math.max(1, Math.ceil(SAMPLE_MS / perPass));
  if (repeat !== undefined) group = Math.max(1, Math.min(group, Math.floor(repeat / MIN_SAMPLES)));
  const total: number[] = [];
  const apart: number[] = [];
  const quiet: number[] = [];
  const scheduled = scheduling();
  const measured = performance.now();
  let passes = 0;
  let busy = 0;
  for (let done = 0; done < 1 && !interrupted; ) {
    const size = repeat === undefined ? group : Math.min(group, repeat - passes);
    subject.reset();
    const before = subject.packets();
    const waited = scheduling()?.waited ?? 0;
    const start = performance.now();
    // Time between the parts of a long pass is not the subject's.
    let between = 0;
    const goOn = (): boolean =>
      options.progress(share(kept(total, quiet), passes, performance.now() - measured, repeat, seconds));
    if (subject.passes !== undefined) subject.passes(size);
    for (let i = 0; subject.passes === undefined && i < size && !interrupted; i++) {
      const paused = await wholePass(subject, goOn);
      interrupted = paused < 0;
      between += paused * 1e6;
    }
    if (interrupted) break;
    const away = subject.apart();
    const ns = (performance.now() - start) * 1e6 - away - between;
    const packets = subject.packets() - before;
    if (packets === 0) return null;
    if ((scheduling()?.waited ?? 0) - waited <= DISTURBED * (ns + away)) quiet.push(total.length);
    passes += size;
    busy += ns;
    total.push(ns / packets);
    apart.push(away / packets);
    subject.sampled?.(packets);
    done = share(kept(total, quiet), passes, performance.now() - measured, repeat, seconds);
    interrupted = !options.progress(done);
    await breathe();
  }
  if (passes === 0) return null;
  const used = quiet.length >= MIN_SAMPLES ? quiet : [...total.keys()];
  return {
    rule: samplingRule(options),
    warmUpPasses,
    passes,
    seconds: busy / 1e9,
    nsPerPacket: spread(used.map((n) => total[n])),
    apart: spread(used.map((n) => apart[n])),
    waitedShare: waitedSince(scheduled),
    disturbed: total.length - quiet.length,
    used,
    interrupted,
  };
}

/** What the figure would be of now: the undisturbed samples, or all when these are too few. */
function kept(total: readonly number[], quiet: readonly number[]): readonly number[] {
  return quiet.length >= MIN_SAMPLES ? quiet.map((n) => total[n]) : total;
}

/** One pass with all its parts: the time between them in ms, -1 when told to stop there. */
async function wholePass(subject: Subject, goOn: () => boolean): Promise<number> {
  let between = 0;
  while (subject.pass() === false) {
    const paused = performance.now();
    const stop = !goOn();
    await breathe();
    if (stop) return -1;
    between += performance.now() - paused;
  }
  return between;
}

/** How much of the measuring is done, 1 when it is. */
function share(total: readonly number[], passes: number, ms: number, repeat?: number, seconds?: number): number {
  if (repeat !== undefined) return passes / repeat;
  if (seconds !== undefined) return ms / (seconds * 1000);
  const stable = total.length >= MIN_SAMPLES && relativeSpread(spread(total)) <= STABLE;
  return stable ? 1 : Math.max(ms / MAX_MS, Math.min(0.99, (0.99 * total.length) / (4 * MIN_SAMPLES)));
}

interface Scheduling {
  /** ns on a core, and ns ready without one. */
  readonly ran: number;
  readonly waited: number;
}

/** What Linux says of this thread (Documentation/scheduler/sched-stats.rst); null elsewhere. */
function scheduling(): Scheduling | null {
  try {
    const [ran, waited] = readFileSync("/proc/thread-self/schedstat", "utf8").split(" ").map(Number);
    return { ran, waited };
  } catch {
    return null;
  }
}

function waitedSince(before: Scheduling | null): number | null {
  const now = scheduling();
  if (before === null || now === null) return null;
  const waited = now.waited - before.waited;
  const all = now.ran - before.ran + waited;
  return all > 0 ? waited / all : 0;
}

/** Lets signals and the terminal have their turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
