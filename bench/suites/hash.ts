/** The hash of a list of words, as tables of the slow side use it. */
import { hashAdd, hashFinish } from "../../datapath/flow/hash.ts";
import type { Suite } from "./harness.ts";

const KEYS = 1000;

export const suite: Suite = {
  name: "hash",
  tasks: [5, 16, 40].map((words) => ({
    name: `hash: ${words} words`,
    unit: "key",
    operations: KEYS,
    make: () => {
      const key = Int32Array.from({ length: words + KEYS }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
      let sink = 0;
      return () => {
        for (let k = 0; k < KEYS; k++) {
          let hash = sink & 1;
          for (let w = k; w < k + words; w++) hash = hashAdd(hash, key[w]);
          sink ^= hashFinish(hash);
        }
      };
    },
  })),
};
