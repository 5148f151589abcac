/** Packets a second on one core, with intervals; and what each of them costs in work. */
import { LAYER1_OCTETS } from "../../trial/capacity.ts";
import { type ModeResult, type PerPacket, perPacketNames, type RunResult } from "../../trial/result.ts";
import { isDisturbed } from "../../trial/sampling.ts";
import { digits, share, tickNumber, tickUnit, times, whole, withUnit } from "../amount.ts";
import { barPlot } from "../bar-plot.ts";
import { type Absent, type Figure, NARROW, WIDE } from "../figure.ts";
import { type Child, datum } from "../markup.ts";
import { modeName, toneOf } from "../plot.ts";

export function throughputFigure(result: RunResult, suffix: string): Figure | Absent {
  const id = `throughput${suffix}`;
  const topic = "Throughput of the whole cluster on this machine";
  const modes = Object.values(result.modes).filter(({ times }) => times !== null);
  if (modes.length === 0) return { id, topic, sentence: "This run counted only and took no time (--no-timing)." };
  const spreadOf = (mode: ModeResult) => mode.times?.nsPerPacket ?? { median: 0, low: 0, high: 0, samples: 0 };
  const interval = (mode: ModeResult): readonly [number, number] => [
    1e9 / spreadOf(mode).high,
    1e9 / spreadOf(mode).low,
  ];
  const pps = (mode: ModeResult): number => mode.packetsPerSecond ?? 0;
  return {
    id,
    topic,
    headline: headline(modes, interval),
    text: [
      "All hosts share the processor here, so this is total work, not what a real cluster carries: see the curves below for that. Median and its 95 % interval.",
    ],
    pictures: [
      {
        name: "bars",
        wide: WIDE,
        narrow: NARROW,
        draw: barPlot({
          title: "Throughput by mode",
          description: modes.map((mode) => `${modeName(mode.mode)}: ${withUnit(pps(mode), "pps")}`).join("; "),
          axis: "delivered packets a second",
          tick: (value) => tickUnit(value, "pps"),
          groups: [
            {
              name: "",
              bars: modes.map((mode, i) => ({
                name: modeName(mode.mode),
                tone: toneOf(mode.mode, i),
                value: pps(mode),
                interval: interval(mode),
                shown: withUnit(pps(mode), "pps"),
              })),
            },
          ],
        }),
      },
    ],
    notes: modes.some(({ times }) => isDisturbed(times))
      ? [
          `Others had the core for ${modes.map((mode) => `${share(mode.times?.waitedShare ?? null)} (${modeName(mode.mode)})`).join(" and ")} of the measured time: measure again on a machine that is less busy.`,
        ]
      : [],
    tables: [
      {
        caption: "Per delivered packet, warm passes",
        head: [
          "",
          "packets/s",
          "95 % interval",
          "ns a packet",
          "95 % interval",
          "mean frame, bytes",
          "bit/s, layer 2",
          "bit/s, layer 1",
          "samples",
        ],
        rows: modes.map((mode): Child[] => {
          const { median, low, high, samples } = spreadOf(mode);
          const [slow, fast] = interval(mode);
          const frame = mode.times?.frameBytes ?? 0;
          const layer1 = pps(mode) * (frame + LAYER1_OCTETS) * 8;
          return [
            modeName(mode.mode),
            datum(pps(mode), withUnit(pps(mode), "")),
            `${withUnit(slow, "")} to ${withUnit(fast, "")}`,
            datum(median, digits(median)),
            `${digits(low)} to ${digits(high)}`,
            datum(frame, digits(frame)),
            datum(mode.bitsPerSecond, withUnit(mode.bitsPerSecond, "")),
            datum(layer1, withUnit(layer1, "")),
            whole(samples),
          ];
        }),
      },
    ],
  };
}

