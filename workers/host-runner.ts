/**
 * Hosts on threads of their own, as they are on machines of their own: each has a fabric in which only its host is alive, and
 * the wires between them are rings (frame-ring.ts), one for each direction of each pair. Virtual time travels with the
 * frames; each host ages by the latest it has seen.
 *
 * When is a burst, or a pass, over? A shared counter holds the frames that are in rings or being worked on: a sender adds
 * before it publishes, a receiver subtracts when everything that followed from a frame is sent. Whoever puts frames in holds
 * one, too. At zero nothing can happen any more, and who gets there says so.
 *
 *   counting   in steps that all threads follow: a burst goes in where its port is, all see it to its end, then the next.
 *              The same order as on one thread, so the same counts.
 *   free       each puts in what comes in at its ports as fast as the rings take it; a pass ends when all have, at zero.
 *
 * Nobody waits while frames for it lie in a ring: a full ring is waited for only after one's own rings have been emptied into
 * buffers. Frames go in only while not too many are under way, so with few copies by flooding no ring fills at all; where
 * buffers and rings are full everywhere, the frame is lost and counted. With `drop` nothing is waited for: a frame that finds
 * its ring full is dropped and counted, as a network card's.
 */
import type { Elsewhere } from "../datapath/elsewhere.ts";
import type { Fabric } from "../datapath/fabric.ts";
import { copyBytes } from "../datapath/packet/copy.ts";
import { type Meeting, Poisoned } from "./control.ts";
import type { RingReader, RingWriter } from "./frame-ring.ts";
import type { Work } from "./replica.ts";

const LINE = 16;
const UNDER_WAY = 0;
const STEP = LINE;
/** Orders what is written down of frames: a receiver's number is higher than the sender's. */
const SEQUENCE = 2 * LINE;
const BELL = 3 * LINE; // a line for each host: how often it was rung
const ASLEEP = 1; // in the bell's line

/** Frames that may be under way when one more burst goes in. */
const MOST_UNDER_WAY = 512;
/** Frames taken from a ring before they are worked on. */
const TAKEN = 32;
const SPINS = 2000;
const NAP_MS = 20;
/** Buffers that are kept for one's own work when rings are emptied in the middle of it. */
const SPARE_SLOTS = 256;
/** Full rings all around and no buffers left: after so long the frame is given up for lost, ms. */
const PATIENCE_MS = 2000;
/** Looks at a full ring before a nap. */
const LOOKS = 1000;
/** Steps between two looks at whether to stop. */
const STOP_STEPS = 64;
const FLAG_STOP = 1;
/** What is no frame has none. */
const NO_TIME = new Float64Array(1);

export function hostWords(hosts: number): SharedArrayBuffer {
  return new SharedArrayBuffer((3 + hosts) * LINE * 4);
}

/** Told which step the frames belong to that are seen now. */
export interface StepWatcher {
  begin(step: number, inOrder: boolean): void;
  end(counts: boolean): void;
}

export interface HostRunnerOptions {
  /** Drop what finds a ring full. */
  readonly drop?: boolean | undefined;
  readonly watcher?: StepWatcher | undefined;
  /** Called by host 0 with the steps done. */
  readonly progress?: ((steps: number) => void) | undefined;
}

export class HostRunner implements Elsewhere {
  readonly host: number;
  /** Times that a ring was full and had to be waited for. */
  waits = 0;
  /** Frames put into rings, and taken out of them. */
  sent = 0;
  taken = 0;
  readonly #fabric: Fabric;
  readonly #words: Int32Array;
  readonly #meeting: Meeting;
  /** By host; null for oneself and for hosts without a common wire. */
  readonly #out: readonly (RingWriter | null)[];
  readonly #in: readonly (RingReader | null)[];
  readonly #hosts: number;
  readonly #options: HostRunnerOptions;
  /** Frames written to rings and not published yet; and taken from rings and not worked off yet. */
  #written = 0;
  #owed = 0;
  /** The step being done, and the one that follows when the shared count goes up. */
  #step = 0;
  #next = 0;
  #steps = 0;
  #now = 0;
  /** [0] the time of the frame that is taken from a ring. */
  readonly #frameTime = new Float64Array(1);
  #noted = 0;
  #free = false;

  constructor(
    fabric: Fabric,
    host: number,
    words: SharedArrayBuffer,
    meeting: Meeting,
    out: readonly (RingWriter | null)[],
    into: readonly (RingReader | null)[],
    options: HostRunnerOptions = {},
  ) {
    this.#fabric = fabric;
    this.host = host;
    this.#words = new Int32Array(words);
    this.#meeting = meeting;
    this.#out = out;
    this.#in = into;
    this.#hosts = out.length;
    this.#options = options;
    fabric.divide(this);
  }

