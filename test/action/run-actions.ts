/** Actions done on frames: what leaves, from each frame by itself and from all as one burst. */
import assert from "node:assert/strict";
import type { OdpAction, SetHeader } from "../../datapath/action/odp-action.ts";
import { TestBench } from "../datapath/bench.ts";
import { toHex } from "../flow/burst.ts";
import { buildFrame, type FrameSpec, ip4Bytes, macBytes } from "./frames.ts";

export const OUT = 1;
export const output: OdpAction = { kind: "output", port: OUT };
/** Four bytes as a word of the flow key, int32. */
export const word = (bytes: readonly number[], at = 0): number =>
  (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
/** Sets words of a header: word of the flow key, value, mask. */
export const set = (header: SetHeader, ...words: (readonly [number, number, number])[]): OdpAction => ({
  kind: "set",
  header,
  words,
});
/** Two addresses as three words. */
export const macs = (first: string, second: string): number[] => {
  const bytes = [...macBytes(first), ...macBytes(second)];
  return [word(bytes), word(bytes, 4), word(bytes, 8)];
};
export const ip4 = (text: string): number => word(ip4Bytes(text));

/** Thousands of datapaths are made here: most of the time would go into clearing caches of full size (12.7 s, now 3.2 s). */
const SMALL = { emc: { entries: 64 } };

/** Runs the actions on each frame by itself and on all as one burst (the same megaflow or not). */
export function runs(actions: readonly OdpAction[], frames: readonly Uint8Array[]): string[] {
  const alone = new TestBench(() => ({ actions }), SMALL);
  const single = frames.flatMap((frame) => alone.send([frame]));
  alone.conserves();
  const together = new TestBench(() => ({ actions }), SMALL);
  const burst = together.send(frames);
  together.conserves();
  assert.deepEqual([...burst].sort(), [...single].sort());
  return single;
}

/** The actions turn the frame of `before` into the frame of `after`, transmitted on port OUT. */
export function becomes(actions: readonly OdpAction[], before: FrameSpec, after: FrameSpec, what: string): void {
  assert.deepEqual(runs([...actions, output], [buildFrame(before)]), [`${OUT}:${toHex(buildFrame(after))}`], what);
}
