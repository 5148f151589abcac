/**
 * The subtables of a classifier in the order of visits (OVS: struct pvector, lib/pvector.c): by falling highest priority,
 * those made first coming first among equals. And the positions that every lookup visits: the first subtable of each group
 * (stage-group.ts), as the others of it are visited only when that one says so.
 */
import { StageGroup } from "./stage-group.ts";
import type { Stage, Subtable } from "./subtable.ts";

export class SubtableOrder<T> {
  /** In the order of visits. */
  readonly subtables: Subtable<T>[] = [];
  /** Bit p: position p is visited by each lookup. Replaced when it grows; right after `arrange`. */
  starts = new Int32Array(0);
  private readonly groups = new Map<string, StageGroup<Subtable<T>>>();
  /** `position` of the subtables and `starts` are of an older order. */
  private moved = false;
  private deferred = false;
  /** Of the last lookup. That it comes back after 2^32 of them could only add a visit too few to a group not met since. */
  private stamp = 0;

  /** Puts a subtable that has its first rule last; `raise` takes it to its place. */
  append(subtable: Subtable<T>): void {
    this.subtables.push(subtable);
  }

  /** The highest priority of a subtable has risen. */
  raise(subtable: Subtable<T>, maxPriority: number): void {
    subtable.maxPriority = maxPriority;
    this.settle(this.subtables.lastIndexOf(subtable));
  }

  /** The highest priority of a subtable has fallen. */
  lower(subtable: Subtable<T>, maxPriority: number): void {
    subtable.maxPriority = maxPriority;
    this.settle(this.subtables.indexOf(subtable));
  }

  /** Takes an empty subtable out. The last takes its place until all is sorted anew, which shows among equals (pvector_remove). */
  remove(subtable: Subtable<T>): void {
    const last = this.subtables.pop()!;
    this.moved = true;
    if (--subtable.group.size === 0) this.groups.delete(groupName(subtable.stages));
    if (last === subtable) return;
    const at = this.subtables.indexOf(subtable);
    this.subtables[at] = last;
    this.settle(at);
  }

  /** Makes many changes; the order is made once at the end, as Open vSwitch does for one message. */
  atOnce(change: () => void): void {
    this.deferred = true;
    change();
    this.deferred = false;
    this.moved = true;
    this.subtables.sort((a, b) => b.maxPriority - a.maxPriority); // stable: ties stay in order of insertion
  }

  /** The group of a new subtable with `stages`. */
  groupFor(stages: readonly Stage[]): StageGroup<Subtable<T>> {
    const key = groupName(stages);
    let group = this.groups.get(key);
    if (group === undefined) {
      group = new StageGroup<Subtable<T>>(stages.length - 1);
      this.groups.set(key, group);
    }
    group.size++;
    return group;
  }

  /** A number for a new lookup. */
  nextStamp(): number {
    this.stamp = (this.stamp + 1) | 0;
    return this.stamp;
  }

  /** Numbers the subtables and finds the first of each group, where their order is new. Before each lookup. */
  arrange(): void {
    if (!this.moved) return;
    const { subtables } = this;
    const words = (subtables.length + 31) >> 5;
    if (this.starts.length !== words) this.starts = new Int32Array(words);
    const { starts } = this;
    starts.fill(0);
    const stamp = this.nextStamp();
    for (let position = 0; position < subtables.length; position++) {
      const subtable = subtables[position];
      const { group } = subtable;
      subtable.position = position;
      if (group.stages.length > 0 && group.stamp === stamp) continue;
      group.stamp = stamp;
      starts[position >> 5] |= 1 << (position & 31);
    }
    this.moved = false;
  }

  /** Sorts when only the subtable at `at` is out of order, as a stable sort of all would. */
  private settle(at: number): void {
    if (this.deferred) return;
    this.moved = true;
    const { subtables } = this;
    const subtable = subtables[at];
    const { maxPriority } = subtable;
    let to = at;
    for (; to > 0 && subtables[to - 1].maxPriority < maxPriority; to--) subtables[to] = subtables[to - 1];
    for (; to < subtables.length - 1 && subtables[to + 1].maxPriority > maxPriority; to++)
      subtables[to] = subtables[to + 1];
    subtables[to] = subtable;
  }
}

/** A name for the masks of all stages but the last. */
function groupName(stages: readonly Stage[]): string {
  return stages
    .slice(0, -1)
    .map((stage) => `${stage.words.join()}=${stage.masks.join()}`)
    .join(";");
}
