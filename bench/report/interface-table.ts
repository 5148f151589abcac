/**
 * An interface table per node, in the shape of iproute2's `ifstat`: packets and bytes received and sent, modes side by side.
 * As on a real host, what a bridge receives from a NIC the NIC has received; a tunnel's frames are on the NIC with their
 * outer headers. Interfaces that nothing went through in any mode are left out.
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
  return [port.rxPackets, port.txPackets, port.rxBytes, port.txBytes, port.drops].map(whole);
}
