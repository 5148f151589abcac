/** The internet checksum over whole frames, and its update for a changed word. */
import { checksum, checksumUpdate16, checksumUpdate32 } from "../../datapath/wire/checksum.ts";
import type { Suite, Task } from "./harness.ts";

const CALLS = 1000;

const bytes = Uint8Array.from({ length: 4096 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);

/** `call` gets the number of the call and what the ones before it gave. */
const task = (name: string, call: (i: number, before: number) => number): Task => ({
  name: `checksum: ${name}`,
  unit: "call",
  operations: CALLS,
  make: () => {
    let sink = 0;
    return () => {
      for (let i = 0; i < CALLS; i++) sink ^= call(i, sink);
    };
  },
});

export const suite: Suite = {
  name: "checksum",
  tasks: [
    ...[20, 60, 1500].map((length) => task(`${length} bytes`, (i) => checksum(bytes, i & 63, (i & 63) + length))),
    task("16 bits changed", (i, before) => checksumUpdate16(before & 0xffff, i, i + 1)),
    task("32 bits changed", (i, before) => checksumUpdate32(before & 0xffff, i, ~i)),
  ],
};
