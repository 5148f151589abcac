/** A switch with its datapath, caches on or off, that takes one frame at a time: what the cache tests compare. */
import { Datapath, type DatapathOptions } from "../../datapath/datapath.ts";
import { PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import type { BridgeConfig } from "../../datapath/topology.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";

export class Side {
  readonly switch: OvsSwitch;
  readonly datapath: Datapath;
  readonly #pool = new PacketPool(512, 4096);
  readonly #batch = new PacketBatch(this.#pool);

  constructor(bridges: readonly BridgeConfig[], vlanLimit: number, options: DatapathOptions) {
    this.switch = new OvsSwitch(bridges, { vlanLimit, localRoutes: false });
    this.datapath = new Datapath(this.#pool, this.switch, { ...options, ports: this.switch.portCount, vlanLimit });
  }

  /** Sends a frame in at a port of a bridge; "PORT HEX" of every frame that comes out, sorted. */
  send(bridge: string, ofport: number, frame: Uint8Array, now = 0): string[] {
    const port = this.switch.bridge(bridge)?.port(ofport);
    if (port === undefined) throw new Error(`no port ${ofport} on ${bridge}`);
    if (port.odpPort < 0 || port.tunnel !== undefined) return [];
    const batch = this.#batch;
    const slot = this.#pool.alloc();
    batch.count = 1;
    batch.slot[0] = slot;
    batch.start[0] = this.#pool.home(slot);
    batch.end[0] = batch.start[0] + frame.length;
    batch.inPort[0] = port.odpPort;
    batch.time[0] = now;
    batch.drop[0] = 0;
    batch.tunId[0] = 0;
    batch.tunSrc[0] = 0;
    batch.tunDst[0] = 0;
    batch.tunMeta[0] = 0;
    this.#pool.bytes.set(frame, batch.start[0]);
    this.datapath.process(batch);
    const out: string[] = [];
    for (const [number, queue] of this.datapath.tx.entries()) {
      while (queue.shiftOne()) {
        const bytes = this.#pool.bytes.subarray(queue.lastStart, queue.lastEnd);
        out.push(`${this.switch.portName(number)} ${Buffer.from(bytes).toString("hex")}`);
        this.#pool.free(queue.lastSlot);
      }
    }
    return out.sort();
  }

  /** Every packet that came in has left, and no slot is lost. */
  conserves(): boolean {
    const { counters } = this.datapath;
    const get = counters.get.bind(counters);
    return (
      get("received") + get("copies") === get("transmitted") + counters.dropped &&
      get("exact") + get("megaflow") + get("upcall") === get("lookups") &&
      this.#pool.available === this.#pool.slots
    );
  }
}
