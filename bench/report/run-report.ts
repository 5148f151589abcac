/** What `eastwest run` prints: the modes side by side. Pure: a result in, text out. */
import type { NodeCost } from "../trial/node-cost.ts";
import { type ModeResult, type PerPacket, perPacketNames, type RunResult } from "../trial/result.ts";
import { isDisturbed } from "../trial/sampling.ts";
import { relativeSpread, type Spread } from "../trial/statistics.ts";
import { dropTable } from "./drop-reasons.ts";
import { item, number, percent, plural, table, whole, wrapped } from "./format.ts";
import { interfaceTables } from "./interface-table.ts";

const PER_PACKET: Record<PerPacket, string> = {
  passes: "passes through a datapath",
  tunnelPasses: "  of these with a tunnel header",
  encapsulations: "encapsulations",
  decapsulations: "decapsulations",
  routings: "routings",
  underlayFrames: "underlay frames",
  underlayBytes: "underlay bytes",
};

/** A row of the comparison: what, and the cell of one mode. */
type Row = readonly [string, (mode: ModeResult) => string];

/** The whole report; ends with a newline. */
export function runReport(result: RunResult): string {
  const modes = Object.values(result.modes);
  if (modes.length === 0) return "interrupted before anything was done\n";
  const { cpu, node, cores } = result.environment;
  const parts = [
    `eastwest ${result.eastwest}: ${networkText(modes)}\n` +
      `${cpu}, ${plural(cores, "core")}, ${used(modes)} used; Node ${node}\n` +
      (result.interrupted ? "Interrupted: what follows is as far as it went.\n" : ""),
    inputText(modes),
    rows("Delivered (counted in one cold pass)", modes, counted) + offeredNote(modes) + paceText(modes),
    modes.some((mode) => mode.times !== null) ? timed(modes) : "",
    rows("Per delivered packet", modes, perPacket),
    rows("Underlay and network node", modes, underlay) + longFrames(modes),
    rows("Caches", modes, caches) + subtablesNote(modes),
    drops(modes),
    endedAtBridges(modes),
    ...modes.map(nothingDelivered),
    placed(modes) > 0 ? rows("Rings between hosts (counting pass)", modes, rings) : "",
    interfaceTables(modes),
    ...modes.map(ping),
    capacity(modes),
    conservation(modes),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

const workersOf = (modes: readonly ModeResult[]): number => Math.max(...modes.map((mode) => mode.workers ?? 1));
const placed = (modes: readonly ModeResult[]): number => modes[0].placement?.threads ?? 0;
const used = (modes: readonly ModeResult[]): string => {
  if (placed(modes) > 0) return `${placed(modes)} threads, one a host,`;
  return workersOf(modes) === 1 ? "one" : `${workersOf(modes)} by workers`;
};
const coresText = (modes: readonly ModeResult[]): string => {
  if (placed(modes) > 0) return `${placed(modes)} threads, one a host`;
  return workersOf(modes) === 1 ? "one core" : `${workersOf(modes)} workers`;
};

function networkText(modes: readonly ModeResult[]): string {
  const kinds = [...new Set(modes.map(({ network }) => network))].join(", ");
  return `${kinds} networks, ${modes.map(({ mode, topology }) => `${mode} (${topology.name})`).join(" and ")}`;
}

function inputText(modes: readonly ModeResult[]): string {
  const lines = modes.flatMap((mode) => [
    ...mode.inputs.map(
      ({ port, file, frames, sent, rule }) =>
        `${mode.mode}: ${file}, ${whole(sent)} of ${whole(frames)} frames into ${port}: ${rule}`,
    ),
    ...mode.notes.map((note) => `${mode.mode}: ${note}`),
  ]);
  return `Traffic\n${lines.map(item).join("")}`;
}

function rows(title: string, modes: readonly ModeResult[], list: readonly Row[]): string {
  const head = ["", ...modes.map((mode) => mode.mode)];
  return `${title}\n${table([head, ...list.map(([name, cell]) => [name, ...modes.map(cell)])])}`;
}

const counted: readonly Row[] = [
  ["frames offered", (mode) => whole(mode.offered.packets)],
  ["packets delivered", (mode) => whole(mode.packets)],
  ["bytes delivered", (mode) => whole(mode.bytes)],
  ["mean frame, bytes", (mode) => number(mode.frameBytes)],
];

/** Delivered frames need not be offered ones. */
function offeredNote(modes: readonly ModeResult[]): string {
  if (!modes.some((mode) => mode.packets > mode.offered.packets)) return "";
  return wrapped(
    "more delivered than offered: routers and answering VMs make frames of their own (ARP, ICMP errors), bridges flood copies",
  );
}

function paceText(modes: readonly ModeResult[]): string {
  return modes
    .flatMap(({ mode, pace }) =>
      pace === null
        ? []
        : [
            item(
              `${mode}: pace asked ${pace.asked}, achieved ${number(pace.framesPerSecond)} frames/s; latest frame ${number(pace.latestMs)} ms late`,
            ),
          ],
    )
    .join("");
}

function timed(modes: readonly ModeResult[]): string {
  const names = [...new Set(modes.flatMap((mode) => mode.nodes.map((node) => node.name)))];
  const list: Row[] = [
    ["ns per delivered packet", (mode) => spreadText(mode.times?.nsPerPacket ?? null)],
    ["Mpps", (mode) => rateText(mode, mode.packetsPerSecond, 1e6)],
    ["Gbit/s (layer 2)", (mode) => rateText(mode, mode.bitsPerSecond, 1e9)],
    ...names.map(
      (name): Row => [
        workersOf(modes) === 1 ? `  ns in ${name}` : `  ns in ${name}, all workers`,
        (mode) => spreadText(nodeOf(mode, name)?.nsPerPacket ?? null),
      ],
    ),
    ...(modes.some((mode) => typeof mode.times?.restNsPerPacket === "number")
      ? [
          [
            "  ns in none: copies in, VMs, wires, clock",
            (mode: ModeResult) => number(mode.times?.restNsPerPacket ?? null),
          ] as const,
        ]
      : []),
    ["  ageing, revalidation (not in it)", (mode) => number(mode.times?.housekeepingNsPerPacket.median ?? null)],
    ["bytes allocated per packet", (mode) => number(mode.bytesAllocatedPerPacket ?? null)],
    ["time without the core (others had it)", (mode) => percent(mode.times?.waitedShare ?? null)],
    ["samples, of these left out for that", samplesText],
    ["warm passes measured", (mode) => whole(mode.times?.passes ?? 0)],
  ];
  const rule = modes.find((mode) => mode.times !== null)?.times?.rule ?? "";
  return `${rows(`On ${coresText(modes)} (timed in warm passes; median, half the 95 % interval)`, modes, list)}${wrapped(rule)}${wrapped(disturbance(modes))}`;
}

const samplesText = ({ times }: ModeResult): string =>
  times?.samples === undefined ? "-" : `${whole(times.samples.taken)}, ${whole(times.samples.leftOut)}`;

/** What is wrong with times that were taken while others had the core; "" when nothing is. */
export function disturbance(modes: readonly ModeResult[]): string {
  const list = modes.filter(({ times }) => isDisturbed(times));
  if (list.length === 0) return "";
  const shares = list.map(({ mode, times }) => `${mode} ${percent(times?.waitedShare ?? null)}`).join(", ");
  return busyCore(shares);
}

/** The warning itself, with the shares of time that were lost. */
export const busyCore = (shares: string): string =>
  `warning: others had the core while this was timed (${shares}): measure again on a machine that is less busy\n`;

const nodeOf = (mode: ModeResult, name: string): NodeCost | undefined => mode.nodes.find((node) => node.name === name);

function spreadText(of: Spread | null): string {
  return of === null ? "-" : `${number(of.median)} ±${(100 * relativeSpread(of)).toFixed(1)} %`;
}

/** A rate in `unit`s with the spread of the time it is made of: to first order the same share. */
function rateText({ times }: ModeResult, rate: number | null, unit: number): string {
  if (rate === null || times === null) return "-";
  return spreadText({ ...times.nsPerPacket, ...scaled(times.nsPerPacket, rate / unit) });
}

/** The interval about `median` that is as wide, as a share, as that of `of`. */
function scaled(of: Spread, median: number): Pick<Spread, "median" | "low" | "high"> {
  return { median, low: (median * of.low) / of.median, high: (median * of.high) / of.median };
}

const perPacket: readonly Row[] = perPacketNames.map((name) => [
  PER_PACKET[name],
  (mode) => number(mode.perPacket[name]),
]);

const underlay: readonly Row[] = [
  ["underlay frames", (mode) => whole(mode.underlayFrames)],
  ["underlay bytes", (mode) => whole(mode.underlayBytes)],
  ["routed by the network node", (mode) => `${whole(mode.networkNode.routings)}`],
  ["  share of delivered packets", (mode) => percent(mode.networkNode.packetShare)],
  ["underlay frames at its card", (mode) => whole(mode.networkNode.underlayFrames)],
  ["  share of underlay frames", (mode) => percent(mode.networkNode.underlayShare)],
];

const ofLookups = (part: (mode: ModeResult) => number) => (mode: ModeResult) =>
  `${whole(part(mode))} (${percent(mode.cache.lookups === 0 ? null : part(mode) / mode.cache.lookups)})`;

const caches: readonly Row[] = [
  ["lookups", (mode) => whole(mode.cache.lookups)],
  ["  exact match", ofLookups((mode) => mode.cache.exactHits)],
  ["  megaflow", ofLookups((mode) => mode.cache.megaflowHits)],
  ["  upcall", ofLookups((mode) => mode.cache.upcalls)],
  ["subtables tried", (mode) => whole(mode.cache.subtableLookups)],
  ["OpenFlow table lookups", (mode) => whole(mode.cache.tableLookups)],
  ["megaflows at the end", (mode) => whole(mode.cache.megaflows)],
  ["masks at the end", (mode) => whole(mode.cache.masks)],
];

/** Frames that a real underlay would not carry as it is usually set up; "" when there are none. */
function longFrames(modes: readonly ModeResult[]): string {
  const counts = modes.map(({ mode, wires }) => ({
    mode,
    frames: wires.reduce((sum, wire) => sum + (wire.longFrames ?? 0), 0),
  }));
  const some = counts.filter(({ frames }) => frames > 0);
  if (some.length === 0) return "";
  return wrapped(
    `underlay frames longer than an MTU of 1500 bytes allows: ${some.map(({ mode, frames }) => `${mode} ${whole(frames)}`).join(", ")}; ` +
      "here they are carried, real cards need a larger MTU for them, or the VMs a smaller one",
  );
}

/** Why fewer subtables than one a megaflow hit are tried; "" where that is not so. */
function subtablesNote(modes: readonly ModeResult[]): string {
  if (!modes.some(({ cache }) => cache.subtableLookups < cache.megaflowHits)) return "";
  return wrapped(
    "fewer subtables tried than megaflow hits: packets whose flow an earlier one of their burst has just made try none",
  );
}

const rings: readonly Row[] = [
  ["frames a ring holds", (mode) => whole(mode.placement?.ringSlots ?? 0)],
  ["dropped, a ring was full", (mode) => whole(mode.placement?.ringDrops ?? 0)],
  ["waits for a full ring", (mode) => whole(mode.placement?.ringWaits ?? 0)],
];

function drops(modes: readonly ModeResult[]): string {
  const reasons = [...new Set(modes.flatMap((mode) => Object.keys(mode.drops)))].sort();
  if (reasons.length === 0) return "Drops: none\n";
  const cells = (reason: string): string[] => modes.map((mode) => whole(mode.drops[reason] ?? 0));
  return `Drops and other ends, by reason\n${dropTable(
    modes.map(({ mode }) => mode),
    reasons,
    cells,
  )}`;
}

type NodePort = NodeCost["ports"][number];
/** A bridge's own port (Open vSwitch's LOCAL): what the bridge sends there is for the host itself, or was flooded. */
const isBridgeItself = ({ name, bridge, type }: NodePort): boolean => type === "internal" && name === bridge;

const toBridgeItself = (mode: ModeResult, node: string, bridge: string): number =>
  nodeOf(mode, node)?.ports.find((port) => port.name === bridge && isBridgeItself(port))?.txPackets ?? 0;

/** Frames that arrived at a bridge's own port and went no further; "" when there are none. */
function endedAtBridges(modes: readonly ModeResult[]): string {
  const places = new Map<string, Row>();
  for (const node of modes.flatMap((mode) => mode.nodes)) {
    for (const port of node.ports) {
      if (!isBridgeItself(port) || port.txPackets === 0) continue;
      const where = `${port.name} of ${node.name}`;
      places.set(where, [where, (mode) => whole(toBridgeItself(mode, node.name, port.name))]);
    }
  }
  if (places.size === 0) return "";
  return (
    rows("Arrived at a bridge's own port and ended there", modes, [...places.values()]) +
    wrapped("copies that the bridge flooded, and frames for the host itself: no tunnel packet of this topology")
  );
}

/** What to look at when no frame reached a VM; "" when one did. */
function nothingDelivered(mode: ModeResult): string {
  if (mode.packets > 0 || mode.offered.packets === 0) return "";
  const hints = [`Nothing was delivered to a VM in ${mode.mode}.`];
  const atHost = mode.inputs.filter(({ port }) => port.includes("/"));
  if (atHost.length > 0) {
    const places = atHost.map(({ port }) => port).join(", ");
    hints.push(
      `The frames of ${places} must be those of ${mode.network} networks: for another kind see --network (gre, vxlan, vlan).`,
      "Keys, VLANs, outer addresses must be the topology's.",
    );
  } else hints.push("Addresses of the frames must be those of the topology's VMs and routers.");
  return `${hints.join("\n  ")}\n`;
}

function ping(mode: ModeResult): string {
  if (mode.firstPing.length === 0) return `First ping on the underlay, ${mode.mode}: none\n`;
  return `First ping on the underlay, ${mode.mode}\n${mode.firstPing.map((line) => `  ${line}\n`).join("")}`;
}

function capacity(modes: readonly ModeResult[]): string {
  const timed = modes.some((mode) => mode.times !== null);
  const mpps = (value: number | null): string => number(value === null ? null : value / 1e6);
  const list: Row[] = [
    ["Mpps of this cluster", ({ capacity: of }) => mpps(of.packetsPerSecond)],
    ["Gbit/s (layer 2)", ({ capacity: of }) => number(of.bitsPerSecond === null ? null : of.bitsPerSecond / 1e9)],
    ...(timed ? [["  CPU allows, Mpps", ({ capacity: of }: ModeResult) => limitText(of.cpu)] as const] : []),
    ["  card allows, Mpps", ({ capacity: of }) => limitText(of.nic)],
    ...(timed ? modes[0].capacity.scale : []).map(
      ({ computeNodes }, index): Row => [
        `Mpps with ${computeNodes} compute nodes`,
        ({ capacity: of }) => mpps(of.scale[index]?.packetsPerSecond ?? null),
      ],
    ),
  ];
  const { model, nicBitsPerSecond } = modes[0].capacity;
  return `${rows(`Capacity of the cluster, cards ${timed ? "" : "only, "}of ${number(nicBitsPerSecond / 1e9)} Gbit/s`, modes, list)}${wrapped(`model: ${model}`)}`;
}

const limitText = (limit: { readonly packetsPerSecond: number; readonly node: string } | null): string =>
  limit === null ? "-" : `${number(limit.packetsPerSecond / 1e6)} (${limit.node})`;

function conservation(modes: readonly ModeResult[]): string {
  const broken = modes.flatMap((mode) => mode.conservation.violations.map((line) => `  ${mode.mode}: ${line}\n`));
  return broken.length === 0 ? "Counters add up in every mode.\n" : `Counters do not add up:\n${broken.join("")}`;
}
