/** The machine and program that a figure belongs to; without it a figure says little. */
import { arch, availableParallelism, cpus, release, type as systemName } from "node:os";

export interface Environment {
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
}

export function environment(): Environment {
  return {
    node: process.version,
    v8: process.versions.v8,
    platform: `${systemName()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
  };
}
