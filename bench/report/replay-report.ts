/** What `eastwest replay` prints. Pure: a result in, text out. */
import { stageNames } from "../replay/engine.ts";
import type { CacheResult, ReplayResult } from "../replay/result.ts";
import { isDisturbed } from "../trial/sampling.ts";
import { relativeSpread, type Spread } from "../trial/statistics.ts";
import { dropTable } from "./drop-reasons.ts";
import { number, percent, plural, table, whole, wrapped } from "./format.ts";
import { perfText } from "./perf-report.ts";
import { busyCore } from "./run-report.ts";

/** The whole report; ends with a newline. */
export function replayReport(result: ReplayResult): string {
  const { cpu, node, cores } = result.environment;
  const parts = [
    `eastwest ${result.eastwest}: replay through ${result.rulesFile ?? "a bridge with NORMAL"}\n` +
      `${cpu}, ${plural(cores, "core")}; ${result.workers === 1 ? "one thread" : `${result.workers} threads (--workers)`}; Node ${node}\n` +
      (result.interrupted ? "Interrupted: what follows is as far as it went.\n" : ""),
    `Traffic\n${result.inputs.map(({ port, file, frames }) => `  ${file}, ${whole(frames)} frames into port ${port}\n`).join("")}`,
    counted(result),
    underlay(result),
    timed(result),
    caches(result),
    ports(result),
    drops(result),
    perf(result),
    result.conservation.ok
      ? "Counters add up.\n"
      : `Counters do not add up:\n${result.conservation.violations.map((line) => `  ${line}\n`).join("")}`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function counted(result: ReplayResult): string {
  const rows = [
    ["packets in", whole(result.packets)],
    ["bytes in", whole(result.bytes)],
    ["mean frame, bytes", number(result.frameBytes)],
    ["packets out", whole(result.transmitted.packets - (result.underlay?.ended.packets ?? 0))],
    ["bytes out", whole(result.transmitted.bytes - (result.underlay?.ended.bytes ?? 0))],
    ["recirculations", whole(result.recirculations)],
    ["encapsulations, decapsulations", `${whole(result.encapsulations)}, ${whole(result.decapsulations)}`],
  ];
  if (result.offered.refused > 0) rows.push(["frames that found no buffer", whole(result.offered.refused)]);
  return `Counted in one cold pass\n${table(rows)}`;
}

/** Who takes tunnels off, and whose frames were not for it. */
function underlay({ underlay: of }: ReplayResult): string {
  if (of === null) return "";
  const { address, mac, macFrom, seen, mostTo, unmatched, ended } = of;
  const why = {
    option: "--underlay-mac",
    capture: "where the capture's frames to it go",
    address: "made of the address",
  };
  let text = `Underlay: tunnels end at ${address}, MAC ${mac} (${why[macFrom]})\n`;
  if (seen !== null && seen.toOtherMac > 0) {
    text += `  frames to ${address} at another MAC: ${whole(seen.toOtherMac)} of ${whole(seen.toAddress)} in the capture\n`;
  }
  if (ended.packets > 0) {
    text += `  ended at the underlay's own port: ${whole(ended.packets)}, not for a tunnel of this replay (other MAC, address or protocol)\n`;
  }
  if (unmatched > 0) {
    text += `  no tunnel of this replay has their ends and key: ${whole(unmatched)}\n`;
  }
  if (seen !== null && seen.toAddress === 0 && mostTo !== "") {
    text += `  no frame of the capture is for ${address}, most are for ${mostTo}: LOCAL is the end that receives\n`;
  }
  return text;
}

function timed({ times, stages, bytesAllocatedPerPacket, ...result }: ReplayResult): string {
  if (times === null) return "";
  const rows = [
    ["ns per packet, copy into the slot included", spreadText(times.nsPerPacket)],
    ["Mpps", number(result.packetsPerSecond === null ? null : result.packetsPerSecond / 1e6)],
    ["Gbit/s (layer 2)", number(result.bitsPerSecond === null ? null : result.bitsPerSecond / 1e9)],
    ["ageing, revalidation (not in it), ns", number(times.housekeepingNsPerPacket.median)],
    ["time without the core (others had it)", percent(times.waitedShare)],
    ["bytes allocated per packet", number(bytesAllocatedPerPacket)],
    ["warm passes, packets measured", `${whole(times.passes)}, ${whole(times.packets)}`],
  ];
  let text = `On ${result.workers === 1 ? "one core" : `${result.workers} workers`} (timed in warm passes; median, half the 95 % interval)\n${table(rows)}${wrapped(times.rule)}`;
  if (isDisturbed(times)) text += wrapped(busyCore(percent(times.waitedShare)));
  if (stages !== null) {
    const all = stageNames.reduce((sum, name) => sum + stages[name], 0);
    const cells = stageNames.map((name) => [`  ${name}`, number(stages[name]), percent(stages[name] / all)]);
    text +=
      `\nStages, ns per packet (passes of their own with the clock read at each stage, so ${number(all)} ns in all: read the shares)\n` +
      table(cells, "");
  }
  return text;
}

const spreadText = (of: Spread): string => `${number(of.median)} ±${(100 * relativeSpread(of)).toFixed(1)} %`;

function caches({ cache, times, exactMatchEntries }: ReplayResult): string {
  const columns: readonly (readonly [string, CacheResult])[] = [
    ["cold", cache],
    ...(times === null ? [] : ([["timed", times.cache]] as const)),
  ];
  const of = (part: (of: CacheResult) => number) =>
    columns.map(([, one]) => `${whole(part(one))} (${percent(one.lookups === 0 ? null : part(one) / one.lookups)})`);
  const plain = (part: (of: CacheResult) => string) => columns.map(([, one]) => part(one));
  return `Caches (exact match: ${exactMatchEntries === 0 ? "off" : `${whole(exactMatchEntries)} entries`})\n${table([
    ["", ...columns.map(([name]) => name)],
    ["lookups", ...plain((one) => whole(one.lookups))],
    ["  exact match", ...of((one) => one.exactHits)],
    ["  megaflow", ...of((one) => one.megaflowHits)],
    ["  upcall", ...of((one) => one.upcalls)],
    ["subtables tried by megaflow hit", ...plain((one) => number(one.lookupsPerHit))],
    ["megaflows at the end", ...plain((one) => whole(one.megaflows))],
    ["masks at the end", ...plain((one) => whole(one.masks))],
  ])}${wrapped("a megaflow hit tries none when an earlier packet of its burst has just made the flow: under 1 a hit can be")}`;
}

function ports({ ports: list }: ReplayResult): string {
  return `Ports (cold pass)\n${table([
    ["", "rx packets", "rx bytes", "tx packets", "tx bytes"],
    ...list.map((one) => [
      one.kind === "" ? one.port : `${one.port}=${one.kind}`,
      ...[one.rxPackets, one.rxBytes, one.txPackets, one.txBytes].map(whole),
    ]),
  ])}`;
}

function drops({ drops: reasons }: ReplayResult): string {
  const list = Object.entries(reasons);
  return list.length === 0
    ? "Drops: none\n"
    : `Drops and other ends, by reason\n${dropTable([""], Object.keys(reasons), (reason) => [whole(reasons[reason])])}`;
}

function perf({ perf: of }: ReplayResult): string {
  if (of === null) return "";
  const loops = (which: "cold" | "timed"): string => {
    const all = of[which];
    if (all === null) return "";
    const own = of.workers ?? [];
    if (own.length === 0) return perfText(all, "worker 0");
    const each = own.map((one, worker) => {
      const mine = one[which];
      return mine === null ? "" : perfText(mine, `worker ${worker}`);
    });
    return `${wrapped("work that all workers do in order, each in its own copy, is in the first one's figures")}${[...each, perfText(all, "all workers")].join("\n")}`;
  };
  const cold = `Loop of the cold pass, every batch an iteration\n${loops("cold")}`;
  if (of.timed === null) return cold;
  return `${cold}\nLoop of the timed passes (the clock takes ${number(of.timed.clockNs)} ns a reading)\n${loops("timed")}`;
}
