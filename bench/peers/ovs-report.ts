/**
 * A comparison with OVS-DPDK as text for people and as JSON: pure functions of its result.
 */
import { cpus, release } from "node:os";
import { formatPort } from "../replay/port-spec.ts";
import { spread } from "../trial/statistics.ts";
import type { Pair, PeerRun } from "./ovs-peer.ts";
import { pairedRatio, type Ratio } from "./paired-ratio.ts";
import type { TimedRun } from "./same-work.ts";

/** Above this share of time without the core, somebody else worked on it and the figures are not worth much. */
const DISTURBED = 0.02;

/** eastwest's packets a second against OVS-DPDK's; undefined when there are not both. */
export function ratioOf(pairs: readonly Pair[]): Ratio | undefined {
  if (pairs.length === 0 || pairs.some((pair) => pair.ours === undefined)) return undefined;
  return pairedRatio(
    pairs.map((pair) => pair.theirs.nsPerPacket),
    pairs.map((pair) => pair.ours!.nsPerPacket),
  );
}

/** The same of the time that the measured threads had their core: what others took from either is not in it. */
export function onCoreRatioOf(pairs: readonly Pair[]): Ratio | undefined {
  if (pairs.length === 0 || pairs.some((pair) => pair.ours === undefined)) return undefined;
  const onCore = (run: TimedRun): number => run.nsPerPacket * (1 - run.waitedShare);
  return pairedRatio(
    pairs.map((pair) => onCore(pair.theirs)),
    pairs.map((pair) => onCore(pair.ours!)),
  );
}

/** The largest share of a run in which a measured thread was ready and others had its core. */
export const waitedMost = (pairs: readonly Pair[]): number =>
  Math.max(...pairs.flatMap(({ theirs, ours }) => [theirs.waitedShare, ours?.waitedShare ?? 0]));

/** Somebody stopped it before all pairs were run. */
const stopped = ({ options, pairs, differences }: PeerRun): boolean =>
  differences.length === 0 && pairs.length < options.pairs;

/** The report, lines without a last newline. */
export function ovsReport(run: PeerRun): string {
  const { options, pairs } = run;
  const lines = [
    `${run.version}${both(pairs) ? " and eastwest, in turn" : " alone"}, on core ${options.core} of ${cpus().length}, ${cpus()[0]?.model.trim() ?? "?"}`,
    `${options.capture}: ${run.frames} frames, ${(run.bytes / run.frames).toFixed(1)} bytes on average; ${options.rules}: ${run.rules.size} rules; ` +
      `ports ${options.ports.map(formatPort).join(" ")}; exact-match cache ${options.exactMatchCache ? "on" : "off"}`,
    "",
  ];
  if (run.differences.length > 0) {
    lines.push(
      "The two did not do the same, so their times say nothing:",
      ...run.differences.map((line) => `  ${line}`),
    );
    return lines.join("\n");
  }
  const sent = [...run.sent].map(
    ([port, count]) => `${count} ${port === "underlay" ? "to the underlay" : `to port ${port}`}`,
  );
  lines.push(
    `One pass: ${run.frames} frames in, out ${sent.join(", ") || "none"}; ${[...run.rulePackets.values()].filter((n) => n > 0).length} of ${run.rules.size} rules used.` +
      (both(pairs) ? " The same frames and n_packets from both." : ""),
    "",
    "              ns/packet   95 % of median     lowest..highest   Mpackets/s   exact  megaflow  lookups/hit  masks  waited",
    row(
      "OVS-DPDK",
      pairs.map((pair) => pair.theirs),
    ),
  );
  if (both(pairs))
    lines.push(
      row(
        "eastwest",
        pairs.map((pair) => pair.ours!),
      ),
    );
  const cycles = spread(pairs.map((pair) => pair.theirs.cyclesPerPacket));
  lines.push(
    "",
    `OVS-DPDK: ${cycles.median.toFixed(0)} cycles a packet of a ${(pairs[0].theirs.tscHz / 1e9).toFixed(2)} GHz time stamp counter.`,
  );
  const ratio = ratioOf(pairs);
  if (ratio !== undefined) {
    lines.push(
      `eastwest forwards ${ratio.estimate.toFixed(3)} times as many packets a second as OVS-DPDK: ${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)} ` +
        `(${(100 * ratio.confidence).toFixed(1)} %, Hodges-Lehmann over ${ratio.pairs} pairs, pairs differ by ${(100 * ratio.deviation).toFixed(1)} %).`,
    );
  }
  lines.push(...measured(run), ...disturbed(pairs));
  if (stopped(run)) lines.push("", `Interrupted: ${pairs.length} of ${options.pairs} pairs were run.`);
  return lines.join("\n");
}

