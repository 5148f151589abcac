/** The queue between two stages on one thread: a burst pushed and taken again. */
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { PacketQueue } from "../../datapath/packet/packet-queue.ts";
import { burstTask } from "./fixture.ts";
import type { Suite } from "./harness.ts";

function queueAndBatch(): { readonly queue: PacketQueue; readonly batch: PacketBatch } {
  const pool = new PacketPool(BURST);
  return { queue: new PacketQueue(1024, pool.arena), batch: new PacketBatch(pool) };
}

export const suite: Suite = {
  name: "queue",
  tasks: [
    burstTask("queue: push one by one, shift a burst", () => {
      const { queue, batch } = queueAndBatch();
      return () => {
        for (let i = 0; i < BURST; i++) queue.push(i, 0, 60, batch.time, i);
        queue.shiftInto(batch, 0);
      };
    }),
    burstTask("queue: push and shift one by one", () => {
      const { queue, batch } = queueAndBatch();
      return () => {
        for (let i = 0; i < BURST; i++) queue.push(i, 0, 60, batch.time, i);
        while (queue.shiftOne());
      };
    }),
  ],
};
