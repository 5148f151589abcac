/**
 * While a heap is watched, what is under test carries packets and does nothing else: no time is read in it, which makes
 * objects, and what the clock sets off (ageing and revalidation, every 500 ms of virtual time; 0.5 to 8 KB each,
 * workers/README.md) waits, as it is no packet's.
 */
export interface Ticking {
  /** [0] when the clock sets something off next, ns of virtual time. */
  readonly due: Float64Array;
  /** Whether times are kept in it, and the way to change that; absent: they never are. */
  readonly timing?: boolean;
  keepTimes?(on: boolean): void;
}

export class OnlyPackets {
  readonly #of: Ticking;
  readonly #due = new Float64Array(1);
  #timing = false;

  constructor(of: Ticking) {
    this.#of = of;
  }

  begin(): void {
    this.#timing = this.#of.timing ?? false;
    this.#of.keepTimes?.(false);
    this.#due[0] = this.#of.due[0];
    this.#of.due[0] = Number.POSITIVE_INFINITY;
  }

  end(): void {
    this.#of.due[0] = this.#due[0];
    this.#of.keepTimes?.(this.#timing);
  }
}
