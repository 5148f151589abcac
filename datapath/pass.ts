/** What one pass of a burst through the datapath (datapath.ts) needs beside the burst. */
import { Groups } from "./lookup/groups.ts";
import { BURST, PacketBatch } from "./packet/packet-batch.ts";
import { PacketList } from "./packet/packet-list.ts";
import type { PacketPool } from "./packet/packet-pool.ts";

/** Scratch of one pass; pass n + 1 takes what pass n recirculates. */
export class Pass {
  /** Packets that wait for this pass. Pass 0 works on its caller's batch instead. */
  readonly batch: PacketBatch;
  /** Packets that the exact-match cache did not have, and those of them that the megaflow cache did not have either. */
  readonly missed: PacketList;
  misses = 0;
  readonly open: PacketList;
  readonly groups: Groups;
  /** Packets found in the exact-match cache that made an upcall all the same, because the megaflow was stale. */
  demoted = 0;
  /** Groups whose program only this pass holds: of translations that are not installed. */
  readonly held = new Uint8Array(BURST);

  constructor(pool: PacketPool) {
    this.batch = new PacketBatch(pool);
    this.batch.recirculated = true;
    this.missed = new PacketList(pool.arena);
    this.open = new PacketList(pool.arena);
    this.groups = new Groups(pool.arena);
  }
}
