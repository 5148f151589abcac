/** A qrouter namespace that routes between two networks, both neighbours known. */
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { Namespace } from "../../datapath/router/namespace.ts";
import type { NamespaceConfig } from "../../datapath/topology.ts";
import type { GenerateOptions } from "../../pcaps/generate/plan.ts";
import { burstTask, frames } from "./fixture.ts";
import type { Suite, Task } from "./harness.ts";

/** The article's router; its first address is where generated frames go to. */
const ROUTER: NamespaceConfig = {
  name: "qrouter",
  forwarding: true,
  interfaces: [
    { name: "qr-1", mac: "fa:16:3e:cd:50:8d", addresses: ["192.168.1.1/24"], mtu: 1500 },
    { name: "qr-2", mac: "fa:16:3e:a3:95:c2", addresses: ["192.168.2.1/24"], mtu: 1500 },
  ],
  neighbours: [{ ip: "192.168.2.11", mac: "fa:16:3e:d4:4d:ff", dev: "qr-2" }],
};

const routed = (name: string, options: GenerateOptions): Task =>
  burstTask(`router: ${name}, copy in and out`, () => routing(options));

function routing(options: GenerateOptions): () => void {
  const trace = frames(options);
  const pool = new PacketPool(4 * BURST);
  const router = new Namespace(ROUTER, pool);
  const batch = new PacketBatch(pool);
  let next = 0;
  const burst = (): void => {
    const { slot, start, end, drop, time } = batch;
    pool.allocInto(slot, BURST);
    for (let i = 0; i < BURST; i++, next = (next + 1) % trace.count) {
      const at = pool.home(slot[i]);
      const from = trace.start[next];
      const length = trace.length[next];
      for (let b = 0; b < length; b++) pool.bytes[at + b] = trace.bytes[from + b];
      start[i] = at;
      end[i] = at + length;
      drop[i] = 0;
      time[i] = 0;
    }
    batch.count = BURST;
    router.process(batch, 0, 0);
    router.tx[1].discard(pool);
  };
  burst();
  if (router.counters.forwarded !== BURST) throw new Error(`${router.counters.forwarded} of ${BURST} frames routed`);
  return burst;
}

export const suite: Suite = {
  name: "router",
  tasks: [routed("IPv4 UDP", {}), routed("IPv4 TCP", { protocols: { tcp: 1 } })],
};
