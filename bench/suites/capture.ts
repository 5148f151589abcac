/** Captures from the page cache into a trace. For large files and memory see pcap-read.ts. */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import type { Suite } from "./harness.ts";

const COUNT = 20_000;
const files: string[] = [];

export const suite: Suite = {
  name: "capture",
  tasks: ["60", "IMIX_v4_1"].flatMap((size) =>
    ["pcap", "pcapng", "pcap.gz"].map((kind) => ({
      name: `capture: ${kind}, frames of ${size}`,
      unit: "frame",
      operations: COUNT,
      make: () => {
        const file = join(tmpdir(), `eastwest-bench-${process.pid}-${size}.${kind}`);
        files.push(file);
        generateFile(file, { frames: COUNT, flows: 1000, size, seed: 1 });
        return async () => {
          const { count } = await readTrace(file);
          if (count !== COUNT) throw new Error(`${file}: ${count} frames, expected ${COUNT}`);
        };
      },
    })),
  ),
  done: () => {
    for (const file of files.splice(0)) rmSync(file, { force: true });
  },
};