function headline(modes: readonly ModeResult[], interval: (mode: ModeResult) => readonly [number, number]): string {
  const legacy = modes.find(({ mode }) => mode === "legacy");
  const dvr = modes.find(({ mode }) => mode === "dvr");
  if (legacy === undefined || dvr === undefined) {
    return modes.map((mode) => `${modeName(mode.mode)} carries ${withUnit(mode.packetsPerSecond, "pps")}`).join(", ");
  }
  const [a, b] = [interval(legacy), interval(dvr)];
  if (a[0] <= b[1] && b[0] <= a[1]) return "No difference in total work: the intervals of legacy and DVR overlap";
  const [fast, slow] = (dvr.packetsPerSecond ?? 0) > (legacy.packetsPerSecond ?? 0) ? [dvr, legacy] : [legacy, dvr];
  return `${modeName(fast.mode)} carries ${times(fast.packetsPerSecond ?? 0, slow.packetsPerSecond ?? 0)} as many packets as ${slow.mode === "dvr" ? "DVR" : "legacy"} for the same processor time`;
}

const WORK: Readonly<Record<PerPacket, string>> = {
  passes: "passes through a datapath",
  tunnelPasses: "of these with a tunnel header",
  encapsulations: "encapsulations",
  decapsulations: "decapsulations",
  routings: "routings",
  underlayFrames: "frames on the underlay",
  underlayBytes: "bytes on the underlay",
};

export function workFigure(result: RunResult, suffix: string): Figure {
  const modes = Object.values(result.modes);
  const names = perPacketNames.filter((name) => name !== "underlayBytes");
  return {
    id: `work${suffix}`,
    topic: "Work for one delivered packet",
    headline: workHeadline(modes),
    text: ["Counted exactly in the pass from cold caches, divided by the packets that VMs received."],
    pictures: [
      {
        name: "bars",
        wide: WIDE,
        narrow: NARROW,
        draw: barPlot({
          title: "Work for one delivered packet, by mode",
          description: names
            .map(
              (name) =>
                `${WORK[name]}: ${modes.map((mode) => `${modeName(mode.mode)} ${digits(mode.perPacket[name])}`).join(", ")}`,
            )
            .join("; "),
          axis: "for one delivered packet",
          tick: tickNumber,
          groups: names.map((name) => ({
            name: WORK[name],
            bars: modes.map((mode, i) => ({
              name: modeName(mode.mode),
              tone: toneOf(mode.mode, i),
              value: mode.perPacket[name] ?? 0,
              interval: null,
              shown: digits(mode.perPacket[name]),
            })),
          })),
        }),
      },
    ],
    tables: [
      {
        caption: "Counts of the cold pass, and for one delivered packet",
        head: ["", ...modes.flatMap(({ mode }) => [`${modeName(mode)}, in all`, "a packet"])],
        rows: [
          ["delivered packets", ...modes.flatMap((mode) => [datum(mode.packets, whole(mode.packets)), ""])],
          ...perPacketNames.map((name): Child[] => [
            WORK[name],
            ...modes.flatMap((mode) => [
              datum(mode[name], whole(mode[name])),
              datum(mode.perPacket[name], digits(mode.perPacket[name])),
            ]),
          ]),
        ],
      },
    ],
  };
}

function workHeadline(modes: readonly ModeResult[]): string {
  const legacy = modes.find(({ mode }) => mode === "legacy");
  const dvr = modes.find(({ mode }) => mode === "dvr");
  const fewer =
    legacy === undefined || dvr === undefined
      ? null
      : times(legacy.perPacket.underlayFrames ?? 0, dvr.perPacket.underlayFrames ?? 0);
  if (fewer !== null && legacy !== undefined && dvr !== undefined && legacy.underlayFrames > dvr.underlayFrames) {
    return `DVR puts ${fewer} fewer frames on the underlay`;
  }
  return modes
    .map((mode) => `${modeName(mode.mode)}: ${digits(mode.perPacket.underlayFrames)} underlay frames a packet`)
    .join(", ");
}
