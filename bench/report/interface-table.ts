/**
 * An interface table per node, in the shape of iproute2's `ifstat`: packets and bytes received and sent, modes side by side.
 * Counters of a port are the bridge's: rx came into it. `ifstat` shows what the host's interface counts, which is the same at
 * a card or a tap, and the other way round at an internal port: its interface is the far end, what the bridge sends it
 * receives. A tunnel's frames are on the card, with their outer headers. Interfaces that nothing went through are left out.
 */
import type { ModeResult } from "../trial/result.ts";
import { table, whole } from "./format.ts";

const COLUMNS = ["RX Pkts", "TX Pkts", "RX Bytes", "TX Bytes", "RX Drop"] as const;

type Port = ModeResult["nodes"][number]["ports"][number];

/** One table for each node, in the order of the first mode. */
export function interfaceTables(modes: readonly ModeResult[]): string {
  const nodes = [...new Set(modes.flatMap((mode) => mode.nodes.map((node) => node.name)))];
  return nodes.map((name) => nodeTable(modes, name)).join("\n");
}

function nodeTable(modes: readonly ModeResult[], name: string): string {
  const ports = modes.map((mode) => mode.nodes.find((node) => node.name === name)?.ports ?? []);
  const names = [...new Set(ports.flatMap((list) => list.filter(used).map((port) => port.name)))];
  const first = ["", ...modes.flatMap((mode) => [mode.mode, ...COLUMNS.slice(1).map(() => "")])];
  const head = ["Interface", ...modes.flatMap(() => [...COLUMNS])];
  const lines = names.map((port) => [
    port,
    ...ports.flatMap((list) => cells(list.find((candidate) => candidate.name === port))),
  ]);
  const role = modes.flatMap((mode) => mode.nodes).find((node) => node.name === name)?.role ?? "";
  return `Interfaces of ${name} (${role} node)\n${table(lines.length === 0 ? [["none was used"]] : [first, head, ...lines])}`;
}

const used = (port: Port): boolean => port.rxPackets + port.txPackets + port.drops > 0;

function cells(port: Port | undefined): string[] {
  if (port === undefined) return COLUMNS.map(() => "-");
  const { rxPackets, txPackets, rxBytes, txBytes, drops } = port;
  const shown =
    port.type === "internal"
      ? [txPackets, rxPackets, txBytes, rxBytes, drops]
      : [rxPackets, txPackets, rxBytes, txBytes, drops];
  return shown.map(whole);
}