  /** The next number of the order in which things happen, over all hosts. */
  sequence(): number {
    return Atomics.add(this.#words, SEQUENCE, 1);
  }

  // Elsewhere.

  send(member: number, view: DataView, start: number, length: number, time: Float64Array): void {
    const ring = this.#out[member >> 16];
    if (ring === null) throw new Error(`host ${member >> 16} shares no wire with host ${this.host}`);
    if (length > ring.shape.stride)
      throw new Error(`a frame of ${length} bytes, slots of the ring hold ${ring.shape.stride}`);
    const at = this.#room(ring, this.#options.drop ?? false);
    if (at < 0) {
      ring.refuse();
      return;
    }
    copyBytes(view, start, ring.view, at, length);
    ring.wrote(length, member & 0xffff, time);
    this.#written++;
    this.sent++;
  }

  learned(wire: number, high: number, low: number, member: number): void {
    for (const ring of this.#out) {
      if (ring === null) continue;
      // Not a frame: it is never dropped, as an address that is not heard of changes where frames go.
      const at = this.#room(ring, false);
      if (at < 0) continue;
      ring.view.setInt32(at, high);
      ring.view.setInt32(at + 4, low);
      ring.view.setInt32(at + 8, member);
      ring.wrote(12, -1 - wire, NO_TIME);
      this.#written++;
    }
  }

  /** A slot of the ring, waited for if need be; -1: none. */
  #room(ring: RingWriter, drop: boolean): number {
    let at = ring.slot();
    if (at >= 0 || drop) return at;
    this.waits++;
    let stuck = 0;
    for (let look = 1; at < 0; look++) {
      this.#flush();
      const taken = this.#take();
      at = ring.slot();
      if (at >= 0 || taken > 0) {
        stuck = 0;
        continue;
      }
      if (look % LOOKS !== 0) continue;
      this.#breathe();
      // Whoever can take frames in will not keep others waiting for ever; who cannot may be what they wait for.
      if (this.#fabric.pool.available > SPARE_SLOTS || !this.#waiting()) continue;
      if (stuck === 0) stuck = performance.now();
      else if (performance.now() - stuck > PATIENCE_MS) return -1;
    }
    return at;
  }

  /** Empties the rings into the host's queues, as far as there are buffers; nothing is worked on. Returns frames taken. */
  #take(): number {
    const fabric = this.#fabric;
    let all = 0;
    for (let from = 0; from < this.#hosts; from++) {
      const ring = this.#in[from];
      if (ring === null) continue;
      let count = ring.count;
      if (count > TAKEN) count = TAKEN;
      let n = 0;
      for (; n < count && fabric.pool.available > SPARE_SLOTS; n++) {
        const meta = ring.meta(n);
        const at = ring.at(n);
        if (meta < 0) {
          fabric.wires[-1 - meta].learn(ring.view.getInt32(at), ring.view.getInt32(at + 4), ring.view.getInt32(at + 8));
          continue;
        }
        const time = this.#frameTime;
        ring.timeTo(time, n);
        if (time[0] > this.#now) this.#now = time[0];
        this.taken++;
        fabric.arrive((this.host << 16) | meta, ring.view, at, ring.length(n), time);
      }
      if (n === 0) continue;
      ring.release(n);
      all += n;
    }
    this.#owed += all;
    return all;
  }

  /** Works on what has come; false when nothing has. */
  #poll(): boolean {
    // Frames may have been taken while a full ring was waited for.
    if (this.#take() + this.#owed === 0) return false;
    this.#begin();
    // In step, time moves on for all at once.
    if (this.#free) {
      this.#fabric.clock[0] = this.#now;
      this.#fabric.advanceToClock();
    }
    this.#fabric.settle();
    this.#end();
    return true;
  }

  #begin(): void {
    if (this.#noted++ > 0) return;
    // While a frame is under way its step does not end. It may be one that this host has not seen begin yet.
    const begun = Atomics.load(this.#words, STEP) === this.#steps;
    this.#options.watcher?.begin(begun ? this.#step : this.#next, false);
  }

  /** What was begun is done: what follows from it is sent, and it is not under way any more. */
  #end(holding = 0): void {
    if (--this.#noted === 0) this.#options.watcher?.end(true);
    this.#flush();
    const done = this.#owed + holding;
    this.#owed = 0;
    if (done > 0 && Atomics.sub(this.#words, UNDER_WAY, done) === done) this.#over();
  }

  /** Nothing is under way: the step is over. */
  #over(): void {
    Atomics.add(this.#words, STEP, 1);
    for (let host = 0; host < this.#hosts; host++) if (host !== this.host) this.#ring(host);
  }

  /** Publishes what was written to the rings. */
  #flush(): void {
    if (this.#written === 0) return;
    Atomics.add(this.#words, UNDER_WAY, this.#written);
    this.#written = 0;
    for (let host = 0; host < this.#hosts; host++) {
      if (this.#out[host]?.publish() === true) this.#ring(host);
    }
  }

  #ring(host: number): void {
    const bell = BELL + LINE * host;
    Atomics.add(this.#words, bell, 1);
    if (Atomics.load(this.#words, bell + ASLEEP) !== 0) Atomics.notify(this.#words, bell);
  }

  #look(): void {
    if (this.#meeting.poisoned) throw new Poisoned();
  }

  /** Until the step is over: works on what comes, sleeps when nothing does. */
  #follow(): void {
    const words = this.#words;
    const bell = BELL + LINE * this.host;
    let idle = 0;
    // Others may be a step ahead already.
    while (Atomics.load(words, STEP) === this.#steps) {
      if (this.#poll()) {
        idle = 0;
        continue;
      }
      if (++idle < SPINS) continue;
      this.#look();
      const rung = Atomics.load(words, bell);
      Atomics.store(words, bell + ASLEEP, 1);
      if (Atomics.load(words, STEP) === this.#steps && !this.#waiting()) Atomics.wait(words, bell, rung, NAP_MS);
      Atomics.store(words, bell + ASLEEP, 0);
    }
    this.#steps = (this.#steps + 1) | 0;
  }

  #waiting(): boolean {
    for (const ring of this.#in) if (ring !== null && ring.count > 0) return true;
    return false;
  }

  /**
   * Bursts [from, to) of `work`, counted through all rounds, in step. `entries` are those of the inputs, `mine[i]`: input i
   * is at this host. All hosts call it. Returns the first burst that was not done, when the main thread asked to stop.
   */
  count(work: Work, entries: Int32Array, mine: readonly boolean[], to: number): { done: number; refused: number } {
    const { traces, burst, input, frame, time, span } = work;
    const fabric = this.#fabric;
    const bursts = burst.length - 1;
    let refused = 0;
    this.#steps = Atomics.load(this.#words, STEP);
    this.#meeting.meet();
    for (let at = 0; at < to; at++) {
      this.#step = at;
      const round = Math.floor(at / bursts);
      const b = at - round * bursts;
      const base = round * span;
      const first = burst[b];
      const source = input[first];
      const now = base + time[first];
      if (at % STOP_STEPS === 0) {
        if (this.host === 0) this.#options.progress?.(at);
        if ((this.#meeting.meet(this.#meeting.stopped ? FLAG_STOP : 0) & FLAG_STOP) !== 0) return { done: at, refused };
      }
      if (now >= fabric.nextTick) this.#tick(now);
      if (mine[source]) {
        Atomics.add(this.#words, UNDER_WAY, 1);
        this.#begin();
        fabric.clock[0] = now;
        fabric.advanceToClock();
        for (let i = first; i < burst[b + 1]; i++) {
          fabric.clock[0] = base + time[i];
          if (!fabric.offerAtClock(entries[source], traces[source], frame[i])) refused++;
        }
        fabric.settle();
        this.#end(1);
      }
      if (now > this.#now) this.#now = now;
      this.#next = at + 1;
      this.#follow();
    }
    return { done: to, refused };
  }

  /** Time moves on to `now` on all hosts: a step of its own. */
  #tick(now: number): void {
    Atomics.add(this.#words, UNDER_WAY, 1);
    this.#meeting.meet();
    this.#begin();
    this.#fabric.advance(now);
    this.#end(1);
    this.#next = this.#step;
    this.#follow();
  }

  /** A round of `work` from virtual time `base` on, as fast as it goes. All hosts call it; it is over for all at once. */
  pass(work: Work, entries: Int32Array, mine: readonly boolean[], base: number): void {
    const { traces, burst, input, frame, time } = work;
    const fabric = this.#fabric;
    const words = this.#words;
    const most = this.#options.drop === true ? Number.POSITIVE_INFINITY : MOST_UNDER_WAY;
    this.#free = true;
    Atomics.add(words, UNDER_WAY, 1);
    this.#steps = Atomics.load(words, STEP);
    this.#meeting.meet();
    this.#begin();
    for (let b = 0; b + 1 < burst.length; b++) {
      const first = burst[b];
      const source = input[first];
      if (!mine[source]) continue;
      for (let idle = 0; Atomics.load(words, UNDER_WAY) > most; ) {
        if (this.#poll()) idle = 0;
        else if ((++idle & 1023) === 0) this.#breathe();
      }
      const now = base + time[first];
      if (now > this.#now) this.#now = now;
      fabric.clock[0] = this.#now;
      fabric.advanceToClock();
      fabric.clock[0] = now;
      for (let i = first; i < burst[b + 1]; i++) fabric.offerAtClock(entries[source], traces[source], frame[i]);
      fabric.settle();
      this.#flush();
      this.#poll();
    }
    this.#end(1);
    this.#follow();
  }

  /** Waits a moment, so that others have the core. */
  #breathe(): void {
    this.#look();
    const bell = BELL + LINE * this.host;
    Atomics.wait(this.#words, bell, Atomics.load(this.#words, bell), 1);
  }
}
