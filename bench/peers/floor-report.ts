/**
 * The peers that only give a figure to hold others against, testpmd and the pcap package, as text and as JSON.
 */
import { cpus, release } from "node:os";
import { spread } from "../trial/statistics.ts";

/** One thing measured several times. */
export interface Floor {
  /** "testpmd macswap", "node-pcap 3.1.0: read and decode". */
  readonly name: string;
  readonly nsPerPacket: readonly number[];
}

export interface FloorReport {
  readonly kind: string;
  readonly capture: string;
  readonly frames: number;
  readonly bytes: number;
  readonly core: number;
  readonly seconds: number;
  readonly floors: readonly Floor[];
  /** Sentences on what is measured. */
  readonly notes: readonly string[];
}

/** Lines without a last newline. */
export function floorReport(report: FloorReport): string {
  const width = Math.max(...report.floors.map(({ name }) => name.length)) + 2;
  const rows = report.floors.map(({ name, nsPerPacket }) => {
    const of = spread(nsPerPacket);
    const range = `${of.min.toFixed(1)}..${of.max.toFixed(1)}`;
    return (
      name.padEnd(width) +
      of.median.toFixed(1).padStart(11) +
      range.padStart(18) +
      (1000 / of.median).toFixed(2).padStart(13)
    );
  });
  return [
    `${report.capture}: ${report.frames} frames, ${(report.bytes / report.frames).toFixed(1)} bytes on average; core ${report.core} of ${cpus().length}, ` +
      `${cpus()[0]?.model.trim() ?? "?"}; ${report.floors[0].nsPerPacket.length} runs of ${report.seconds} s`,
    "",
    `${"".padEnd(width)}  ns/packet   lowest..highest   Mpackets/s`,
    ...rows,
    "",
    ...report.notes,
  ].join("\n");
}

/** Plain data; `schema` counts up when a key changes its meaning. */
export function floorJson(report: FloorReport): unknown {
  return {
    kind: report.kind,
    schema: 1,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "",
      cores: cpus().length,
      kernel: release(),
      node: process.version,
      core: report.core,
    },
    capture: {
      file: report.capture,
      frames: report.frames,
      bytes: report.bytes,
      frameBytes: report.bytes / report.frames,
    },
    seconds: report.seconds,
    figures: report.floors.map(({ name, nsPerPacket }) => {
      const of = spread(nsPerPacket);
      return { name, nsPerPacket: of.median, packetsPerSecond: 1e9 / of.median, spread: of, runs: nsPerPacket };
    }),
    notes: report.notes,
  };
}
