/** Texts that Open vSwitch 3.1.0 with DPDK 22.11 printed in runs of 60-byte frames, kept as they were. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../bench/paths.ts";

export function recorded(name: string): string {
  return readFileSync(join(packageRoot, "test", "bench", "peers", "recorded", name), "utf8");
}
