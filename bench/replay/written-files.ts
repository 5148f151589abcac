/** Captures that a replay writes: what left by each port. */
import { join } from "node:path";
import { PcapWriter } from "../../pcaps/write-pcap.ts";
import type { Input } from "../trial/schedule.ts";
import { type BridgeSetup, makeSwitch, shownPorts } from "./bridge.ts";
import { isTunnel, type PortSpec, portName, UNDERLAY } from "./port-spec.ts";

/** Files that frames are written to, by name of the port they leave by; in `folder` those of ports without a file. */
export function writtenFiles(ports: readonly PortSpec[], folder: string | undefined): Map<string, string> {
  const files = new Map<string, string>();
  if (folder !== undefined) {
    for (const { ofport } of ports) {
      files.set(portName(ofport), join(folder, ofport === UNDERLAY ? "underlay.pcap" : `port-${ofport}.pcap`));
    }
    if (ports.some(isTunnel)) files.set(portName(UNDERLAY), join(folder, "underlay.pcap"));
  }
  for (const { ofport, kind, file } of ports) if (kind === "write") files.set(portName(ofport), file);
  return files;
}

/** The writers, by datapath port; files of ports without one of their own go to `folder`, which is there. */
export function writersOf(
  setup: BridgeSetup,
  folder: string | undefined,
  inputs: readonly Input[],
): Map<number, PcapWriter> {
  const writers = new Map<number, PcapWriter>();
  const epoch = inputs.map(({ trace }) => trace.epochNs).reduce((a, b) => (b < a ? b : a));
  const files = writtenFiles(setup.ports, folder);
  if (files.size === 0) return writers;
  // Datapath ports are numbered without regard to rules, of which there may be many.
  const made = makeSwitch({ ...setup, rules: undefined, groups: undefined });
  try {
    for (const [n, name] of shownPorts(made, setup.ports).entries()) {
      const file = files.get(name);
      if (file !== undefined) writers.set(n, new PcapWriter(file, epoch));
    }
  } catch (error) {
    for (const writer of writers.values()) writer.abort();
    throw error;
  }
  return writers;
}
