/**
 * One clock for all threads of a measurement: ns since a moment that they agree on. `performance.now()` of a thread counts
 * from that thread's own beginning, process.hrtime is the machine's but makes an object; so their distance is taken once.
 */

const READINGS = 200;

export class SharedClock {
  /** ns to add to performance.now() x 1e6. */
  readonly #offset: number;

  /** `epoch`: process.hrtime.bigint() at the moment that all threads count from. */
  constructor(epoch: bigint) {
    // The closest of many: in between nobody has taken the core away.
    let closest = Number.POSITIVE_INFINITY;
    let offset = 0;
    for (let i = 0; i < READINGS; i++) {
      const before = Number(process.hrtime.bigint() - epoch);
      const here = performance.now() * 1e6;
      const after = Number(process.hrtime.bigint() - epoch);
      if (after - before >= closest) continue;
      closest = after - before;
      offset = (before + after) / 2 - here;
    }
    this.#offset = offset;
  }

  /** ns since the epoch; a reading takes about 40 ns. */
  now(): number {
    return performance.now() * 1e6 + this.#offset;
  }
}
