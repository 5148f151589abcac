/**
 * Passes that several threads make together. The first leads: it measures as if it were alone, and before each thing tells
 * the others what it is, one number that all agree on; they follow until there is no more.
 */
import type { Meeting } from "../../workers/control.ts";
import type { Tally } from "../../workers/tally.ts";
import { type Growth, SharedHeaps } from "./allocation.ts";
import { OnlyPackets, type Ticking } from "./only-packets.ts";

/** What the leader says: how many passes, 0 = no more; with these added, the heaps are watched, measured times forgotten. */
const END = 0;
const WATCH = 2 ** 29;
const RESET = 2 ** 30;
/** Words below this are numbers of passes, those from here up to WATCH a subclass's own. */
export const OWN_WORDS = 2 ** 26;
const PASSES = OWN_WORDS - 1;

/** What is under test on one thread, a cluster or a bridge. */
interface Timed extends Ticking {
  /** Measured times begin anew. */
  resetTimes(): void;
}

export abstract class LedPasses {
  protected readonly meeting: Meeting;
  readonly #heaps: SharedHeaps;
  readonly #of: Timed;
  readonly #only: OnlyPackets;
  #reset = 0;

  /** `heaps` has HEAP_TALLY numbers; `of` is this thread's own of what is under test. */
  constructor(meeting: Meeting, heaps: Tally, of: Timed) {
    this.meeting = meeting;
    this.#of = of;
    this.#only = new OnlyPackets(of);
    this.#heaps = new SharedHeaps(heaps);
  }

  /** So many passes, on every thread. */
  protected abstract run(passes: number): void;

  /** Packets of all threads so far, after `sum`. */
  protected abstract packets(): number;

  /** Adds up what the threads have each counted and measured. */
  protected sum(): void {}

  /** Does what a word of its own says. */
  protected other(word: number): void {
    throw new Error(`word ${word} of the leader, expected a number of passes`);
  }

  // The leader's.

  pass(): void {
    this.passes(1);
  }

  passes(count: number): void {
    this.say(count + this.#reset);
    this.#reset = 0;
  }

  /** Measured times count from the next pass on. */
  reset(): void {
    this.#reset = RESET;
  }

  /** Passes with everybody's heap watched. */
  async grow(count: number): Promise<Growth> {
    return this.#watched(this.meeting.agree(WATCH + count));
  }

  protected say(word: number): void {
    this.#do(this.meeting.agree(word));
  }

  /** There is no more. */
  end(): void {
    this.meeting.agree(END);
    this.#heaps.close();
  }

  // The others'.

  /** Does what the leader says, to the end. */
  async follow(): Promise<void> {
    for (let word = this.meeting.agree(END); word !== END; word = this.meeting.agree(END)) {
      if ((word & WATCH) !== 0) await this.#watched(word);
      else this.#do(word);
    }
    this.#heaps.close();
  }

  async #watched(word: number): Promise<Growth> {
    const first = this.packets();
    this.#only.begin();
    const grown = await this.#heaps.over(() => this.run(word & PASSES));
    this.#only.end();
    this.sum();
    return { ...grown, packets: this.packets() - first };
  }

  #do(word: number): void {
    if ((word & ~(RESET | PASSES)) !== 0) {
      this.other(word);
      return;
    }
    if ((word & RESET) !== 0) this.#of.resetTimes();
    this.run(word & PASSES);
    this.sum();
  }
}