const both = (pairs: readonly Pair[]): boolean => pairs.length > 0 && pairs.every((pair) => pair.ours !== undefined);

function row(name: string, runs: readonly TimedRun[]): string {
  const ns = spread(runs.map((run) => run.nsPerPacket));
  const middle = (of: (run: TimedRun) => number): number => spread(runs.map(of)).median;
  const found = (run: TimedRun): number => run.hits.exact + run.hits.megaflow + run.hits.upcalls || 1;
  const percent = (of: (run: TimedRun) => number): string => `${(100 * middle(of)).toFixed(1)} %`;
  const one = (value: number): string => value.toFixed(1);
  return (
    name.padEnd(12) +
    one(ns.median).padStart(11) +
    `${one(ns.low)}..${one(ns.high)}`.padStart(17) +
    `${one(ns.min)}..${one(ns.max)}`.padStart(20) +
    (1000 / ns.median).toFixed(2).padStart(13) +
    percent((run) => run.hits.exact / found(run)).padStart(8) +
    percent((run) => run.hits.megaflow / found(run)).padStart(10) +
    middle((run) => run.lookupsPerHit)
      .toFixed(2)
      .padStart(13) +
    String(middle((run) => run.masks)).padStart(7) +
    percent((run) => run.waitedShare).padStart(8)
  );
}

function measured({ options }: PeerRun): string[] {
  return [
    "",
    `What is measured: wall clock, ${options.seconds} s a run after ${options.warmUp} s of warm-up. OVS-DPDK: its PMD thread by pmd-perf-show; receiving is`,
    "net_pcap's copy of the frame out of memory (infinite_rx), sending is net_null's free; packets always wait, so there is no",
    "idle polling in it but one empty poll of the output port a burst. eastwest: its replay loop, the copy of the frame into a",
    "packet slot included.",
  ];
}

function disturbed(pairs: readonly Pair[]): string[] {
  const worst = waitedMost(pairs);
  if (worst <= DISTURBED) return [];
  const onCore = onCoreRatioOf(pairs);
  return [
    "",
    `Disturbed: in one run the measured thread waited ${(100 * worst).toFixed(1)} % of its time for the core. Run again when the machine is quiet.`,
    ...(onCore === undefined
      ? []
      : [
          `By the time that the threads had the core: ${onCore.estimate.toFixed(3)} times as many packets, ${onCore.low.toFixed(3)} to ${onCore.high.toFixed(3)}.`,
        ]),
  ];
}

/** The result as plain data; `schema` counts up when a key changes its meaning. */
export function ovsJson(run: PeerRun): unknown {
  const { options, pairs } = run;
  const side = (runs: readonly TimedRun[]): unknown => {
    const nsPerPacket = spread(runs.map((one) => one.nsPerPacket));
    return {
      nsPerPacket: nsPerPacket.median,
      packetsPerSecond: 1e9 / nsPerPacket.median,
      spread: nsPerPacket,
      runs: runs.map((one) => ({ ...one, rules: Object.fromEntries(one.rules) })),
    };
  };
  return {
    kind: "eastwest-peer-ovs-dpdk",
    schema: 1,
    peer: run.version,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "",
      cores: cpus().length,
      kernel: release(),
      node: process.version,
      core: options.core,
    },
    capture: { file: options.capture, frames: run.frames, bytes: run.bytes, frameBytes: run.bytes / run.frames },
    rules: {
      file: options.rules,
      used: [...run.rules].map(([cookie, { line }]) => ({ cookie, line, packets: run.rulePackets.get(cookie) ?? 0 })),
    },
    ports: options.ports.map(formatPort),
    exactMatchCache: options.exactMatchCache,
    seconds: options.seconds,
    warmUp: options.warmUp,
    sent: Object.fromEntries(run.sent),
    differences: run.differences,
    interrupted: stopped(run),
    order: pairs.map((pair) => pair.first),
    ovsDpdk: pairs.length === 0 ? null : side(pairs.map((pair) => pair.theirs)),
    eastwest: both(pairs) ? side(pairs.map((pair) => pair.ours!)) : null,
    ratio: ratioOf(pairs) ?? null,
    onCoreRatio: onCoreRatioOf(pairs) ?? null,
  };
}
