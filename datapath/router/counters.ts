/**
 * What a namespace counted. Every packet that came in or was made here leaves by exactly one door:
 *
 *   received + generated = sent + sum of drops + held (waiting for a neighbour)
 *
 * A request that is answered in its own buffer counts as consumed, and its answer as generated.
 */
import { DROP_COUNT, Drop, dropNames } from "../packet/drop.ts";

const RECEIVED = 0;
const GENERATED = 1;
const SENT = 2;
const FORWARDED = 3;

export class RouterCounters {
  /** By Drop code. */
  readonly drops = new Float64Array(DROP_COUNT);
  readonly #counts = new Float64Array(4);

  /** All that is counted, as columns of integers. */
  get columns(): readonly Float64Array[] {
    return [this.#counts, this.drops];
  }

  /** Frames that came in. */
  get received(): number {
    return this.#counts[RECEIVED];
  }

  /** Frames made here: answers, errors, requests, fragments. */
  get generated(): number {
    return this.#counts[GENERATED];
  }

  /** Frames handed to an interface. */
  get sent(): number {
    return this.#counts[SENT];
  }

  /** Packets routed: TTL decremented and on their way (they may still wait, be fragmented or die for want of a neighbour). */
  get forwarded(): number {
    return this.#counts[FORWARDED];
  }

  /** Frames that the own stack took in. */
  get consumed(): number {
    return this.drops[Drop.Consumed];
  }

  countReceived(count: number): void {
    this.#counts[RECEIVED] += count;
  }

  countGenerated(): void {
    this.#counts[GENERATED]++;
  }

  countSent(): void {
    this.#counts[SENT]++;
  }

  countForwarded(): void {
    this.#counts[FORWARDED]++;
  }

  /** All drops, ends that are no loss among them. */
  get dropped(): number {
    let sum = 0;
    for (let code = 0; code < DROP_COUNT; code++) sum += this.drops[code];
    return sum;
  }

  /** A plain object for reports: the counters, and the drops that happened by name. */
  toJSON(): Record<string, unknown> {
    const drops: Record<string, number> = {};
    for (let code = 0; code < DROP_COUNT; code++) if (this.drops[code] > 0) drops[dropNames[code]] = this.drops[code];
    return { received: this.received, generated: this.generated, sent: this.sent, forwarded: this.forwarded, drops };
  }
}
