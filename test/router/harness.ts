/**
 * Drives a Namespace with frames in hexadecimal, in virtual time, and writes down what comes out. After every step it
 * asserts that the counters conserve and that no slot of the pool is lost.
 */
import assert from "node:assert/strict";
import { PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { Namespace } from "../../datapath/router/namespace.ts";
import type { NamespaceOptions } from "../../datapath/router/stack.ts";
import type { NamespaceConfig } from "../../datapath/topology.ts";

export interface Sent {
  readonly ms: number;
  readonly dev: number;
  readonly frame: string;
}

export class Harness {
  readonly pool: PacketPool;
  readonly namespace: Namespace;
  readonly out: Sent[] = [];
  readonly #batch: PacketBatch;
  #received = 0;

  constructor(config: NamespaceConfig, options: NamespaceOptions = {}, slots = 512) {
    this.pool = new PacketPool(slots);
    this.#batch = new PacketBatch(this.pool);
    this.namespace = new Namespace(config, this.pool, options);
  }

  /** A frame comes in by interface `dev`. */
  input(dev: number, frame: string, ms: number): void {
    const bytes = Buffer.from(frame, "hex");
    const batch = this.#batch;
    const slot = this.pool.alloc();
    assert.ok(slot >= 0, "the pool of the harness is empty");
    const at = this.pool.home(slot);
    this.pool.bytes.fill(0xee, at - 64, (slot + 1) * this.pool.stride); // what is not written shows
    this.pool.bytes.set(bytes, at);
    batch.slot[0] = slot;
    batch.start[0] = at;
    batch.end[0] = at + bytes.length;
    batch.time[0] = ms * 1e6;
    batch.count = 1;
    this.namespace.process(batch, dev, ms * 1e6);
    this.#received++;
    assert.equal(batch.count, 0);
    this.#drain();
  }

  /** Time goes on to `ms` in steps of 5 ms. */
  wait(from: number, ms: number): void {
    for (let t = from; t < ms; t += 5) {
      this.namespace.tick(t * 1e6);
      this.#drain();
    }
    this.namespace.tick(ms * 1e6);
    this.#drain();
  }

  #drain(): void {
    const { namespace, pool, out } = this;
    for (const [dev, queue] of namespace.tx.entries()) {
      while (queue.shiftOne()) {
        const bytes = pool.bytes.subarray(queue.lastStart, queue.lastEnd);
        out.push({ ms: queue.lastTime / 1e6, dev, frame: Buffer.from(bytes).toString("hex") });
        pool.free(queue.lastSlot);
      }
    }
    const { counters, held } = namespace;
    assert.equal(counters.received, this.#received);
    assert.equal(counters.received + counters.generated, counters.sent + counters.dropped + held, "counters conserve");
    assert.equal(pool.available + held, pool.slots, "no slot is lost");
  }
}
