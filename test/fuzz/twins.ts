/**
 * The same frames at two places with different rubbish around them. Whoever reads outside of a frame reads other bytes in
 * the one place than in the other, so keys, frames out and counters must be equal.
 */
import assert from "node:assert/strict";
import type { OdpAction } from "../../datapath/action/odp-action.ts";
import { Datapath } from "../../datapath/datapath.ts";
import { KEY_WORDS } from "../../datapath/flow/flow-key.ts";
import { PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import type { PacketQueue } from "../../datapath/packet/packet-queue.ts";
import { Namespace } from "../../datapath/router/namespace.ts";
import type { NamespaceConfig } from "../../datapath/topology.ts";

/** Longest frame that the fuzzers make. */
export const ROOM = 1600;
const SLOTS = 72;
/** Most bytes that the tunnels and tags of a frame may add. */
const FRAME_BYTES = 2000;

class Place {
  readonly pool = new PacketPool(SLOTS, FRAME_BYTES);
  readonly batch = new PacketBatch(this.pool);
  readonly #rubbish: number;

  /** `skip`: slots that are never used, so that frames lie elsewhere than in the other place. */
  constructor(rubbish: number, skip: number) {
    this.#rubbish = rubbish;
    for (let n = 0; n < skip; n++) this.pool.alloc();
    this.pool.bytes.fill(rubbish);
  }

  /** Puts frames into the batch; every other byte becomes rubbish: `everywhere`, or only of the slots that they lie in. */
  fill(frames: readonly Uint8Array[], ports: readonly number[], everywhere: boolean): void {
    const { pool, batch } = this;
    if (everywhere) pool.bytes.fill(this.#rubbish);
    for (const [i, frame] of frames.entries()) {
      const slot = pool.alloc();
      const at = pool.home(slot);
      if (!everywhere) pool.bytes.fill(this.#rubbish, slot * pool.stride, (slot + 1) * pool.stride);
      pool.bytes.set(frame, at);
      batch.slot[i] = slot;
      batch.start[i] = at;
      batch.end[i] = at + frame.length;
      batch.inPort[i] = ports[i];
      batch.time[i] = 0;
      batch.drop[i] = 0;
      batch.tunDst[i] = 0;
    }
    batch.count = frames.length;
  }

  drain(queues: readonly PacketQueue[]): string[] {
    const out: string[] = [];
    for (const [port, queue] of queues.entries()) {
      while (queue.shiftOne()) {
        const bytes = this.pool.bytes.subarray(queue.lastStart, queue.lastEnd);
        out.push(`${port} ${Buffer.from(bytes).toString("hex")}`);
        this.pool.free(queue.lastSlot);
      }
    }
    return out;
  }
}

/** Two datapaths; the first asks `answer` for the actions of each key, the second must ask with the same keys. */
export class DatapathTwins {
  readonly #sides: readonly { place: Place; datapath: Datapath; available: number }[];
  readonly #asked: { key: Int32Array; actions: readonly OdpAction[] }[] = [];
  #repeating = false;
  #next = 0;

  constructor(
    ports: number,
    answer: (key: Int32Array) => readonly OdpAction[],
    tunnels: readonly ("gre" | "vxlan" | "geneve")[],
  ) {
    const effects = { credit: () => undefined, refresh: () => undefined };
    const handler = {
      epoch: 0,
      translate: (keys: Int32Array, at: number) => {
        const key = keys.slice(at, at + KEY_WORDS);
        if (!this.#repeating) this.#asked.push({ key, actions: answer(key) });
        const one = this.#asked[this.#repeating ? this.#next++ : this.#asked.length - 1];
        assert.ok(one !== undefined, "one place has packets that the other has not");
        assert.deepEqual(key, one.key, "keys differ with what lies around the frame");
        return {
          mask: new Int32Array(KEY_WORDS),
          actions: one.actions,
          slow: [],
          error: undefined,
          effects,
          lookups: 1,
        };
      },
    };
    this.#sides = [new Place(0xff, 0), new Place(0x00, 5)].map((place) => {
      const datapath = new Datapath(place.pool, handler, { ports, megaflow: false, vlanLimit: 2 });
      for (const [port, kind] of tunnels.entries()) datapath.setTunnel(port, kind);
      return { place, datapath, available: place.pool.available };
    });
  }

  /** Actions given for the last burst. */
  get given(): string {
    return JSON.stringify(this.#asked.map(({ actions }) => actions));
  }

  /** Takes a burst through both; returns how many frames came out. */
  send(frames: readonly Uint8Array[], ports: readonly number[]): number {
    this.#asked.length = 0;
    this.#next = 0;
    const [first, second] = this.#sides.map(({ place, datapath, available }, side) => {
      this.#repeating = side === 1;
      place.fill(frames, ports, true);
      datapath.process(place.batch);
      const out = place.drain(datapath.tx);
      assert.equal(place.pool.available, available, "a slot is lost");
      return { out, counters: datapath.counters.total.slice() };
    });
    assert.equal(this.#next, this.#asked.length, "one place has packets that the other has not");
    assert.deepEqual(second.out, first.out, "frames differ with what lies around them");
    assert.deepEqual(second.counters, first.counters, "counters");
    const { counters } = this.#sides[0].datapath;
    assert.equal(counters.get("received") + counters.get("copies"), counters.get("transmitted") + counters.dropped);
    return first.out.length;
  }
}

/** Two namespaces. */
export class NamespaceTwins {
  readonly #sides: readonly { place: Place; namespace: Namespace }[];

  constructor(config: NamespaceConfig) {
    this.#sides = [new Place(0xff, 0), new Place(0x00, 5)].map((place) => ({
      place,
      namespace: new Namespace(config, place.pool),
    }));
  }

  /** Slots left in the place with fewer. */
  get available(): number {
    return Math.min(...this.#sides.map(({ place }) => place.pool.available));
  }

  /** Takes a burst through both at `now` (ns); returns how many frames came out. */
  send(frames: readonly Uint8Array[], dev: number, now: number): number {
    const [first, second] = this.#sides.map(({ place, namespace }) => {
      // Frames that wait for a neighbour stay where they are.
      place.fill(
        frames,
        frames.map(() => 0),
        false,
      );
      namespace.process(place.batch, dev, now);
      namespace.tick(now);
      const { counters } = namespace;
      assert.equal(counters.received + counters.generated, counters.sent + counters.dropped + namespace.held);
      return place.drain(namespace.tx);
    });
    assert.deepEqual(second, first, "frames differ with what lies around them");
    return first.length;
  }
}
