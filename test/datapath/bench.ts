/** A datapath with a slow path made of a function, and what comes out of it as text. For tests. */
import type { OdpAction } from "../../datapath/action/odp-action.ts";
import { Datapath, type DatapathOptions } from "../../datapath/datapath.ts";
import { KEY_WORDS, W_ETH0, W_ETH1, W_ETH2, W_IN_PORT, W_TYPE } from "../../datapath/flow/flow-key.ts";
import { PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import type { Translation, UpcallHandler } from "../../datapath/upcall.ts";
import { fill, toHex } from "../flow/burst.ts";

/** What a rule of the fake slow path gives; parts left out have the obvious values. */
export interface Answer {
  readonly actions: readonly OdpAction[];
  /** Words of the mask; default in_port, Ethernet addresses and type. */
  readonly mask?: ReadonlyMap<number, number>;
  readonly slow?: readonly string[];
  readonly error?: string;
  readonly noTunnel?: boolean;
}

export const DEFAULT_MASK: ReadonlyMap<number, number> = new Map([
  [W_IN_PORT, -1],
  [W_ETH0, -1],
  [W_ETH1, -1],
  [W_ETH2, -1],
  [W_TYPE, -1],
]);

export class FakeHandler implements UpcallHandler {
  epoch = 0;
  translations = 0;
  withSideEffects = 0;
  credited = 0;
  creditedBytes = 0;
  refreshed: number[] = [];
  answer: (key: Int32Array, now: number, sideEffects: boolean) => Answer;

  constructor(answer: (key: Int32Array, now: number, sideEffects: boolean) => Answer) {
    this.answer = answer;
  }

  translate(keys: Int32Array, at: number, now: number, sideEffects: boolean): Translation {
    this.translations++;
    if (sideEffects) this.withSideEffects++;
    const answer = this.answer(keys.slice(at, at + KEY_WORDS), now, sideEffects);
    const mask = new Int32Array(KEY_WORDS);
    for (const [word, bits] of answer.mask ?? DEFAULT_MASK) mask[word] = bits;
    return {
      mask,
      actions: answer.actions,
      slow: answer.slow ?? [],
      error: answer.error,
      noTunnel: answer.noTunnel,
      effects: {
        credit: (packets, bytes) => {
          this.credited += packets;
          this.creditedBytes += bytes;
        },
        refresh: (at) => this.refreshed.push(at),
      },
      lookups: 1,
    };
  }
}

export class TestBench {
  readonly pool: PacketPool;
  readonly handler: FakeHandler;
  readonly datapath: Datapath;
  readonly #batch: PacketBatch;
  readonly #sink: PacketBatch;

  constructor(answer: FakeHandler["answer"], options: DatapathOptions = {}, slots = 256) {
    this.pool = new PacketPool(slots, 2000);
    this.handler = new FakeHandler(answer);
    this.datapath = new Datapath(this.pool, this.handler, { ports: 8, ...options });
    this.#batch = new PacketBatch(this.pool);
    this.#sink = new PacketBatch(this.pool);
  }

  /** Takes frames through as one burst; what was transmitted, "port:hex", by port, in order. */
  send(frames: readonly Uint8Array[], inPort = 0, time = 0): string[] {
    fill(this.#batch, frames, inPort, time);
    this.datapath.process(this.#batch);
    return this.drain();
  }

  drain(): string[] {
    const out: string[] = [];
    for (let port = 0; port < this.datapath.tx.length; port++) {
      while (this.datapath.tx[port].shiftInto(this.#sink, port) > 0) {
        for (let i = 0; i < this.#sink.count; i++) {
          out.push(`${port}:${toHex(this.pool.bytes, this.#sink.start[i], this.#sink.end[i])}`);
          this.pool.free(this.#sink.slot[i]);
        }
      }
    }
    return out;
  }

  /** received + copies = transmitted + drops; exact + megaflow + upcall = lookups; every slot is back. */
  conserves(): void {
    const c = this.datapath.counters;
    const lines = [
      [
        "received + copies",
        c.get("received") + c.get("copies"),
        "transmitted + drops",
        c.get("transmitted") + c.dropped,
      ],
      ["exact + megaflow + upcall", c.get("exact") + c.get("megaflow") + c.get("upcall"), "lookups", c.get("lookups")],
      ["free slots", this.pool.available, "slots", this.pool.slots],
      ["rx by port", c.rxPackets.reduce((a, b) => a + b, 0), "received", c.get("received")],
      ["tx by port", c.txPackets.reduce((a, b) => a + b, 0), "transmitted", c.get("transmitted")],
      ["rx bytes by port", c.rxBytes.reduce((a, b) => a + b, 0), "bytes", c.get("receivedBytes")],
      ["tx bytes by port", c.txBytes.reduce((a, b) => a + b, 0), "bytes", c.get("transmittedBytes")],
    ] as const;
    for (const [left, a, right, b] of lines) {
      if (a !== b) throw new Error(`${left} = ${a}, but ${right} = ${b}: ${JSON.stringify(c.snapshot())}`);
    }
  }
}
