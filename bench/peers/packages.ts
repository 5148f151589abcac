/**
 * What the peers need on a machine, asked before anything is touched, so that a missing package is one line and not a
 * half-started switch. Paths are Debian's.
 */
import { existsSync, readdirSync } from "node:fs";
import { cpus } from "node:os";
import { delimiter, join } from "node:path";
import { InputError } from "../errors.ts";

export const VSWITCHD_DPDK = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";
export const OVS_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema";

/** One thing that must be there, and the package that brings it. */
export interface Need {
  readonly package: string;
  readonly found: () => boolean;
}

const program = (name: string): boolean =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"].some((folder) =>
    existsSync(join(folder, name)),
  );

/** Debian keeps DPDK's drivers in /usr/lib/TRIPLET/dpdk/pmds-VERSION. */
const driver = (name: string): boolean => {
  const lib = "/usr/lib";
  if (!existsSync(lib)) return false;
  for (const triplet of readdirSync(lib)) {
    const dpdk = join(lib, triplet, "dpdk");
    if (!triplet.includes("-") || !existsSync(dpdk)) continue;
    for (const version of readdirSync(dpdk)) if (existsSync(join(dpdk, version, `librte_${name}.so.23`))) return true;
  }
  return false;
};

const drivers: readonly Need[] = [
  { package: "librte-net-pcap23", found: () => driver("net_pcap") },
  { package: "librte-net-null23", found: () => driver("net_null") },
  { package: "librte-mempool-ring23", found: () => driver("mempool_ring") },
];
const tools: readonly Need[] = [{ package: "util-linux", found: () => program("taskset") && program("setpriv") }];

export const ovsDpdkNeeds: readonly Need[] = [
  { package: "openvswitch-switch-dpdk", found: () => existsSync(VSWITCHD_DPDK) },
  { package: "openvswitch-common", found: () => program("ovs-appctl") && program("ovs-ofctl") },
  { package: "openvswitch-switch", found: () => program("ovsdb-server") && existsSync(OVS_SCHEMA) },
  { package: "iproute2", found: () => program("ip") },
  ...drivers,
  ...tools,
];
export const testpmdNeeds: readonly Need[] = [
  { package: "dpdk-dev", found: () => program("dpdk-testpmd") },
  ...drivers,
  ...tools,
];

/** Throws InputError with the one command to type when something of `needs` is missing. */
export function requirePackages(peer: string, needs: readonly Need[]): void {
  if (process.platform !== "linux") throw new InputError(`peer ${peer} runs on Linux, this is ${process.platform}`);
  const missing = needs.filter((need) => !need.found()).map((need) => need.package);
  if (missing.length > 0) {
    throw new InputError(`peer ${peer} is not installed: apt-get install --no-install-recommends ${missing.join(" ")}`);
  }
}

/** The core to measure on: the one asked for, or 1. Throws InputError where there is none beside it for the rest. */
export function measuredCore(asked: number | undefined): number {
  const count = cpus().length;
  if (count < 2) throw new InputError("this machine has 1 core, expected 2: one to measure on and one for the rest");
  const core = asked ?? 1;
  if (!Number.isInteger(core) || core < 0 || core >= count) {
    throw new InputError(`--core ${core}: no such core, expected 0 to ${count - 1}`);
  }
  return core;
}

/** A list of all cores but `core`, as taskset takes it. */
export function otherCores(core: number): string {
  return cpus()
    .map((_, i) => i)
    .filter((i) => i !== core)
    .join(",");
}
