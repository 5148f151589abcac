/**
 * Hugepages for DPDK: packet buffers in 2 MB pages. As root they are reserved for the time of a run, and the number is put
 * back as it was; otherwise they have to be there. The kernel may find fewer than asked for in fragmented memory.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { InputError } from "../errors.ts";
import { atOurDeath } from "./child.ts";
import type { Undo } from "./undo.ts";

const FOLDER = "/sys/kernel/mm/hugepages/hugepages-2048kB";
export const HUGEPAGE_BYTES = 2 << 20;

const read = (name: string): number => Number(readFileSync(`${FOLDER}/${name}`, "latin1"));

/** Sees to it that `bytes` of free 2 MB pages are there until `undo` runs. Throws InputError when they cannot be had. */
export function reserveHugepages(undo: Undo, bytes: number): void {
  if (!existsSync(FOLDER)) throw new InputError("this kernel has no 2 MB hugepages, which DPDK needs");
  const need = Math.ceil(bytes / HUGEPAGE_BYTES);
  const before = read("nr_hugepages");
  const free = read("free_hugepages") - read("resv_hugepages");
  if (free >= need) return;
  const wanted = before + need - free;
  const byHand = `echo ${wanted} > ${FOLDER}/nr_hugepages`;
  if (process.getuid?.() !== 0) {
    throw new InputError(`${free} free hugepages of 2 MB, expected ${need}: run as root, or as root: ${byHand}`);
  }
  undo.add("give hugepages back", () => writeFileSync(`${FOLDER}/nr_hugepages`, String(before)));
  atOurDeath(undo, 'echo "$1" > "$2"', String(before), `${FOLDER}/nr_hugepages`);
  writeFileSync(`${FOLDER}/nr_hugepages`, String(wanted));
  const got = read("free_hugepages") - read("resv_hugepages");
  if (got < need) {
    throw new InputError(`the kernel could reserve ${got} hugepages of 2 MB, expected ${need}: free some memory first`);
  }
}
