/**
 * Groups: which buckets are done, and each as on a copy of the packet (OVS: xlate_group_action).
 */
import { OFPP_CONTROLLER, OFPP_IN_PORT, OFPP_LOCAL, OFPP_NONE } from "../openflow/action.ts";
import { type Bucket, type Group, OFPG_ANY } from "../openflow/group.ts";
import { portToText } from "../openflow/port-name.ts";
import { orderedActionSet } from "./action-set.ts";
import { chooseBucket, DP_HASH } from "./select.ts";
import { MAX_DEPTH, XlateNested } from "./xlate-nested.ts";

export abstract class XlateGroup extends XlateNested {
  protected isAlive(port: number): boolean {
    if (port >= OFPP_IN_PORT && port !== OFPP_LOCAL) return port !== OFPP_CONTROLLER;
    return this.bridge.port(port)?.up ?? false;
  }

  protected isBucketAlive(bucket: Bucket, depth: number): boolean {
    if (depth >= MAX_DEPTH) return false;
    const watchesPort = bucket.watchPort !== OFPP_NONE;
    const watchesGroup = bucket.watchGroup !== OFPG_ANY;
    if (!watchesPort && !watchesGroup) return true;
    if (watchesPort && this.isAlive(bucket.watchPort)) return true;
    const group = watchesGroup ? this.bridge.group(bucket.watchGroup) : undefined;
    if (group === undefined) return false;
    return group.buckets.some((inner) => {
      const lives = this.isBucketAlive(inner, depth + 1);
      if (!lives) this.noteDead(inner);
      return lives;
    });
  }

  /** Returns false when the group does not exist: the rest of the list is then not done. */
  protected groupAction(id: number, last: boolean): boolean {
    if (!this.withinLimits()) return true;
    const group = this.bridge.group(id);
    if (group === undefined) {
      this.note("warn", `output to nonexistent group ${id}`);
      return false;
    }
    if (group.type === "all" || group.type === "indirect") {
      const { buckets } = group;
      for (const bucket of buckets) this.bucketAction(bucket, last && bucket === buckets[buckets.length - 1]);
      this.countGroup(group, undefined);
      return true;
    }
    const alive = (bucket: Bucket): boolean => {
      const lives = this.isBucketAlive(bucket, 0) && (group.type !== "select" || bucket.weight > 0);
      if (!lives) this.noteDead(bucket);
      return lives;
    };
    let bucket: Bucket | undefined;
    if (group.type === "fast_failover") {
      bucket = group.buckets.find(alive);
    } else {
      if (this.wasMpls) {
        this.note("detail", "no live bucket"); // as Open vSwitch says, though it has not looked
        this.triggerFreeze();
        return true;
      }
      const chosen = chooseBucket(group, this.flow, this.mask, alive, (bucket, score) => {
        this.note("detail", `bucket ${bucket.id}: score ${score}`);
      });
      if (chosen === DP_HASH) {
        this.note("detail", "no live bucket");
        this.hashWanted = true;
        this.hashBasis = Number(group.selectionParam & 0xffffffffn) | 0;
        this.hashIsSymmetric = group.selectionMethod === "" || group.selectionParam >> 32n === 1n;
        this.triggerFreeze();
        return true;
      }
      bucket = chosen;
    }
    if (bucket === undefined) {
      this.note("detail", "no live bucket");
      return true;
    }
    this.note("detail", `using bucket ${bucket.id}`);
    this.bucketAction(bucket, last);
    this.countGroup(group, bucket);
    return true;
  }

  protected noteDead({ id, watchPort, watchGroup }: Bucket): void {
    const watched = watchPort === OFPP_NONE ? [] : [`port ${portToText(watchPort)}`];
    if (watchGroup !== OFPG_ANY) watched.push(`port ${watchGroup}`);
    this.note("detail", `bucket ${id}: not live due to ${watched.join(" and ")}`);
  }

  protected countGroup(group: Group, bucket: Bucket | undefined): void {
    const counters = this.bridge.groupCounters(group.id);
    if (counters !== undefined)
      this.effects.counts({ credit: (packets, bytes) => counters.credit(bucket, packets, bytes) });
  }

  /** As on a copy of the packet (xlate_group_bucket). */
  protected bucketAction(bucket: Bucket, last: boolean): void {
    const flow = this.flow.slice();
    const { wasMpls } = this;
    this.depth++;
    this.push("bucket", `bucket ${bucket.id}`, () => this.translate(orderedActionSet(bucket.actions), last, true));
    this.depth--;
    if (this.freezing) this.finishFreezing();
    this.flow.set(flow);
    this.wasMpls = wasMpls;
    this.exit = false;
  }
}
