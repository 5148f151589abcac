/**
 * What the main thread, the sender and the datapath share of a trial: what is to be done, how far it is, what was counted.
 * Each word has one writer. The main thread writes the order, then the command's number; whoever is done repeats the number.
 */
const LINE = 16;
const COMMAND = 0;
const STOP = LINE;
const READY = 2 * LINE;
const SENT = 3 * LINE;
const SENDER_DONE = 4 * LINE;
const DATAPATH_DONE = 5 * LINE;
const WORDS = 6 * LINE;
const END = -1;
/** A sleeper looks up this often, ms. */
const NAP_MS = 100;

/** Order: what a trial is to be. */
const O_LOAD = 0;
const O_SECONDS = 1;
const O_CHANGES = 2;
const O_RECONFIGURE = 3;
const O_FRESH = 4;
const O_DISCARD = 5;
/** Counts of the sender, of the datapath, then four by port. */
const S_INTENDED = 8;
const S_UNSENT = 9;
const S_STALLS = 10;
const S_STALLED_NS = 11;
const S_LATEST_NS = 12;
const S_ELAPSED_NS = 13;
const D_TAKEN = 16;
const D_DROPPED = 17;
const D_LOST = 18;
const D_UPCALLS = 19;
const D_CHANGES = 20;
const D_CHANGE_NS = 21;
const D_WARM = 22; // passes, upcalls in the last, megaflows, masks
const PORTS = 32;
const BY_PORT = 2; // offered, lost

/** What a trial is to be. */
export interface Order {
  /** Frames a second, all ports together. */
  readonly load: number;
  readonly seconds: number;
  /** Rules added or deleted a second, by the datapath's thread between bursts. */
  readonly changesPerSecond: number;
  /** In the middle of the trial all rules are replaced. */
  readonly reconfigure: boolean;
  /** Begin with empty caches. */
  readonly fresh: boolean;
  /** Frames are only taken from their queues: what the sender can offer to the fastest of all datapaths. */
  readonly discard: boolean;
}

export interface Counted {
  readonly intended: number;
  readonly unsent: number;
  readonly senderStalls: number;
  readonly senderStalledNs: number;
  readonly senderLatestNs: number;
  /** From the first frame to the end of the sender's work. */
  readonly elapsedNs: number;
  readonly taken: number;
  readonly dropped: number;
  readonly lostWithin: number;
  readonly upcalls: number;
  readonly ruleChanges: number;
  readonly changeNs: number;
  readonly offered: readonly number[];
  readonly lost: readonly number[];
}

export interface WarmUp {
  readonly passes: number;
  readonly upcallsInLastPass: number;
  readonly megaflows: number;
  readonly masks: number;
}

export interface TrialMemory {
  readonly words: SharedArrayBuffer;
  readonly numbers: SharedArrayBuffer;
}

export function trialMemory(ports: number): TrialMemory {
  const words = new SharedArrayBuffer(4 * WORDS);
  // Getting ready, and warm, is number 1.
  new Int32Array(words)[COMMAND] = 1;
  return {
    words,
    numbers: new SharedArrayBuffer(8 * (PORTS + BY_PORT * ports)),
  };
}

export class TrialWords {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #ports: number;

  constructor({ words, numbers }: TrialMemory) {
    this.#words = new Int32Array(words);
    this.#numbers = new Float64Array(numbers);
    this.#ports = (this.#numbers.length - PORTS) / BY_PORT;
  }

  // The main thread's.

