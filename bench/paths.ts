/** Where the files beside the code are, from the built tree as well as from the sources, and how paths are shown. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const above = dirname(folder);
    if (above === folder) throw new Error("package.json not found above the program: the installation is incomplete");
    folder = above;
  }
  return folder;
}

/** The folder of package.json. */
export const packageRoot = findRoot();

export const networks = ["gre", "vxlan", "vlan"] as const;
export const modes = ["legacy", "dvr"] as const;
export type NetworkName = (typeof networks)[number];
export type ModeName = (typeof modes)[number];

/** The topology file of the article's hosts for a kind of network and a mode. */
export function scenarioFile(network: NetworkName, mode: ModeName): string {
  return join(packageRoot, "bench", "scenarios", `${network}-${mode}`, "topology.yaml");
}

/** The recorded capture of a place ("vm1", "vm2", "underlay"), whether it exists or not. */
export function recordedFile(network: NetworkName, mode: ModeName, place: string): string {
  return join(packageRoot, "pcaps", "recorded", `${network}-${mode}.${place}.pcap`);
}

/** A path as a person would type it here: relative when the file lies below the working directory. */
export function shown(path: string): string {
  const here = relative(process.cwd(), path);
  return here === "" || here.startsWith("..") || isAbsolute(here) ? path : here;
}

/** Version of the package. */
export const packageVersion = (
  JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }
).version;
