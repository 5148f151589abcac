/**
 * The words that the threads of one run share beside their data: how they meet (a barrier), how they agree on a number, and
 * how one of them, or the main thread, ends the run for all. Words with different writers lie a cache line apart.
 *
 *   generation | arrived | flags of even and of odd generations | poison | stop | value of even and of odd agreements | done
 *
 * A barrier joins the flags of all who arrive, so that everybody knows what one of them has found, at the price of one
 * meeting. Who waits spins first: on cores of their own threads meet within a microsecond or two, and sleeping and waking
 * costs about ten. After that it sleeps, and whoever arrives last wakes it. A thread that dies cannot arrive: the main
 * thread hears of it and poisons the words, and everybody who waits, now or later, throws `Poisoned`.
 */
const LINE = 16;
const GENERATION = 0;
const ARRIVED = LINE;
const FLAGS = 2 * LINE; // two lines
const POISON = 4 * LINE;
const STOP = 5 * LINE;
const VALUE = 6 * LINE; // two lines
const DONE = 8 * LINE;
const WORDS = 9 * LINE;

/** Looks at a word before going to sleep: 2,000 take about 10 us. */
const SPINS = 2000;
/** A sleeper looks up this often, ms; only in case that a wake-up comes before it sleeps soundly is it ever needed. */
const NAP_MS = 100;

export const POISONED = "another thread has ended the run";

/** Another thread has ended the run. The cause is its, not ours. */
export class Poisoned extends Error {
  constructor() {
    super(POISONED);
  }
}

/** What is sent to a thread. */
export function controlBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * 4);
}

/** The main thread's side. */
export class Supervisor {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer = controlBuffer()) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** Makes every thread that waits, or will wait, throw. */
  poison(): void {
    Atomics.store(this.#words, POISON, 1);
    Atomics.notify(this.#words, GENERATION);
  }

  /** Asks the threads to come to an end where they all agree. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  /** What the first thread said last with `Meeting.done`, in thousandths. */
  get done(): number {
    return Atomics.load(this.#words, DONE);
  }
}

/** A worker's side. */
export class Meeting {
  readonly worker: number;
  readonly workers: number;
  /**
   * Meetings so far, and how many of them had to sleep. Small integers: code that V8 has not compiled yet, or has given up, makes
   * an object of a double each time it reads or adds to one (32 bytes a meeting).
   */
  readonly stats = new Int32Array(2);
  readonly #words: Int32Array;
  #agreements = 0;

  /** Worker number `worker` of `workers`. */
  constructor(buffer: SharedArrayBuffer, worker: number, workers: number) {
    this.#words = new Int32Array(buffer);
    this.worker = worker;
    this.workers = workers;
  }

  /**
   * Waits until every worker has come here; returns what all of them brought, or-ed. What each wrote before it came, the
   * others can read afterwards. Throws `Poisoned`.
   */
  meet(flags = 0): number {
    const words = this.#words;
    const generation = Atomics.load(words, GENERATION);
    const mine = FLAGS + LINE * (generation & 1);
    if (flags !== 0) Atomics.or(words, mine, flags);
    this.stats[0]++;
    if (Atomics.add(words, ARRIVED, 1) === this.workers - 1) {
      Atomics.store(words, ARRIVED, 0);
      // Everybody has read the flags of the generation before: they came here after it.
      Atomics.store(words, FLAGS + LINE * ((generation + 1) & 1), 0);
      Atomics.store(words, GENERATION, (generation + 1) | 0);
      Atomics.notify(words, GENERATION);
    } else this.#sleepWhile(generation);
    if (Atomics.load(words, POISON) !== 0) throw new Poisoned();
    return Atomics.load(words, mine);
  }

  #sleepWhile(generation: number): void {
    const words = this.#words;
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.load(words, GENERATION) !== generation) return;
    }
    this.stats[1]++;
    while (Atomics.load(words, GENERATION) === generation && Atomics.load(words, POISON) === 0) {
      Atomics.wait(words, GENERATION, generation, NAP_MS);
    }
  }

  /** All get the number that worker 0 gives (int32). A meeting. */
  agree(value: number): number {
    const at = VALUE + LINE * (this.#agreements++ & 1);
    if (this.worker === 0) Atomics.store(this.#words, at, value);
    this.meet();
    return Atomics.load(this.#words, at);
  }

  /** Another thread has ended the run: for those who wait in their own way. */
  get poisoned(): boolean {
    return Atomics.load(this.#words, POISON) !== 0;
  }

  /** The main thread has asked for an end. Threads may see it at different times: agree before acting on it. */
  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  /** For the main thread's progress bar: thousandths. */
  done(thousandths: number): void {
    Atomics.store(this.#words, DONE, thousandths);
  }
}
