/** Every host on a thread of its own, with rings for wires: what was asked for, and what became of it. */

export interface PlacementPlan {
  /** Frames that a ring between two hosts holds. */
  readonly ringSlots: number;
  /** What finds a ring full is dropped and counted; otherwise it waits. */
  readonly ringDrop: boolean;
}

/** How the hosts were placed, and what that did. */
export interface Placement {
  /** Threads, one a host. */
  readonly threads: number;
  /** Frames that a ring holds. */
  readonly ringSlots: number;
  /** In the counting pass: frames dropped because a ring was full, and times that one was waited for. */
  readonly ringDrops: number;
  readonly ringWaits: number;
}
