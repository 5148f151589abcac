/**
 * How often ICMP errors may be sent (RFC 1812, 4.3.2.8), as Linux does it: one bucket for all (icmp_msgs_per_sec 1000,
 * icmp_msgs_burst 50), and one for each receiver (icmp_ratelimit 1000 ms, a burst of 6: net/ipv4/inetpeer.c). Both are kept
 * in virtual time. Receivers share 256 places by a hash; a newcomer takes the place with a full bucket, so that the limit
 * errs on the side of sending.
 */
const PLACES = 256;
const INTERVAL_NS = 1e9;
const PEER_BURST_NS = 6 * INTERVAL_NS;
const GLOBAL_PER_NS = 1000 / 1e9;
const GLOBAL_BURST = 50;

export class IcmpRateLimit {
  readonly #peer = new Int32Array(PLACES);
  readonly #taken = new Uint8Array(PLACES);
  /** Time saved up, and when it was counted last, ns. */
  readonly #tokens = new Float64Array(PLACES);
  readonly #last = new Float64Array(PLACES);
  /** [0] messages that may be sent at once, [1] when that was counted last. */
  readonly #global = Float64Array.of(GLOBAL_BURST, 0);

  readonly #clock: Float64Array;

  /** `clock[0]` is the time, ns: as an argument it would become an object. */
  constructor(clock: Float64Array) {
    this.#clock = clock;
  }

  /** One more error to `peer` is allowed now; takes it out of both buckets. */
  allow(peer: number): boolean {
    const global = this.#global;
    const now = this.#clock[0];
    const credit = Math.min(GLOBAL_BURST, global[0] + Math.max(0, now - global[1]) * GLOBAL_PER_NS);
    global[0] = credit;
    global[1] = now;
    if (credit < 1) return false;
    if (!this.#spend(peer, PEER_BURST_NS)) return false;
    global[0] = credit - 1;
    return true;
  }

  /** The second gate that "no route" passes first (Linux: ip_error, error_burst 5 s, error_cost 1 s), on the same bucket. */
  allowNoRoute(peer: number): boolean {
    return this.#spend(peer, 5 * INTERVAL_NS);
  }

  #spend(peer: number, burst: number): boolean {
    const now = this.#clock[0];
    const place = Math.imul(peer, 0x9e3779b1) >>> 24;
    if (this.#taken[place] === 0 || this.#peer[place] !== peer) {
      this.#taken[place] = 1;
      this.#peer[place] = peer;
      this.#tokens[place] = PEER_BURST_NS;
      this.#last[place] = now;
    }
    const tokens = Math.min(burst, this.#tokens[place] + Math.max(0, now - this.#last[place]));
    this.#last[place] = now;
    const enough = tokens >= INTERVAL_NS;
    this.#tokens[place] = enough ? tokens - INTERVAL_NS : tokens;
    return enough;
  }
}