  /** Begins a trial; returns its number. */
  order({ load, seconds, changesPerSecond, reconfigure, fresh, discard }: Order): number {
    this.#numbers.fill(0);
    this.#numbers.set([load, seconds, changesPerSecond, reconfigure ? 1 : 0, fresh ? 1 : 0, discard ? 1 : 0], O_LOAD);
    Atomics.store(this.#words, STOP, 0);
    return this.#command(Atomics.load(this.#words, COMMAND) + 1);
  }

  /** Lets the trial under way come to an end. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  /** No more trials. */
  end(): void {
    this.stop();
    this.#command(END);
  }

  /** Both threads have done trial `command`. */
  done(command: number): boolean {
    return (
      Atomics.load(this.#words, SENDER_DONE) >= command &&
      Atomics.load(this.#words, DATAPATH_DONE) >= command &&
      Atomics.load(this.#words, READY) >= command
    );
  }

  counted(): Counted {
    const n = this.#numbers;
    const ports = Array.from({ length: this.#ports }, (_, port) => PORTS + BY_PORT * port);
    return {
      intended: n[S_INTENDED],
      unsent: n[S_UNSENT],
      senderStalls: n[S_STALLS],
      senderStalledNs: n[S_STALLED_NS],
      senderLatestNs: n[S_LATEST_NS],
      elapsedNs: n[S_ELAPSED_NS],
      taken: n[D_TAKEN],
      dropped: n[D_DROPPED],
      lostWithin: n[D_LOST],
      upcalls: n[D_UPCALLS],
      ruleChanges: n[D_CHANGES],
      changeNs: n[D_CHANGE_NS],
      offered: ports.map((at) => n[at]),
      lost: ports.map((at) => n[at + 1]),
    };
  }

  warmUp(): WarmUp {
    const [passes, upcallsInLastPass, megaflows, masks] = this.#numbers.subarray(D_WARM, D_WARM + 4);
    return { passes, upcallsInLastPass, megaflows, masks };
  }

  // Both threads'.

  /** Sleeps until there is a trial after number `last`; its number, or null: no more. */
  next(last: number): number | null {
    for (;;) {
      const command = Atomics.load(this.#words, COMMAND);
      if (command === END) return null;
      if (command > last) return command;
      Atomics.wait(this.#words, COMMAND, command, NAP_MS);
    }
  }

  get orders(): Order {
    const n = this.#numbers;
    return {
      load: n[O_LOAD],
      seconds: n[O_SECONDS],
      changesPerSecond: n[O_CHANGES],
      reconfigure: n[O_RECONFIGURE] === 1,
      fresh: n[O_FRESH] === 1,
      discard: n[O_DISCARD] === 1,
    };
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  /** The datapath polls. */
  ready(command: number): void {
    Atomics.store(this.#words, READY, command);
  }

  isReady(command: number): boolean {
    return Atomics.load(this.#words, READY) >= command || Atomics.load(this.#words, COMMAND) === END;
  }

  /** Nothing more comes in trial `command`. */
  sent(command: number): void {
    Atomics.store(this.#words, SENT, command);
  }

  isSent(command: number): boolean {
    return Atomics.load(this.#words, SENT) >= command;
  }

  // The sender's.

  senderDone(
    command: number,
    counts: Omit<SenderCounts, "offered" | "lost">,
    offered: Float64Array,
    lost: Float64Array,
  ): void {
    const { intended, unsent, stalls, stalledNs, latestNs, elapsedNs } = counts;
    this.#numbers.set([intended, unsent, stalls, stalledNs, latestNs, elapsedNs], S_INTENDED);
    for (let port = 0; port < this.#ports; port++) {
      this.#numbers[PORTS + BY_PORT * port] = offered[port];
      this.#numbers[PORTS + BY_PORT * port + 1] = lost[port];
    }
    Atomics.store(this.#words, SENDER_DONE, command);
  }

  // The datapath's.

  datapathDone(command: number, counts: DatapathCounts): void {
    const { taken, dropped, lost, upcalls, changes, changeNs } = counts;
    this.#numbers.set([taken, dropped, lost, upcalls, changes, changeNs], D_TAKEN);
    Atomics.store(this.#words, DATAPATH_DONE, command);
  }

  warm({ passes, upcallsInLastPass, megaflows, masks }: WarmUp): void {
    this.#numbers.set([passes, upcallsInLastPass, megaflows, masks], D_WARM);
  }

  #command(number: number): number {
    Atomics.store(this.#words, COMMAND, number);
    Atomics.notify(this.#words, COMMAND);
    return number;
  }
}

export interface SenderCounts {
  readonly intended: number;
  readonly unsent: number;
  readonly stalls: number;
  readonly stalledNs: number;
  readonly latestNs: number;
  readonly elapsedNs: number;
}

export interface DatapathCounts {
  readonly taken: number;
  readonly dropped: number;
  readonly lost: number;
  readonly upcalls: number;
  readonly changes: number;
  readonly changeNs: number;
}
