/** What a bridge counts of its tables and groups; `Bridge` makes them where a translation first needs one. */
import type { Bucket } from "../openflow/group.ts";
import type { Credited } from "./effects.ts";

/** Lookups of a table, as `ovs-ofctl dump-tables` shows them. */
export class TableCounters {
  lookups = 0;
  matches = 0;
  /** A lookup that found a rule, and one that found none: made once, as every translation counts with them. */
  readonly match: Credited = {
    credit: (packets) => {
      this.lookups += packets;
      this.matches += packets;
    },
  };
  readonly miss: Credited = {
    credit: (packets) => {
      this.lookups += packets;
    },
  };
}

/** Packets and bytes of a group and of each of its buckets. */
export class GroupCounters {
  packets = 0;
  bytes = 0;
  readonly buckets = new Map<number, { packets: number; bytes: number }>();

  credit(bucket: Bucket | undefined, packets: number, bytes: number): void {
    this.packets += packets;
    this.bytes += bytes;
    if (bucket === undefined) return;
    const own = this.buckets.get(bucket.id) ?? { packets: 0, bytes: 0 };
    own.packets += packets;
    own.bytes += bytes;
    this.buckets.set(bucket.id, own);
  }
}
